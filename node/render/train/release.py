"""Quantises the trained networks, checks what came out, and puts it in its place, all or nothing."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path
from typing import Any, Final

import numpy as np
import torch

from node.errors import RenderError
from node.render import model_digest
from node.render.exact import probe
from node.render.exact import quantise as quantising
from node.render.exact.quantise.rounding import reach
from node.render.scene import PICTURE
from node.render.train import card, records

LARGEST: Final = 12_000_000  # bytes of a model folder: it lives in git and on every node
SHIPPED: Final = Path(__file__).parents[1] / "model"
_BOUND: Final = 2**24  # what float32 counts to


def quantised(work: Path) -> Path:
    """Where the quantised model of a working folder lies."""
    return work / "model"


def quantise(work: Path, pictures: int = 48) -> int:
    """Quantises the float checkpoints of a working folder, calibrated on `pictures`; returns the model's size in bytes.

    RenderError if a checkpoint is missing or a layer cannot be kept within its bounds.
    """
    with tempfile.TemporaryDirectory(dir=work, prefix=".quantise.") as partial:
        fresh = Path(partial) / "model"
        quantising.quantise(work, fresh, pictures)
        # The known picture, by the slow reference: what every engine is held to wherever it draws.
        (fresh / probe.GOLDEN).write_text(probe.golden(fresh), encoding="utf-8")
        put(fresh, quantised(work), _known(work, fresh))
    return _size(quantised(work))


def export(work: Path, model: Path) -> str | None:
    """Checks the quantised model and puts it in place of the folder `model`; returns as `digest` does.

    RenderError, with nothing changed, if it is not what was quantised, is too large, may overflow, or is drawn
    otherwise by the reference than by the kernels.
    """
    source = quantised(work)
    known = card.facts(source)
    if known["files"] != card.files(source):
        raise RenderError(f"{source} is not what was quantised: quantise again")
    check(source)
    put(source, model, known)
    return describe(model)


def digest(model: Path) -> str | None:
    """The digest that recipes name, in hex, of the model that ships; None for a folder elsewhere."""
    if model.resolve() != SHIPPED.resolve():
        return None
    model_digest.cache_clear()
    return model_digest().hex()


def describe(model: Path, figures: dict[str, Any] | None = None) -> str | None:
    """Writes a folder's card again, with the digest that it has by now and, if given, new figures; returns the digest.

    RenderError if the folder's files are not those that card.json knows.
    """
    known = card.facts(model)
    if known["files"] != card.files(model):
        raise RenderError(f"{model}: its files are not those of {card.FACTS}: export the model again")
    found = digest(model)
    kept = {key: value for key, value in known.items() if key not in ("digest", "figures")}
    card.write(
        model,
        kept
        | ({} if found is None else {"digest": found})
        | ({"figures": figures or known["figures"]} if figures or "figures" in known else {}),
    )
    return found


def check(model: Path) -> None:
    """RenderError unless a model is small enough, within its bounds, and its known picture comes out of a kernel."""
    size = _size(model)
    if size > LARGEST:
        raise RenderError(f"{model}: {size:,} bytes, a model may have {LARGEST:,}")
    for path in sorted(model.glob("*/*.safetensors")):
        bounds(path)
    probe.engine.cache_clear()
    probe.engine(model, "torch")


def bounds(path: Path) -> None:
    """RenderError unless every convolution in a file of arrays keeps |sum + bias| below 2**24 for any input."""
    from safetensors.numpy import load_file

    arrays = load_file(path)
    for name in sorted(arrays):
        layer = name.removesuffix(".weight")
        if layer == name or arrays[name].dtype != np.int8:
            continue
        take = int(arrays[f"{layer}.range"][0])
        most = reach(arrays[name].astype(np.float64), take) + np.abs(arrays[f"{layer}.bias"].astype(np.float64))
        if most.max() >= _BOUND:
            raise RenderError(f"{path.parent.name}: sums of {layer} may reach {most.max():.0f}, 2**24 is too many")


def put(source: Path, model: Path, known: dict[str, Any]) -> None:
    """Replaces the folder `model` by a copy of `source` with its card; `known` is what the card tells.

    The copy is complete before the old folder moves away, so whatever is cut off leaves a whole model: the old one,
    the new one, or, between two renames, the old one beside its place, which the next call puts back.
    """
    fresh, old = model.with_name(f".{model.name}.new"), model.with_name(f".{model.name}.old")
    try:
        _restore(model, old)
        shutil.rmtree(fresh, ignore_errors=True)
        shutil.copytree(source, fresh)
        card.write(fresh, known)
        for path in (fresh, *fresh.rglob("*")):
            path.chmod(0o755 if path.is_dir() else 0o644)
        if model.exists():
            model.rename(old)
        fresh.rename(model)
    except OSError as error:
        raise RenderError(f"{model} cannot be written: {error}") from error
    finally:
        _restore(model, old)
        shutil.rmtree(fresh, ignore_errors=True)


def _restore(model: Path, old: Path) -> None:
    """Puts the old model back if there is none in its place, and else takes it away."""
    if old.exists():
        if model.exists():
            shutil.rmtree(old)
        else:
            old.rename(model)


def _size(model: Path) -> int:
    return sum(int(file["bytes"]) for file in card.files(model).values())


def _known(work: Path, model: Path) -> dict[str, Any]:
    """What the card of a model tells that is not measured yet."""
    floating = quantising.load(work)
    parameters = sum(each.numel() for part in (floating.denoiser, floating.decoder) for each in part.parameters())
    pictures = len(torch.load(work / "latents.pt", mmap=True)["latents"])
    return {
        "data": {"pictures": pictures, "size": PICTURE},
        "parameters": parameters,
        "training": records.summary(records.read(work / records.FILE)),
        "files": card.files(model),
    }
