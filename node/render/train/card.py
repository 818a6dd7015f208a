"""The model card: README.md of the model folder, made from the facts in card.json and from nothing else."""

from __future__ import annotations

import hashlib
import json
import shlex
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from node.errors import RenderError
from node.render.recipe import MOODS
from node.render.train.floors import rows

CARD: Final = "README.md"
FACTS: Final = "card.json"
_FRONT: Final = """---
license: apache-2.0
library_name: diffusers
pipeline_tag: unconditional-image-generation
tags:
- diffusion
- latent-diffusion
- integer-arithmetic
- deterministic
- generative-art
inference: false
---
"""
_ABOUT: Final = """
# Patina: a shore under a sky

A conditional latent diffusion model in integers. From a token's 32-byte seed, a mood and three signals it draws one
picture, and every machine that draws it gets the same bytes. It is the renderer of Patina, a network whose nodes sign
the pictures they agree on.

This card is made by `patina model card` from `card.json`; a test keeps the two equal.

## Use

Meant for the editions of Patina: `patina render` draws with it, and `PatinaPipeline.from_pretrained` of
`node.render.pipeline` opens this folder as a diffusers pipeline. A recipe names the model by its digest, which
covers every file that can change a pixel; this card is none of them.

It takes no text and draws one world only, a shore in eight moods:
{moods}.
It knows no people, no letters and no other subject. Signals that are near their extremes at once are rare in its
training set, and their pictures may look strained. Nothing follows from a picture about the worth of the vault whose
mood it shows.

## Data

{data}
No photograph, no foreign picture and no text was used: a program of the project (`node/render/train/world.py`) paints
every training picture from a seed, so the set can be made again and carries the project's own licence.
"""
_STAGES: Final = {
    "autoencoder": "encoder and decoder, pictures to latents of 8 planes of 32 x 32 and back",
    "diffusion": "UNet, v-prediction on a squared-cosine schedule of 1,000 steps; averaged weights are kept",
    "decoder": "decoder, shown the scene beside what the UNet predicts",
}
_FIGURES: Final = """
How they are measured: `patina model evaluate` draws {tokens} tokens that no training saw in every mood, {pictures}
pictures of {size} x {size} px{seed}.

- Float against integer: PSNR of this model's picture against the float networks it was quantised from.
- Mood: a convolutional network of four layers is taught {taught} training pictures of 64 x 64 px and reads the model's.
- Diversity: Vendi score (Friedman and Dieng, TMLR 2023) of each mood by itself, mean over moods, against as many
  training pictures of that mood; cosine kernel of features seen from the training pictures' mean. Features are the
  classifier's last 64, and 16 x 16 px.
- Composition: edges at 64 x 64 px; a token is found again if, of all tokens in another mood, its own picture
  correlates best.
- Crispness: at {size} px, against as many training pictures.
"""


def text(facts: Mapping[str, Any]) -> str:
    """The whole card. `facts`: "data", "parameters", "training", "files", and "figures" once they are measured."""
    data = facts["data"]
    shown = f"{data['pictures']:,} generated pictures of {data['size']} x {data['size']} px."
    parts = [_FRONT, _ABOUT.format(moods=", ".join(MOODS), data=shown), _training(facts), _files(facts)]
    parts.append(_quality(facts))
    parts.append("\n## Licence\n\nApache-2.0, weights and code.\n")
    return "".join(parts)


def _training(facts: Mapping[str, Any]) -> str:
    table = [
        (
            row["stage"],
            _STAGES.get(row["stage"], ""),
            f"{row['steps']:,}",
            f"{row['loss']:.4f}",
            f"{row['psnr']:.1f} dB" if "psnr" in row else "",
            _duration(row["seconds"]),
        )
        for row in facts["training"]
    ]
    head = ("stage", "what it trains", "steps", "loss", "PSNR", "time")
    return (
        "\n## Training\n\n"
        f"{facts['parameters'] / 1e6:.2f} million parameters, trained by `patina model train` and then quantised to "
        "integers by `patina model quantise`.\nLoss and PSNR are means over the last records of a stage.\n\n"
        + _table(head, table)
    )


def _files(facts: Mapping[str, Any]) -> str:
    table = [(f"`{name}`", f"{file['bytes']:,}", f"`{file['sha256']}`") for name, file in facts["files"].items()]
    digest = facts.get("digest")
    said = (
        "Recipes name the digest that `patina model export` prints.\n\n"
        if digest is None
        else f"Model digest: `{digest}`\n\n"
    )
    return "\n## Files\n\n" + said + _table(("file", "bytes", "sha2-256"), table)


def _quality(facts: Mapping[str, Any]) -> str:
    figures = facts.get("figures")
    if figures is None or figures["model"] != fingerprint(facts["files"]):
        return "\n## Quality\n\nThese weights are not measured yet: `patina model evaluate --write`.\n"
    table = [
        (row.name, row.shown(row.value), "" if row.floor is None else row.shown(row.floor)) for row in rows(figures)
    ]
    confusion = [(mood, *map(str, line)) for mood, line in zip(MOODS, figures["classifier"]["confusion"], strict=True)]
    return (
        "\n## Quality\n\n"
        + _table(("figure", "value", "floor"), table)
        + _FIGURES.format(
            tokens=figures["tokens"],
            pictures=figures["pictures"],
            seed=f", with `--seed {shlex.quote(figures['seed'])}`" if "seed" in figures else "",
            size=figures["size"],
            taught=f"{figures['classifier']['taught']:,}",
        )
        + "\nMood drawn (row) against mood read (column):\n\n"
        + _table(("", *MOODS), confusion)
    )


def fingerprint(files: Mapping[str, Mapping[str, Any]]) -> str:
    """What tells the files that were measured: sha2-256 over their names and digests."""
    return hashlib.sha256("".join(f"{name} {files[name]['sha256']}\n" for name in sorted(files)).encode()).hexdigest()


def _table(head: tuple[str, ...], lines: Sequence[tuple[str, ...]]) -> str:
    return "".join(f"| {' | '.join(line)} |\n" for line in (head, ("---",) * len(head), *lines))


def _duration(seconds: float) -> str:
    minutes = max(1, round(seconds / 60))
    return f"{minutes} min" if minutes < 120 else f"{minutes / 60:.1f} h"


def facts(model: Path) -> dict[str, Any]:
    """What card.json of a model folder says; RenderError if it is not there or broken."""
    try:
        found: dict[str, Any] = json.loads((model / FACTS).read_bytes())
    except (OSError, ValueError) as error:
        raise RenderError(f"{model / FACTS}: cannot be read ({error}): `patina model export` writes it") from error
    return found


def current(model: Path, digest: str | None) -> bool:
    """Whether the card is what card.json makes, and card.json is of the files and the model digest that are there."""
    known = facts(model)
    same = (model / CARD).exists() and (model / CARD).read_text(encoding="utf-8") == text(known)
    return same and known.get("digest") == digest and known["files"] == files(model)


def files(model: Path) -> dict[str, dict[str, Any]]:
    """Size and digest of every file of a model folder, but of its card; RenderError if there is none."""
    found: dict[str, dict[str, Any]] = {}
    for path in sorted(model.rglob("*")):
        name = path.relative_to(model).as_posix()
        if path.is_file() and name not in (CARD, FACTS):
            content = path.read_bytes()
            found[name] = {"bytes": len(content), "sha256": hashlib.sha256(content).hexdigest()}
    if not found:
        raise RenderError(f"{model} holds no model: `patina model quantise` makes one")
    return found


def write(model: Path, known: Mapping[str, Any]) -> None:
    """Writes card.json and the card, each all or nothing."""
    try:
        card = text(known)
    except (KeyError, TypeError) as error:
        raise RenderError(f"{model / FACTS}: lacks what the card tells: {error}") from error
    _put(model / FACTS, json.dumps(known, indent=1, sort_keys=False) + "\n")
    _put(model / CARD, card)


def _put(path: Path, content: str) -> None:
    partial = path.with_name(path.name + ".tmp")
    partial.write_text(content, encoding="utf-8")
    partial.replace(path)
