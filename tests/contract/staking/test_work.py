"""Records replayed, paid for and counted; what a feed's money does."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import boa
import pytest
from eth.exceptions import VMError
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

UNIT = 10**18
DAY = 86_400
HOUR = 3_600
GWEI = 10**9
ZERO = "0x" + "00" * 20


@pytest.fixture
def scene(stage: Any) -> Any:
    """Four seated nodes and a feed with funds."""
    stage.staff(4)
    stage.rotate()
    stage.feed = stage.open_feed()
    stage.staking.fund(stage.feed, value=UNIT)
    return stage


def price(stage: Any, record: Any) -> int:
    gas = record[6] * min(record[7], stage.rules.price_cap) * (10_000 + stage.rules.premium) // 10_000
    observers, signers = record[3].bit_count(), record[4].bit_count()
    return int(observers * stage.rules.observer_fee + signers * stage.rules.signer_fee + gas)


def test_settle__a_report__pays_observers_signers_and_transmitter_to_the_wei(scene: Any) -> None:
    transmitter = boa.env.generate_address()
    scene.gas_price(7 * GWEI)
    record = scene.land(scene.feed, present=[0, 1, 2, 3], sender=transmitter)
    scene.staking.settle([record])
    (event,) = scene.events("Paid")
    cost = price(scene, record)
    assert (event.feed, event.checkpoint, event.amount) == (scene.feed, record[1], cost)
    assert scene.staking.funds(scene.feed) == UNIT - cost
    both, one = scene.rules.observer_fee + scene.rules.signer_fee, scene.rules.observer_fee
    assert [scene.staking.pending(i) for i in (1, 2, 3, 4)] == [both, both, both, one]
    assert scene.staking.owed(transmitter) == cost - 3 * both - one
    assert record[3:6] == (0b1111, 0b0111, transmitter)
    assert record[7] == 7 * GWEI


def test_settle__funds_short_by_a_wei__moves_nothing_and_counts_attendance(scene: Any) -> None:
    poor = scene.open_feed()
    record = scene.land(poor)
    scene.staking.fund(poor, value=price(scene, record) - 1)
    scene.staking.settle(scene.due())
    (event,) = scene.events("Unpaid")
    assert (event.feed, event.amount) == (poor, price(scene, record))
    assert scene.staking.funds(poor) == price(scene, record) - 1
    assert scene.staking.pending(1) == 0 == scene.staking.owed(boa.env.eoa)
    assert scene.staking.attendance_of(1) == (1, 1)


def test_settle__funds_to_the_wei__are_used_up(scene: Any) -> None:
    poor = scene.open_feed()
    record = scene.land(poor)
    scene.staking.fund(poor, value=price(scene, record))
    scene.staking.settle(scene.due())
    assert scene.staking.funds(poor) == 0


def test_settle__made_up_records__are_refused(scene: Any) -> None:
    records = [scene.land(scene.feed) for _ in range(3)]
    first = records[0]
    changed = [(*first[:i], first[i] + 1, *first[i + 1 :]) for i in (0, 1, 2, 3, 4, 6, 7)]
    changed.append((*first[:5], boa.env.generate_address(), *first[6:]))
    for forged in (
        records[:2],
        records[1:],
        records[::-1],
        [*records, records[-1]],
        *([other, *records[1:]] for other in changed),
    ):
        with boa.reverts("staking: other records"):
            scene.staking.settle(forged)
    with boa.reverts("staking: no records"):
        scene.staking.settle([])
    scene.staking.settle(records)
    with boa.reverts("staking: settled already"):
        scene.staking.settle_from(scene.links[0], records)


def test_settle__twice__is_refused(scene: Any) -> None:
    record = scene.land(scene.feed)
    scene.staking.settle([record])
    for again in (lambda: scene.staking.settle([record]), lambda: scene.staking.settle_from(scene.links[0], [record])):
        with boa.reverts():
            again()
    scene.land(scene.feed)
    with boa.reverts("staking: settled already"):
        scene.staking.settle_from(scene.links[0], scene.records)
    scene.staking.settle(scene.records[1:])


@settings(max_examples=8, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(cuts=st.sets(st.integers(1, 6), max_size=4), late=st.booleans())
def test_settle_from__any_batches__pay_each_record_once(scene: Any, cuts: set[int], late: bool) -> None:
    """A walk goes back from a marked head, whatever lands meanwhile."""
    with boa.env.anchor():
        records = [scene.land(scene.feed) for _ in range(7)]
        links = scene.links[-8:]
        staking = scene.staking
        staking.mark()
        if late:
            scene.land(scene.feed)
        edges = [0, *sorted(cuts), 7]
        for start, end in reversed(list(pairwise(edges))):
            assert staking.cursor() == links[end]
            assert staking.settled() == links[0]
            with boa.reverts():
                staking.settle_from(links[start], records[start : end - 1])
            staking.settle_from(links[start], records[start:end])
        assert staking.settled() == links[7]
        assert (staking.cursor() == links[7]) is not late
        assert UNIT - staking.funds(scene.feed) == sum(price(scene, record) for record in records)
        assert staking.attendance_of(1) == (7, 7)
        del scene.records[-7 - late :]
        del scene.links[-7 - late :]


def test_rotate__with_unsettled_records__is_refused(scene: Any) -> None:
    record = scene.land(scene.feed)
    boa.env.evm.patch.timestamp += DAY
    with boa.reverts("staking: not settled"):
        scene.staking.rotate([])
    scene.staking.rotate([record])
    assert scene.staking.settled() == scene.oracle.ledger()


def test_rotate__records_that_somebody_settled_meanwhile__are_left_alone(scene: Any) -> None:
    """Whoever settles a moment before does not make the rotation fail."""
    record = scene.land(scene.feed)
    boa.env.evm.patch.timestamp += DAY
    scene.staking.settle([record])
    scene.staking.rotate([record])
    assert scene.staking.era() == 2


def test_rotate__reports_landing_all_the_while__needs_what_was_marked_after_the_eras_end_only(scene: Any) -> None:
    """A report in each block must not keep an era from ending."""
    early = scene.land(scene.feed)
    scene.staking.mark()
    boa.env.evm.patch.timestamp += DAY
    scene.land(scene.feed)
    scene.staking.settle([early])
    with boa.reverts("staking: not settled"):
        scene.staking.rotate([])
    scene.staking.mark()
    scene.land(scene.feed)
    scene.staking.settle(scene.due())
    scene.land(scene.feed)
    scene.staking.rotate([])
    assert scene.staking.era() == 2
    assert len(scene.due()) == 2


def test_rotate__walk_under_way__is_refused(scene: Any) -> None:
    records = [scene.land(scene.feed) for _ in range(2)]
    scene.staking.settle_from(scene.links[1], records[1:])
    boa.env.evm.patch.timestamp += DAY
    assert scene.staking.settled_until() == 0
    with boa.reverts("staking: not settled"):
        scene.staking.rotate([])
    scene.staking.settle(records[:1])
    scene.staking.rotate([])


def test_attendance__too_little__loses_the_eras_rewards_and_in_the_end_the_seat_never_the_bond(scene: Any) -> None:
    staking, rules = scene.staking, scene.rules
    scene.gas_price(0)
    for era in (1, 2):
        for _ in range(3):
            scene.land(scene.feed, present=[0, 1, 2])
        scene.land(scene.feed, present=[0, 1, 3])
        staking.settle(scene.due())
        assert staking.attendance_of(4) == (4, 1)
        assert staking.pending(4) == rules.observer_fee + rules.signer_fee
        before = staking.treasury()
        scene.rotate()
        suspended = [event.id for event in scene.events("Suspended")]
        (event,) = scene.events("Judged")
        assert (event.id, event.era, event.due, event.attended, event.kept, event.strikes) == (4, era, 4, 1, 0, era)
        assert staking.treasury() == before + rules.observer_fee + rules.signer_fee
        assert (staking.claimable(4), staking.node(4).strikes) == (0, era)
        assert staking.claimable(1) == 4 * era * (rules.observer_fee + rules.signer_fee)
    assert suspended == [4]
    assert staking.members(staking.current()[0]) == [1, 2, 3]
    found = staking.node(4)
    assert (found.suspended, found.suspended_in, found.bond) == (True, 3, rules.minimum)
    account = scene.operators[3].account
    with boa.reverts("staking: suspended for this era"):
        staking.rejoin(sender=account)
    staking.exit(sender=account)
    with boa.reverts("staking: suspended for this era"):
        staking.rejoin(sender=account)
    scene.bond(scene.operators[3], rules.minimum)
    assert 4 not in staking.candidates()
    scene.rotate()
    staking.rejoin(sender=account)
    assert (staking.node(4).strikes, staking.node(4).suspended) == (0, False)
    scene.rotate()
    assert staking.members(staking.current()[0]) == [1, 2, 3, 4]


def test_attendance__a_good_era__ends_the_row_of_strikes(scene: Any) -> None:
    for era, present in enumerate(([0, 1, 2], [1, 2, 3], [0, 1, 2])):
        for _ in range(2):
            scene.land(scene.feed, present=present)
        scene.rotate()
        assert scene.staking.node(4).strikes == (1, 0, 1)[era]
    assert not scene.staking.node(4).suspended


def test_attendance__fewer_reports_than_it_takes__judges_nobody(scene: Any) -> None:
    scene.land(scene.feed, present=[0, 1, 2])
    scene.rotate()
    assert scene.staking.node(4).strikes == 0
    assert scene.staking.claimable(1) == scene.rules.observer_fee + scene.rules.signer_fee


def test_attendance__outcomes_of_votes__are_due_of_the_voters_only(scene: Any) -> None:
    """Whoever would have voted after the outcome is refused, so it says nothing about the others."""
    boa.env.evm.patch.block_number += 10
    checkpoint = int(boa.env.evm.patch.block_number - 1) // 10 * 10
    from tests.contract.staking.conftest import block_hash

    for node in scene.operators[:3]:
        boa.env.set_balance(node.signer, UNIT)
        scene.oracle.vote(scene.feed, checkpoint, block_hash(checkpoint), 5, [], bytes(32), sender=node.signer)
    record = scene.note()
    assert record[3:] == (0b111, 0b111, ZERO, 0, 0)
    scene.staking.settle(scene.due())
    assert [scene.staking.attendance_of(i) for i in (1, 2, 3, 4)] == [(1, 1)] * 3 + [(0, 0)]
    assert scene.staking.pending(3) == scene.rules.observer_fee + scene.rules.signer_fee


def test_settle__report_of_the_previous_configuration__is_paid_and_not_judged(scene: Any) -> None:
    before = scene.members()
    scene.change_keys(scene.operators[0], "changed")
    scene.rotate()
    before[0] = type(before[0])("old", "", "", scene.operators[0].former[0], b"", 1)
    record = scene.land(scene.feed, before, previous=True)
    assert record[2] == 1
    scene.staking.settle(scene.due())
    assert scene.staking.pending(1) == scene.rules.observer_fee + scene.rules.signer_fee
    assert scene.staking.attendance_of(1) == (0, 0)


def test_settle__records_of_another_staking_contract__are_skipped(scene: Any) -> None:
    """A second contract begins at the present head, and pays for nothing that is not its own."""
    other = scene.deployers["NodeStaking"].deploy(
        scene.oracle.address, scene.token.address, scene.rules.abi, ZERO, ZERO
    )
    assert other.settled() == scene.oracle.ledger()
    other.fund(scene.feed, value=UNIT)
    record = scene.land(scene.feed)
    other.settle([record])
    assert other.funds(scene.feed) == UNIT
    assert other.settled() == scene.oracle.ledger()


def test_claim__of_an_era_that_goes_on__is_refused(scene: Any) -> None:
    scene.land(scene.feed)
    scene.staking.settle(scene.due())
    assert scene.staking.claimable(1) == 0
    with boa.reverts("staking: nothing to claim"):
        scene.staking.claim(1)


def test_claim__twice__pays_once(scene: Any) -> None:
    scene.land(scene.feed)
    scene.rotate()
    amount = scene.staking.claim(1)
    (event,) = scene.events("Claimed")
    assert (event.id, event.payee, event.amount) == (1, scene.operators[0].payee, amount)
    assert boa.env.get_balance(scene.operators[0].payee) == amount
    with boa.reverts("staking: nothing to claim"):
        scene.staking.claim(1)


def test_fund__unknown_feed_or_nothing__is_refused(scene: Any) -> None:
    with boa.reverts("feeds: unknown feed"):
        scene.staking.fund(99, value=1)
    with boa.reverts("staking: nothing sent"):
        scene.staking.fund(scene.feed)
    boa.env.set_balance(boa.env.eoa, 2**97)
    with boa.reverts("staking: too much coin"):
        scene.staking.fund(scene.feed, value=2**96)


def test_staking__plain_transfer_of_coin__is_refused(scene: Any) -> None:
    with pytest.raises(VMError):
        boa.env.raw_call(scene.staking.address, value=1)


def test_defund__by_the_opener__takes_an_hour_in_which_reports_are_paid(scene: Any) -> None:
    """An opener that sees a report coming cannot take the money from under it."""
    staking = scene.staking
    assert staking.pays(scene.feed)
    staking.defund(scene.feed, UNIT)
    ready = int(boa.env.evm.patch.timestamp) + HOUR
    (event,) = scene.events("DefundAnnounced")
    assert (event.feed, event.amount, event.ready_at) == (scene.feed, UNIT, ready)
    assert staking.defunding(scene.feed) == (UNIT, ready)
    assert not staking.pays(scene.feed)
    record = scene.land(scene.feed)
    with boa.reverts("staking: too early"):
        staking.withdraw_funds(scene.feed)
    boa.env.evm.patch.timestamp += HOUR
    with boa.reverts("staking: not settled"):
        staking.withdraw_funds(scene.feed)
    staking.settle([record])
    balance = boa.env.get_balance(boa.env.eoa)
    assert staking.withdraw_funds(scene.feed) == UNIT - price(scene, record)
    assert boa.env.get_balance(boa.env.eoa) == balance + UNIT - price(scene, record)
    with boa.reverts("staking: nothing announced"):
        staking.withdraw_funds(scene.feed)


def test_defund__by_anyone_else_or_too_much__is_refused(scene: Any) -> None:
    stranger = boa.env.generate_address()
    with boa.reverts("staking: not the opener"):
        scene.staking.defund(scene.feed, 1, sender=stranger)
    with boa.reverts("staking: more than the funds"):
        scene.staking.defund(scene.feed, UNIT + 1)
    scene.staking.defund(scene.feed, 5)
    boa.env.evm.patch.timestamp += HOUR
    with boa.reverts("staking: not the opener"):
        scene.staking.withdraw_funds(scene.feed, sender=stranger)
    scene.staking.defund(scene.feed, 0)
    with boa.reverts("staking: nothing announced"):
        scene.staking.withdraw_funds(scene.feed)


def test_pays__funds_around_the_dearest_report__says_which_covers_it(scene: Any) -> None:
    rules, feed = scene.rules, scene.open_feed()
    dearest = 31 * rules.observer_fee + 21 * rules.signer_fee + 2_000_000 * rules.price_cap * 11 // 10
    scene.staking.fund(feed, value=dearest - 1)
    assert not scene.staking.pays(feed)
    scene.staking.fund(feed, value=1)
    assert scene.staking.pays(feed)
    scene.staking.defund(feed, 1)
    assert not scene.staking.pays(feed)
