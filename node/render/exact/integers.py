"""Integer arithmetic that both engines share: rounding, roots, and a norm's slope and intercept."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np

from node.render.exact.arithmetic import STEEP, Attention, Ints, Norm


def halved(x: Ints, shift: Ints | int) -> Ints:
    """x / 2**shift rounded to the nearest integer, halves to the even one; shift at least 0."""
    shift = np.asarray(shift, np.int64)
    floor = x >> shift
    rest = x - (floor << shift)
    half = np.where(shift > 0, np.int64(1) << np.maximum(shift - 1, 0), np.int64(1))
    up = (rest > half) | ((rest == half) & (shift > 0) & (floor & 1 == 1))
    return np.asarray(floor + up, np.int64)


def root(x: Ints) -> Ints:
    """The floor of the square root of each integer, 0 <= x < 2**62.

    The float's root is off by no more than one there; two integer comparisons put it right.
    """
    near = np.sqrt(x.astype(np.float64)).astype(np.int64)
    near -= near * near > x
    return np.asarray(near + ((near + 1) * (near + 1) <= x), np.int64)


def obvious_root(x: Ints) -> Ints:
    """The same by Python's integers: what `root` is held to."""
    return np.array([math.isqrt(int(value)) for value in x.ravel()], np.int64).reshape(x.shape)


def affine(
    norm: Norm, sums: Ints, squares: Ints, positions: int, rows: Ints, root: Callable[[Ints], Ints] = root
) -> tuple[Ints, Ints]:
    """A norm as y = slope * x + intercept for each picture and channel, (N, C) each, in 2**-FRACTION of a table's step.

    `sums` and `squares` (N, C) are over a channel's positions; `rows` (N, C) is what the norm sees added to every x.
    With S and Q a group's sums of values and squares and n their count, n * n times the variance is n * Q - S * S:
    below 2**59 for at most 2**13 values of 17 bits.
    """
    squares = squares + 2 * rows * sums + positions * rows * rows
    sums = sums + positions * rows
    pictures, channels = sums.shape
    members = channels // norm.groups
    count = members * positions
    total = sums.reshape(pictures, norm.groups, members).sum(2)
    spread = count * squares.reshape(pictures, norm.groups, members).sum(2) - total * total
    deviation = np.maximum(root(spread + norm.epsilon * count * count), 1)
    total, deviation = np.repeat(total, members, 1), np.repeat(deviation, members, 1)
    slope = np.clip((norm.gain * count + (deviation >> 1)) // deviation, -STEEP, STEEP)
    return slope, norm.start + slope * rows - (total * slope + (count >> 1)) // count


def softmax(layer: Attention, scores: Ints) -> Ints:
    """Probabilities in 15 bits for scores (..., K), by the layer's table of the exponent and one division."""
    distance = (scores.max(-1, keepdims=True) - scores) * layer.factor >> layer.shift
    weights = layer.exponent[np.minimum(distance, len(layer.exponent) - 1)]
    total = weights.sum(-1, keepdims=True)
    return np.asarray(((weights << 15) + (total >> 1)) // total, np.int64)
