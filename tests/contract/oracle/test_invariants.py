"""Whatever happens in whatever order, the oracle holds what an independent model holds."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import boa
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

WAD = 10**18
ANSWERS = st.integers(-60, 60).map(lambda i: i * WAD // 1000)


@dataclass
class ModelFeed:
    """What the oracle must say of a feed."""

    thresholds: list[int]
    opened_at: int
    band: int
    checkpoint: int = 0
    landed: int = 0
    answer: int = 0
    subscribers: list[str] = field(default_factory=list)
    votes: dict[Any, dict[int, int]] = field(default_factory=dict)

    def take(self, checkpoint: int, answer: int) -> None:
        """The effect of a report, by counting."""
        up = sum(answer >= t + WAD // 1000 for t in self.thresholds)
        down = sum(answer >= t - WAD // 1000 for t in self.thresholds)
        self.band = up if up > self.band else min(self.band, down)
        self.checkpoint, self.answer = checkpoint, answer
        self.landed = boa.env.evm.patch.block_number
        self.votes = {}


class OracleMachine(RuleBasedStateMachine):
    """Feeds open, reports and votes come, good and bad, committees change, callbacks fail."""

    make_world: Any

    @initialize(n=st.sampled_from([1, 4, 7]))
    def begin(self, n: int) -> None:
        self._anchor = boa.env.anchor()
        self._anchor.__enter__()
        self.world = type(self).make_world(n)
        self.oracle = self.world.oracle
        self.feeds: list[ModelFeed] = []
        self.generation = 0
        self.former: Any = None
        self.until = 0
        self.open([WAD // 100, WAD // 50])

    def teardown(self) -> None:
        if hasattr(self, "_anchor"):
            self._anchor.__exit__(None, None, None)

    @rule(thresholds=st.lists(ANSWERS, unique=True, max_size=15).map(sorted))
    @precondition(lambda self: len(self.feeds) < 3)
    def open(self, thresholds: list[int]) -> None:
        collection = self.world.subscriber()
        opened_at = boa.env.evm.patch.block_number
        feed = self.world.open(collection.address, 1, thresholds=thresholds)
        self.feeds.append(ModelFeed(thresholds, opened_at, sum(t <= 0 for t in thresholds)))
        assert feed == len(self.feeds)

    @rule(blocks=st.integers(1, 300))
    def wait(self, blocks: int) -> None:
        boa.env.time_travel(blocks=blocks)

    @rule(data=st.data(), view=st.integers(0, 255))
    def transmit(self, data: Any, view: int) -> None:
        feed = data.draw(st.integers(1, len(self.feeds)))
        seats = self.world.seats
        signers = sorted(data.draw(st.permutations(range(seats.n)))[: seats.quorum])
        observers = sorted(data.draw(st.permutations(range(seats.n)))[: data.draw(st.integers(seats.quorum, seats.n))])
        answers = sorted(data.draw(st.lists(ANSWERS, min_size=len(observers), max_size=len(observers))))
        report = self.world.report(feed, answers, observers=sum(1 << i for i in observers), view=view)
        model = self.feeds[feed - 1]
        signed = seats.sign(report, signers)
        if report.checkpoint < model.landed:
            with boa.reverts("feeds: checkpoint not newer"):
                self.oracle.transmit(report.abi, *signed)
            return
        self.oracle.transmit(report.abi, *signed)
        (event,) = self.world.events("Reported")
        previous = model.band
        model.take(report.checkpoint, answers[(len(answers) - 1) // 2])
        assert (event.previous_band, event.band, event.answer) == (previous, model.band, model.answer)

    @rule(data=st.data(), flip=st.integers(0, 511))
    def forge(self, data: Any, flip: int) -> None:
        """One bit of one signature is wrong."""
        feed = data.draw(st.integers(1, len(self.feeds)))
        report = self.world.report(feed, [WAD] * self.world.seats.quorum)
        signers, signatures = self.world.seats.sign(report)
        forged = (int.from_bytes(signatures, "big") ^ 1 << flip).to_bytes(len(signatures), "big")
        with boa.reverts():
            self.oracle.transmit(report.abi, signers, forged)

    @rule(data=st.data(), answer=ANSWERS, root=st.sampled_from([bytes(32), b"\1" * 32]))
    def vote(self, data: Any, answer: int, root: bytes) -> None:
        feed = data.draw(st.integers(1, len(self.feeds)))
        seat = data.draw(st.integers(0, self.world.seats.n - 1))
        checkpoint, model = self.world.head(feed), self.feeds[feed - 1]
        ballots = {key: votes for key, votes in model.votes.items() if key[:2] == (self.generation, checkpoint)}
        if checkpoint < model.landed:
            with boa.reverts("feeds: checkpoint not newer"):
                self.world.vote(feed, seat, answer, content_root=root)
            return
        if any(seat in votes for votes in ballots.values()):
            with boa.reverts("ballots: already voted"):
                self.world.vote(feed, seat, answer, content_root=root)
            return
        self.world.vote(feed, seat, answer, content_root=root)
        votes = model.votes.setdefault((self.generation, checkpoint, root), {})
        votes[seat] = answer
        reported = self.world.events("Reported")
        assert len(reported) == (len(votes) == self.world.seats.quorum)
        if reported:
            model.take(checkpoint, sorted(votes.values())[(len(votes) - 1) // 2])

    @rule(n=st.sampled_from([1, 4, 7]))
    def change_committee(self, n: int) -> None:
        feed = len(self.feeds)
        report = self.world.report(feed, [WAD] * self.world.seats.quorum)
        stale = self.world.seats.sign(report)
        self.generation += 1
        self.former, self.until = self.world.seats, boa.env.evm.patch.timestamp + 3_600
        self.world.seats = self.world.committee(n, b"generation %d" % self.generation)
        self.world.seats.install()
        with boa.reverts():
            self.oracle.transmit(report.abi, *stale)

    @rule(data=st.data(), answer=ANSWERS)
    @precondition(lambda self: self.former is not None)
    def transmit_late(self, data: Any, answer: int) -> None:
        """A report of the committee before the one in force."""
        feed = data.draw(st.integers(1, len(self.feeds)))
        report, model = self.world.report(feed, [answer] * self.former.quorum), self.feeds[feed - 1]
        over = boa.env.evm.patch.timestamp >= self.until
        if over or report.checkpoint < model.landed:
            with boa.reverts("committee: no previous one" if over else "feeds: checkpoint not newer"):
                self.world.transmit_previous(report, self.former)
            return
        self.world.transmit_previous(report, self.former)
        (event,) = self.world.events("Reported")
        assert event.config_digest == self.former.config_digest
        model.take(report.checkpoint, answer)

    @rule(data=st.data(), mode=st.sampled_from([0, 1, 2]))
    def subscribe(self, data: Any, mode: int) -> None:
        feed = data.draw(st.integers(1, len(self.feeds)))
        model = self.feeds[feed - 1]
        if len(model.subscribers) == 4:
            gone = data.draw(st.sampled_from(model.subscribers))
            self.oracle.unsubscribe(feed, gone)
            place = model.subscribers.index(gone)
            model.subscribers[place] = model.subscribers[-1]
            model.subscribers.pop()
            return
        subscriber = self.world.subscriber()
        subscriber.behave(mode)
        self.oracle.subscribe(feed, subscriber.address)
        model.subscribers.append(subscriber.address)

    @invariant()
    def oracle_equals_model(self) -> None:
        if not hasattr(self, "feeds"):
            return
        assert self.oracle.feed_count() == len(self.feeds)
        for number, model in enumerate(self.feeds, 1):
            found = self.oracle.feed(number)
            assert (found.band, found.checkpoint, found.answer) == (model.band, model.checkpoint, model.answer)
            assert found.opened_at == model.opened_at
            assert self.oracle.subscribers(number) == model.subscribers

    @invariant()
    def configuration_is_the_installed_one(self) -> None:
        if hasattr(self, "feeds"):
            assert self.oracle.config_digest() == self.world.seats.config_digest
            former = self.former.config_digest if self.former else bytes(32)
            assert self.oracle.previous_configuration() == (former, self.until)


def test_oracle__any_sequence_of_actions__equals_the_model(make_world: Any) -> None:
    machine = type("Machine", (OracleMachine,), {"make_world": staticmethod(make_world)})
    run_state_machine_as_test(
        machine,
        settings=settings(
            max_examples=25,
            stateful_step_count=20,
            deadline=None,
            suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
        ),
    )
