"""Floats to the integers of one layer: units by squared error, weights by power-of-two steps, bounds kept."""

from __future__ import annotations

from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from node.errors import RenderError
from node.render.exact.arithmetic import LEVELS
from node.render.exact.layers import Arrays
from node.render.exact.quantise.calibration import Floats, Seen

BOUND: Final = 2**24
_WEIGHT: Final = 127
_SHIFTS: Final = 24
_DAMPING: Final = 0.01
_BLOCK: Final = 64
_SHRINKS: Final = np.array([1.0, 0.92, 0.85, 0.78, 0.71, 0.64, 0.57, 0.5, 0.43, 0.36, 0.3])


def quantised(samples: Floats, unit: Floats, low: int) -> Floats:
    """Samples (P, C) in units (C,) as the operand's integers."""
    return np.asarray(np.clip(np.rint(samples / unit), low, low + LEVELS), np.float64)


def operand_units(seen: Seen, low: int, *, shared: bool = False, least: float = 1e-4) -> Floats:
    """The unit of each channel, or one shared by all, that loses least by rounding and clipping: (C,).

    Negative values are left to the clip where `low` is 0. A channel's own unit clips little, since its samples are too
    few to show how often its extremes come.
    """
    samples = seen.samples if low else np.maximum(seen.samples, 0)
    reach = np.maximum(seen.most / (low + LEVELS), seen.least / low if low else 0.0)
    reach = np.broadcast_to(np.maximum(reach, least), samples.shape[1:])
    if shared:
        reach = np.full_like(reach, reach.max())
    best, lost = reach, np.full(reach.shape, np.inf)
    for shrink in _SHRINKS if shared else _SHRINKS[:3]:
        unit = reach * shrink
        error = ((quantised(samples, unit, low) * unit - samples) ** 2).mean(0)
        if shared:
            error = np.full_like(error, error.mean())
        best, lost = np.where(error < lost, unit, best), np.minimum(error, lost)
    return best


def conv(
    weight: Floats,
    bias: Floats,
    taken: Floats,
    given: Floats,
    samples: Floats,
    real: Floats,
    limits: tuple[int, int, int],
    name: str,
    gram: NDArray[Any] | None = None,
) -> Arrays:
    """A convolution's arrays: weight (O, I, h, w), inputs in units `taken` (I,), outputs in units `given` (O,).

    `samples` (P, I) are inputs as integers and `real` the same as floats; limits are (take, low, high). Weights that
    break the bound get a coarser step; RenderError if no step keeps it. With `gram`, the products of what the layer
    sees as floats (I h w, I h w), one weight's rounding is made up for by those after it.
    """
    wanted = weight * (taken[None, :] / given[:, None])[:, :, None, None]
    energy = (samples**2).mean(0)[None, :, None, None]
    take, low, high = limits
    best = np.zeros(wanted.shape)
    shift, lost = np.full(len(wanted), -1), np.full(len(wanted), np.inf)
    for candidate in range(_SHIFTS + 1):
        whole = np.clip(np.rint(wanted * 2.0**candidate), -_WEIGHT, _WEIGHT)
        error = (energy * (whole * 2.0**-candidate - wanted) ** 2).sum((1, 2, 3))
        kept = (error < lost) & (reach(whole, take) + np.abs(bias / given) * 2.0**candidate * 1.1 < 0.98 * BOUND)
        best, lost, shift = (
            np.where(kept[:, None, None, None], whole, best),
            np.where(kept, error, lost),
            np.where(kept, candidate, shift),
        )
    if (shift < 0).any():
        raise RenderError(f"quantise: {name} has no weights whose sums stay below 2**24")
    if gram is not None:
        units = np.repeat(taken, weight[0, 0].size)
        seen = gram / units[:, None] / units[None, :]
        lost = _misses(best * 2.0 ** -shift[:, None, None, None] - wanted, seen)
        for finer in (shift, np.minimum(shift + 1, _SHIFTS)):
            step = 2.0**finer
            whole = compensated(wanted * step[:, None, None, None], seen)
            error = _misses(whole / step[:, None, None, None] - wanted, seen)
            kept = (error < lost) & (reach(whole, take) + np.abs(bias / given) * step * 1.1 < 0.98 * BOUND)
            best = np.where(kept[:, None, None, None], whole, best)
            lost, shift = np.where(kept, error, lost), np.where(kept, finer, shift)
    # What rounding moved on average goes into the bias.
    missed = (weight.sum((2, 3)) * real.mean(0)).sum(1) / given
    missed -= (best.sum((2, 3)) * samples.mean(0)).sum(1) * 2.0**-shift
    whole_bias = np.rint((bias / given + missed) * 2.0**shift)
    if (reach(best, take) + np.abs(whole_bias) >= BOUND).any():
        raise RenderError(f"quantise: sums of {name} may reach 2**24")
    return {
        f"{name}.weight": best.astype(np.int8),
        f"{name}.bias": whole_bias.astype(np.int32),
        f"{name}.shift": shift.astype(np.uint8),
        f"{name}.range": np.array([take, low, high], np.int32),
    }


def _misses(error: Floats, gram: Floats) -> Floats:
    """What wrong weights (O, I, h, w) add to the outputs' squares, (O,)."""
    rows = error.reshape(len(error), -1)
    return np.asarray(((rows @ gram) * rows).sum(1))


def compensated(wanted: Floats, gram: Floats) -> Floats:
    """Weights (O, I, h, w) as whole numbers, each one's rounding error spread over the weights not yet rounded.

    The optimal update of Hassibi and Stork's Optimal Brain Surgeon, in a fixed order as in GPTQ (Frantar et al., 2023):
    with H the products of the inputs, an error e at weight j moves the later ones by -e H^-1[j, later] / H^-1[j, j].
    """
    rows = wanted.reshape(len(wanted), -1).copy()
    damped = gram.astype(np.float64) + np.eye(len(gram)) * max(float(np.diag(gram).mean()) * _DAMPING, 1e-9)
    factor = np.linalg.cholesky(np.linalg.inv(damped)).T  # upper: its row j holds what is left of H^-1 at step j
    whole = np.empty_like(rows)
    for start in range(0, rows.shape[1], _BLOCK):
        end = min(start + _BLOCK, rows.shape[1])
        errors = np.empty((len(rows), end - start))
        for j in range(start, end):
            whole[:, j] = np.clip(np.rint(rows[:, j]), -_WEIGHT, _WEIGHT)
            errors[:, j - start] = (rows[:, j] - whole[:, j]) / factor[j, j]
            rows[:, j:end] -= errors[:, j - start, None] * factor[j, j:end]
        rows[:, end:] -= errors @ factor[start:end, end:]
    return whole.reshape(wanted.shape)


def reach(weight: Floats, take: int) -> Floats:
    """The greatest magnitude of a sum, part or whole, that inputs in take..take+255 can give, per output (O,)."""
    above, below = np.maximum(weight, 0).sum((1, 2, 3)), np.maximum(-weight, 0).sum((1, 2, 3))
    most = take + LEVELS
    return np.asarray(np.maximum(above * most - below * take, below * most - above * take))


def narrow(name: str, units: Floats, wide: float) -> tuple[Arrays, Floats]:
    """The factors and shifts from a wide unit to operand units (C,), and the units that they really give."""
    ratio = wide / units
    shift = np.clip(8 - np.floor(np.log2(ratio)), 0, 30)
    factor = np.rint(ratio * 2.0**shift)
    # 512 is 256 with one shift less.
    shift, factor = np.where(factor == 512, shift - 1, shift), np.where(factor == 512, 256, factor)
    if (factor > 511).any() or (factor < 1).any() or (shift < 0).any():
        raise RenderError(f"quantise: the input of {name} has no factor below 512")
    arrays = {f"{name}.factor": factor.astype(np.int16), f"{name}.scale": shift.astype(np.uint8)}
    return arrays, wide * 2.0**shift / factor


def dense(name: str, weight: Floats, bias: Floats, taken: float, given: Floats) -> Arrays:
    """A dense layer's arrays: 16-bit weights (O, K), the finest step per output that they hold."""
    wanted = weight * taken / given[:, None]
    shift = np.clip(np.floor(np.log2(32767 / np.maximum(np.abs(wanted).max(1), 1e-9))), 0, 40)
    return {
        f"{name}.weight": np.rint(wanted * 2.0 ** shift[:, None]).astype(np.int16),
        f"{name}.bias": np.rint(bias / given * 2.0**shift).astype(np.int64),
        f"{name}.shift": shift.astype(np.uint8),
    }
