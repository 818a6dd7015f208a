"""A voter on paper: a chain, a sender, gossip and rounds that say what they are told."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any, cast

from eth_abi.abi import encode
from eth_hash.auto import keccak

from node.agreement.committee import Committee
from node.agreement.effects import RoundKey, RoundStatus, Trigger
from node.artworks.paint import Likeness
from node.chain.client import Chain
from node.chain.interface import interface
from node.errors import JournalUnwritableError
from node.gossip.hearing import Hearing
from node.journal import Journal
from node.voting.voter import Voter
from tests.unit.paper import make_block

ORACLE = "0x" + "11" * 20
SIGNERS = ["0x" + bytes([number] * 20).hex() for number in range(1, 5)]
ROOT, ZERO = b"r" * 32, bytes(32)


def trigger(checkpoint: int = 10, feed: int = 1) -> Trigger:
    return Trigger(feed, checkpoint, b"b" * 32, 100, (1, 2, 3))


@dataclass
class PaperPool:
    """Says what the oracle would refuse, and has the votes of other members in its logs."""

    refusal: str = ""
    refusals: dict[int, str] = field(default_factory=dict)
    trials: int = 0
    votes: list[tuple[int, int, str]] = field(default_factory=list)

    async def reverts(self, sender: str, to: str, calldata: bytes) -> str | None:
        assert (sender, to) == (SIGNERS[0], ORACLE)
        self.trials += 1
        return self.refusals.get(int.from_bytes(calldata[36:68], "big")) or self.refusal or None

    async def ask(self, question: Callable[[Any], Awaitable[Any]]) -> Any:
        raise AssertionError("one endpoint alone is believed")

    async def agree(self, question: Callable[[Any], Awaitable[Any]]) -> Any:
        async def rpc(method: str, _: list[Any]) -> Any:
            return hex(50) if method == "eth_blockNumber" else [self._log(*vote) for vote in self.votes]

        return await question(rpc)

    def _log(self, feed: int, checkpoint: int, who: str) -> dict[str, Any]:
        words = [feed.to_bytes(32, "big"), checkpoint.to_bytes(32, "big"), bytes.fromhex(who[2:]).rjust(32, b"\0")]
        return {
            "address": ORACLE,
            "topics": ["0x" + one.hex() for one in (interface("StrategyOracle").topic("Voted"), *words)],
            "data": "0x" + encode(["bytes32", "int256"], [ROOT, 5]).hex(),
            "blockNumber": hex(checkpoint + 2),
            "blockHash": "0x" + "00" * 32,
            "transactionHash": "0x" + "00" * 32,
            "logIndex": hex(self.votes.index((feed, checkpoint, who))),
        }


@dataclass
class PaperSender:
    """Keeps what it is given in the real journal, as the sender does."""

    journal: Journal
    address: str = SIGNERS[0]
    sent: list[tuple[str, bytes, int]] = field(default_factory=list)
    failures: list[Exception] = field(default_factory=list)

    async def send(self, key: str, to: str, calldata: bytes, *, least_gas: int = 0) -> bytes:
        assert to == ORACLE
        if self.failures:
            raise self.failures.pop(0)
        self.journal.transactions.queue(key, self.address, to, calldata, 0, least_gas)
        self.sent.append((key, calldata, least_gas))
        return keccak(calldata)


class PaperGossip:
    def __init__(self) -> None:
        self.begun: list[RoundKey] = []

    async def begin(self, begun: Trigger, _: Any) -> None:
        self.begun.append(begun.key)

    def in_flight(self, _: int) -> int | None:
        return 77

    def status(self) -> list[RoundStatus]:
        return [RoundStatus(key, 0, 0, "observing", 1, 0, 0, 0) for key in self.begun]


class Brush:
    """Paints once it may; says how often it was asked."""

    def __init__(self, result: bytes | Likeness = ROOT, held: bool = False) -> None:
        self.result, self.asked, self.go = result, 0, asyncio.Event()
        self.failures: list[Exception] = []
        if not held:
            self.go.set()

    async def __call__(self, answer: int, signals: Sequence[int]) -> bytes | Likeness:
        assert (answer, tuple(signals)) == (100, (1, 2, 3))
        self.asked += 1
        await self.go.wait()
        if self.failures:
            raise self.failures.pop(0)
        return self.result


class Desk:
    """A voter, and everything around it."""

    def __init__(self, journal: Journal, **changes: Any) -> None:
        self.journal, self.silent, self.now = journal, 0.0, 0.0
        self.pool, self.sender, self.gossip = PaperPool(), PaperSender(journal), PaperGossip()
        self.newest: int | None = None
        chain = Chain(cast(Any, self.pool), ORACLE)

        async def head() -> Any:
            return make_block(50)

        chain.head = head  # type: ignore[method-assign]
        self.committee = Committee(31337, ORACLE, SIGNERS, [bytes([number] * 32) for number in range(1, 5)])
        self.unreadable = 0

        def block_of_last(_: int) -> int | None:
            self.unreadable -= 1
            if self.unreadable >= 0:
                raise JournalUnwritableError("the disk does not read or write")
            return self.newest

        landings = SimpleNamespace(block_of_last=block_of_last)
        known: dict[str, Any] = {"after": 60.0, "stage": 0.0, "pause": 0.001, "enabled": True}
        self.hearing = Hearing(self.committee, 0, clock=lambda: self.now)
        self.voter = Voter(
            cast(Any, self.gossip),
            chain,
            self.committee,
            0,
            journal,
            cast(Any, self.sender),
            cast(Any, landings),
            lambda: self.silent,
            self.hearing,
            clock=lambda: self.now,
            **(known | changes),
        )
        self.voter._accounts = cast(Any, self.pool)

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        task = asyncio.create_task(self.voter.run())
        try:
            yield
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)

    def hear(self, *members: int) -> None:
        """Let messages of members arrive."""
        for member in members:
            self.hearing.heard(member)

    async def settle(self) -> None:
        """Let the voter look many times."""
        await asyncio.sleep(0.03)

    def calldata(self, root: bytes = ROOT, checkpoint: int = 10) -> bytes:
        return interface("StrategyOracle").encode("vote", 1, checkpoint, b"b" * 32, 100, (1, 2, 3), root)
