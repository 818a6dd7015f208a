"""The chain read through the sound endpoints: each thing that several checks need is read once."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final

from node.chain.client import Chain
from node.chain.endpoints.pool import RpcPool
from node.chain.failures import DisagreementError, RpcError, UnavailableError, UnwitnessedError
from node.chain.sending.accounts import Accounts
from node.errors import ChainError
from node.preflight.once import Once
from node.settings import pool_settings
from node.staking.contract import Staking, find_staking
from node.staking.plan import View

if TYPE_CHECKING:
    from collections.abc import Sequence

    from node.chain.configurations import Installed
    from node.chain.types import Block, Edition, Feed, Landed
    from node.config import Config
    from node.keys.secrets import SecretUrl

_UNTOLD: Final = (DisagreementError, RpcError, UnavailableError, UnwitnessedError)


def untold(error: ChainError) -> bool:
    """Whether the endpoints could not say, so that nothing is known about the contract that was asked."""
    return isinstance(error, _UNTOLD) or "no endpoint answers" in str(error)


MOST_REPORTS: Final = 40
"""Feeds whose newest report is looked up."""


class Network:
    """One oracle, and what stands around it. Every answer may raise ChainError."""

    def __init__(self, config: Config, endpoints: Sequence[SecretUrl]) -> None:
        chosen = config.chain
        # Nothing is signed for what is read here: where no second endpoint is sound, the first one is believed.
        settings = replace(pool_settings(config), witnesses=1)
        self.pool = RpcPool(endpoints, settings, chain_id=chosen.id)
        self.chain = Chain(
            self.pool, chosen.oracle, chain_id=chosen.id, finality=chosen.finality, multicall=chosen.multicall
        )
        self.accounts = Accounts(self.pool)
        self._config = config
        self.head: Once[Block] = Once(self.chain.head)
        self.installed: Once[Installed] = Once(self.chain.installed)
        self.all_feeds: Once[list[Feed]] = Once(self.chain.feeds)
        self.editions: Once[list[tuple[Feed, Edition | None]]] = Once(self._editions)
        self.staking: Once[Staking | None] = Once(self._staking)
        self.view: Once[View | None] = Once(self._view)
        self.newest: Once[list[Landed]] = Once(self._newest)
        self.address = ""
        """The signing address that `view` is about, set by whoever knows it; "" for nobody's."""

    async def feeds(self) -> list[Feed]:
        """The feeds that this node serves."""
        serve = self._config.feeds.serve
        return [feed for feed in await self.all_feeds.get() if serve == "all" or feed.id in serve]

    async def _editions(self) -> list[tuple[Feed, Edition | None]]:
        feeds = [feed for feed in await self.feeds() if int(feed.collection, 16)]
        found = await self.chain.editions([(feed.collection, feed.edition) for feed in feeds])
        return list(zip(feeds, found, strict=True))

    async def _staking(self) -> Staking | None:
        chosen = self._config.chain
        address = await find_staking(self.pool, chosen.oracle)
        return None if address is None else Staking(self.pool, address, multicall=chosen.multicall)

    async def _view(self) -> View | None:
        staking = await self.staking.get()
        if staking is None:
            return None
        overview, head = await staking.overview(), await self.head.get()
        nodes = await staking.nodes(overview.candidates)
        members = await staking.members(overview.number) if overview.number else ()
        number = await staking.node_of_signer(self.address) if self.address else 0
        account = await staking.account(number) if number else None
        return View(head.timestamp, overview, tuple(nodes), members, account)

    async def _newest(self) -> list[Landed]:
        """The newest report of every feed that ever had one, the newest of them first."""
        feeds = sorted(await self.all_feeds.get(), key=lambda feed: -feed.updated_block)[:MOST_REPORTS]
        blocks = dict.fromkeys(feed.updated_block for feed in feeds if feed.checkpoint)
        return [one for block in blocks for one in await self.chain.landed(block, block)]

    async def aclose(self) -> None:
        """End what is under way and close all connections."""
        for once in (self.newest, self.view, self.staking, self.editions, self.all_feeds, self.installed, self.head):
            await once.aclose()
        await self.pool.aclose()
