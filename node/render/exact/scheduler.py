"""DDIM in int64: v-prediction, trailing timesteps, predictions of the picture clipped at 4."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from node.errors import RenderError
from node.render.exact.arithmetic import Ints
from node.render.exact.split import LATENT

VELOCITY = 12
"""Bits after the point of the UNet's velocities."""
_COEFFICIENT = 30
_CLIP = 4 << LATENT


@dataclass(frozen=True)
class Schedule:
    """`signal` and `spread` (timesteps,): roots of the cumulative alphas and of what they leave of 1, in 2**-30."""

    signal: Ints
    spread: Ints

    @classmethod
    def of(cls, signal: Sequence[int], spread: Sequence[int]) -> Schedule:
        """From plain integers."""
        if len(signal) != len(spread) or not signal:
            raise RenderError(f"scheduler: {len(signal)} signals and {len(spread)} spreads")
        return cls(np.array(signal, np.int64), np.array(spread, np.int64))

    def timesteps(self, steps: int) -> list[int]:
        """The timesteps of a sampling in `steps` steps, the noisiest first.

        round(total * (steps - i) / steps) - 1 with halves to the even neighbour, as diffusers' "trailing" spacing
        (Lin et al. 2024, "Common Diffusion Noise Schedules and Sample Steps Are Flawed", table 2).
        """
        total = len(self.signal)
        if not 1 <= steps <= total:
            raise RenderError(f"scheduler: {steps} steps, there can be 1 to {total}")
        found = []
        for left in range(steps, 0, -1):
            floor, rest = divmod(total * left, steps)
            found.append(floor + (2 * rest > steps or (2 * rest == steps and floor % 2)) - 1)
        return found

    def step(self, velocity: Ints, time: int, steps: int, latent: Ints) -> Ints:
        """The latent one step less noisy (Song et al. 2021, equation 12 with no noise added), in 2**-16.

        Velocities are in 2**-12; with v = signal * noise - spread * picture (Salimans and Ho 2022) the picture is
        signal * x - spread * v and the noise spread * x + signal * v.
        """
        before = time - len(self.signal) // steps
        signal, spread = int(self.signal[time]), int(self.spread[time])
        later, less = (int(self.signal[before]), int(self.spread[before])) if before >= 0 else (1 << _COEFFICIENT, 0)
        moved = velocity << (LATENT - VELOCITY)
        picture = _rounded(signal * latent - spread * moved).clip(-_CLIP, _CLIP)
        noise = _rounded(spread * latent + signal * moved)
        return _rounded(later * picture + less * noise)


def _rounded(product: Ints) -> Ints:
    """A product with a coefficient, in 2**-16 again."""
    return np.asarray((product + (1 << (_COEFFICIENT - 1))) >> _COEFFICIENT, np.int64)
