"""Reads the token that is staked, and what an account holds: coin, token, allowance, the faucet's next drip."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from node.chain import parse
from node.chain.calls import Call, aggregate, decoded
from node.chain.interface import interface
from node.errors import ChainError, printable

if TYPE_CHECKING:
    from node.chain.endpoints.pool import RpcPool
    from node.chain.types import Block

_MOST_DECIMALS: Final = 36


@dataclass(frozen=True, slots=True)
class Token:
    """The token that is staked; its symbol is a stranger's word, made harmless."""

    address: str
    symbol: str
    decimals: int


@dataclass(frozen=True, slots=True)
class Purse:
    """What an account holds: `coin` in wei, `token` and `allowance` in the token's units.

    `next_drip`: the second from which the token's faucet gives again; None where it has no faucet.
    """

    coin: int
    token: int
    allowance: int
    next_drip: int | None


async def read_token(pool: RpcPool, multicall: str, address: str) -> Token:
    """The token at an address; ChainError where none answers there."""
    abi = interface("TestToken")
    calls = [Call(address, abi.encode("decimals")), Call(address, abi.encode("symbol"))]
    decimals, symbol = await pool.ask(lambda ask: aggregate(ask, multicall, calls, None))
    places = decoded(abi, "decimals", decimals or None)
    if places is None or places > _MOST_DECIMALS:
        raise ChainError(f"what stands at {address} is no token with decimals: is it the right staking contract?")
    named = printable(str(decoded(abi, "symbol", symbol or None) or ""), 12).strip()
    return Token(address, named if named and "?" not in named else "tokens", int(places))


async def read_purse(pool: RpcPool, multicall: str, token: str, owner: str, spender: str, block: Block) -> Purse:
    """What `owner` holds at a block, and what of it `spender` may take; ChainError when it cannot be read."""
    abi = interface("TestToken")
    calls = [
        Call(token, abi.encode("balanceOf", owner)),
        Call(token, abi.encode("allowance", owner, spender)),
        Call(token, abi.encode("next_drip", owner)),
    ]
    balance, allowance, drip = await pool.agree(lambda ask: aggregate(ask, multicall, calls, block))
    held, allowed = (
        decoded(abi, "balanceOf", balance or None, 1),
        decoded(abi, "allowance", allowance or None, 2),
    )
    if held is None or allowed is None:
        raise ChainError(f"the token at {token} does not tell what {owner} holds")
    coin = parse.quantity(await pool.request("eth_getBalance", [owner, hex(block.number)]), "a balance")
    return Purse(coin, int(held), int(allowed), decoded(abi, "next_drip", drip or None, 1))


def approve(spender: str, amount: int) -> bytes:
    """Calldata: let `spender` take so much."""
    return interface("TestToken").encode("approve", spender, amount)


def drip() -> bytes:
    """Calldata: have the test token's faucet give the sender 1,000 whole units, once a day."""
    return interface("TestToken").encode("drip")
