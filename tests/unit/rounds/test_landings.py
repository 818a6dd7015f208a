"""What landed: final blocks read once, the head's looked up anew, listeners told once."""

from __future__ import annotations

import asyncio
import tempfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from node.chain.types import Landed
from node.errors import ChainError
from node.journal import Journal
from node.rounds.landings import CURSOR, Landings
from tests.unit.paper import make_block, make_landed


@dataclass
class PaperChain:
    """Reports in their blocks; every range that is asked for is noted."""

    reports: list[Landed] = field(default_factory=list)
    failing_from: int | None = None
    asked: list[tuple[int, int]] = field(default_factory=list)
    agreed: list[Landed] | None = None
    """What several endpoints say together, where the one that is asked alone says something else."""
    others_silent: bool = False

    async def landed(self, first: int, last: int, *, final: bool = False) -> list[Landed]:
        assert first <= last
        if final and self.others_silent:
            raise ChainError("no other endpoint answers")
        if final and self.agreed is not None:
            return [report for report in self.agreed if first <= report.block_number <= last]
        if self.failing_from is not None and last >= self.failing_from:
            raise ChainError("silent")
        self.asked.append((first, last))
        return [report for report in self.reports if first <= report.block_number <= last]


def watch(chain: PaperChain, journal: Journal, start: int = 1) -> tuple[Landings, list[int]]:
    landings, heard = Landings(cast(Any, chain), journal, start), list[int]()
    landings.listen(lambda report: heard.append(report.checkpoint))
    return landings, heard


async def test_update__restarts_between_heads__every_final_block_is_read_once(journal: Journal) -> None:
    """Incident: blocks missed over a restart (chainlink#5936): the cursor is stored with the effects."""
    chain = PaperChain([make_landed(10, 12), make_landed(20, 24), make_landed(30, 31)])
    for number in (5, 12, 12, 23, 24, 40):
        landings, _ = watch(chain, journal, 4)
        await landings.update(make_block(number), make_block(number))
    assert chain.asked == [(4, 5), (6, 12), (13, 23), (24, 24), (25, 40)]
    assert [report.checkpoint for report in journal.reports.of(1)] == [30, 20, 10]
    assert journal.cursors.get(CURSOR) == 40


@given(st.lists(st.tuples(st.integers(0, 30), st.integers(0, 6), st.booleans()), min_size=1, max_size=12))
@settings(max_examples=20)
def test_update__any_finals_heights_and_failures__stores_each_report_and_tells_of_it_once(
    steps: list[tuple[int, int, bool]],
) -> None:
    asyncio.run(check_any_heights(steps))


async def check_any_heights(steps: list[tuple[int, int, bool]]) -> None:
    reports = [make_landed(number, number) for number in range(1, 41, 3)]
    with tempfile.TemporaryDirectory() as folder, Journal(Path(folder)) as journal:
        chain = PaperChain(reports)
        landings, heard = watch(chain, journal)
        for final, above, fails in [*steps, (40, 0, False)]:
            chain.failing_from = final + above if fails else None
            try:
                await landings.update(make_block(final), make_block(final + above))
            except ChainError:
                continue
            assert set(heard) >= {report.checkpoint for report in reports if report.block_number <= final + above}
        assert sorted(report.checkpoint for report in journal.reports.of(1)) == [one.checkpoint for one in reports]
        assert sorted(heard) == [report.checkpoint for report in reports]
        assert journal.cursors.get(CURSOR) == 40


async def test_update__report_first_unfinal_then_final__is_told_once(journal: Journal) -> None:
    landings, heard = watch(PaperChain([make_landed(10, 12)]), journal)
    await landings.update(make_block(9), make_block(12))
    assert heard == [10]
    assert journal.reports.of(1) == []
    assert landings.block_of_last(1) == 12
    await landings.update(make_block(11), make_block(13))
    await landings.update(make_block(12), make_block(14))
    await landings.update(make_block(13), make_block(15))
    assert heard == [10]
    assert [report.checkpoint for report in journal.reports.of(1)] == [10]


async def test_update__unfinal_report_that_a_reorganisation_drops__is_forgotten(journal: Journal) -> None:
    chain = PaperChain([make_landed(10, 12)])
    landings, heard = watch(chain, journal)
    await landings.update(make_block(9), make_block(12))
    chain.reports = []
    await landings.update(make_block(10), make_block(13))
    assert landings.last(1) is None
    assert landings.of(1) == []
    await landings.update(make_block(13), make_block(13))
    assert journal.reports.of(1) == []
    chain.reports = [make_landed(10, 15, fork=1)]
    await landings.update(make_block(13), make_block(15))
    assert heard == [10, 10]  # another block: another landing
    assert landings.block_of_last(1) == 15


async def test_update__endpoint_fails_for_final_or_for_recent_blocks__skips_nothing(journal: Journal) -> None:
    chain = PaperChain([make_landed(10, 12), make_landed(20, 22)], failing_from=11)
    landings, heard = watch(chain, journal)
    with pytest.raises(ChainError):
        await landings.update(make_block(12), make_block(12))
    chain.failing_from = 22
    with pytest.raises(ChainError):
        await landings.update(make_block(12), make_block(22))
    # What is final is stored, step by step; only what is not was left out.
    assert (heard, journal.cursors.get(CURSOR)) == ([10], 12)
    chain.failing_from = None
    await landings.update(make_block(12), make_block(22))
    assert heard == [10, 20]
    assert journal.cursors.get(CURSOR) == 12


async def test_update__final_block_falls_back__what_is_stored_is_not_told_again(journal: Journal) -> None:
    landings, heard = watch(PaperChain([make_landed(10, 12)]), journal)
    await landings.update(make_block(14), make_block(16))
    await landings.update(make_block(11), make_block(16))
    await landings.update(make_block(11), make_block(11))
    await landings.update(make_block(16), make_block(16))
    assert heard == [10]
    assert journal.cursors.get(CURSOR) == 16


async def test_update__settler_that_breaks_off__hears_of_the_report_after_a_restart(journal: Journal) -> None:
    """The cursor is stored with what settlers wrote: a crash between the two would leave a round open for ever."""
    chain = PaperChain([make_landed(10, 12)])
    journal.rounds.open(1, 10, bytes(32), 0, (), "crossing")
    landings = Landings(cast(Any, chain), journal, 1)

    def interrupted(report: Landed) -> None:
        journal.rounds.finish(report.feed, report.checkpoint, "landed")
        raise KeyboardInterrupt

    landings.settle(interrupted)
    with pytest.raises(KeyboardInterrupt):
        await landings.update(make_block(12), make_block(12))
    assert journal.cursors.get(CURSOR) is None
    assert len(journal.rounds.unfinished()) == 1
    again, heard = watch(chain, journal)
    settled: list[int] = []
    again.settle(lambda report: settled.append(report.checkpoint))
    await again.update(make_block(12), make_block(12))
    assert (heard, settled) == ([10], [10])


async def test_update__endpoint_fails_after_a_long_absence__goes_on_where_it_broke_off(journal: Journal) -> None:
    """Incident: blocks missed over a restart (chainlink#5936): a failure in the middle loses no step before it."""
    chain = PaperChain([make_landed(number, number + 1) for number in range(10, 100, 10)], failing_from=70)
    landings, heard = Landings(cast(Any, chain), journal, 1, step=20), list[int]()
    landings.settle(lambda report: heard.append(report.checkpoint))
    with pytest.raises(ChainError):
        await landings.update(make_block(95), make_block(95))
    assert journal.cursors.get(CURSOR) == 60
    assert heard == [10, 20, 30, 40, 50]
    chain.failing_from = None
    again = Landings(cast(Any, chain), journal, 1, step=20)  # as after a restart
    again.settle(lambda report: heard.append(report.checkpoint))
    await again.update(make_block(95), make_block(95))
    assert chain.asked == [(1, 20), (21, 40), (41, 60), (61, 80), (81, 95)]
    assert heard == list(range(10, 100, 10))


async def test_update__report_reorganised_away__is_undone_once_and_settled_only_where_it_stands(
    journal: Journal,
) -> None:
    chain = PaperChain([make_landed(10, 12)])
    landings, heard = watch(chain, journal)
    settled, undone = list[int](), list[int]()
    landings.settle(lambda report: settled.append(report.block_number))
    landings.undo(lambda report: undone.append(report.block_number))
    await landings.update(make_block(9), make_block(12))
    await landings.update(make_block(9), make_block(11))  # an endpoint that lags has not seen it dropped
    assert (undone, landings.block_of_last(1)) == ([], 12)
    chain.reports = []
    await landings.update(make_block(9), make_block(13))
    await landings.update(make_block(9), make_block(14))
    assert (undone, settled, landings.block_of_last(1)) == ([12], [], None)
    chain.reports = [make_landed(10, 12)]  # the first branch after all
    await landings.update(make_block(9), make_block(15))
    assert heard == [10, 10]
    await landings.update(make_block(15), make_block(15))
    assert (heard, settled, undone) == ([10, 10], [12], [12])


async def test_update__final_block_without_a_report_that_was_seen__undoes_it(journal: Journal) -> None:
    chain = PaperChain([make_landed(10, 12)])
    landings, _ = watch(chain, journal)
    undone = list[int]()
    landings.undo(lambda report: undone.append(report.checkpoint))
    await landings.update(make_block(9), make_block(12))
    chain.reports = []
    await landings.update(make_block(20), make_block(20))
    assert undone == [10]


async def test_observe__each_look__sees_what_is_not_final_and_nothing_else(journal: Journal) -> None:
    chain = PaperChain([make_landed(10, 12), make_landed(20, 22)])
    landings, _ = watch(chain, journal)
    seen: list[list[int]] = []
    landings.observe(lambda reports: seen.append([report.checkpoint for report in reports]))
    for final, head in ((5, 14), (14, 22), (22, 22)):
        await landings.update(make_block(final), make_block(head))
    assert seen == [[10], [20], []]


async def test_of__final_and_recent_reports_of_two_feeds__come_oldest_first(journal: Journal) -> None:
    chain = PaperChain([make_landed(10, 11), make_landed(20, 21), make_landed(15, 16, feed=2), make_landed(30, 31)])
    landings, _ = watch(chain, journal)
    await landings.update(make_block(21), make_block(31))
    assert [report.checkpoint for report in landings.of(1)] == [10, 20, 30]
    assert [report.checkpoint for report in landings.of(2)] == [15]
    newest = landings.last(1)
    assert newest is not None
    assert newest.checkpoint == 30
    assert landings.block_of_last(3) is None


async def test_update__feeds_younger_than_the_final_block__waits_for_their_first_block(journal: Journal) -> None:
    chain = PaperChain([make_landed(10, 12)])
    landings, heard = watch(chain, journal, 8)
    await landings.update(make_block(5), make_block(7))
    assert chain.asked == []
    await landings.update(make_block(6), make_block(12))
    assert chain.asked == [(8, 12), (12, 12)]  # what is new is asked of others too
    assert heard == [10]


async def test_incident__endpoint_invents_a_report__ends_no_round_and_keeps_none_from_beginning(
    journal: Journal,
) -> None:
    chain = PaperChain([make_landed(10, 12)], agreed=[])
    landings, heard = watch(chain, journal)
    shown: list[list[int]] = []
    landings.observe(lambda reports: shown.append([report.checkpoint for report in reports]))
    await landings.update(make_block(9), make_block(12))
    await landings.update(make_block(9), make_block(13))
    assert (heard, landings.last(1), landings.unsure) == ([], None, False)
    assert shown == [[], []]  # nor does it silence the node by naming it
    chain.agreed = [make_landed(10, 12)]
    await landings.update(make_block(9), make_block(14))
    assert (heard, landings.block_of_last(1)) == ([10], 12)


async def test_update__new_report_that_nobody_else_can_be_asked_about__is_held_against_the_journal_alone(
    journal: Journal,
) -> None:
    chain = PaperChain([make_landed(10, 12), make_landed(20, 23)])
    landings, heard = watch(chain, journal)
    shown: list[list[int]] = []
    landings.observe(lambda reports: shown.append([report.checkpoint for report in reports]))
    await landings.update(make_block(9), make_block(12))
    chain.others_silent = True
    await landings.update(make_block(9), make_block(23))
    assert (heard, landings.block_of_last(1), landings.unsure) == ([10], 12, True)
    assert shown == [[10], [10, 20]]
    chain.others_silent = False
    await landings.update(make_block(9), make_block(23))
    assert (heard, landings.block_of_last(1), landings.unsure) == ([10, 20], 23, False)


async def test_incident__endpoint_hides_a_report_that_was_told_of__is_not_undone_until_others_say_so(
    journal: Journal,
) -> None:
    chain = PaperChain([make_landed(10, 12), make_landed(20, 23)])
    landings, heard = watch(chain, journal)
    undone = list[int]()
    landings.undo(lambda report: undone.append(report.checkpoint))
    await landings.update(make_block(9), make_block(23))
    chain.agreed, chain.reports = list(chain.reports), []
    await landings.update(make_block(9), make_block(24))  # hidden: others still have it
    assert (undone, landings.block_of_last(1), landings.unsure) == ([], 23, False)
    chain.others_silent = True
    await landings.update(make_block(9), make_block(25))  # hidden, and nobody else answers
    assert (undone, landings.block_of_last(1), landings.unsure) == ([], 23, True)
    chain.others_silent = False
    chain.agreed = [make_landed(10, 12)]
    await landings.update(make_block(9), make_block(26))  # a reorganisation
    assert (undone, landings.block_of_last(1), landings.unsure) == ([20], 12, False)
    assert heard == [10, 20]


async def test_update__report_moves_to_another_block_and_one_is_invented__is_told_of_what_others_say_alone(
    journal: Journal,
) -> None:
    chain = PaperChain([make_landed(10, 12)])
    landings, heard = watch(chain, journal)
    undone = list[int]()
    landings.undo(lambda report: undone.append(report.block_number))
    await landings.update(make_block(9), make_block(12))
    chain.reports = [make_landed(10, 13, fork=1), make_landed(15, 14)]
    chain.agreed = [make_landed(10, 13, fork=1)]
    await landings.update(make_block(9), make_block(15))
    assert (heard, undone, landings.block_of_last(1)) == ([10, 10], [12], 13)
