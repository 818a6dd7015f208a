"""For an hour a report may land under the configuration before the one in force; nothing else of it counts."""

from __future__ import annotations

from typing import Any

import boa
import pytest
from eth_utils import keccak

HOUR = 3_600
PREVIOUS = 1 << 255


@pytest.fixture
def staked(world: Any) -> Any:
    world.stake()
    return world


def now() -> int:
    return int(boa.env.evm.patch.timestamp)


def test_transmit__under_the_previous_configuration__lands(staked: Any) -> None:
    feed = staked.open()
    report = staked.report(feed)
    before = staked.change(7, b"successor")
    staked.transmit_previous(report, before)
    (event,) = staked.events("Reported")
    assert event.config_digest == before.config_digest != staked.seats.config_digest
    assert event.report_digest == before.digest(report)
    assert event.signers == 0b111
    assert staked.oracle.feed(feed).checkpoint == report.checkpoint


def test_transmit__under_both_configurations__only_the_first_lands(staked: Any) -> None:
    feed = staked.open()
    before = staked.change(4, b"successor")
    report = staked.report(feed)
    staked.transmit(report)
    with boa.reverts("feeds: checkpoint not newer"):
        staked.transmit_previous(report, before)


@pytest.mark.parametrize(("later", "lands"), [(0, True), (HOUR - 1, True), (HOUR, False), (HOUR + 1, False)])
def test_transmit__overlap__ends_to_the_second(staked: Any, later: int, lands: bool) -> None:
    feed = staked.open()
    before = staked.change(4, b"successor")
    changed = now()
    assert staked.oracle.previous_configuration() == (before.config_digest, changed + HOUR)
    boa.env.evm.patch.timestamp = changed + later
    report = staked.report(feed)
    if lands:
        staked.transmit_previous(report, before)
        return
    with boa.reverts("committee: no previous one"):
        staked.transmit_previous(report, before)
    staked.transmit(report)


def test_transmit__before_any_change__there_is_no_previous_one(world: Any) -> None:
    report = world.report(world.open())
    assert world.oracle.previous_configuration() == (bytes(32), 0)
    with boa.reverts("committee: no previous one"):
        world.transmit_previous(report, world.seats)
    world.transmit(report)


def test_incident__replay__report_of_another_committee_under_the_wrong_bit_is_refused(staked: Any) -> None:
    """Each configuration's signatures count under its own bit only."""
    report = staked.report(staked.open())
    before = staked.change(4, b"successor")
    with boa.reverts("oracle: wrong signature"):
        staked.transmit_previous(report, staked.seats)
    with boa.reverts("oracle: wrong signature"):
        staked.oracle.transmit(report.abi, *before.sign(report))
    staked.transmit_previous(report, before)


def test_incident__replay__report_of_the_committee_before_the_previous_one_is_refused(staked: Any) -> None:
    report = staked.report(staked.open())
    oldest = staked.change(4, b"second")
    before = staked.change(4, b"third")
    # a change while one overlaps replaces it: its hour is over at once
    for signers in (0, PREVIOUS):
        bitmap, signatures = oldest.sign(report)
        with boa.reverts("oracle: wrong signature"):
            staked.oracle.transmit(report.abi, bitmap | signers, signatures)
    assert staked.oracle.previous_configuration() == (before.config_digest, now() + HOUR)
    staked.transmit_previous(report, before)


def test_incident__replay__previous_committee_of_another_chain_is_refused(staked: Any) -> None:
    report = staked.report(staked.open())
    before = staked.change(4, b"successor")
    boa.env.evm.patch.chain_id += 1
    staked.seats.install_numbered()
    staked.seats.install_numbered()
    home = boa.env.evm.patch.chain_id
    boa.env.evm.patch.chain_id = home + 1
    with boa.reverts("committee: of another chain"):
        staked.transmit_previous(report, staked.seats)
    boa.env.evm.patch.chain_id = home
    with boa.reverts("oracle: wrong signature"):
        staked.transmit_previous(report, before)


@pytest.mark.parametrize(("old", "new"), [(1, 4), (4, 1), (7, 4), (4, 31)])
def test_transmit__previous_committee_of_another_size__its_own_quorum_counts(
    make_world: Any, old: int, new: int
) -> None:
    world = make_world(old)
    world.stake()
    feed = world.open()
    report = world.report(feed)
    before = world.change(new, b"successor")
    bitmap, signatures = before.sign(report, range(before.quorum - 1))
    with boa.reverts("oracle: not exactly a quorum"):
        world.oracle.transmit(report.abi, bitmap | PREVIOUS, signatures)
    world.transmit_previous(report, before)
    (event,) = world.events("Reported")
    assert event.signers == (1 << before.quorum) - 1


@pytest.mark.parametrize("bit", [4, 31, 32, 253, 254])
def test_transmit__any_other_bit_above_the_members__is_refused(staked: Any, bit: int) -> None:
    report = staked.report(staked.open())
    before = staked.change(4, b"successor")
    for seats, flag in ((staked.seats, 0), (before, PREVIOUS)):
        signers, signatures = seats.sign(report)
        with boa.reverts("oracle: not a member"):
            staked.oracle.transmit(report.abi, signers | flag | 1 << bit, signatures)


def test_transmit__the_bit_among_observers__is_refused(staked: Any) -> None:
    feed = staked.open()
    before = staked.change(4, b"successor")
    report = staked.report(feed, observers=0b111 | PREVIOUS)
    with boa.reverts("oracle: not a member"):
        staked.transmit_previous(report, before)


def test_vote__by_members_of_the_previous_configuration__counts_for_nothing(staked: Any) -> None:
    feed = staked.open()
    staked.vote(feed, 0, 5)
    staked.vote(feed, 1, 5)
    before = staked.change(4, b"successor")
    with boa.reverts("committee: not a member"):
        staked.vote(feed, 2, 5, sender=before.addresses[2])
    assert staked.oracle.feed(feed).checkpoint == 0


def test_set_committee__by_the_owner__overlaps_too_unless_it_is_set_twice(world: Any) -> None:
    feed = world.open()
    report = world.report(feed)
    before, world.seats = world.seats, world.committee(4, b"successor")
    world.seats.install()
    assert world.oracle.configuration() == (world.seats.config_digest, 0, before.config_digest, now() + HOUR)
    with boa.env.anchor():
        world.transmit_previous(report, before)
    world.seats.install()
    assert world.oracle.previous_configuration() == (world.seats.config_digest, now() + HOUR)
    with boa.reverts("oracle: wrong signature"):
        world.transmit_previous(report, before)


def test_configuration__read__tells_both_and_never_reverts(world: Any, deployers: Any) -> None:
    assert deployers["StrategyOracle"].deploy().configuration() == (bytes(32), 0, bytes(32), 0)
    assert world.oracle.configuration() == (world.seats.config_digest, 0, bytes(32), 0)
    world.stake()
    assert world.oracle.configuration() == (world.seats.config_digest, 1, world.seats.config_digest, now() + HOUR)
    world.seats.transport[1] = keccak(b"rotated")
    before = world.oracle.config_digest()
    world.seats.install_numbered()
    until = now() + HOUR
    boa.env.time_travel(seconds=10 * HOUR)
    assert world.oracle.configuration() == (world.seats.config_digest, 2, before, until)


def test_configuration__chain_that_split_off__has_none(staked: Any) -> None:
    """Both are void there until one is set anew, which then has no other before it."""
    staked.change(4, b"successor")
    boa.env.evm.patch.chain_id += 1
    staked.seats.chain_id += 1
    assert staked.oracle.configuration() == (bytes(32), 0, bytes(32), 0)
    for previous in (False, True):
        with boa.reverts("committee: of another chain"):
            staked.oracle.committee(previous)
    assert staked.seats.install_numbered() == 3
    assert staked.oracle.configuration() == (staked.seats.config_digest, 3, bytes(32), 0)


def test_committee__the_previous_one__is_read_whether_or_not_its_time_is_over(staked: Any, deployers: Any) -> None:
    before = staked.change(7, b"successor")
    for _ in range(2):
        assert staked.oracle.committee(True) == (before.addresses, before.transport)
        assert staked.oracle.committee() == staked.oracle.committee(False)
        assert staked.oracle.committee() == (staked.seats.addresses, staked.seats.transport)
        boa.env.time_travel(seconds=2 * HOUR)
    empty = deployers["StrategyOracle"].deploy()
    for previous in (False, True):
        with boa.reverts("committee: not set"):
            empty.committee(previous)
