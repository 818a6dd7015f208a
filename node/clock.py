"""This process's steady clock, in the whole milliseconds that the protocol and the limits count in."""

from __future__ import annotations

import time


def milliseconds() -> int:
    """Return the monotonic clock in milliseconds: only differences mean anything, and it never steps back."""
    return time.monotonic_ns() // 1_000_000
