"""Gives coin away on development chains, whichever program they run, and refuses on every other chain."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from node.errors import ChainError, printable

if TYPE_CHECKING:
    from node.chain.endpoints.pool import RpcPool
    from node.keys.secrets import SecretUrl

MOST: Final = 10**24
"""The most wei that one call gives: a million of the chain's coin."""
_EMBEDDED: Final = "patina-devnet/"
_ANVIL: Final = "anvil/"
_ELSEWHERE: Final = (
    "its coin cannot be made up. Testnets have faucets of their own: the network's documentation lists them; "
    "elsewhere coin is bought"
)


async def is_devnet(url: str | SecretUrl) -> bool:
    """Whether a development chain answers at `url`: `patina devnet`'s own, or anvil.

    Raises:
        ChainError: nothing answers there.
    """
    async with _open(url) as pool:
        return (await _program(pool)).startswith((_EMBEDDED, _ANVIL))


async def fund(url: str | SecretUrl, address: str, wei: int) -> int:
    """Give `address` so many wei more and return what it then has.

    Raises:
        ChainError: nothing answers at `url`, it is no development chain, or the amount is out of bounds.
    """
    from node.chain import parse

    if not 0 < wei <= MOST:
        raise ChainError(f"the faucet gives more than nothing and at most {MOST // 10**18:,} coin at a time")
    async with _open(url) as pool:
        program = await _program(pool)
        if program.startswith(_EMBEDDED):
            await pool.request("patina_fund", [address, hex(wei)])
        elif program.startswith(_ANVIL):
            await pool.request("anvil_addBalance", [address, hex(wei)])
        else:
            named = printable(program, 60)
            raise ChainError(f"{pool.endpoints[0].name} is no development chain (it runs {named}): {_ELSEWHERE}")
        return parse.quantity(await pool.request("eth_getBalance", [address, "latest"]), "a balance")


def _open(url: str | SecretUrl) -> RpcPool:
    from node.chain.endpoints.pool import RpcPool

    return RpcPool([url])


async def _program(pool: RpcPool) -> str:
    """What the endpoint calls itself; its name is a stranger's word."""
    found = await pool.request("web3_clientVersion")
    return found if isinstance(found, str) else "something without a name"
