"""Builds everything a node consists of from its configuration, and takes it apart again in order."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

import aiohttp
import structlog

from node.artworks.collect import Collector
from node.artworks.comparison import Comparison
from node.artworks.drawings import Drawings
from node.artworks.peers import Peers
from node.artworks.recipes import Recipes
from node.artworks.studio import Studio
from node.chain.client import Chain
from node.chain.endpoints.pool import RpcPool
from node.chain.endpoints.wakeup import WakeUp
from node.chain.sending.sender import Sender
from node.config import unlock_signer, unlock_transport
from node.content.store import BlockStore
from node.gossip.transport import check_brokers
from node.journal import Journal
from node.journal.safety.lock import KeyLock, state_directory
from node.journal.safety.trail import Trail
from node.notices.notices import Notices, open_notices
from node.publish.open import open_target
from node.publish.publisher import Place, Publisher
from node.rounds.guard import Guard
from node.rounds.landings import Landings
from node.settings import broker_settings, fees, pool_settings, renderer_pool
from node.staking.duty import Duty, open_duty
from node.staking.locator import Locator
from node.status.disk import Disk
from node.status.health import Health
from node.status.standings import Standings
from node.term.opening import Opening
from node.term.staked import Staked
from node.term.terms import Terms

if TYPE_CHECKING:
    from node.config import Config
    from node.render.pool import RenderPool

log = structlog.get_logger("node")

Ask = Callable[[str], str]
"""How to ask the person at the terminal for a password, told what it is for."""


@dataclass(frozen=True)
class Parts:
    """What a node consists of for as long as it runs; what belongs to one configuration of the oracle is in `terms`."""

    config: Config
    address: str
    chain_id: int
    chain: Chain
    journal: Journal
    store: BlockStore
    recipes: Recipes
    landings: Landings
    studio: Studio
    terms: Terms
    sender: Sender
    duty: Duty
    wakeup: WakeUp
    collector: Collector
    publisher: Publisher
    renderers: RenderPool
    drawings: Drawings
    guard: Guard
    health: Health
    disk: Disk
    standings: Standings
    notices: Notices


@asynccontextmanager
async def build_parts(config: Config, ask: Ask | None = None) -> AsyncIterator[Parts]:
    """Lock the journal, unlock the keys, meet the chain, and put the parts together.

    Raises:
        PatinaError: the node cannot start; the text says why and what to do.
    """
    async with AsyncExitStack() as stack:
        journal = stack.enter_context(Journal(config.node.directory))
        signer, transport_key = unlock_signer(config, ask=ask), unlock_transport(config, ask=ask)
        stack.enter_context(KeyLock(signer.address, config.node.directory))
        journal.protection.own(signer.address)
        journal.protection.follow(Trail(state_directory(), signer.address, config.chain.id, config.chain.oracle))
        brokers = broker_settings(config)
        check_brokers(brokers)
        pool = RpcPool(config.chain.endpoints, pool_settings(config))
        stack.push_async_callback(pool.aclose)
        chain = Chain(
            pool,
            config.chain.oracle,
            chain_id=config.chain.id,
            finality=config.chain.finality,
            multicall=config.chain.multicall,
        )
        final, chain_id = await chain.finalized(), await chain.chain_id()
        journal.bind(chain_id, chain.oracle)
        session = await stack.enter_async_context(aiohttp.ClientSession())
        store = BlockStore(config.node.directory / "blocks", config.content.max_block_bytes)
        peers = Peers(session, [peer.reveal() for peer in config.content.peers], store, config.content.max_block_bytes)
        recipes = Recipes(config.render.recipes, peers, store.put)
        renderers = renderer_pool(config)
        stack.push_async_callback(renderers.aclose)
        drawings = Drawings(renderers, journal, store)
        landings = Landings(chain, journal, await first_landing(chain))
        sender = Sender(chain, signer, journal, fees(config))
        locator = Locator(chain, config.chain.multicall, config.staking.contract)
        duty = open_duty(config, chain, journal, sender, locator, lambda: terms.open_rounds)
        opening = Opening(config, chain, journal, signer, transport_key, brokers, sender, landings, duty.watch)
        staked = Staked(chain, locator, signer.address)
        terms = Terms(chain, journal, chain_id, signer.address, opening, staked.why)
        await terms.look(final)
        landings.listen(terms.landed)
        landings.listen(duty.watch.told)
        landings.settle(terms.settled)
        landings.settle(duty.settled)
        landings.undo(terms.undone)
        guard = Guard(journal, terms.seat)
        landings.settle(guard.settled)
        landings.observe(guard.unsettled)
        studio = Studio(chain_id, recipes, drawings, store, Comparison(peers, store))
        studio.on_progress = terms.progressed
        collector = Collector(peers, journal)
        landings.listen(collector.landed)
        places = [Place(open_target(config, each), each.keep) for each in config.content.publish]
        publisher = Publisher(places, journal, store, chain.oracle)
        landings.settle(publisher.settled)
        collector.listen(publisher.arrived)
        log.info("node started", oracle=chain.oracle, address=signer.address)
        yield Parts(
            config=config,
            address=signer.address,
            chain_id=chain_id,
            chain=chain,
            journal=journal,
            store=store,
            recipes=recipes,
            landings=landings,
            studio=studio,
            terms=terms,
            sender=sender,
            duty=duty,
            wakeup=WakeUp(config.chain.websockets),
            collector=collector,
            publisher=publisher,
            renderers=renderers,
            drawings=drawings,
            guard=guard,
            health=Health(),
            disk=Disk(journal.path, store.path),
            standings=Standings(journal, landings),
            notices=open_notices(config, journal),
        )


async def first_landing(chain: Chain) -> int:
    """Return the block from which on reports can have landed: no feed stood before it.

    Raises:
        ChainError: the chain cannot be read.
    """
    final = await chain.finalized()
    # Asked second: a feed opened in between then counts, and one opened later lands its reports later still.
    feeds = await chain.feeds()
    return min((feed.opened_at for feed in feeds), default=final.number + 1)
