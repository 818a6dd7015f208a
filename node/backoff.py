"""How long to wait before trying again: longer each time, and never all at once."""

from __future__ import annotations

import random
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Backoff:
    """Seconds before another attempt: doubled each time up to the cap, then a random half of it taken off."""

    first: float = 0.5
    cap: float = 30.0

    def delay(self, failures: int) -> float:
        """The delay after so many failures in a row; jitter keeps a network from returning all at once."""
        longest = min(self.cap, self.first * 2.0 ** min(failures, 16))
        return longest * (0.5 + random.SystemRandom().random() / 2)
