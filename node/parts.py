"""Builds everything a node consists of from its configuration, and takes it apart again in order."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

import aiohttp
import structlog

from node.agreement.committee import Committee
from node.agreement.effects import Timing
from node.agreement.machine import Machine
from node.chain.client import Chain
from node.chain.fees import Fees
from node.chain.pool import PoolSettings, RpcPool
from node.chain.sender import Sender
from node.chain.wakeup import WakeUp
from node.collect import Collector
from node.comparison import Comparison
from node.config import broker_password, unlock_signer, unlock_transport
from node.content.store import BlockStore
from node.drawings import Drawings
from node.errors import ConfigError
from node.gossip.envelope import sealer
from node.gossip.limits import Limits
from node.gossip.settings import BrokerSettings
from node.gossip.transport import Gossip, topic_prefix
from node.gossip.verifier import Verifier
from node.guard import Guard
from node.health import Health
from node.journal import Journal
from node.journal.safety.lock import KeyLock, state_directory
from node.journal.safety.trail import Trail
from node.landings import Landings
from node.peers import Peers
from node.recipes import Recipes
from node.render.pool import RenderPool, RenderSettings, local_pool
from node.rounds import RoundDriver
from node.studio import Studio
from node.transmit import Transmitter
from node.voting.voter import Voter

if TYPE_CHECKING:
    from node.config import Config
    from node.keys.signing import Signer

log = structlog.get_logger("node")

Ask = Callable[[str], str]
"""How to ask the person at the terminal for a password, told what it is for."""


@dataclass(frozen=True)
class Parts:
    """A node's parts, ready to run."""

    config: Config
    chain: Chain
    committee: Committee
    index: int
    journal: Journal
    store: BlockStore
    recipes: Recipes
    landings: Landings
    studio: Studio
    gossip: Gossip
    verifier: Verifier
    rounds: RoundDriver
    voter: Voter
    sender: Sender
    wakeup: WakeUp
    collector: Collector
    renderers: RenderPool
    drawings: Drawings
    guard: Guard
    health: Health

    def reasons(self) -> list[str]:
        """Return a short code for everything that keeps the node from its work."""
        found = self.health.reasons(
            self.gossip.connected,
            self.renderers.fault,
            doubtful=self.guard.doubtful(),
            stalled=self.rounds.stalled,
        )
        found += self.chain.pool.trouble
        if self.sender.funds.low:
            found.append("low-balance")
        return found

    def status(self) -> dict[str, object]:
        """Return the node's figures for status pages; no secrets among them."""
        final, head = self.health.final, self.health.head
        return {
            "name": self.config.node.name,
            "address": self.committee.signers[self.index],
            "member": self.index,
            "committee": self.committee.n,
            "quorum": self.committee.quorum,
            "config_digest": "0x" + self.committee.config_digest.hex(),
            "oracle": self.committee.oracle,
            "chain": {
                "id": self.committee.chain_id,
                "final": None if final is None else final.number,
                "head": None if head is None else head.number,
                "error": self.health.chain_error,
                "endpoints": [asdict(each) for each in self.chain.pool.status()],
                "counters": dict(self.chain.pool.counters),
                "websockets": self.wakeup.status(),
            },
            "sender": self.sender.status(),
            "brokers": {"connected": self.gossip.connected, "configured": len(self.config.gossip.brokers)}
            | {"each": self.gossip.status(), "silent_s": round(self.gossip.silent_for(), 1)},
            "cursors": self.journal.cursors.all(),
            "rounds": [
                {
                    "feed": status.key.feed,
                    "checkpoint": status.key.checkpoint,
                    "view": status.view,
                    "leader": status.leader,
                    "phase": status.phase,
                    "observations": status.observations,
                    "attestations": status.attestations,
                }
                for status in self.rounds.status()
            ],
            "voting": self.voter.status(),
            "images_rendered": self.studio.painted,
            "rendering": {**self.renderers.status(), "found_again": self.drawings.found},
            "artworks_missing": self.collector.missing,
            "messages": dict(self.gossip.counters + self.verifier.counters + self.rounds.counters),
            "transactions": [
                {"key": row.key, "state": row.state, "nonce": row.nonce} for row in self.journal.transactions.last(10)
            ],
        }


def seat_of(committee: Committee, signer: Signer) -> int:
    """Return the committee index of a signer.

    Raises:
        ConfigError: it has no seat.
    """
    if signer.address not in committee.signers:
        raise ConfigError(
            f"{signer.address} has no seat in the committee of oracle {committee.oracle}: "
            "ask its owner for one, or correct keys.signing_keystore"
        )
    return committee.signers.index(signer.address)


def broker_settings(config: Config) -> list[BrokerSettings]:
    """Return every broker with its password read from where the configuration says.

    Raises:
        KeyFileError: a password cannot be read.
        ConfigError: a broker cannot be used.
    """
    found = []
    for broker in config.gossip.brokers:
        password = broker_password(config, broker)
        found.append(
            BrokerSettings(
                url=broker.url.reveal(),
                username=broker.username,
                password=None if password is None else password.reveal(),
                ca=broker.ca,
                cert=broker.cert,
                key=broker.key,
            )
        )
    return found


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
        pool = RpcPool(config.chain.endpoints, pool_settings(config))
        stack.push_async_callback(pool.aclose)
        chain = Chain(
            pool,
            config.chain.oracle,
            chain_id=config.chain.id,
            finality=config.chain.finality,
            multicall=config.chain.multicall,
        )
        committee = await chain.committee(await chain.finalized())
        journal.bind(committee.chain_id, committee.oracle)
        index = seat_of(committee, signer)
        session = await stack.enter_async_context(aiohttp.ClientSession())
        store = BlockStore(config.node.directory / "blocks", config.content.max_block_bytes)
        peers = Peers(session, [peer.reveal() for peer in config.content.peers], store, config.content.max_block_bytes)
        recipes = Recipes(config.render.recipes, peers)
        renderers = renderer_pool(config)
        stack.push_async_callback(renderers.aclose)
        drawings = Drawings(renderers, journal, store)
        landings = Landings(chain, journal, await first_landing(chain))
        sender = Sender(chain, signer, journal, fees(config))
        wakeup = WakeUp(config.chain.websockets)
        transmitter = Transmitter(
            chain,
            committee,
            index,
            sender,
            landings,
            stage_ms=config.transmit.stage_ms,
            enabled=config.transmit.enabled,
        )
        gossip = Gossip(broker_settings(config), topic_prefix(committee.config_digest))
        verifier = Verifier(committee, limits=Limits())
        machine = Machine(committee, index, verifier, timing(config), sealer(transport_key, committee, index))
        rounds = RoundDriver(machine, committee, journal, signer, gossip, gossip.counting(verifier.open), transmitter)
        voter = Voter(
            rounds,
            chain,
            committee,
            index,
            journal,
            sender,
            landings,
            gossip.silent_for,
            after=config.transmit.vote_after_ms / 1000,
            stage=config.transmit.stage_ms / 1000,
            pause=config.chain.poll_ms / 1000,
            enabled=config.transmit.enabled,
        )
        landings.listen(rounds.landed)
        landings.listen(voter.landed)
        landings.settle(rounds.settled)
        landings.settle(lambda report: verifier.settled(report.feed, report.block_number - 1))
        landings.undo(rounds.undone)
        guard = Guard(journal, committee.config_digest, index)
        landings.settle(guard.settled)
        landings.observe(guard.unsettled)
        studio = Studio(committee.chain_id, recipes, drawings, store, Comparison(peers, store))
        studio.on_progress = rounds.progressed
        collector = Collector(peers, journal)
        landings.listen(collector.landed)
        log.info("node ready", member=index, committee=committee.n, oracle=committee.oracle, address=signer.address)
        yield Parts(
            config=config,
            chain=chain,
            committee=committee,
            index=index,
            journal=journal,
            store=store,
            recipes=recipes,
            landings=landings,
            studio=studio,
            gossip=gossip,
            verifier=verifier,
            rounds=rounds,
            voter=voter,
            sender=sender,
            wakeup=wakeup,
            collector=collector,
            renderers=renderers,
            drawings=drawings,
            guard=guard,
            health=Health(),
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


def renderer_pool(config: Config) -> RenderPool:
    """Return what draws for this node: this machine's devices, or a Ray cluster.

    Raises:
        ConfigError: the extra that a Ray cluster needs is not installed.
    """
    if config.render.pool == "local":
        return local_pool(render_settings(config))
    from node.render.ray import ray_pool

    return ray_pool(config.render.pool, render_settings(config))


def render_settings(config: Config) -> RenderSettings:
    """Return how this node renders, in the pool's own units."""
    chosen = config.render
    return RenderSettings(
        engine=chosen.engine,
        devices=chosen.devices,
        workers=chosen.workers,
        batch=chosen.batch,
        memory=chosen.memory_mb,
        nice=chosen.nice,
        patience=chosen.picture_ms / 1000,
        pipelines=chosen.pipelines,
    )


def timing(config: Config) -> Timing:
    """Return the protocol's durations (ms) as configured."""
    chosen = config.agreement
    return Timing(
        view_ms=chosen.view_ms,
        view_max_ms=chosen.max_view_ms,
        render_ms=chosen.render_ms,
        grace_ms=chosen.grace_ms,
        repeat_ms=chosen.repeat_ms,
    )


def pool_settings(config: Config) -> PoolSettings:
    """Return how endpoints are asked, and when they are believed."""
    chosen = config.chain
    return PoolSettings(
        timeout=chosen.timeout_ms / 1000,
        max_lag=chosen.max_lag_blocks,
        witnesses=chosen.witnesses,
        rate=chosen.requests_per_second,
        burst=2 * chosen.requests_per_second,
    )


def fees(config: Config) -> Fees:
    """Return the bounds on what transactions may cost."""
    chosen = config.transmit
    return Fees(
        max_fee=chosen.max_fee,
        priority_fee=chosen.priority_fee,
        bump_percent=chosen.bump_percent,
        resend_after=chosen.resend_after_ms / 1000,
        max_gas=chosen.max_gas,
        low_balance=chosen.low_balance if chosen.enabled else 0,
        poll=config.chain.poll_ms / 1000,
    )
