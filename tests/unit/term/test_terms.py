"""How one term follows another, on a chain of paper with a real journal: begun, gone on with, ended, taken up again."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, cast

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from node.agreement.committee import Committee
from node.chain.interface import interface
from node.errors import ChainError, ConfigError, JournalUnwritableError
from node.journal import Journal
from node.term.terms import Terms
from node.voting.ballot import ballot, vote_key
from tests.unit.paper import make_landed
from tests.unit.term.desk import (
    CHAIN,
    FIRST,
    ORACLE,
    OWN,
    SECOND,
    THIRD,
    WITHOUT,
    Desk,
    PaperOracle,
    block,
    digest,
)


@pytest.fixture
def journal(tmp_path: Path) -> Iterator[Journal]:
    with Journal(tmp_path) as opened:
        yield opened


def states(journal: Journal) -> dict[int, str]:
    return {row.checkpoint: row.state for row in journal.rounds.last(99)}


async def test_look__first_time__opens_the_seat_and_every_checkpoint_belongs_to_it(journal: Journal) -> None:
    desk = Desk(journal, {5: THIRD})
    await desk.terms.look(block(9))
    assert desk.opened == [(THIRD.config_digest, 1)]
    assert desk.terms.standby is None
    assert desk.terms.takes_part(3)
    assert desk.terms.takes_part(9)
    assert desk.oracle.calls == {"configuration": 1, "installed": 1}


async def test_look__nothing_changed__asks_one_question(journal: Journal) -> None:
    desk = Desk(journal, {5: FIRST})
    await desk.terms.look(block(9))
    desk.oracle.calls.clear()
    for number in (10, 11, 12):
        await desk.terms.look(block(number))
    assert desk.oracle.calls == {"configuration": 3}


async def test_change__round_open_in_the_old_term__goes_on_beside_the_new_one(journal: Journal) -> None:
    desk = Desk(journal, {0: FIRST, 25: SECOND})
    async with desk.running():
        await desk.terms.look(block(20))
        await desk.begin(20)
        await desk.terms.handled()
        await desk.terms.look(block(28))
        assert desk.under_way() == [(SECOND.config_digest, True), (FIRST.config_digest, False)]
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        assert desk.rounds(FIRST).running
        assert desk.rounds(SECOND).running
        await desk.terms.handled()
        assert len(desk.terms.all) == 2
        assert desk.terms.in_flight(1) is None  # whoever is new in the committee knows of none either

        old = desk.rounds(FIRST)
        report = make_landed(20, 27, config_digest=FIRST.config_digest)
        desk.terms.landed(report)
        await desk.terms.handled()
        assert len(desk.terms.all) == 2  # it may still be taken back
        desk.terms.settled(report)
        await desk.terms.handled()
        assert desk.under_way() == [(SECOND.config_digest, True)]
        assert not old.running
        assert states(journal) == {20: "landed"}
        await desk.terms.look(block(29))
        assert desk.under_way() == [(SECOND.config_digest, True)]  # what has ended is not opened again


async def test_begin__checkpoint_of_either_side_of_a_change__goes_to_the_committee_that_was_in_force(
    journal: Journal,
) -> None:
    """Whenever nodes learn of a change, they begin a checkpoint's round under the same configuration."""
    desk = Desk(journal, {0: FIRST, 25: SECOND})
    await desk.terms.look(block(10))
    await desk.terms.look(block(40))
    for checkpoint in (10, 24, 25, 40):
        await desk.begin(checkpoint)
    assert desk.rounds(FIRST).heard == [10, 24]
    assert desk.rounds(SECOND).heard == [25, 40]
    desk.terms.progressed(1)
    desk.terms.undone(make_landed(24, 30))
    assert desk.rounds(FIRST).heard[2:] == desk.rounds(SECOND).heard[2:] == [("progressed", 1), ("undone", 24)]


@pytest.mark.parametrize(("last", "open_"), [(25 + 36 - 1, True), (25 + 36, False)])
async def test_overlap__its_end_in_block_time__ends_the_old_term_and_gives_its_rounds_up(
    journal: Journal, last: int, open_: bool
) -> None:
    desk = Desk(journal, {0: FIRST, 25: SECOND})
    await desk.terms.look(block(20))
    await desk.begin(20)
    await desk.terms.look(block(last))
    await desk.begin(last)
    assert (len(desk.terms.all) == 2) is open_
    assert states(journal) == {20: "open" if open_ else "abandoned", last: "open"}
    assert desk.terms.takes_part(20) is open_


async def test_tally__term_ends__what_it_counted_stays_counted(journal: Journal) -> None:
    desk = Desk(journal, {0: FIRST, 25: SECOND})
    await desk.terms.look(block(20))
    for term in desk.terms.all:
        term.verifier.counters["stale"] += 2
        term.gossip.by_broker[0]["sent"] += 5
    await desk.terms.look(block(30))
    before = desk.terms.tally()
    await desk.terms.look(block(25 + 37))  # its overlap is over
    assert [term.config for term in desk.terms.all] == [SECOND.config_digest]
    after = desk.terms.tally()
    assert (after.envelopes, after.brokers) == (before.envelopes, before.brokers)
    assert before.envelopes["stale"] == 2
    assert before.brokers == {"mqtt://one.example:1883": {"sent": 5}}


async def test_overlap__another_change__replaces_the_previous_configuration(journal: Journal) -> None:
    desk = Desk(journal, {0: FIRST, 25: SECOND, 27: THIRD})
    await desk.terms.look(block(20))
    await desk.begin(20)
    await desk.terms.look(block(28))
    assert desk.under_way() == [(THIRD.config_digest, True), (SECOND.config_digest, False)]
    assert states(journal) == {20: "abandoned"}
    await desk.begin(25)
    assert desk.rounds(SECOND).heard == [25]


async def test_change__back_to_the_committee_of_before__is_the_same_term(journal: Journal) -> None:
    desk = Desk(journal, {0: FIRST, 25: SECOND, 35: FIRST})
    async with desk.running():
        await desk.terms.look(block(20))
        term = desk.terms.current
        await desk.begin(20)
        await desk.terms.look(block(30))
        await desk.terms.look(block(40))
        assert desk.terms.current is term
        assert desk.under_way() == [(FIRST.config_digest, True), (SECOND.config_digest, False)]
        assert len(desk.opened) == 2


async def test_change__there_and_back_between_two_looks__is_noted(journal: Journal) -> None:
    desk = Desk(journal, {0: FIRST, 25: SECOND, 35: FIRST})
    await desk.terms.look(block(20))
    await desk.terms.look(block(40))
    assert [journal.configurations.at(at) for at in (24, 25, 34, 35)] == [
        digest(one) for one in (FIRST, SECOND, SECOND, FIRST)
    ]


async def test_seat__lost_and_found_again__stands_by_in_between_and_says_why(journal: Journal) -> None:
    desk = Desk(journal, {0: FIRST, 25: WITHOUT, 125: SECOND})
    await desk.terms.look(block(20))
    await desk.begin(20)
    await desk.terms.look(block(28))
    assert desk.terms.current is None
    assert "lost its seat in block 25" in str(desk.terms.standby)
    assert desk.under_way() == [(FIRST.config_digest, False)]  # what is open is brought to its end without a seat, too
    assert not desk.terms.takes_part(25)
    await desk.begin(28)
    assert states(journal)[28] == "abandoned"
    await desk.terms.look(block(124))
    assert desk.terms.all == []
    await desk.terms.look(block(128))
    assert desk.terms.standby is None
    assert desk.under_way() == [(SECOND.config_digest, True)]


async def test_seat__never_had__waits_for_one(journal: Journal) -> None:
    desk = Desk(journal, {0: WITHOUT})
    await desk.terms.look(block(20))
    assert "has no seat" in str(desk.terms.standby)
    assert "waits for a seat" in str(desk.terms.standby)
    assert (desk.terms.committee(), desk.opened) == (WITHOUT, [])


async def test_seat__whoever_decides_knows_why__is_asked_now_and_then(journal: Journal) -> None:
    asked: list[int] = []

    async def why() -> str:
        asked.append(len(asked))
        assert (terms.current is None) is (terms.standby is not None)  # whoever looks meanwhile is told one story
        return f"outbid {len(asked)}"

    oracle = PaperOracle({0: FIRST, 25: WITHOUT, 40: SECOND})
    terms = Terms(cast(Any, oracle), journal, CHAIN, OWN, Desk(journal, {}).opening, why)
    await terms.look(block(20))
    assert asked == []
    for final in (26, 27, 28, 29):  # five minutes are three blocks here
        await terms.look(block(final))
    assert len(asked) == 2
    assert str(terms.standby).endswith("(outbid 2)")
    await terms.look(block(40))
    assert terms.standby is None


async def test_committee__gone__ends_everything_and_is_waited_for(journal: Journal) -> None:
    desk = Desk(journal, {0: FIRST, 25: None, 35: SECOND})
    await desk.terms.look(block(20))
    await desk.begin(20)
    await desk.terms.look(block(28))
    assert (desk.terms.all, desk.terms.committee()) == ([], None)
    assert "no committee at present" in str(desk.terms.standby)
    assert states(journal) == {20: "abandoned"}
    assert not desk.terms.takes_part(28)
    await desk.terms.look(block(38))
    assert desk.under_way() == [(SECOND.config_digest, True)]


async def test_look__endpoint_lags__what_a_later_final_block_said_stands(journal: Journal) -> None:
    desk = Desk(journal, {0: FIRST, 25: SECOND})
    await desk.terms.look(block(30))
    await desk.terms.look(block(20))
    assert desk.terms.current is not None
    assert desk.terms.current.config == SECOND.config_digest


@pytest.mark.parametrize("failing", ["configuration", "config_sets", "installed"])
async def test_look__chain_fails_in_between__changes_nothing_and_the_next_does_it_all(
    journal: Journal, failing: str
) -> None:
    desk = Desk(journal, {0: FIRST, 25: SECOND})
    await desk.terms.look(block(20))
    desk.oracle.failing = failing
    with pytest.raises(ChainError):
        await desk.terms.look(block(30))
    assert desk.under_way() == [(FIRST.config_digest, True)]
    assert len(journal.configurations.history()) == 1
    desk.oracle.failing = ""
    await desk.terms.look(block(31))
    assert [span.first_block for span in journal.configurations.history()] == [0, 25]
    assert len(desk.terms.all) == 2


async def test_seat__broker_cannot_be_used__ends_a_start_and_is_tried_again_later(journal: Journal) -> None:
    fault = ConfigError("broker: ca does not load")
    desk = Desk(journal, {0: FIRST, 25: SECOND})
    desk.faults = [fault]
    with pytest.raises(ConfigError):
        await desk.terms.look(block(20))
    async with desk.running():
        await desk.terms.look(block(20))
        desk.faults = [fault]
        await desk.terms.look(block(30))
        assert desk.terms.fault == desk.terms.standby == str(fault)
        await desk.terms.look(block(31))
        assert not desk.terms.fault
        assert desk.terms.standby is None


async def test_run__work_of_a_term_fails__says_so_to_whoever_runs_it(journal: Journal) -> None:
    desk = Desk(journal, {0: FIRST})
    await desk.terms.look(block(20))
    desk.rounds(FIRST).failure = RuntimeError("broken")
    with pytest.RaisesGroup(pytest.RaisesGroup(pytest.RaisesExc(RuntimeError, match="broken"))):
        await desk.terms.run()


async def test_restart__in_the_middle_of_an_overlap__takes_up_both_terms(journal: Journal) -> None:
    installs: dict[int, Committee | None] = {0: FIRST, 25: SECOND}
    before = Desk(journal, installs)
    await before.terms.look(block(20))
    await before.begin(20)
    await before.terms.look(block(30))
    after = Desk(journal, installs)
    await after.terms.look(block(33))
    assert after.under_way() == [(SECOND.config_digest, True), (FIRST.config_digest, False)]
    for row in journal.rounds.unfinished():
        await after.begin(row.checkpoint)
    assert after.rounds(FIRST).heard == [20]
    await after.terms.handled()
    assert len(after.terms.all) == 2


@contextmanager
def killed_at(journal: Journal, write: int) -> Iterator[list[str]]:
    """Let the journal take so many writes and no more, as a process that is killed there."""
    store = journal._store
    execute, done = store.execute, list[str]()

    def counted(sql: str, parameters: Any = ()) -> int:
        if len(done) == write:
            raise JournalUnwritableError("killed")
        done.append(sql)
        return execute(sql, parameters)

    store.execute = counted  # type: ignore[method-assign]
    try:
        yield done
    finally:
        del store.execute


@pytest.mark.parametrize("write", range(7))
async def test_kill__at_each_write_of_a_change__the_next_start_comes_to_the_same(tmp_path: Path, write: int) -> None:
    """Incident: an honest crash that looks like equivocation, here between two committees."""
    installs: dict[int, Committee | None] = {0: FIRST, 25: SECOND, 27: THIRD}
    with Journal(tmp_path) as journal:
        desk = Desk(journal, installs)
        await desk.terms.look(block(20))
        await desk.begin(20)
        with killed_at(journal, write) as done:
            try:
                await desk.terms.look(block(30))
                finished = True
            except JournalUnwritableError:
                finished = False
        assert finished is (write == 6), done
    with Journal(tmp_path) as journal:
        again = Desk(journal, installs)
        await again.terms.look(block(31))
        assert again.under_way() == [(THIRD.config_digest, True), (SECOND.config_digest, False)]
        assert [span.first_block for span in journal.configurations.history()] == [0, 25, 27]
        for row in journal.rounds.unfinished():
            await again.begin(row.checkpoint)
        assert states(journal) == {20: "abandoned"}


async def test_vote__sent_before_a_change__is_known_as_a_ballot_under_the_new_configuration(journal: Journal) -> None:
    """A vote names no configuration: mined after a change it counts under the new one, and must not look foreign."""
    desk = Desk(journal, {0: FIRST, 25: SECOND})
    await desk.terms.look(block(20))
    block_hash, signals, root = b"b" * 32, (1, -2, 3), b"r" * 32
    for checkpoint in (10, 20):
        named = ballot(FIRST.config_digest, 1, checkpoint, block_hash, signals, root)
        journal.votes.cast(FIRST.config_digest, 1, checkpoint, named)
        calldata = interface("StrategyOracle").encode("vote", 1, checkpoint, block_hash, 7, signals, root)
        key = vote_key(FIRST.config_digest, 1, checkpoint)
        journal.transactions.queue(key, OWN, ORACLE, calldata, 0, 1_000_000)
    journal.reports.add(make_landed(10, 15))  # what was voted for there is over
    await desk.terms.look(block(30))
    wanted = ballot(SECOND.config_digest, 1, 20, block_hash, signals, root)
    found = journal.votes.get(SECOND.config_digest, 1, 20)
    assert found is not None
    assert found.ballot == wanted
    assert journal.votes.get(SECOND.config_digest, 1, 10) is None
    landed = make_landed(20, 28, config_digest=SECOND.config_digest, report_digest=wanted, signers=0b0111)
    assert journal.protection.knows(landed)


INSTALLS = st.dictionaries(st.integers(1, 60), st.sampled_from([FIRST, SECOND, THIRD, WITHOUT, None]), max_size=6)
LOOKS = st.lists(st.integers(1, 70), max_size=8)


@given(INSTALLS, LOOKS, LOOKS, st.booleans())
@settings(max_examples=25, deadline=None)
def test_at__any_changes_and_two_nodes_that_look_at_other_blocks__agree_on_every_checkpoint(
    tmp_path_factory: pytest.TempPathFactory,
    installs: dict[int, Committee | None],
    some: list[int],
    others: list[int],
    restarts: bool,
) -> None:
    installs = {0: FIRST, **installs}

    async def watch(journal: Journal, finals: list[int]) -> list[bytes]:
        journal._store.db.execute("PRAGMA synchronous=OFF")  # nothing is killed here
        desk = Desk(journal, installs)
        for final in [0, *sorted(finals), 70]:
            if restarts:
                desk = Desk(journal, installs)
            await desk.terms.look(block(final))
            journal.cursors.set("landed", final)
            current = desk.oracle._standing(final)[0]
            seated = current is not None and OWN in current.signers
            assert (desk.terms.current is not None) is seated
        return [journal.configurations.at(checkpoint) for checkpoint in range(71)]

    found = []
    for finals in (some, others):
        with Journal(tmp_path_factory.mktemp("journal")) as journal:
            found.append(asyncio.run(watch(journal, finals)))
    oracle = PaperOracle(installs)
    assert found[0] == found[1] == [digest(oracle._standing(at)[0]) for at in range(71)]
