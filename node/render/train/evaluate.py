"""How good a model is: figures, some with floors, from its own pictures and the training set's."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from node.errors import RenderError
from node.render.exact import probe
from node.render.exact.quantise import fidelity
from node.render.recipe import MOODS
from node.render.scene import PICTURE
from node.render.train import card, classifier, composition, diversity, drawing
from node.render.train.dataset import Pictures
from node.render.train.sight import THUMBNAIL, Sight, see, shrunk, structure

CLASSIFIER_PICTURES = 2500
_PALETTE = 16  # pixels a side at which pictures are compared as pixels: colours and masses, no grain
Counts = Callable[[str, int, int], None]
"""Told what is being done, how much of it is done, and how much there is."""


@dataclass(frozen=True)
class Reference:
    """The generator's pictures: `taught` to the classifier, and `held` back from it, with their moods."""

    taught: NDArray[np.uint8]
    taught_moods: NDArray[np.int64]
    held: list[Sight]
    held_moods: NDArray[np.int64]


def reference(folder: Path, tokens: int, progress: Counts) -> Reference:
    """Reads the set: `tokens` pictures of every mood from its end are held back, the first 2,500 others are taught.

    RenderError if the set is missing or too small.
    """
    pictures = Pictures(folder)
    moods = pictures.rows("vectors", range(len(pictures)))[:, : len(MOODS)].argmax(1)
    held = np.sort(np.concatenate([np.flatnonzero(moods == mood)[-tokens:] for mood in range(len(MOODS))]))
    taught = np.setdiff1d(np.arange(len(pictures)), held)[:CLASSIFIER_PICTURES]
    if len(held) < tokens * len(MOODS) or set(moods[taught].tolist()) != set(range(len(MOODS))):
        raise RenderError(
            f"{folder}: {len(pictures)} training pictures are too few to measure {tokens} tokens by: evaluate fewer "
            "--pictures, or make more with `patina model train --stage dataset`"
        )
    seen: list[Sight] = []
    for index in (*held.tolist(), *taught.tolist()):
        picture = pictures.rows("pictures", range(index, index + 1))[0]
        seen.append(see(picture) if len(seen) < len(held) else Sight(shrunk(picture, THUMBNAIL), 0, 0))
        progress("reading the training set", len(seen), len(held) + len(taught))
    thumbnails = np.stack([sight.thumbnail for sight in seen[len(held) :]])
    return Reference(thumbnails, moods[taught], seen[: len(held)], moods[held])


def measure(sights: list[Sight], known: Reference, read_by: classifier.Classifier) -> dict[str, Any]:
    """Every figure that pictures alone tell: `sights` token by token, each token in all moods.

    "model" and "training" are always measured in the same way, on as many pictures of the same moods.
    """
    tokens = len(sights) // len(MOODS)
    moods = np.tile(np.arange(len(MOODS)), tokens)
    thumbnails = np.stack([sight.thumbnail for sight in sights])
    held = np.stack([sight.thumbnail for sight in known.held])
    read, features = read_by.read(thumbnails)
    held_read, held_features = read_by.read(held)
    shapes = np.stack([structure(thumbnail) for thumbnail in thumbnails]).reshape(tokens, len(MOODS), -1)
    return {
        "classifier": {
            "taught": len(known.taught),
            "model": _rounded(float((read == moods).mean()), 4),
            "training": _rounded(float((held_read == known.held_moods).mean()), 4),
            "confusion": classifier.confusion(moods, read).tolist(),
        },
        "diversity": {
            "features": _diversity(features, held_features, moods, known.held_moods),
            "pixels": _diversity(_colours(thumbnails), _colours(held), moods, known.held_moods),
        },
        "crispness": {
            "laplacian": _pair([s.laplacian for s in sights], [s.laplacian for s in known.held], 1),
            "fine": _pair([s.fine for s in sights], [s.fine for s in known.held], 4),
        },
        "composition": {key: _rounded(value, 4) for key, value in asdict(composition.compare(shapes)).items()},
    }


def _colours(thumbnails: NDArray[np.uint8]) -> NDArray[np.float64]:
    return np.stack([shrunk(thumbnail, _PALETTE).ravel() for thumbnail in thumbnails]).astype(np.float64)


def _diversity(
    model: NDArray[np.float64], held: NDArray[np.float64], moods: NDArray[np.int64], held_moods: NDArray[np.int64]
) -> dict[str, Any]:
    """Mean over moods of the two Vendi scores, each mood by itself: between moods every set is diverse."""
    scores = [diversity.against(model[moods == mood], held[held_moods == mood]) for mood in range(len(MOODS))]
    return _pair([score for score, _ in scores], [score for _, score in scores], 2)


def _pair(model: list[float], training: list[float], digits: int) -> dict[str, Any]:
    ours, theirs = float(np.mean(model)), float(np.mean(training))
    return {
        "model": _rounded(ours, digits),
        "training": _rounded(theirs, digits),
        "ratio": _rounded(ours / theirs, 3) if theirs else None,
    }


def _rounded(value: float, digits: int) -> float:
    """For JSON: no figure here is known to more digits."""
    return round(value, digits) if math.isfinite(value) else value


def evaluate(
    work: Path, model: Path, pictures: int, engine: str, processes: int, progress: Counts, seed: str = ""
) -> dict[str, Any]:
    """Measures the model in a folder on `pictures` of its own, a multiple of 8 and at least 16.

    `work` holds the training set and the float checkpoints that it was quantised from. `seed` chooses the tokens that
    are drawn, and those that are compared with float; "" those that were looked at while the model was made.
    RenderError if something is missing.
    """
    tokens = pictures // len(MOODS)
    if tokens < 2:
        raise RenderError(f"{pictures} pictures are too few: two tokens in each of {len(MOODS)} moods are the least")
    brush = drawing.Brush(model, probe.engine(model, engine).name)
    known = reference(work / "set", tokens, progress)
    progress("teaching the classifier", 0, 1)
    read_by = classifier.train(known.taught, known.taught_moods)
    progress("teaching the classifier", 1, 1)
    total = tokens * len(MOODS)
    sights = list(
        drawing.sights(brush, drawing.tokens(tokens, seed), processes, lambda done: progress("drawing", done, total))
    )
    progress("comparing with float", 0, 1)
    close = fidelity(work, model, tokens, drawing.recipe().steps, brush.engine, seed)
    progress("comparing with float", 1, 1)
    return {
        "model": card.fingerprint(card.files(model)),
        "pictures": total,
        "tokens": tokens,
        **({"seed": seed} if seed else {}),
        "size": PICTURE,
        "steps": drawing.recipe().steps,
        "fidelity": {
            "pictures": len(close.decibels),
            "worst": _rounded(close.worst, 2),
            "median": _rounded(close.median, 2),
        },
        **measure(sights, known, read_by),
    }
