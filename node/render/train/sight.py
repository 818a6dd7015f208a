"""What evaluation sees of a picture: a thumbnail, how crisp it is, and where its shapes are."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

THUMBNAIL = 64
_LUMA = np.array([0.299, 0.587, 0.114], np.float32)  # ITU-R BT.601
_FINE = 0.125  # cycles a pixel: periods shorter than 8 px count as fine detail
Field = NDArray[np.float32]
Pixels = NDArray[np.uint8]


@dataclass(frozen=True)
class Sight:
    """`thumbnail` uint8 (64, 64, 3); `laplacian` the variance of the Laplacian; `fine` the share of fine detail."""

    thumbnail: Pixels
    laplacian: float
    fine: float


def see(picture: Pixels) -> Sight:
    """Looks at a square picture (n, n, 3)."""
    grey = luma(picture)
    return Sight(shrunk(picture, THUMBNAIL), laplacian(grey), fine_share(grey))


def shrunk(picture: Pixels, size: int) -> Pixels:
    """The picture at `size` pixels, every one the mean of the square it covers; `size` divides the picture's."""
    edge = picture.shape[0]
    if picture.shape[:2] != (edge, edge) or edge % size:
        raise ValueError(f"{picture.shape[0]} x {picture.shape[1]} pixels cannot be averaged to {size} x {size}")
    blocks = picture.reshape(size, edge // size, size, edge // size, 3).mean((1, 3))
    return np.asarray(np.floor(blocks + 0.5), np.uint8)


def luma(picture: Pixels) -> Field:
    """Brightness 0..255, (n, n)."""
    return np.asarray(picture.astype(np.float32) @ _LUMA, np.float32)


def laplacian(grey: Field) -> float:
    """Variance of the four-neighbour Laplacian: the usual measure of focus (Pech-Pacheco et al., ICPR 2000)."""
    inner = grey[1:-1, 1:-1]
    around = grey[:-2, 1:-1] + grey[2:, 1:-1] + grey[1:-1, :-2] + grey[1:-1, 2:]
    return float((around - 4 * inner).var())


def fine_share(grey: Field) -> float:
    """Share of the contrast's energy in periods below 8 pixels, of a Hann-windowed picture; 0 for a flat one."""
    count = len(grey)
    window = np.hanning(count).astype(np.float32)
    power = np.abs(np.fft.rfft2((grey - grey.mean()) * np.outer(window, window))) ** 2
    power[:, 1:-1] *= 2  # rfft keeps one of each conjugate pair
    radius = np.hypot(np.fft.fftfreq(count)[:, None], np.fft.rfftfreq(count)[None, :])
    total = float(power.sum())
    return float(power[radius > _FINE].sum()) / total if total else 0.0


def structure(thumbnail: Pixels) -> Field:
    """Where the edges are, whatever the light: gradient magnitude over its neighbourhood's, unit variance, flat."""
    grey = np.pad(luma(thumbnail), 1, mode="edge")
    edges = np.hypot(grey[1:-1, 2:] - grey[1:-1, :-2], grey[2:, 1:-1] - grey[:-2, 1:-1])
    local = edges / (_blurred(edges, 4) + 2)
    spread = local.std()
    return np.asarray(((local - local.mean()) / (spread if spread else 1)).ravel(), np.float32)


def _blurred(field: Field, reach: int) -> Field:
    """Mean over a square of 2 * reach + 1, edges repeated."""
    padded = np.pad(field.astype(np.float64), reach, mode="edge")
    sums = np.pad(padded.cumsum(0).cumsum(1), ((1, 0), (1, 0)))
    side = 2 * reach + 1
    box = sums[side:, side:] - sums[:-side, side:] - sums[side:, :-side] + sums[:-side, :-side]
    return np.asarray(box / side**2, np.float32)
