"""What a caller asks the pipeline for, checked before anything is drawn: a float must not slip in among integers."""

from __future__ import annotations

from collections.abc import Sequence

from node.errors import RenderError
from node.render.recipe import MAX_STEPS, MOODS

HIGHEST = 255
"""The highest level, hue and accent."""


def paired(seed: bytes | Sequence[bytes], mood: str | Sequence[str]) -> list[tuple[bytes, int]]:
    """A 32-byte seed and a mood's index for each picture: one seed may go with many moods, one mood with many seeds.

    Raises RenderError for what is no seed or no mood, and for numbers of them that do not go together.
    """
    seeds = [seed] if isinstance(seed, str | bytes | bytearray) or not isinstance(seed, Sequence) else list(seed)
    moods = [mood] if isinstance(mood, str) or not isinstance(mood, Sequence) else list(mood)
    count = max(len(seeds), len(moods))
    if not seeds or not moods or len(seeds) not in (1, count) or len(moods) not in (1, count):
        raise RenderError(f"pipeline: {len(seeds)} seeds and {len(moods)} moods do not go together")
    return [
        (_seed(one), _mood(name))
        for one, name in zip(seeds * (count // len(seeds)), moods * (count // len(moods)), strict=True)
    ]


def level(name: str, value: object) -> int:
    """An integer from 0 to 255; RenderError for anything else."""
    if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value <= HIGHEST:
        raise RenderError(f"pipeline: {name} must be an integer from 0 to {HIGHEST}, not {value!r}")
    return value


def span(name: str, value: object) -> tuple[int, int]:
    """Two levels, the lower first; RenderError for anything else."""
    if not isinstance(value, Sequence) or isinstance(value, str) or len(value) != 2:
        raise RenderError(f"pipeline: {name} must be two integers, the lower first, not {value!r}")
    low, high = (level(name, one) for one in value)
    if low > high:
        raise RenderError(f"pipeline: {name} must be two integers, the lower first, not {value!r}")
    return low, high


def steps(value: object) -> int:
    """A number of steps that a recipe could have; RenderError for anything else."""
    if not isinstance(value, int) or isinstance(value, bool) or not 1 <= value <= MAX_STEPS:
        raise RenderError(f"pipeline: num_inference_steps must be an integer from 1 to {MAX_STEPS}, not {value!r}")
    return value


def _seed(value: object) -> bytes:
    if not isinstance(value, bytes | bytearray):
        raise RenderError(f"pipeline: a seed is 32 bytes, not {value!r:.40}: hashlib.sha256(text).digest() makes one")
    if len(value) != 32:
        raise RenderError(f"pipeline: a seed is 32 bytes, not {len(value)}")
    return bytes(value)


def _mood(name: object) -> int:
    if name not in MOODS:
        raise RenderError(f"pipeline: mood {name!r:.40} is none of {', '.join(MOODS)}")
    return MOODS.index(str(name))
