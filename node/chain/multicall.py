"""The encoding of Multicall3's aggregate3, for thousands of calls at once (https://www.multicall3.com)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from node.errors import ChainError

SELECTOR: Final = bytes.fromhex("82ad56cb")
"""keccak256("aggregate3((address,bool,bytes)[])")[:4]."""
_WORD: Final = 32


def encode(calls: Sequence[tuple[str, bytes]]) -> bytes:
    """Calldata of aggregate3 for (target, calldata) pairs, each of which may fail.

    A general encoder looks at every value's type again; of four thousand calls that takes longer than all the rest
    that a node does about a checkpoint.
    """
    heads, tails, at = [], [], _WORD * len(calls)
    for target, calldata in calls:
        tail = (
            bytes.fromhex(target.removeprefix("0x")).rjust(_WORD, b"\0")
            + _word(True)
            + _word(3 * _WORD)
            + _word(len(calldata))
            + calldata
            + bytes(-len(calldata) % _WORD)
        )
        heads.append(_word(at))
        tails.append(tail)
        at += len(tail)
    return b"".join([SELECTOR, _word(_WORD), _word(len(calls)), *heads, *tails])


def decode(returned: bytes) -> list[bytes | None]:
    """What each call returned; None for one that failed. ChainError for bytes that aggregate3 does not return.

    Pieces may lie anywhere, as in every ABI encoding, but not so often upon each other that they would be more than
    the whole answer.
    """
    start = _at(returned, 0)
    count = _at(returned, start)
    base = start + _WORD
    if count > len(returned) // _WORD:
        raise _foreign(returned)
    found: list[bytes | None] = []
    left = len(returned)
    for index in range(count):
        element = base + _at(returned, base + _WORD * index)
        success = _at(returned, element)
        at = element + _at(returned, element + _WORD)
        length = _at(returned, at)
        left -= length
        if left < 0:
            raise ChainError(f"aggregate3: {count} results longer than its whole answer")
        output = returned[at + _WORD : at + _WORD + length]
        if success > 1 or len(output) != length:
            raise _foreign(returned)
        found.append(output if success else None)
    return found


def _word(value: int) -> bytes:
    return value.to_bytes(_WORD, "big")


def _at(raw: bytes, place: int) -> int:
    word = raw[place : place + _WORD]
    value = int.from_bytes(word, "big")
    # Nothing that is counted or pointed at here reaches beyond the answer; a flag is 0 or 1.
    if len(word) != _WORD or value > len(raw):
        raise _foreign(raw)
    return value


def _foreign(raw: bytes) -> ChainError:
    return ChainError(f"aggregate3: {len(raw)} bytes that do not decode")
