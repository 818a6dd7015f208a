"""Terms on paper: an oracle whose committees change as they are told, and rounds that only remember."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any, cast

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from eth_hash.auto import keccak

from node.agreement.committee import Committee
from node.agreement.effects import Trigger
from node.chain.configurations import NO_DIGEST, OVERLAP, ConfigSet, Configuration, Installed
from node.chain.types import Block
from node.durations import ROUND_S, Durations
from node.errors import ChainError, ConfigError
from node.journal import Journal
from node.keys.signing import LocalSigner
from node.term.term import Term
from node.term.terms import Terms

ORACLE = "0x" + "ab" * 20
CHAIN = 31337
SIGNERS = [LocalSigner(keccak(b"signer %d" % index)).address for index in range(6)]
KEYS = [
    Ed25519PrivateKey.from_private_bytes(keccak(b"key %d" % index)).public_key().public_bytes_raw()
    for index in range(6)
]
OWN = SIGNERS[0]
SECONDS = 100  # a block


def committee(*members: int) -> Committee:
    return Committee(CHAIN, ORACLE, [SIGNERS[one] for one in members], [KEYS[one] for one in members])


FIRST, SECOND, THIRD, WITHOUT = (
    committee(0, 1, 2, 3),
    committee(0, 1, 2, 4),
    committee(4, 0, 1, 2),
    committee(1, 2, 3, 4),
)


def block(number: int) -> Block:
    return Block(number, number.to_bytes(32, "big"), number * SECONDS)


@dataclass
class PaperOracle:
    """Committees by the block in which they came into force; None: there is none from then on."""

    installs: dict[int, Committee | None]
    oracle: str = ORACLE
    failing: str = ""
    calls: Counter[str] = field(default_factory=Counter)

    def _asked(self, what: str) -> None:
        self.calls[what] += 1
        if self.failing == what:
            raise ChainError("silent")

    def _standing(self, at: int) -> tuple[Committee | None, Committee | None, int]:
        current: Committee | None = None
        previous: Committee | None = None
        until = 0
        for number in sorted(number for number in self.installs if number <= at):
            before, current = current, self.installs[number]
            previous, until = (before, number * SECONDS + OVERLAP) if current and before else (None, 0)
        return current, previous, until

    def _number(self, at: Block) -> int:
        return sum(number <= at.number for number in self.installs)

    async def configuration(self, at: Block) -> Configuration:
        self._asked("configuration")
        current, previous, until = self._standing(at.number)
        return Configuration(digest(current), self._number(at), digest(previous), until)

    async def installed(self, at: Block) -> Installed:
        self._asked("installed")
        current, previous, until = self._standing(at.number)
        return Installed(Configuration(digest(current), self._number(at), digest(previous), until), current, previous)

    async def config_sets(self, first: int, last: int, *, final: bool) -> list[ConfigSet]:
        self._asked("config_sets")
        assert final
        return [
            ConfigSet(digest(seated), 4, 3, 0, number, b"", b"", 0)
            for number, seated in sorted(self.installs.items())
            if first <= number <= last
        ]


def digest(seated: Committee | None) -> bytes:
    return NO_DIGEST if seated is None else seated.config_digest


@dataclass
class PaperRounds:
    """The rounds of a term, and what it heard."""

    heard: list[Any] = field(default_factory=list)
    counters: Counter[str] = field(default_factory=Counter)
    happened: Counter[str] = field(default_factory=Counter)
    took: Durations = field(default_factory=lambda: Durations(ROUND_S))
    running: bool = False
    failure: Exception | None = None

    async def run(self) -> None:
        self.running = True
        try:
            if self.failure is not None:
                raise self.failure
            await asyncio.Event().wait()
        finally:
            self.running = False

    async def begin(self, trigger: Trigger, _: Any) -> None:
        self.heard.append(trigger.checkpoint)

    def in_flight(self, _: int) -> int | None:
        return max((one for one in self.heard if isinstance(one, int)), default=None)

    def landed(self, report: Any) -> None:
        self.heard.append(("landed", report.checkpoint))

    def undone(self, report: Any) -> None:
        self.heard.append(("undone", report.checkpoint))

    def progressed(self, feed: int) -> None:
        self.heard.append(("progressed", feed))

    def settled(self, feed: int, until: int) -> None:
        self.heard.append(("settled", until))


class Desk:
    """Terms on paper, with the terms that were opened, by the committee's digest."""

    def __init__(self, journal: Journal, installs: dict[int, Committee | None]) -> None:
        self.journal, self.oracle = journal, PaperOracle(installs)
        self.opened: list[tuple[bytes, int]] = []
        self.faults: list[ConfigError] = []
        self.terms = Terms(cast(Any, self.oracle), journal, CHAIN, OWN, self.opening)

    def opening(self, seated: Committee, index: int) -> Term:
        if self.faults:
            raise self.faults.pop()
        self.opened.append((seated.config_digest, index))
        paper: Any = PaperRounds()
        idle: Any = SimpleNamespace(run=PaperRounds().run, counters=Counter(), by_broker=[Counter()])
        idle.links = [SimpleNamespace(settings=SimpleNamespace(name="mqtt://one.example:1883"))]
        voter: Any = SimpleNamespace(begin=paper.begin, in_flight=paper.in_flight, landed=lambda _: None, retired=False)
        voter.run, voter.counters = PaperRounds().run, Counter()
        return Term(seated, index, idle, paper, paper, voter, cast(Any, SimpleNamespace(previous=False)))

    def rounds(self, seated: Committee) -> PaperRounds:
        [term] = [term for term in self.terms.all if term.config == seated.config_digest]
        return cast(PaperRounds, term.rounds)

    def under_way(self) -> list[tuple[bytes, bool]]:
        return [(term.config, term.in_force) for term in self.terms.all]

    async def begin(self, checkpoint: int) -> None:
        self.journal.rounds.open(1, checkpoint, b"b" * 32, 1, (1, 2, 3), "crossing")
        await self.terms.begin(Trigger(1, checkpoint, b"b" * 32, 1, (1, 2, 3)), cast(Any, None))

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        task = asyncio.create_task(self.terms.run())
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        try:
            yield
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
