"""Artworks from recipes: a seeded diffusion model behind one function, `render`."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from contextlib import nullcontext
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Final

from node.errors import RenderError
from node.render.recipe import Recipe

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from node.render.reading import AnyRecipe

__all__ = ["MODEL_DIGEST", "Recipe", "check", "model_digest", "render", "render_batch"]

MODEL_DIGEST: bytes  # computed on first use: hashing the weights is no part of an import

_HERE: Final = Path(__file__).parent
# Every file that can change a pixel, in the order in which the digest takes them. Engines are held to the reference by
# a probe, so that what makes them fast is not among them.
MODEL_FILES: Final = (
    "model/decoder/config.json",
    "model/decoder/diffusion_pytorch_model.safetensors",
    "model/normal.bin",
    "model/scheduler/scheduler_config.json",
    "model/unet/config.json",
    "model/unet/diffusion_pytorch_model.safetensors",
    "exact/arithmetic.py",
    "exact/decoder.py",
    "exact/embedding.py",
    "exact/inputs.py",
    "exact/integers.py",
    "exact/layers.py",
    "exact/reference.py",
    "exact/renderer.py",
    "exact/scheduler.py",
    "exact/split.py",
    "exact/unet.py",
    "guide/__init__.py",
    "guide/buildings.py",
    "guide/canvas.py",
    "guide/grain.py",
    "guide/land.py",
    "guide/trees.py",
    "guide/weather.py",
    "document.py",
    "noise.py",
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


def check(recipe: AnyRecipe, seeds: Sequence[bytes], band: int, signals: Sequence[int]) -> None:
    """Refuse before any work starts what no engine of this build could draw: RenderError says why."""
    if not isinstance(recipe, Recipe):
        recipe.band(band, signals)
    elif recipe.model != model_digest():
        raise RenderError(
            f"recipe {recipe.name!r} asks for model {recipe.model.hex()}, this build renders {model_digest().hex()}"
        )
    else:
        recipe.mood(band)
        recipe.levels(signals)
    for index, seed in enumerate(seeds):
        if len(seed) != 32:
            raise RenderError(f"seed {index}: {len(seed)} bytes instead of 32")


def render(
    recipe: Recipe, seed: bytes, band: int, signals: Sequence[int], *, engine: str = "auto", threads: int = 1
) -> NDArray[np.uint8]:
    """The artwork of a 32-byte token seed in a band under signed wads (volatility, drawdown, flow).

    Returns uint8 of shape (512, 512, 3), RGB: the same bytes for every engine, "auto" (the fastest that is right here),
    "numpy" (the reference: without torch, half a minute and more), "torch" or "cuda". An engine is probed at its first
    use in a process; both that and the picture take a good part of a second: call it in a worker (`node.render.pool`).
    `threads` is how many torch may use meanwhile: more of them are slower wherever something else wants a core.

    Raises RenderError for a recipe of another model, a band or a number of signals that the recipe does not have, a
    seed that is not 32 bytes, or an engine that is not there or not right on this machine.
    """
    return render_batch(recipe, [seed], band, signals, engine=engine, threads=threads)[0]


def render_batch(
    recipe: Recipe, seeds: Sequence[bytes], band: int, signals: Sequence[int], *, engine: str = "auto", threads: int = 1
) -> list[NDArray[np.uint8]]:
    """What `render` draws for each of several seeds, drawn side by side: the same bytes, in less time."""
    check(recipe, seeds, band, signals)
    if not seeds:
        return []
    from node.render.exact import kernels, probe
    from node.render.exact.inputs import inputs

    pictures = [inputs(recipe, seed, band, signals) for seed in seeds]
    with nullcontext() if engine == "numpy" else kernels.threads(threads):
        return probe.engine(_HERE / "model", engine).draw(pictures, recipe.steps)
