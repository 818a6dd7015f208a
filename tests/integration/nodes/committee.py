"""Four nodes in one process, on a real chain with the real contracts: only rendering and MQTT are left out."""

from __future__ import annotations

import asyncio
import hashlib
from collections import Counter
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from eth_hash.auto import keccak

from keepers.vaults import VaultKeeper, cursor
from node.agreement.effects import Timing
from node.agreement.machine import Machine
from node.artworks.studio import Studio
from node.chain.client import Chain
from node.chain.endpoints.pool import RpcPool
from node.chain.sending.fees import Fees
from node.chain.sending.sender import Sender
from node.chain.types import Edition, Feed, Policy
from node.devnet import deploy
from node.devnet.account import Account, connect
from node.devnet.genesis import dev_account
from node.devnet.rpc.server import serve_chain
from node.gossip.envelope import sealer
from node.gossip.queues import Lanes
from node.gossip.transport import Gossip
from node.gossip.verifier import Verifier
from node.journal import Journal
from node.keeper import NodeContext
from node.keys.signing import LocalSigner
from node.keys.transport import public_bytes
from node.rounds.driver import RoundDriver
from node.rounds.landings import Landings
from node.rounds.transmit import Transmitter

CADENCE = 10
GWEI = 10**9


class Wire:
    """One node's end of a wire that everyone listens on."""

    def __init__(self, everyone: list[Wire]) -> None:
        self.incoming: Lanes[bytes] = Lanes(1, 4_096)
        self.counters: Counter[str] = Counter()
        self._everyone = everyone
        everyone.append(self)

    async def publish(self, _: str, raw: bytes) -> None:
        for other in self._everyone:
            other.incoming.put(0, raw)


class DigestStudio:
    """Paints nothing: the content root is a digest of everything that a painting depends on."""

    async def paint(
        self,
        feed: Feed,
        edition: Edition,
        checkpoint: int,
        block_hash: bytes,
        band: int,
        signals: Sequence[tuple[str, int]],
    ) -> bytes:
        inputs = (feed.id, edition.seed, checkpoint, block_hash, band, tuple(signals))
        return hashlib.sha256(repr(inputs).encode()).digest()


@dataclass
class Member:
    """One node's parts, as far as a test looks at them."""

    journal: Journal
    chain: Chain
    keeper: VaultKeeper
    rounds: RoundDriver
    landings: Landings
    sender: Sender

    async def follow(self) -> None:
        """Look at the chain once, as the daemon does with every new head."""
        final, head = await self.chain.finalized(), await self.chain.head()
        feeds = [feed for feed in await self.chain.feeds() if feed.opened_at <= final.number]
        await self.landings.update(final, head)
        await self.keeper.final_head(final, feeds)


@dataclass
class Committee:
    """A chain, its owner's account, and the nodes on it."""

    account: Account
    oracle: deploy.Contract
    collection: deploy.Contract
    members: list[Member]
    patience: float = 60
    """Seconds that nodes have for one checkpoint."""
    pause: float = 0.01
    """Seconds between looks at the chain."""

    async def open(
        self,
        prices: Sequence[int],
        thresholds: Sequence[int],
        window: int,
        hysteresis: int,
        recipe: bytes = keccak(b"recipe"),
        tokens: int = 2,
    ) -> tuple[int, deploy.Vault]:
        """Open a feed with a revealed edition at the first price; return its id and vault."""
        vault = await deploy.deploy_vault(self.account, "Vault", "V", prices[0])
        policy = Policy(CADENCE, window, 0, 0, hysteresis, tuple(thresholds))
        number = int(await self.account.read(self.collection, "next_edition"))
        feed = await deploy.open_feed(self.account, self.oracle, vault, policy, self.collection, number)
        plan = deploy.EditionPlan(
            "Test", "T", prices[0], policy, recipe, keccak(b"placeholder"), keccak(b"s%d" % number), tokens
        )
        await deploy.open_edition(self.account, self.collection, feed, plan)
        await deploy.sell_out(self.account, self.collection, number, self.account.address)
        await deploy.reveal(self.account, self.collection, number, plan.secret)
        return feed, vault

    async def checkpoint(self, feed: int, *, leave_open: bool = False) -> int:
        """Mine to the next checkpoint and past its finality, and wait until all nodes are done with it.

        With `leave_open`, done with judging it: rounds go on.
        """
        head = int(await self.account.web3.eth.block_number)
        checkpoint = (head // CADENCE + 1) * CADENCE
        await self.account.mine(checkpoint - head + 2)
        async with asyncio.timeout(self.patience):
            while True:
                for member in self.members:
                    await member.follow()
                done = all(member.journal.cursors.get(cursor(feed)) == checkpoint for member in self.members)
                if done and (leave_open or not any(member.rounds.status() for member in self.members)):
                    return checkpoint
                await asyncio.sleep(self.pause)

    async def settle(self) -> None:
        """Mine until all that landed is final, and wait until no node has a round open."""
        await self.account.mine(3)
        async with asyncio.timeout(self.patience):
            while any(member.journal.rounds.unfinished() for member in self.members):
                for member in self.members:
                    await member.follow()
                await asyncio.sleep(self.pause)


@asynccontextmanager
async def committee(
    folder: Path,
    count: int = 4,
    studios: Callable[[int, Journal], Studio] | None = None,
    timing: Timing = Timing(view_ms=20_000, grace_ms=50, repeat_ms=500),  # noqa: B008 - immutable
) -> AsyncIterator[Committee]:
    """Start a chain, seat `count` nodes, and keep them running until the context ends.

    `studios` gives each node, by its index and with its journal, what it paints with.
    """
    async with AsyncExitStack() as stack:
        server = await stack.enter_async_context(serve_chain())
        web3 = connect(server.url)
        stack.push_async_callback(web3.provider.disconnect)
        account = Account(web3, dev_account(server.chain.settings.seed, 0))
        signers = [LocalSigner(keccak(b"node %d" % index)) for index in range(count)]
        keys = [Ed25519PrivateKey.from_private_bytes(keccak(b"transport %d" % index)) for index in range(count)]
        for signer in signers:
            await account.rpc("patina_fund", signer.address, hex(10**21))
        oracle = await deploy.deploy_oracle(
            account, [signer.address for signer in signers], [public_bytes(key) for key in keys]
        )
        collection = await deploy.deploy_collection(account, oracle)
        wires: list[Wire] = []
        members = []
        group = await stack.enter_async_context(asyncio.TaskGroup())
        tasks = []
        for index in range(count):
            pool = RpcPool([server.url])
            stack.push_async_callback(pool.aclose)
            chain = Chain(pool, oracle.address)
            seated = await chain.committee()
            journal = stack.enter_context(Journal(folder / f"node-{index}"))
            landings = Landings(chain, journal, 0)
            sender = Sender(chain, signers[index], journal, Fees(100 * GWEI, GWEI, poll=0.2))
            transmitter = Transmitter(chain, seated, index, sender, landings, stage_ms=400, enabled=True)
            verifier = Verifier(seated)
            machine = Machine(seated, index, verifier, timing, sealer(keys[index], seated, index))
            gossip = cast(Gossip, Wire(wires))
            rounds = RoundDriver(machine, seated, journal, signers[index], gossip, verifier.open, transmitter)
            landings.listen(rounds.landed)
            landings.settle(journal.settled)
            landings.undo(rounds.undone)
            studio = studios(index, journal) if studios else cast(Studio, DigestStudio())
            studio.on_progress = rounds.progressed
            context = NodeContext(cast(Any, SimpleNamespace()), chain, journal, landings, rounds, studio, sender)
            members.append(Member(journal, chain, VaultKeeper(context), rounds, landings, sender))
            tasks += [group.create_task(rounds.run()), group.create_task(sender.run())]
        try:
            yield Committee(account, oracle, collection, members)
        finally:
            for task in tasks:
                task.cancel()
