"""Whether a token stays one place in other weather: its shapes against those of other tokens, across moods."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class Composition:
    """Median correlation of one token's shapes in two moods, of two tokens', and how often a token is found again.

    `found`: the share of (token, mood, other mood) where, of all tokens in the other mood, its own is most alike.
    """

    same: float
    other: float
    found: float


def compare(shapes: NDArray[np.float32]) -> Composition:
    """From shapes (tokens, moods, d), each of zero mean and unit variance; at least two tokens and two moods."""
    tokens, moods, size = shapes.shape
    if tokens < 2 or moods < 2:
        raise ValueError(f"{tokens} tokens in {moods} moods: there is nothing to compare")
    own = np.eye(tokens, dtype=bool)
    same: list[NDArray[np.float32]] = []
    other: list[NDArray[np.float32]] = []
    found = 0
    for first in range(moods):
        for second in range(moods):
            if first == second:
                continue
            alike = shapes[:, first] @ shapes[:, second].T / size
            same.append(alike[own])
            other.append(alike[~own])
            found += int((alike.argmax(1) == np.arange(tokens)).sum())
    pairs = tokens * moods * (moods - 1)
    return Composition(float(np.median(np.concatenate(same))), float(np.median(np.concatenate(other))), found / pairs)
