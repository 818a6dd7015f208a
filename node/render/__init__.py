"""Artworks from recipes: a seeded diffusion model behind one function, `render`."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Final

from node.errors import RenderError
from node.render.recipe import Recipe

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

__all__ = ["MODEL_DIGEST", "Recipe", "model_digest", "render"]

MODEL_DIGEST: bytes  # computed on first use: hashing the weights is no part of an import

_HERE: Final = Path(__file__).parent
# Every file that can change a pixel, in the order in which the digest takes them.
MODEL_FILES: Final = (
    "model/weights.safetensors",
    "model/model.json",
    "model/normal.bin",
    "network.py",
    "noise.py",
    "painter.py",
    "recipe.py",
    "scene.py",
)


@cache
def model_digest(root: Path = _HERE) -> bytes:
    """sha2-256 over every file that can change a pixel: for each its name, a zero byte, its length, its bytes."""
    total = hashlib.sha256(b"patina-model/1\0")
    for name in MODEL_FILES:
        try:
            content = (root / name).read_bytes()
        except OSError as error:
            raise RenderError(f"model: {name} cannot be read: {error.strerror}") from error
        total.update(name.encode() + b"\0" + len(content).to_bytes(8, "big"))
        total.update(content)
    return total.digest()


def __getattr__(name: str) -> bytes:
    if name == "MODEL_DIGEST":
        return model_digest()
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def render(recipe: Recipe, seed: bytes, band: int, signals: Sequence[int]) -> NDArray[np.uint8]:
    """The artwork of a 32-byte token seed in a band under signed wads (volatility, drawdown, flow).

    Returns uint8 of shape (256, 256, 3), RGB. Loads torch on first use, then takes a good part of a second on one
    core: call it in a worker process (`node.render.pool`). Raises RenderError for a recipe of another model, a
    band or a number of signals that the recipe does not have, or a seed that is not 32 bytes.
    """
    if recipe.model != model_digest():
        raise RenderError(
            f"recipe {recipe.name!r} asks for model {recipe.model.hex()}, this build renders {model_digest().hex()}"
        )
    if len(seed) != 32:
        raise RenderError(f"seed: {len(seed)} bytes instead of 32")
    recipe.mood(band)
    recipe.levels(signals)
    from node.render.painter import shipped

    return shipped(_HERE / "model").paint(recipe, bytes(seed), band, tuple(signals))
