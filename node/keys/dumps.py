"""Keeps the memory of a process that holds keys out of core dumps, and out of reach of others of the same user."""

from __future__ import annotations

import ctypes
import resource
import sys
from typing import Final

_PR_SET_DUMPABLE: Final = 4
"""prctl(2): without it no core is written, and /proc/<pid>/mem, maps and environ are root's alone."""


def keep_memory_private() -> None:
    """Write no core whatever ends this process, and let no other process of its user look into it.

    What started this process may have left passwords in its environment, and the unlocked keys are in its memory. A
    supervisor's LimitCORE=0 is not everywhere. What a system does not know is left out.
    """
    _, most = resource.getrlimit(resource.RLIMIT_CORE)
    resource.setrlimit(resource.RLIMIT_CORE, (0, most))
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_DUMPABLE, 0, 0, 0, 0)
