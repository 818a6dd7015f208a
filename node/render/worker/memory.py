"""Memory within a worker: the cap on it, and what its exhaustion looks like."""

from __future__ import annotations

import resource
from typing import Final

# What torch says when an allocation fails; it has no error class of its own for that on the CPU.
_FULL: Final = ("can't allocate memory", "not enough memory", "out of memory")


def is_full(error: BaseException) -> bool:
    """Whether an allocation failed."""
    told = isinstance(error, RuntimeError) and any(words in str(error) for words in _FULL)
    return told or isinstance(error, MemoryError)


def cap_memory(mebibytes: int) -> None:
    """Let allocations fail beyond so much private memory; 0 leaves it as it is.

    RLIMIT_DATA counts what the process may write (setrlimit(2)), a tenth above what it really uses with torch on a CPU;
    RLIMIT_AS would also count every mapped library, about twice that.
    """
    if mebibytes:
        resource.setrlimit(resource.RLIMIT_DATA, (mebibytes * 2**20,) * 2)
