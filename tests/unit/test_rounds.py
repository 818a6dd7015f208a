"""The driver of agreement: what is durable before what is given away, and what a failing part must not stop."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from eth_hash.auto import keccak

from node.agreement.committee import Committee
from node.agreement.effects import (
    Attest,
    Broadcast,
    CancelRender,
    Effect,
    Render,
    RoundDone,
    RoundKey,
    Timing,
    Transmit,
    Trigger,
)
from node.agreement.machine import Machine
from node.agreement.messages import Attestation, Observation, Timeout
from node.agreement.report import Report, report_digest
from node.errors import EquivocationError, RenderError
from node.gossip.envelope import sealer
from node.gossip.queues import Lanes
from node.gossip.verifier import Verifier
from node.journal import Journal
from node.keys.signing import LocalSigner
from node.render.local import RenderSettings, local_pool
from node.render.recipe import Recipe
from node.rounds import OUTBOX, RoundDriver
from tests.unit.paper import make_landed
from tests.unit.render.planted import begun

KEYS = [keccak(b"signer %d" % index) for index in range(4)]
TRANSPORT = [Ed25519PrivateKey.from_private_bytes(keccak(b"transport %d" % index)) for index in range(4)]
TIMING = Timing(view_ms=200, view_max_ms=400, render_ms=60_000, grace_ms=0, repeat_ms=100)
KEY = RoundKey(1, 10)
ROOT, OTHER_ROOT = b"\x11" * 32, b"\x22" * 32


def make_committee(n: int) -> Committee:
    addresses = [LocalSigner(key).address for key in KEYS[:n]]
    return Committee(31337, "0x" + "ab" * 20, addresses, [key.public_key().public_bytes_raw() for key in TRANSPORT[:n]])


def trigger(checkpoint: int = 10, answer: int = 100) -> Trigger:
    return Trigger(1, checkpoint, b"\x0b" * 32, answer, (1, 2, 3))


@dataclass
class PaperWire:
    """Takes what is published; nobody else is there unless a test puts something in."""

    published: list[tuple[str, bytes]] = field(default_factory=list)
    incoming: Lanes[bytes] = field(default_factory=lambda: Lanes(1, 4_096))
    open: asyncio.Event = field(default_factory=asyncio.Event)

    async def publish(self, kind: str, raw: bytes) -> None:
        await self.open.wait()
        self.published.append((kind, raw))

    def kinds(self) -> set[str]:
        return {kind for kind, _ in self.published}


@dataclass
class PaperTransmitter:
    sent: list[Transmit] = field(default_factory=list)

    async def transmit(self, effect: Transmit) -> None:
        self.sent.append(effect)


class WatchedSigner(LocalSigner):
    """A real key; `before` is called just before every signature."""

    def __init__(self, key: bytes) -> None:
        super().__init__(key)
        self.signed: list[bytes] = []
        self.before: Callable[[bytes], None] = lambda _: None

    def sign_digest(self, digest: bytes) -> bytes:
        self.before(digest)
        self.signed.append(digest)
        return super().sign_digest(digest)


@dataclass
class ScriptedMachine:
    """Asks for what a test wants; what the driver tells it is noted."""

    effects: list[Effect] = field(default_factory=list)
    heard: list[tuple[Any, ...]] = field(default_factory=list)

    def begin(self, trigger: Trigger, now: int, held: Any) -> list[Effect]:
        return self.effects

    def tick(self, now: int) -> list[Effect]:
        return []

    def rendered(self, key: RoundKey, view: int, root: bytes, now: int) -> list[Effect]:
        self.heard.append(("rendered", key, view, root))
        return []

    def render_failed(self, key: RoundKey, view: int, now: int) -> list[Effect]:
        self.heard.append(("failed", key, view))
        return []

    def attested(self, key: RoundKey, view: int, digest: bytes, signature: bytes, now: int) -> list[Effect]:
        self.heard.append(("attested", key, view, digest))
        return []


class Desk:
    """A driver with real journal, keys, envelopes and, unless scripted, a real machine."""

    def __init__(self, journal: Journal, n: int = 1, scripted: ScriptedMachine | None = None) -> None:
        self.journal, self.committee = journal, make_committee(n)
        self.wire, self.transmitter = PaperWire(), PaperTransmitter()
        self.wire.open.set()
        self.signer, self.verifier = WatchedSigner(KEYS[0]), Verifier(self.committee)
        seal = sealer(TRANSPORT[0], self.committee, 0)
        machine = scripted or Machine(self.committee, 0, self.verifier, TIMING, seal)
        self.driver = RoundDriver(
            cast(Machine, machine),
            self.committee,
            journal,
            self.signer,
            cast(Any, self.wire),
            self.verifier.open,
            cast(Any, self.transmitter),
        )

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        task = asyncio.create_task(self.driver.run())
        try:
            yield
            assert not task.done(), "the driver must go on whatever happens"
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)

    def rows(self, checkpoint: int = 10) -> dict[int, bytes]:
        return self.journal.attestations.digests(self.committee.config_digest, 1, checkpoint)


async def until(condition: Callable[[], Any]) -> None:
    async with asyncio.timeout(20):
        while not condition():
            await asyncio.sleep(0.002)


def paints(root: bytes) -> Callable[[int, Sequence[int]], Any]:
    async def paint(answer: int, signals: Sequence[int]) -> bytes:
        return root

    return paint


@pytest.fixture
def journal(tmp_path: Path) -> Iterator[Journal]:
    with Journal(tmp_path) as opened:
        yield opened


def report_of(view: int, root: bytes) -> Report:
    return Report(1, 10, b"\x0b" * 32, view, 1, (100,), (1, 2, 3), root)


async def test_round__committee_of_one__paints_attests_and_transmits(journal: Journal) -> None:
    desk = Desk(journal)
    async with desk.running():
        await desk.driver.begin(trigger(), paints(ROOT))
        await until(lambda: desk.transmitter.sent)
    [effect] = desk.transmitter.sent
    assert effect.report == report_of(0, ROOT)
    assert effect.digest == report_digest(desk.committee.domain, effect.report) == desk.signer.signed[0]
    assert desk.rows() == {0: effect.digest}
    assert desk.driver.in_flight(1) == 10
    assert desk.driver.in_flight(2) is None


async def test_attest__row_is_on_disk__before_the_signature_is_made_and_anything_is_published(
    journal: Journal, tmp_path: Path
) -> None:
    """Incident: an honest crash that looks like equivocation (libocr keeps `sentReport` in memory only)."""
    desk = Desk(journal)
    on_disk: list[tuple[dict[int, bytes], bool]] = []

    def look(digest: bytes) -> None:
        with Journal(tmp_path, read_only=True) as beside:  # another connection sees committed rows alone
            found = beside.attestations.of(desk.committee.config_digest, 1, 10)
        on_disk.append(({view: row.digest for view, row in found.items()}, "attestation" in desk.wire.kinds()))
        document = json.loads(found[0].report)
        assert (document["message"]["checkpoint"], document["primaryType"]) in {(10, "Report"), ("10", "Report")}

    desk.signer.before = look
    async with desk.running():
        await desk.driver.begin(trigger(), paints(ROOT))
        await until(lambda: "attestation" in desk.wire.kinds())
    assert on_disk == [({0: desk.signer.signed[0]}, False)]


async def test_attest__crash_between_row_and_signature__the_next_life_is_bound_though_nothing_left(
    journal: Journal,
) -> None:
    broken = Desk(journal)

    def crash(_: bytes) -> None:
        raise RuntimeError("killed here")

    broken.signer.before = crash
    task = asyncio.create_task(broken.driver.run())
    await broken.driver.begin(trigger(), paints(ROOT))
    await until(task.done)
    assert task.exception() is not None
    assert (broken.signer.signed, broken.wire.kinds() & {"attestation"}) == ([], set())
    [promised] = broken.rows().values()
    again = Desk(journal)
    async with again.running():
        await again.driver.begin(trigger(), paints(OTHER_ROOT))
        await until(lambda: again.transmitter.sent)
    assert again.rows()[0] == promised
    assert all(effect.view > 0 for effect in again.transmitter.sent)


async def test_attest__journal_is_bound_to_another_digest__signs_and_publishes_nothing(journal: Journal) -> None:
    config, bound = make_committee(1).config_digest, b"\x77" * 32
    journal.attest(config, 1, 10, 0, bound, b"{}")
    digest = report_digest(make_committee(1).domain, report_of(0, ROOT))
    machine = ScriptedMachine([Attest(KEY, 0, report_of(0, ROOT), digest)])
    desk = Desk(journal, scripted=machine)
    async with desk.running():
        await desk.driver.begin(trigger(), paints(ROOT))
        await asyncio.sleep(0.02)
    assert (desk.signer.signed, desk.wire.published, machine.heard) == ([], [], [])
    assert desk.rows() == {0: bound}
    with pytest.raises(EquivocationError):  # the journal would have refused the machine's digest
        journal.attest(config, 1, 10, 0, digest, b"{}")


async def test_begin__restart_with_another_painting__never_signs_a_second_digest_for_a_view(journal: Journal) -> None:
    """Incident: an honest crash that looks like equivocation: what the journal holds binds the next life."""
    first = Desk(journal)
    async with first.running():
        await first.driver.begin(trigger(), paints(ROOT))
        await until(lambda: first.transmitter.sent)
    again = Desk(journal)
    async with again.running():
        await again.driver.begin(trigger(), paints(OTHER_ROOT))
        await until(lambda: again.transmitter.sent)  # the committee of one moves to the next view, and signs there
    assert first.rows()[0] == first.signer.signed[0]
    assert again.rows()[0] == first.signer.signed[0]
    assert [effect.report.content_root for effect in again.transmitter.sent] == [OTHER_ROOT]
    assert min(effect.view for effect in again.transmitter.sent) > 0
    assert first.signer.signed[0] not in again.signer.signed
    assert len(again.rows()) == len(set(first.signer.signed + again.signer.signed))


async def test_begin__restart_with_the_same_painting__signs_no_more_than_one_digest_for_each_view(
    journal: Journal,
) -> None:
    digests: dict[int, set[bytes]] = {}
    for _ in range(3):
        desk = Desk(journal)
        async with desk.running():
            await desk.driver.begin(trigger(), paints(ROOT))
            await until(lambda desk=desk: desk.transmitter.sent)
        for effect in desk.transmitter.sent:
            digests.setdefault(effect.view, set()).add(effect.digest)
    assert all(len(found) == 1 for found in digests.values())
    assert desk.rows() == {view: next(iter(found)) for view, found in digests.items()}


@pytest.mark.parametrize(
    "error", [RenderError("no such mood"), ValueError("odd"), MemoryError(), ExceptionGroup("two", [OSError("x")])]
)
async def test_paint__raises_anything__ends_in_render_failed_and_the_node_goes_on(
    journal: Journal, error: Exception
) -> None:
    async def fail(answer: int, signals: Sequence[int]) -> bytes:
        raise error

    machine = ScriptedMachine([Render(KEY, 3, b"", 1, (1, 2, 3))])
    desk = Desk(journal, scripted=machine)
    async with desk.running():
        await desk.driver.begin(trigger(), fail)
        await until(lambda: machine.heard)
        assert machine.heard == [("failed", KEY, 3)]
        await desk.driver.begin(trigger(), paints(ROOT))
        await until(lambda: len(machine.heard) == 2)
    assert machine.heard[1] == ("rendered", KEY, 3, ROOT)


async def test_paint__fails_once__a_later_view_paints_and_lands(journal: Journal) -> None:
    tries: list[int] = []

    async def moody(answer: int, signals: Sequence[int]) -> bytes:
        tries.append(answer)
        if len(tries) == 1:
            raise RenderError("a worker died")
        return ROOT

    desk = Desk(journal)
    # The first view lasts until its time to render is over: let that be short.
    machine = Machine(
        desk.committee, 0, desk.verifier, Timing(100, 100, 100, 0, 100), sealer(TRANSPORT[0], desk.committee, 0)
    )
    desk.driver._machine = machine
    async with desk.running():
        await desk.driver.begin(trigger(), moody)
        await until(lambda: desk.transmitter.sent)
    assert desk.transmitter.sent[0].view > 0
    assert len(tries) >= 2


async def test_cancel_render__render_under_way__is_cancelled_and_reports_nothing(journal: Journal) -> None:
    started, ended = asyncio.Event(), list[str]()

    async def slow(answer: int, signals: Sequence[int]) -> bytes:
        started.set()
        try:
            await asyncio.Event().wait()
        finally:
            ended.append("cancelled")
        return ROOT

    machine = ScriptedMachine([Render(KEY, 0, b"", 1, (1, 2, 3))])
    desk = Desk(journal, scripted=machine)
    async with desk.running():
        await desk.driver.begin(trigger(), slow)
        await started.wait()
        machine.effects = [CancelRender(KEY, 0), RoundDone(KEY, False), CancelRender(KEY, 0)]
        await desk.driver.begin(trigger(), slow)
        await until(lambda: ended)
        await asyncio.sleep(0.01)
    assert machine.heard == []


async def test_cancel_render__same_view_begun_anew_at_once__cancels_the_new_render_too(journal: Journal) -> None:
    running: set[int] = set()

    def slow(number: int) -> Callable[[int, Sequence[int]], Any]:
        async def paint(answer: int, signals: Sequence[int]) -> bytes:
            running.add(number)
            try:
                await asyncio.Event().wait()
            finally:
                running.discard(number)
            return ROOT

        return paint

    render = Render(KEY, 0, b"", 1, (1, 2, 3))
    machine = ScriptedMachine([render])
    desk = Desk(journal, scripted=machine)
    async with desk.running():
        await desk.driver.begin(trigger(), slow(1))
        await until(lambda: running == {1})
        machine.effects = [CancelRender(KEY, 0), render]
        await desk.driver.begin(trigger(), slow(2))
        await until(lambda: running == {2})
        machine.effects = [CancelRender(KEY, 0)]
        await desk.driver.begin(trigger(), slow(3))
        await until(lambda: running == set())


async def test_landed__while_a_render_is_under_way__cancels_it_and_ends_the_round(journal: Journal) -> None:
    started, ended = asyncio.Event(), asyncio.Event()

    async def slow(answer: int, signals: Sequence[int]) -> bytes:
        started.set()
        try:
            await asyncio.Event().wait()
        finally:
            ended.set()
        return ROOT

    for checkpoint in (10, 20):
        journal.rounds.open(1, checkpoint, bytes(32), 100, (1, 2, 3), "crossing")
    desk = Desk(journal)
    async with desk.running():
        await desk.driver.begin(trigger(), slow)
        await asyncio.wait_for(started.wait(), 10)
        assert [status.phase for status in desk.driver.status()] == ["rendering"]
        desk.driver.landed(make_landed(10, 12))
        assert desk.driver.status() == []
        await asyncio.wait_for(ended.wait(), 10)
        await desk.driver.begin(trigger(), slow)  # the same checkpoint again: its report stands
        assert desk.driver.in_flight(1) is None
        assert desk.driver._paints == {}
    first, second = journal.rounds.get(1, 10), journal.rounds.get(1, 20)
    assert first is not None
    assert second is not None
    assert (first.state, second.state) == ("landed", "open")


async def test_landed__rounds_before_its_block__judged_a_state_that_is_gone(journal: Journal) -> None:
    for checkpoint in (10, 20, 30):
        journal.rounds.open(1, checkpoint, bytes(32), 100, (1, 2, 3), "crossing")
    desk = Desk(journal, n=4)
    async with desk.running():
        for checkpoint in (10, 20, 30):
            await desk.driver.begin(trigger(checkpoint), paints(ROOT))
        desk.driver.landed(make_landed(10, 25))
        assert [status.key.checkpoint for status in desk.driver.status()] == [30]
    states = [row.state for row in reversed(journal.rounds.last(9))]
    assert states == ["landed", "abandoned", "open"]


async def test_cancel_render__reaches_the_worker__which_stops_and_takes_the_next_at_once(
    journal: Journal, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A view is lost while a worker process draws for it: the view after it does not wait for that picture."""
    monkeypatch.setenv("PLANTED", str(tmp_path / "begun"))
    seeds, drawn = [bytes([token]) * 32 for token in (1, 2, 3)], list[bytes]()
    async with local_pool(RenderSettings(devices=["cpu"]), module="tests.unit.render.planted") as pool:
        await pool.render(Recipe.for_bands(2, "warm"), seeds[:1], 0, (0, 0, 0))

        async def paint(answer: int, signals: Sequence[int]) -> bytes:
            recipe = Recipe.for_bands(2, "slow" if answer == 1 else "quick")  # a slow picture never ends by itself
            drawn.extend(await pool.render(recipe, seeds, 0, signals))
            return ROOT

        machine = ScriptedMachine([Render(KEY, 0, b"", 1, (1, 2, 3))])
        desk = Desk(journal, scripted=machine)
        async with desk.running():
            await desk.driver.begin(trigger(), paint)
            await until(lambda: len(begun()) == 2)
            machine.effects = [CancelRender(KEY, 0), Render(KEY, 1, b"", 2, (1, 2, 3))]
            await desk.driver.begin(trigger(), paint)
            await until(lambda: len(drawn) == 3)
        assert begun()[2:] == [seed.hex() for seed in seeds]
        assert pool.status()["workers_died"] == 0


async def test_round_over__pictures_of_it_and_of_those_before__are_let_go(journal: Journal) -> None:
    for number, checkpoint in enumerate((5, 10, 20, 30)):
        journal.pictures.add(bytes([number]) * 32, bytes(36), 1, checkpoint)

    def held() -> list[int]:
        return [number for number in range(4) if journal.pictures.find([bytes([number]) * 32])]

    abandoned = Desk(journal, scripted=ScriptedMachine([RoundDone(KEY, False)]))
    async with abandoned.running():
        await abandoned.driver.begin(trigger(), paints(ROOT))
        await until(lambda: held() == [0, 2, 3])
    landed = Desk(journal)
    async with landed.running():
        landed.driver.landed(make_landed(20, 22))
    assert held() == [2, 3]  # what landed stays until the next has


async def test_begin__same_round_again__goes_on_with_its_first_painting(journal: Journal) -> None:
    desk = Desk(journal)
    await desk.driver.begin(trigger(), paints(ROOT))
    await desk.driver.begin(trigger(), paints(OTHER_ROOT))
    async with desk.running():  # what was begun before run() is carried out then
        await until(lambda: desk.transmitter.sent)
    assert desk.transmitter.sent[0].report.content_root == ROOT


async def test_outbox__more_than_it_holds__drops_the_oldest(journal: Journal) -> None:
    said = [Broadcast(Timeout(1, 10, 0), number.to_bytes(4, "big")) for number in range(OUTBOX + 3)]
    machine = ScriptedMachine(list(said))
    desk = Desk(journal, scripted=machine)
    desk.wire.open.clear()
    async with desk.running():
        await desk.driver.begin(trigger(), paints(ROOT))
        await until(lambda: desk.driver.counters["outbox overflow"])
        desk.wire.open.set()
        await until(lambda: desk.wire.published and desk.wire.published[-1][1] == said[-1].raw)
    raws = [raw for _, raw in desk.wire.published]
    assert raws == [broadcast.raw for broadcast in said[-len(raws) :]]
    assert len(raws) + desk.driver.counters["outbox overflow"] == len(said)
    assert OUTBOX <= len(raws) <= OUTBOX + 1


async def test_receive__garbage_between_genuine_messages__is_counted_and_does_no_harm(journal: Journal) -> None:
    desk = Desk(journal, n=4)
    others = [sealer(TRANSPORT[index], desk.committee, index) for index in range(4)]
    observation = Observation(1, 10, b"\x0b" * 32, 100, (1, 2, 3))
    async with desk.running():
        await desk.driver.begin(trigger(), paints(ROOT))
        for raw in (b"", b"\x00" * 70_000, b"garbage", others[1](observation)[:-1] + b"\x00", others[2](observation)):
            desk.wire.incoming.put(0, raw)
        await until(lambda: [status.observations for status in desk.driver.status()] == [2])
        counters = desk.driver.counters
        assert sum(number for name, number in counters.items() if name.startswith("dropped")) == 4
        assert counters["accepted"] == 1
        forged = Attestation(1, 10, 0, b"\x01" * 32, b"\x02" * 64)
        desk.wire.incoming.put(0, others[3](forged))
        await until(lambda: counters["accepted"] == 2)
    assert desk.transmitter.sent == []
