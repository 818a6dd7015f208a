"""A wide input of a first convolution as two parts: what 8 bits hold, and 4 bits of what they leave."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from node.render.exact.arithmetic import Ints

LATENT: int = 16
"""Bits after the point of a latent."""
COARSE: int = 12
FINE: int = 8
LOW = -128


def split(latent: Ints) -> NDArray[np.int64]:
    """Latents (N, C, H, W) in 2**-16 to operands (N, 2 C, H, W): first in 2**-4, then the rest in 2**-8."""
    high = ((latent + (1 << COARSE - 1)) >> COARSE).clip(LOW, -LOW - 1)
    rest = (latent - (high << COARSE) + (1 << FINE - 1)) >> FINE
    return np.concatenate([high, rest.clip(LOW, -LOW - 1)], 1)
