"""When a node votes on chain, for what, how often, and when it leaves a round to gossip."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from typing import Any, cast

import pytest

from node.agreement.effects import RoundKey
from node.artworks.paint import Likeness
from node.errors import ChainError, RenderError, RevertError
from node.journal import Journal
from node.voting import voter as module
from node.voting.ballot import ballot
from node.voting.voter import GAS
from tests.unit.paper import make_landed
from tests.unit.voting.desk import ROOT, SIGNERS, ZERO, Brush, Desk, trigger


@pytest.fixture(autouse=True)
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "RETRY", 0.001)


async def until(condition: Callable[[], object]) -> None:
    async with asyncio.timeout(10):
        while not condition():
            await asyncio.sleep(0.001)


async def test_brokers_gone__for_long_enough__votes_once_for_the_newest_due_round(journal: Journal) -> None:
    desk, brush = Desk(journal), Brush()
    for checkpoint in (10, 20):
        await desk.voter.begin(trigger(checkpoint), brush)
    assert desk.gossip.begun == [RoundKey(1, 10), RoundKey(1, 20)]
    assert desk.voter.in_flight(1) == 77
    async with desk.running():
        desk.silent = 59.9
        await desk.settle()
        assert (desk.sender.sent, brush.asked, desk.pool.trials) == ([], 0, 0)
        desk.silent = 60.0
        await until(lambda: desk.sender.sent)
        await desk.settle()
    [(key, calldata, gas)] = desk.sender.sent
    assert key == f"vote {desk.committee.config_digest.hex()[:8]} 1 20"
    assert (calldata, gas, brush.asked) == (desk.calldata(checkpoint=20), GAS, 1)
    found = journal.votes.get(desk.committee.config_digest, 1, 20)
    assert found is not None
    assert found.ballot == ballot(desk.committee.config_digest, 1, 20, b"b" * 32, (1, 2, 3), ROOT)


async def test_brokers_gone_for_this_node_alone__others_report_lands_within_a_stage__nothing_is_paid_for(
    journal: Journal,
) -> None:
    desk, brush = Desk(journal, stage=30.0), Brush()
    desk.silent = 10_000
    await desk.voter.begin(trigger(), brush)
    async with desk.running():
        desk.now = 29.9
        await desk.settle()
        desk.voter.landed(make_landed(10, 12))
        desk.newest = 12
        desk.now = 31
        await desk.settle()
    assert (desk.sender.sent, brush.asked, desk.pool.trials) == ([], 0, 0)


async def test_vote__disk_does_not_read_for_a_while__is_sent_once_it_does(journal: Journal) -> None:
    desk, brush = Desk(journal), Brush()
    await desk.voter.begin(trigger(), brush)
    desk.silent, desk.unreadable = 99, 3
    async with desk.running():
        await until(lambda: desk.sender.sent)
    assert len(desk.sender.sent) == 1


async def test_crash_after_the_vote_was_queued__next_life_sends_the_same_and_paints_nothing(journal: Journal) -> None:
    for _ in range(2):
        desk, brush = Desk(journal), Brush()
        desk.silent = 99
        await desk.voter.begin(trigger(), brush)
        async with desk.running():
            await until(lambda desk=desk: desk.sender.sent)  # type: ignore[misc]
    assert brush.asked == 0
    assert desk.sender.sent[0][1] == desk.calldata()
    assert len(journal.transactions.last(9)) == 1


async def test_crash_between_ballot_and_transaction__next_life_casts_the_same_ballot(journal: Journal) -> None:
    desk, brush = Desk(journal), Brush()
    desk.sender.failures = [ChainError("the process died here")] * 1_000
    desk.silent = 99
    await desk.voter.begin(trigger(), brush)
    async with desk.running():
        await until(lambda: journal.votes.all())
    again = Desk(journal)
    again.silent = 99
    await again.voter.begin(trigger(), Brush())
    async with again.running():
        await until(lambda: again.sender.sent)
    assert len(journal.votes.all()) == 1


async def test_other_ballot_in_the_journal__nothing_is_sent(journal: Journal) -> None:
    desk = Desk(journal)
    journal.votes.cast(desk.committee.config_digest, 1, 10, b"o" * 32)
    desk.silent = 99
    await desk.voter.begin(trigger(), Brush())
    async with desk.running():
        await until(lambda: RoundKey(1, 10) in desk.voter._done)
        await desk.settle()
    assert desk.sender.sent == []


async def test_journal_too_old__nothing_is_painted_or_sent_until_it_is_not(journal: Journal) -> None:
    desk, brush = Desk(journal), Brush()
    journal.protection.unsettled([make_landed(5, 7)])
    desk.silent = 99
    await desk.voter.begin(trigger(), brush)
    async with desk.running():
        await desk.settle()
        assert (desk.sender.sent, brush.asked) == ([], 0)
        journal.protection.unsettled([])
        await until(lambda: desk.sender.sent)


async def test_broker_back_while_it_paints__vote_is_left_to_gossip(journal: Journal) -> None:
    desk, brush = Desk(journal), Brush(held=True)
    desk.silent = 99
    await desk.voter.begin(trigger(), brush)
    async with desk.running():
        await until(lambda: brush.asked)
        desk.silent = 0
        await until(lambda: not desk.voter._voting)
        brush.go.set()
        await desk.settle()
        assert desk.sender.sent == []
        assert journal.votes.all() == []
        desk.silent = 99  # gone again
        await until(lambda: desk.sender.sent)


async def test_report_lands_while_it_paints__no_vote_is_paid_for(journal: Journal) -> None:
    desk, brush = Desk(journal), Brush(held=True)
    desk.silent = 99
    await desk.voter.begin(trigger(), brush)
    async with desk.running():
        await until(lambda: brush.asked)
        desk.newest = 12
        desk.voter.landed(make_landed(10, 12))
        brush.go.set()
        await desk.settle()
    assert desk.sender.sent == []
    assert desk.voter.status()["due"] == []


async def test_landed__newer_round_of_the_feed_and_other_feeds__stay_due(journal: Journal) -> None:
    desk = Desk(journal)
    for due in (trigger(10), trigger(20), trigger(10, feed=2)):
        await desk.voter.begin(due, Brush())
    desk.voter.landed(make_landed(10, 12))
    assert desk.voter.status()["due"] == [{"feed": 1, "checkpoint": 20}, {"feed": 2, "checkpoint": 10}]
    desk.newest = 30
    await desk.voter.begin(trigger(25), Brush())  # judged before a report that stands: not due
    assert len(cast(Any, desk.voter.status()["due"])) == 2


async def test_brokers_there__that_deliver_nothing__votes_after_as_long_and_goes_back_to_gossip_when_they_do(
    journal: Journal,
) -> None:
    """A broker that takes connections and answers its own questions, and swallows what members say."""
    desk, brush = Desk(journal), Brush()
    async with desk.running():
        desk.now = 1_000  # nobody had anything to say: no silence
        await desk.settle()
        await desk.voter.begin(trigger(), brush)
        await desk.settle()
        desk.hear(0)  # its own messages come back
        desk.now += 59.9
        desk.hear(1)  # one liar of four, or one whom the broker lets through
        await desk.settle()
        assert (desk.sender.sent, brush.asked) == ([], 0)
        desk.now += 0.2
        await until(lambda: desk.sender.sent)
        desk.voter.landed(make_landed(10, 12))
        await desk.settle()
        desk.now += 1_000
        desk.hear(1, 2)
        await desk.voter.begin(trigger(20), brush)
        desk.now += 59
        await desk.settle()
    assert [calldata for _, calldata, _ in desk.sender.sent] == [desk.calldata()]


async def test_silence__that_outlasts_a_round__next_one_is_voted_for_without_waiting_again(journal: Journal) -> None:
    desk = Desk(journal, stage=5.0)
    await desk.voter.begin(trigger(), Brush())
    async with desk.running():
        await desk.settle()
        desk.now = 61
        await until(lambda: desk.sender.sent)
        desk.voter.landed(make_landed(10, 12))
        await desk.voter.begin(trigger(20), Brush())
        await desk.settle()
        assert len(desk.sender.sent) == 1
        desk.now += 5
        await until(lambda: len(desk.sender.sent) == 2)


async def test_vote_in_vain__newer_round__is_voted_for_after_a_rest(journal: Journal) -> None:
    """Too many members are down: whoever is left does not pay for a vote with every round."""
    desk = Desk(journal)
    desk.silent = 99
    await desk.voter.begin(trigger(), Brush())
    async with desk.running():
        await until(lambda: desk.sender.sent)
        await desk.voter.begin(trigger(20), Brush())
        desk.now = 59
        await desk.settle()
        assert len(desk.sender.sent) == 1
        desk.now = 60
        await until(lambda: len(desk.sender.sent) == 2)


@pytest.mark.parametrize(
    ("others", "joins"), [(SIGNERS[1:2], False), (SIGNERS[1:3], True), ([SIGNERS[1], "0x" + "99" * 20], False)]
)
async def test_brokers_there__votes_of_more_than_f_members_on_chain__joins_them(
    journal: Journal, others: list[str], joins: bool
) -> None:
    desk = Desk(journal)
    desk.pool.votes = [(1, 10, who) for who in others] + [(1, 20, who) for who in SIGNERS]
    await desk.voter.begin(trigger(), Brush())
    async with desk.running():
        await desk.settle()
        assert desk.sender.sent == []  # the round is young: it is not even looked at
        desk.now = 61
        desk.hear(1, 2, 3)
        if joins:
            await until(lambda: desk.sender.sent)
        else:
            await desk.settle()
            assert desk.sender.sent == []


async def test_oracle_refuses_whatever_the_artworks_are__nothing_is_painted(journal: Journal) -> None:
    desk, brush = Desk(journal), Brush()
    desk.pool.refusal = "feeds: checkpoint not newer"
    desk.silent = 99
    await desk.voter.begin(trigger(), brush)
    async with desk.running():
        await until(lambda: desk.pool.trials > 3)  # it may be an endpoint that lags
        desk.pool.refusal = "ballots: already voted"
        await until(lambda: RoundKey(1, 10) in desk.voter._done)
        seen = desk.pool.trials
        await desk.settle()
        assert desk.pool.trials == seen
    assert (brush.asked, desk.sender.sent) == (0, [])


@pytest.mark.parametrize(
    "error", [RenderError("no worker"), ValueError("a bad recipe"), RevertError("blocks: too old")]
)
async def test_incident__vote_that_fails_again_and_again__keeps_no_newer_round_from_being_voted_for(
    journal: Journal, error: Exception
) -> None:
    desk, brush = Desk(journal), Brush()
    if isinstance(error, RevertError):
        desk.pool.refusals = {10: str(error)}
    else:
        brush.failures = [error] * 10_000
    desk.silent = 99
    await desk.voter.begin(trigger(10), brush)
    async with desk.running():
        await until(lambda: desk.voter._voting)
        await desk.settle()
        await desk.voter.begin(trigger(20), Brush())
        await until(lambda: desk.sender.sent)
    assert [calldata for _, calldata, _ in desk.sender.sent] == [desk.calldata(checkpoint=20)]


async def test_recipe_by_tolerance__votes_for_artworks_as_they_are(journal: Journal) -> None:
    async def alike(_: bytes) -> bool:
        return True

    desk = Desk(journal)
    desk.silent = 99
    await desk.voter.begin(trigger(), Brush(Likeness(ROOT, alike)))
    async with desk.running():
        await until(lambda: desk.sender.sent)
    assert desk.sender.sent[0][1] == desk.calldata(ZERO)


async def test_paint_that_can_be_made_alone__is_asked_for_that(journal: Journal) -> None:
    class Soloist(Brush):
        async def alone(self, answer: int, signals: Sequence[int]) -> bytes:
            return b"s" * 32

    desk, brush = Desk(journal), Soloist()
    desk.silent = 99
    await desk.voter.begin(trigger(), brush)
    async with desk.running():
        await until(lambda: desk.sender.sent)
    assert desk.sender.sent[0][1] == desk.calldata(b"s" * 32)
    assert brush.asked == 0


async def test_nothing_to_report_alone__no_vote_and_no_second_thought(journal: Journal) -> None:
    class Silent(Brush):
        async def alone(self, answer: int, signals: Sequence[int]) -> bytes | None:
            self.asked += 1
            return None

    desk, brush = Desk(journal), Silent()
    desk.silent = 99
    await desk.voter.begin(trigger(), brush)
    async with desk.running():
        await until(lambda: brush.asked)
        await desk.settle()
    assert (desk.sender.sent, brush.asked, journal.votes.all()) == ([], 1, [])


@pytest.mark.parametrize("error", [RenderError("no worker"), ValueError("a bad recipe"), ChainError("silent")])
async def test_painting_or_sending_fails__is_tried_again(journal: Journal, error: Exception) -> None:
    desk, brush = Desk(journal), Brush()
    if isinstance(error, ChainError):
        desk.sender.failures = [error]
    else:
        brush.failures = [error]
    desk.silent = 99
    await desk.voter.begin(trigger(), brush)
    async with desk.running():
        await until(lambda: desk.sender.sent)


async def test_transmit_disabled__never_votes(journal: Journal) -> None:
    desk = Desk(journal, enabled=False)
    desk.silent = 99
    await desk.voter.begin(trigger(), Brush())
    async with desk.running():
        await desk.settle()
    assert desk.sender.sent == []
    assert desk.gossip.begun == [RoundKey(1, 10)]


async def test_late__order_of_a_round__a_quorum_votes_at_once_and_the_rest_in_turn(journal: Journal) -> None:
    desk = Desk(journal)
    for checkpoint in range(10, 200, 10):
        waits = []
        for index in range(4):
            desk.voter._index = index
            waits.append(desk.voter._late(RoundKey(1, checkpoint)))
        assert sorted(waits) == [0, 0, 0, 1]


async def test_begin__more_rounds_than_are_kept__the_oldest_go(journal: Journal) -> None:
    desk = Desk(journal)
    for checkpoint in range(10, 80, 10):
        await desk.voter.begin(trigger(checkpoint), Brush())
    assert [due["checkpoint"] for due in cast(Any, desk.voter.status()["due"])] == [40, 50, 60, 70]
