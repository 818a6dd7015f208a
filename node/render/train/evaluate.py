"""How good the shipped model is: figures, some with floors, from its own pictures and the training set's."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from node.errors import RenderError
from node.render import model_digest
from node.render.recipe import MOODS
from node.render.train import classifier, composition, diversity, drawing
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


def reference(folder: Path, tokens: int, size: int | None, progress: Counts) -> Reference:
    """Reads the set: `tokens` pictures of every mood from its end are held back, the first 2,500 others are taught.

    Crispness is measured at `size` pixels. RenderError if the set is missing or too small.
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
        seen.append(see(picture, size) if len(seen) < len(held) else Sight(shrunk(picture, THUMBNAIL), 0, 0))
        progress("reading the training set", len(seen), len(held) + len(taught))
    thumbnails = np.stack([sight.thumbnail for sight in seen[len(held) :]])
    return Reference(thumbnails, moods[taught], seen[: len(held)], moods[held])


def picture_size(folder: Path) -> int:
    """Pixels a side of the set's pictures; RenderError if there is no set."""
    return int(Pictures(folder).rows("pictures", range(1)).shape[1])


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


def evaluate(work: Path, pictures: int, processes: int, progress: Counts) -> dict[str, Any]:
    """Measures the shipped model on `pictures` of its own (a multiple of 8, at least 16); `work` holds the set."""
    tokens = pictures // len(MOODS)
    if tokens < 2:
        raise RenderError(f"{pictures} pictures are too few: two tokens in each of {len(MOODS)} moods are the least")
    first = drawing.picture(drawing.tokens(1, drawing.recipe().full_scales)[0], 0)
    size = min(len(first), picture_size(work / "set"))
    known = reference(work / "set", tokens, size, progress)
    progress("teaching the classifier", 0, 1)
    read_by = classifier.train(known.taught, known.taught_moods)
    progress("teaching the classifier", 1, 1)
    total = tokens * len(MOODS)
    drawn = drawing.sights(tokens, size, processes, lambda done: progress("drawing", done, total))
    figures = measure(list(drawn), known, read_by)
    return {"model": model_digest().hex(), "pictures": total, "tokens": tokens, "size": len(first), **figures}
