"""Contract calls at one exact block, singly or many in one request."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from node.chain import multicall as multicall3
from node.chain import parse
from node.chain.endpoints.pool import Ask
from node.chain.failures import RpcError, UnavailableError
from node.chain.interface import Interface
from node.chain.types import Block
from node.errors import ChainError, RevertError

# What endpoints without EIP-1898 say to an object in the place of a block number.
_NO_EIP1898 = ("invalid argument", "unmarshal", "invalid params", "invalid type", "block number", "parse")


@dataclass(frozen=True, slots=True)
class Call:
    """One call of a batch."""

    target: str
    calldata: bytes


async def call_at(ask: Ask, to: str, calldata: bytes, block: Block | None) -> bytes:
    """Return what `to` answers at `block`, by its hash; at the latest block for None.

    An endpoint without EIP-1898 is asked by number, and its hash at that number checked afterwards.
    """
    request = {"to": to, "data": "0x" + calldata.hex()}
    if block is None:
        return parse.octets(await ask("eth_call", [request, "latest"]), "eth_call")
    by_hash = {"blockHash": "0x" + block.hash.hex(), "requireCanonical": True}
    try:
        return parse.octets(await ask("eth_call", [request, by_hash]), "eth_call")
    except RpcError as error:
        if not any(words in error.message.lower() for words in _NO_EIP1898):
            raise
    returned = parse.octets(await ask("eth_call", [request, hex(block.number)]), "eth_call")
    there = parse.block(await ask("eth_getBlockByNumber", [hex(block.number), False]))
    if there.hash != block.hash:
        raise UnavailableError(f"an endpoint has another block {block.number} than {block.hash.hex()}")
    return returned


async def aggregate(ask: Ask, multicall: str, calls: Sequence[Call], block: Block | None) -> list[bytes | None]:
    """Make all calls in ONE eth_call through Multicall3; None stands for a call that reverted.

    Raises ChainError when there is no Multicall3 at the address.
    """
    packed = multicall3.encode([(call.target, call.calldata) for call in calls])
    returned = await call_at(ask, multicall, packed, block)
    if not returned:
        raise ChainError(f"there is no Multicall3 at {multicall}: configure the address that this chain has it at")
    try:
        results = multicall3.decode(returned)
    except ChainError as error:
        raise UnavailableError(f"an endpoint answered Multicall3 with nonsense: {error}") from None
    if len(results) != len(calls):
        raise UnavailableError(f"Multicall3 answered {len(results)} of {len(calls)} calls")
    return results


async def try_aggregate(
    ask: Ask, multicall: str, calls: Sequence[Call], block: Block | None, able: set[Ask]
) -> list[bytes | None] | None:
    """Like `aggregate`; None when the request failed as a whole for what the calls themselves do.

    An endpoint that cannot even answer for no calls at all is itself at fault: then its error is raised. `able`
    notes those that have shown that they can.
    """
    try:
        results = await aggregate(ask, multicall, calls, block)
    except (RpcError, RevertError):
        if ask not in able:
            await aggregate(ask, multicall, [], block)
            able.add(ask)
        return None
    able.add(ask)
    return results


def decoded(interface: Interface, function: str, returned: bytes | None, arity: int = 0) -> Any:
    """What one call of a batch returned, or None when it reverted or did not answer as declared.

    A vault is any contract at all: one that answers nonsense must not take the other feeds with it.
    """
    if returned is None:
        return None
    try:
        return interface.result(function, returned, arity)
    except ChainError:
        return None
