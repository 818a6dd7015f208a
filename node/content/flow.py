"""Bytes that a slow iterator makes, read ahead in a thread so that nothing else waits for its disk."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Iterator
from typing import Final

PORTION: Final = 1 << 18
"""Bytes that one look into the thread brings at least, as far as there are any."""


async def in_portions(pieces: Iterator[bytes], portion: int = PORTION) -> AsyncGenerator[bytes, None]:
    """The same bytes in portions of at least `portion` bytes; what the iterator raises comes through."""
    while taken := await asyncio.to_thread(_take, pieces, portion):
        yield taken


def _take(pieces: Iterator[bytes], portion: int) -> bytes:
    taken = bytearray()
    for piece in pieces:
        taken += piece
        if len(taken) >= portion:
            break
    return bytes(taken)
