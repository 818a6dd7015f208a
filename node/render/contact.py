"""Puts pictures beside and below each other: strips and contact sheets."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from node.errors import RenderError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


def beside(pictures: Sequence[NDArray[np.uint8]]) -> NDArray[np.uint8]:
    """Pictures (H, W, 3) of one size from left to right, (H, n W, 3); RenderError for none, or for several sizes."""
    return _joined(pictures, 1)


def below(pictures: Sequence[NDArray[np.uint8]]) -> NDArray[np.uint8]:
    """Pictures (H, W, 3) of one size from top to bottom, (n H, W, 3); RenderError for none, or for several sizes."""
    return _joined(pictures, 0)


def halved(picture: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """A picture of half the size, (H // 2, W // 2, 3): each pixel the mean of four, rounded half up."""
    import numpy as np

    height, width = picture.shape[0] // 2, picture.shape[1] // 2
    fours = picture[: 2 * height, : 2 * width].reshape(height, 2, width, 2, 3).astype(np.uint16)
    means: NDArray[np.uint8] = ((fours.sum((1, 3), dtype=np.uint16) + 2) // 4).astype(np.uint8)
    return means


def _joined(pictures: Sequence[NDArray[np.uint8]], axis: int) -> NDArray[np.uint8]:
    import numpy as np

    if len({picture.shape for picture in pictures}) != 1:
        raise RenderError("pictures that stand together must be of one size, and at least one")
    return np.concatenate(pictures, axis)
