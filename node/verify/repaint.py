"""Renders a token again and compares: bytes for an exact recipe, distance for one that agrees by tolerance."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from node.errors import RenderError
from node.verify.sheet import UntoldError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from node.render.reading import AnyRecipe

    Paint = Callable[[AnyRecipe, bytes, int, Sequence[int]], NDArray[np.uint8]]
    """Recipe, 32-byte seed, band and signed wads to uint8 pixels (H, W, 3); blocks until they are drawn."""


def painter(engine: str = "auto", pipelines: Path | None = None) -> Paint:
    """Paints with this build's renderer on an engine; pipeline recipes from a folder of pipelines, where given."""

    def paint(recipe: AnyRecipe, seed: bytes, band: int, signals: Sequence[int]) -> NDArray[np.uint8]:
        from node.render import render
        from node.render.recipe import Recipe

        if isinstance(recipe, Recipe):
            return render(recipe, seed, band, signals, engine=engine)
        if pipelines is None:
            raise RenderError(
                f"recipe {recipe.name!r} is painted by another pipeline: --pipelines names the folder that holds the "
                f"one with digest {recipe.model.hex()}"
            )
        from node.render.tolerance.painter import render as render_pipeline

        device = {"cuda": "cuda", "torch": "cpu"}.get(engine, "auto")
        return render_pipeline(recipe, seed, band, signals, pipelines=pipelines, device=device)

    return paint


def check_model(recipe: AnyRecipe) -> str:
    """The recipe asks for the model of this build; RenderError if not. A pipeline's is checked when it is opened."""
    from node.render import model_digest
    from node.render.recipe import Recipe

    if not isinstance(recipe, Recipe):
        return f"a pipeline with digest 0x{recipe.model.hex()[:16]}..., checked when it is opened"
    if recipe.model != model_digest():
        raise RenderError(
            f"the recipe asks for model 0x{recipe.model.hex()}, this build renders 0x{model_digest().hex()}: install "
            "the version of patina that has it"
        )
    return f"0x{recipe.model.hex()[:16]}..., the one of this build"


async def repaint(
    paint: Paint, recipe: AnyRecipe, seed: bytes, band: int, signals: Sequence[int], picture: bytes
) -> str:
    """Paint again and compare with the picture that was published; say how.

    Raises RenderError where they differ, UntoldError where it cannot be painted here.
    """
    try:
        pixels = await asyncio.to_thread(paint, recipe, seed, band, signals)
    except RenderError as error:
        raise UntoldError(str(error)) from None
    return await asyncio.to_thread(compare, recipe, pixels, picture)


def compare(recipe: AnyRecipe, pixels: NDArray[np.uint8], picture: bytes) -> str:
    """How the picture compares with pixels painted anew; RenderError where it is another one."""
    from node.render.png import encode
    from node.render.recipe import Recipe
    from node.render.tolerance.distance import alike, psnr, squared_error
    from node.render.tolerance.picture import open_picture

    height, width, _ = pixels.shape
    mine = encode(pixels)
    if mine == picture:
        return f"the same {len(picture)} bytes, {width} x {height} pixels"
    published = open_picture(picture, width, height)
    different = int((published != pixels).any(2).sum())
    distance = psnr(squared_error(published, pixels), published.size)
    said = f"{different} of {width * height} pixels differ, PSNR {distance:.1f} dB"
    if isinstance(recipe, Recipe):
        raise RenderError(f"another picture: {said}")
    if not alike(published, pixels, recipe.floor):
        raise RenderError(f"another picture: {said}; the recipe allows no less than {recipe.psnr_floor} dB")
    return f"{said}; the recipe allows down to {recipe.psnr_floor} dB"
