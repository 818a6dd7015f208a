"""Measures how far a pipeline's renders are apart: between settings that are honest, and from ones that are not.

A floor is a choice made after looking at such a table, for one pipeline, on the machines at hand; another pipeline
wants another look.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from math import inf
from pathlib import Path
from typing import Any, Final

import numpy as np
import torch
from numpy.typing import NDArray

from node.errors import RenderError
from node.render.tolerance.distance import psnr, squared_error
from node.render.tolerance.folder import find_pipeline
from node.render.tolerance.painter import draw, load
from node.render.tolerance.recipe import PipelineRecipe

AIR: Final = 6.0
"""Decibels that a floor keeps from the honest renders: machines differ by more than one of them can show."""
TOP: Final = 100.0
"""What equal pictures count as: a floor above is none that floats keep."""
SIGNALS: Final = (5 * 10**15, 10**16, 2 * 10**16)
_Pixels = NDArray[np.uint8]


@dataclass(frozen=True)
class Margin:
    """One way of drawing, against the plain one: the lowest and highest PSNR over the seeds, in dB.

    `honest` is True for what must pass, False for what must not, None for what a recipe pins.
    """

    name: str
    honest: bool | None
    lowest: float
    highest: float


def measure(
    recipe: PipelineRecipe,
    pipelines: Path,
    seeds: Sequence[bytes],
    device: str = "cpu",
    on_row: Callable[[Margin], None] | None = None,
) -> list[Margin]:
    """The margins of a recipe's pipeline over 32-byte seeds, in the band in the middle; `on_row` is told each.

    Raises RenderError as `painter.render` does.
    """
    folder = find_pipeline(pipelines, recipe.model)
    band = len(recipe.bands) // 2
    found = list[Margin]()

    def drawn(asked: PipelineRecipe, seed: bytes, at: int = band, place: str = device) -> _Pixels:
        return draw(load(folder, recipe.model, asked.precision, place), asked, seed, at, SIGNALS)

    def row(name: str, honest: bool | None, picture: Callable[[int, bytes], _Pixels]) -> None:
        found.append(margin(name, honest, plain, [picture(index, seed) for index, seed in enumerate(seeds)]))
        if on_row is not None:
            on_row(found[-1])

    plain = [drawn(recipe, seed) for seed in seeds]
    for name, setting in _settings(device):
        with setting(load(folder, recipe.model, recipe.precision, device)):
            row(name, True, lambda _, seed: drawn(recipe, seed))
    load.cache_clear()
    if device != "cpu":
        row("on the CPU", True, lambda _, seed: drawn(recipe, seed, place="cpu"))
    for precision in ("float32", "float16", "bfloat16"):
        if precision != recipe.precision:
            other = replace(recipe, precision=precision)
            # Not every pipeline draws in every precision; the recipe's own was shown above.
            with suppress(RenderError):
                row(precision, None, lambda _, seed, other=other: drawn(other, seed))  # type: ignore[misc]
    row("hue + 1/256", False, lambda index, _: turned(plain[index]))
    if recipe.steps > 1:
        fewer = replace(recipe, steps=recipe.steps - 1)
        row(f"{fewer.steps} steps for {recipe.steps}", False, lambda _, seed: drawn(fewer, seed))
    if len(recipe.bands) > 1:
        row("next band", False, lambda _, seed: drawn(recipe, seed, (band + 1) % len(recipe.bands)))
    row("other seed", False, lambda _, seed: drawn(recipe, bytes(reversed(seed))))
    with disturbed(_parts(load(folder, recipe.model, recipe.precision, device)), 0.01):
        row("weights + 1 % noise", False, lambda _, seed: drawn(recipe, seed))
    load.cache_clear()
    return found


def margin(name: str, honest: bool | None, plain: Sequence[_Pixels], others: Sequence[_Pixels]) -> Margin:
    """How far pictures are from the plain ones, each from its own."""
    found = [psnr(squared_error(one, other), other.size) for one, other in zip(plain, others, strict=True)]
    return Margin(name, honest, min(found), max(found))


def recommend(margins: Sequence[Margin]) -> int | None:
    """A floor in hundredths of a dB: midway between the honest and the others, `AIR` away from the honest.

    None where nothing separates them: the artist must choose what to let pass, or another pipeline.
    """
    honest = min((min(one.lowest, TOP) for one in margins if one.honest), default=TOP)
    others = max((one.highest for one in margins if one.honest is False), default=0.0)
    floor = min((honest + others) / 2, honest - AIR)
    return int(floor * 2) * 50 if floor > others else None


@contextmanager
def _one_thread(_: Any) -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(1 if before > 1 else 2)
    try:
        yield
    finally:
        torch.set_num_threads(before)


@contextmanager
def without_onednn(_: Any = None) -> Iterator[None]:
    """Kernels of torch's own in place of oneDNN's."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it speaks of GPUs that are not asked for
        with torch.backends.mkldnn.flags(enabled=False):
            yield


@contextmanager
def _channels_last(pipeline: Any) -> Iterator[None]:
    with ordered(_parts(pipeline), torch.channels_last, torch.contiguous_format):
        yield


@contextmanager
def _other_attention(_: Any) -> Iterator[None]:
    from torch.nn.attention import SDPBackend, sdpa_kernel

    with sdpa_kernel(SDPBackend.MATH):
        yield


@contextmanager
def _nudged(pipeline: Any) -> Iterator[None]:
    with disturbed(_parts(pipeline), 1e-6):
        yield


def _settings(device: str) -> list[tuple[str, Any]]:
    shared = [("memory format channels_last", _channels_last), ("attention by plain matrix products", _other_attention)]
    if device != "cpu":
        return [*shared, ("weights + 1e-6 noise", _nudged)]
    cpu = [("another number of threads", _one_thread), ("oneDNN off", without_onednn)]
    return [*cpu, *shared, ("weights + 1e-6 noise", _nudged)]


def _parts(pipeline: Any) -> list[torch.nn.Module]:
    return [part for part in pipeline.components.values() if isinstance(part, torch.nn.Module)]


@contextmanager
def ordered(
    parts: Sequence[torch.nn.Module], order: torch.memory_format, before: torch.memory_format
) -> Iterator[None]:
    """Weights in another memory order, and in their own again afterwards."""
    for part in parts:
        part.to(memory_format=order)  # type: ignore[call-overload]
    try:
        yield
    finally:
        for part in parts:
            part.to(memory_format=before)  # type: ignore[call-overload]


@contextmanager
def disturbed(parts: Sequence[torch.nn.Module], share: float) -> Iterator[None]:
    """Every weight times 1 + share * noise, and as it was afterwards."""
    kept = list[tuple[torch.Tensor, torch.Tensor]]()
    generator = torch.Generator().manual_seed(1)
    try:
        with torch.no_grad():
            for weight in [weight for part in parts for weight in part.parameters()]:
                kept.append((weight, weight.detach().clone()))
                noise = torch.randn(weight.shape, generator=generator).to(weight.device)
                weight.copy_(weight.float() * (1 + share * noise))
        yield
    finally:
        with torch.no_grad():
            for changed, before in kept:
                changed.copy_(before)


def turned(pixels: _Pixels) -> _Pixels:
    """Every hue one 256th further round the circle."""
    from PIL import Image

    hsv = np.asarray(Image.fromarray(pixels).convert("HSV")).copy()
    hsv[..., 0] += 1  # uint8: it wraps, as hues do
    return np.asarray(Image.fromarray(hsv, "HSV").convert("RGB"))


def decibels(value: float) -> str:
    """A distance for eyes: one decimal, or "equal"."""
    return "equal" if value == inf else f"{value:.1f}"
