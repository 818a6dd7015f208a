"""A ballot: the hash of all that voters have to agree in, as the oracle computes it."""

from __future__ import annotations

from collections.abc import Sequence

from eth_hash.auto import keccak


def ballot(
    config: bytes, feed: int, checkpoint: int, block_hash: bytes, signals: Sequence[int], content_root: bytes
) -> bytes:
    """Return the 32-byte ballot of a vote: everything in it but the answer (contracts/oracle/ballots.vy, `_cast`).

    `config`, `block_hash` and `content_root` have 32 bytes; signals are signed wads.
    """
    words = b"".join(signal.to_bytes(32, "big", signed=True) for signal in signals)
    numbers = feed.to_bytes(32, "big") + checkpoint.to_bytes(32, "big")
    return keccak(config + numbers + block_hash + keccak(words) + content_root)


def vote_key(config: bytes, feed: int, checkpoint: int) -> str:
    """Return the sender's key of a vote's transaction."""
    return f"vote {config.hex()[:8]} {feed} {checkpoint}"
