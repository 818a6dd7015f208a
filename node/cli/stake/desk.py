"""Everything a staking command works with: configuration, chain, contract, token, operator, and its outbox."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeVar

from node.errors import ChainError, ConfigError, JournalError, RevertError

if TYPE_CHECKING:
    from node.chain.client import Chain
    from node.cli.stake.operator import Operator
    from node.cli.stake.options import Choice
    from node.cli.stake.talk import Talk
    from node.config import Config
    from node.journal import Journal
    from node.staking.contract import Staking
    from node.staking.outbox import Mined, Outbox
    from node.staking.plan import View
    from node.staking.token import Purse, Token

Answer = TypeVar("Answer")
FOLDER = "operators"
"""Inside the node's own folder: what is to be remembered of each operator's transactions."""
_TRIES = 5


@dataclass
class Desk:
    """One staking contract and one operator; `seen` is the oldest block at which anything may be read."""

    config: Config
    chain: Chain
    chain_id: int
    staking: Staking
    token: Token
    operator: Operator
    talk: Talk
    journals: contextlib.ExitStack
    seen: int = 0
    _outbox: Outbox | None = field(default=None, repr=False)

    async def view(self, node: int | None = None) -> View:
        """How staking stands now for a node, by default the operator's; ChainError."""
        from node.chain.failures import MissingError, UnwitnessedError

        for _ in range(_TRIES):
            try:
                found = await self._view(node)
            except (MissingError, UnwitnessedError):
                found = None
            if found is not None:
                return found
            await asyncio.sleep(1)
        raise ChainError("the endpoints are behind what was sent through them: try again in a moment")

    async def _view(self, node: int | None) -> View | None:
        from node.staking.plan import View

        head = await self.chain.head()
        if head.number < self.seen:
            return None
        overview = await self.staking.overview(head)
        if node is None:
            node = await self.staking.node_of(self.operator.address) if self.operator.exists else 0
        nodes = await self.staking.nodes(overview.candidates, head)
        members = await self.staking.members(overview.number, head) if overview.number else ()
        account = await self.staking.account(node, head) if node else None
        return View(head.timestamp, overview, tuple(nodes), members, account)

    async def purse(self, owner: str) -> Purse:
        """What an account holds, and what of its tokens the contract may take; ChainError."""
        from node.staking.token import read_purse

        head = await self.chain.head()
        multicall = self.config.chain.multicall
        return await read_purse(self.chain.pool, multicall, self.token.address, owner, self.staking.address, head)

    async def outbox(self) -> Outbox:
        """The operator's outbox, its key unlocked, and what an earlier run left seen through."""
        from node.journal import Journal
        from node.settings import fees
        from node.staking.outbox import Outbox

        if self._outbox is None:
            key = self.operator.unlock()
            folder = self.config.node.directory / FOLDER / key.address.lower()
            try:
                journal: Journal = self.journals.enter_context(Journal(folder))
            except JournalError as error:
                raise JournalError(f"{error} (is another patina join or stake command under way?)") from None
            outbox = Outbox(self.chain, key, journal, fees(self.config), self.talk.told)
            await outbox.resume()
            self.seen = max(self.seen, outbox.block)
            self._outbox = outbox
        return self._outbox

    async def send(self, what: str, to: str, calldata: bytes, *, value: int = 0, more_gas: int = 0) -> Mined:
        """Send one transaction of the operator's and wait for it; a refusal comes in words. As `Outbox.send`."""
        from node.staking.refusals import explain

        outbox = await self.outbox()
        try:
            done = await outbox.send(what, to, calldata, value=value, more_gas=more_gas)
        except RevertError as error:
            raise RevertError(explain(error)) from None
        finally:
            self.seen = max(self.seen, outbox.block)
        return done

    def amount(self, units: int) -> str:
        """An amount of the token in words."""
        from node.staking.amounts import show_amount

        return show_amount(units, self.token.decimals, self.token.symbol)

    def units(self, text: str) -> int:
        """The units of an amount that a person wrote; PatinaError."""
        from node.staking.amounts import parse_amount

        return parse_amount(text, self.token.decimals, self.token.symbol)


@contextlib.asynccontextmanager
async def open_desk(choice: Choice, talk: Talk) -> AsyncIterator[Desk]:
    """Read the configuration, find the contracts, and check that they belong together.

    Raises:
        PatinaError: there is no configuration, no staking contract, or another one than the chain's oracle obeys.
    """
    from node.chain.client import Chain
    from node.chain.endpoints.pool import RpcPool
    from node.cli.stake.operator import Operator
    from node.config import load
    from node.settings import pool_settings
    from node.staking.contract import Staking, find_staking
    from node.staking.token import read_token

    config = load(choice.config_path, check_files=False)
    chosen = config.chain
    pool = RpcPool(chosen.endpoints, pool_settings(config), chain_id=chosen.id)
    try:
        chain = Chain(pool, chosen.oracle, chain_id=chosen.id, finality=chosen.finality, multicall=chosen.multicall)
        chain_id = await chain.chain_id()
        address = _checked(choice.staking) or config.staking.contract or await find_staking(pool, chosen.oracle)
        if address is None:
            raise ConfigError(
                f"the oracle {chosen.oracle} obeys no staking contract: its owner chooses the committee. Give your "
                "signing address and transport key (patina keys list) to whoever that is"
            )
        staking = Staking(pool, address, multicall=chosen.multicall)
        try:
            oracle = await staking.oracle()
        except RevertError:
            raise ConfigError(f"what stands at {address} is no staking contract: correct the address") from None
        if oracle != chain.oracle:
            raise ConfigError(
                f"the staking contract {address} is that of the oracle {oracle}, and the configuration names "
                f"{chain.oracle}: one of the two addresses is wrong"
            )
        token = await read_token(pool, chosen.multicall, (await staking.overview()).token)
        with contextlib.ExitStack() as journals:
            operator = Operator(config, choice)
            yield Desk(config, chain, chain_id, staking, token, operator, talk, journals)
    finally:
        await pool.aclose()


def perform(choice: Choice, work: Callable[[Desk], Awaitable[dict[str, Any]]]) -> None:
    """Run one staking command: what it returns is its JSON; PatinaError."""
    from node.cli.perform import at_desk
    from node.staking.refusals import explain

    at_desk(choice, open_desk, work, explain)


def _checked(address: str | None) -> str | None:
    from node.keys.address import fault_of_address

    if address is not None and (fault := fault_of_address(address)):
        raise ConfigError(f"--staking: {fault[0]}; {fault[1]}")
    return address
