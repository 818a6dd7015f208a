"""The truth that honest nodes measure, and the pictures that honest renderers make of it."""

from __future__ import annotations

import hashlib
from typing import Final

from node.agreement.effects import Trigger

NOISE: Final = 5
"""Honest answers differ by at most this much from the truth."""
ABSENT: Final = b"absent"
"""What a root begins with that nobody can fetch."""
EDGE: Final = b"edge"
"""What a root begins with that half of the nodes find like enough to their own, and half do not."""


def truth(seed: int, feed: int, checkpoint: int) -> Trigger:
    """What an exact node measures."""
    drawn = hashlib.blake2b(b"truth %d %d %d" % (seed, feed, checkpoint)).digest()
    answer = int.from_bytes(drawn[:4], "big") - (1 << 31)
    return Trigger(feed, checkpoint, drawn[:32], answer, (answer // 3, answer // 5, -answer))


def measured(seed: int, index: int, feed: int, checkpoint: int) -> Trigger:
    """What a node measures: the truth with a little noise, the same each time it looks."""
    true = truth(seed, feed, checkpoint)
    noise = hashlib.blake2b(b"noise %d" % index, key=true.block_hash).digest()[0] % (2 * NOISE + 1) - NOISE
    signals = tuple(signal + noise for signal in true.signals)
    return Trigger(feed, checkpoint, true.block_hash, true.answer + noise, signals)


def true_root(block_hash: bytes, answer: int, signals: tuple[int, ...]) -> bytes:
    """What every honest renderer makes of these inputs."""
    return hashlib.blake2b(repr((block_hash, answer, signals)).encode(), digest_size=32).digest()


def own_root(index: int, block_hash: bytes, answer: int, signals: tuple[int, ...]) -> bytes:
    """What one node's renderer makes of these inputs where floats decide: the last byte is each node's own."""
    return true_root(block_hash, answer, signals)[:-1] + bytes([index])


def alike(root: bytes, block_hash: bytes, answer: int, signals: tuple[int, ...]) -> bool:
    """Whether a root is some node's render of these inputs."""
    return root[:-1] == true_root(block_hash, answer, signals)[:-1]
