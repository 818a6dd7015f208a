"""How a JSON-RPC request can fail, and what a revert says in words."""

from __future__ import annotations

import re
from collections.abc import Mapping

from node.errors import ChainError, RevertError, printable

# Selectors of the two error types that compilers emit (Solidity docs, "Panic via assert and Error via require").
_ERROR = bytes.fromhex("08c379a0")
_PANIC = bytes.fromhex("4e487b71")
_HEX = re.compile(r"0x(?:[0-9a-fA-F]{2})*")


class UnavailableError(ChainError):
    """An endpoint gave no usable answer; another one may."""


class MissingError(UnavailableError):
    """An endpoint answers, but does not have the block that was asked for."""


class WrongChainError(UnavailableError):
    """An endpoint serves another chain than the configured one."""


class UnwitnessedError(ChainError):
    """Fewer endpoints answered than must say the same: nothing is believed, the next poll asks again."""


class PrunedError(UnwitnessedError):
    """Fewer endpoints than must say the same have the old state that was asked for; the others keep it no longer."""


class DisagreementError(ChainError):
    """Endpoints say different things of what must be the same everywhere."""


class UnpaidError(ChainError):
    """The account cannot pay for a transaction; it stays queued, and goes out once it can."""


class RpcError(ChainError):
    """An endpoint answered with a JSON-RPC error that is not a revert; `code` and `message` are its own."""

    def __init__(self, endpoint: str, method: str, code: int, message: str) -> None:
        message = printable(message)
        super().__init__(f"{endpoint}: {method}: {message} (code {code})")
        self.code = code
        self.message = message


class CallRevertError(RevertError):
    """A contract refused a call; `reason` in words, `payload` the raw revert bytes."""

    def __init__(self, reason: str, payload: bytes) -> None:
        reason = printable(reason)
        super().__init__(f"the contract refused: {reason}")
        self.reason = reason
        self.payload = payload


# What geth, Erigon, Nethermind, Besu, Reth and anvil say of a state or block that they keep no longer.
_GONE = ("missing trie node", "header not found", "pruned", "state not available", "state is not available",
         "historical state", "unknown block", "world state unavailable", "old data not available")  # fmt: skip


def state_gone(error: ChainError) -> bool:
    """Whether too few endpoints have the block or state that was asked for, so that asking again is of no use."""
    if isinstance(error, MissingError | PrunedError):
        return True
    return isinstance(error, RpcError) and any(words in error.message.lower() for words in _GONE)


def revert_in(error: Mapping[str, object]) -> CallRevertError | None:
    """Return the revert that a JSON-RPC error object tells of, or None when it is another kind of error.

    Code 3 is the execution API's; others are known by revert bytes in `data`, or by their message.
    """
    payload = _payload(error.get("data"))
    message = str(error.get("message", ""))
    spoken = "revert" in message.lower() or "vm exception" in message.lower()
    # A hash or a number in an unrelated error's data is hexadecimal too: only revert-shaped bytes count.
    shaped = payload is not None and len(payload) % 32 == 4
    if not shaped and error.get("code") != 3 and not spoken:
        return None
    words = message.partition("revert")[2].lstrip("ed").strip(" :") if spoken else message
    reason = _reason(payload or b"") or words[:200] or "without a reason"
    return CallRevertError(reason, payload or b"")


def _payload(found: object) -> bytes | None:
    """Revert bytes as plain hexadecimal, or after a word (`Reverted 0x...`), or one object deeper."""
    if isinstance(found, Mapping):
        found = found.get("data")
    if not isinstance(found, str):
        return None
    match = _HEX.search(found)
    return None if match is None else bytes.fromhex(match.group()[2:])


def _reason(payload: bytes) -> str:
    from eth_abi.abi import decode
    from eth_abi.exceptions import DecodingError

    selector, body = payload[:4], payload[4:]
    try:
        if selector == _ERROR:
            return str(decode(["string"], body)[0])[:200]
        if selector == _PANIC:
            return f"panic {decode(['uint256'], body)[0]:#04x}"
    except (DecodingError, UnicodeDecodeError, OverflowError):
        pass
    return f"error 0x{selector.hex()}" if len(selector) == 4 else ""
