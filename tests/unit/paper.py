"""Plain values that several unit tests start from: feeds, editions, reports."""

from __future__ import annotations

from typing import Any

from node.chain.types import Block, Edition, EditionState, Feed, Landed, Policy

WAD = 10**18
PERCENT = WAD // 100
POLICY = Policy(10, 3, 0, 0, PERCENT // 10, (-PERCENT, PERCENT))


def make_block(number: int, fork: int = 0) -> Block:
    """A block of a height; another `fork` gives it another hash."""
    return Block(number, block_hash(number, fork), number)


def block_hash(number: int, fork: int = 0) -> bytes:
    return bytes([fork]) + number.to_bytes(31, "big")


def make_landed(checkpoint: int, block: int, feed: int = 1, fork: int = 0, **changes: Any) -> Landed:
    """A report as it landed in a block."""
    known: dict[str, Any] = {
        "feed": feed,
        "checkpoint": checkpoint,
        "config_digest": b"c" * 32,
        "report_digest": b"d" * 32,
        "answer": PERCENT,
        "previous_band": 1,
        "band": 2,
        "content_root": checkpoint.to_bytes(32, "big"),
        "signers": 0b0111,
        "transmitter": "0x" + "11" * 20,
        "block_number": block,
        "block_hash": block_hash(block, fork),
        "tx_hash": b"t" * 32,
        "log_index": 0,
    }
    return Landed(**(known | changes))


def make_feed(number: int = 1, **changes: Any) -> Feed:
    known: dict[str, Any] = {
        "id": number,
        "vault": "0x" + "aa" * 20,
        "collection": "0x" + "22" * 20,
        "edition": number,
        "opener": "0x" + "33" * 20,
        "opened_at": 5,
        "basis": WAD,
        "one_share": 10**6,
        "scale": 10**12,
        "band": 1,
        "checkpoint": 0,
        "answer": 0,
        "updated_at": 0,
        "updated_block": 0,
        "policy": POLICY,
    }
    return Feed(**(known | changes))


def make_edition(number: int = 1, **changes: Any) -> Edition:
    known: dict[str, Any] = {
        "collection": "0x" + "22" * 20,
        "id": number,
        "supply": 2,
        "minted": 2,
        "price": 0,
        "feed": number,
        "recipe": b"r" * 32,
        "placeholder": b"p" * 32,
        "commitment": b"c" * 32,
        "closed_at": 2,
        "reveal_block": 3,
        "randomness": b"x" * 32,
        "seed": b"s" * 32,
        "content_root": bytes(32),
        "state": EditionState.REVEALED,
    }
    return Edition(**(known | changes))
