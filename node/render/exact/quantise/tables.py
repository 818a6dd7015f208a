"""Tables that ship as data, so that no machine's libm decides a pixel: time, SiLU, exponent, schedule."""

from __future__ import annotations

from statistics import NormalDist
from typing import Any, Final

import numpy as np

from node.render.exact.layers import Arrays
from node.render.exact.quantise.calibration import Floats
from node.render.noise import SCALE

EMBEDDING: Final = 1024.0
"""What 1 is in an embedding."""
ENTRIES: Final = 2048
_EXPONENTS: Final = 1024
EXPONENT_STEPS: Final = 64.0
"""Entries of the exponent's table to 1."""


def silu(x: Floats) -> Floats:
    """x times its logistic function."""
    return np.asarray(x / (1 + np.exp(-x)))


def embedding_silu() -> Arrays:
    """SiLU over -16..16 in 1/1024."""
    x = np.arange(-16384, 16384) / EMBEDDING
    return {"silu": np.rint(silu(x) * EMBEDDING).astype(np.int16)}


def times(unet: Any) -> Arrays:
    """The time embedding of each timestep, (timesteps, width) in 1/1024."""
    import torch

    with torch.inference_mode():
        out = unet.time_embedding(unet.time_proj(torch.arange(1000))).double().numpy()
    return {"time.table": np.rint(out * EMBEDDING).astype(np.int16)}


def exponent() -> Arrays:
    """exp(-x) at the middles of 1,024 steps of 1/64, in 2**-24; what lies beyond is nothing."""
    values = np.rint(np.exp(-(np.arange(_EXPONENTS) + 0.5) / EXPONENT_STEPS) * 2**24)
    values[-1] = 0
    return {"exponent": values.astype(np.int32)}


def schedule(settings: dict[str, Any]) -> dict[str, list[int]]:
    """Roots of the cumulative alphas of a diffusers schedule, and of what they leave of 1, in 2**-30."""
    from diffusers import DDIMScheduler

    scheduler: Any = DDIMScheduler(**settings)  # type: ignore[no-untyped-call]
    alphas = scheduler.alphas_cumprod.double().numpy()
    return {
        "signal": np.rint(np.sqrt(alphas) * 2**30).astype(int).tolist(),
        "spread": np.rint(np.sqrt(1 - alphas) * 2**30).astype(int).tolist(),
    }


def normal() -> bytes:
    """Normal quantiles at 1/2 + (i + 1/2) / 65536 for i in 0..32767, in 1/4096, little-endian uint16."""
    standard = NormalDist()
    values = [round(standard.inv_cdf(0.5 + (index + 0.5) / 65536) * SCALE) for index in range(32768)]
    return np.array(values, "<u2").tobytes()
