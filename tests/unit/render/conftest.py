"""What the render tests share: a recipe that is quick to draw, and pictures drawn once."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable

import numpy as np
import pytest
from numpy.typing import NDArray

from node.render import Recipe, render

SIGNALS = (5 * 10**15, 10**16, 2 * 10**16)


@pytest.fixture(scope="session")
def quick() -> Recipe:
    """Eight bands, one per mood, four sampling steps."""
    return dataclasses.replace(Recipe.for_bands(8, "Quick"), steps=4)


@pytest.fixture(scope="session")
def drawn(quick: Recipe) -> Callable[[int, int], NDArray[np.uint8]]:
    """The picture of token n in a band, drawn at most once."""
    kept: dict[tuple[int, int], NDArray[np.uint8]] = {}

    def draw(token: int, band: int) -> NDArray[np.uint8]:
        if (token, band) not in kept:
            kept[token, band] = render(quick, bytes([token]) * 32, band, SIGNALS)
        return kept[token, band]

    return draw
