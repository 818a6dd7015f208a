"""Who is elected, when, and what the oracle gets to know of it."""

from __future__ import annotations

from typing import Any

import boa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

UNIT = 10**18
DAY = 86_400
GWEI = 10**9
ZERO = "0x" + "00" * 20


def ids(stage: Any) -> list[int]:
    return list(stage.staking.members(stage.staking.current()[0]))


def test_rotate__first_one__is_due_at_once_and_the_next_an_era_later(stage: Any) -> None:
    stage.staff(4)
    stage.staking.rotate([])
    (event,) = stage.events("Rotated")
    assert (event.era, event.number, event.caller, event.refund) == (1, 1, boa.env.eoa, 0)
    assert stage.staking.era() == 1
    assert stage.staking.era_ends() == boa.env.evm.patch.timestamp + DAY
    boa.env.evm.patch.timestamp += DAY - 1
    with boa.reverts("staking: the era goes on"):
        stage.staking.rotate([])
    boa.env.evm.patch.timestamp += 1
    stage.staking.rotate([])
    assert stage.staking.era() == 2


def test_rotate__the_same_members_and_keys__installs_nothing(stage: Any) -> None:
    stage.staff(4)
    stage.rotate()
    assert [event.id for event in stage.events("SeatTaken")] == [1, 2, 3, 4]
    before = stage.oracle.configuration()
    stage.rotate()
    assert not stage.events("Installed")
    assert stage.oracle.configuration() == before


@settings(max_examples=12, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(extra=st.lists(st.integers(0, 3), min_size=1, max_size=9), seats=st.integers(1, 5))
def test_election__any_bonds__takes_the_highest_then_the_first(make_stage: Any, extra: list[int], seats: int) -> None:
    with boa.env.anchor():
        stage = make_stage(seats=seats)
        for i, more in enumerate(extra):
            stage.operator(f"node {i}", stage.rules.minimum + more)
        stage.rotate()
        ranked = sorted(range(len(extra)), key=lambda i: (-extra[i], i))
        assert ids(stage) == sorted(i + 1 for i in ranked[:seats])
        assert stage.oracle.committee()[0] == [stage.operators[i - 1].signer for i in ids(stage)]
        number, digest = stage.staking.current()
        assert stage.staking.config_number(digest) == number
        assert stage.oracle.configuration()[:2] == (digest, number)
        assert [stage.staking.node(i + 1).seated for i in range(len(extra))] == [
            i + 1 in ids(stage) for i in range(len(extra))
        ]


def test_rotate__too_few_for_a_first_committee__leaves_the_owners_in_force(make_stage: Any) -> None:
    """Who comes first must not become a committee of one."""
    stage = make_stage(least_seats=3)
    stage.oracle.set_staking(ZERO)
    owners = [boa.env.generate_address() for _ in range(4)]
    stage.oracle.set_committee(owners, [bytes([i]) * 32 for i in range(1, 5)])
    stage.oracle.set_staking(stage.staking.address)
    nodes = stage.staff(2)
    stage.rotate()
    assert stage.staking.current() == (0, bytes(32))
    assert stage.oracle.committee()[0] == owners
    stage.operator("third", stage.rules.minimum)
    stage.rotate()
    assert ids(stage) == [1, 2, 3]
    stage.staking.exit(sender=nodes[0].account)
    stage.rotate()
    assert ids(stage) == [2, 3]


def test_rotate__everybody_gone__ends_reporting_until_enough_come(make_stage: Any) -> None:
    stage = make_stage(least_seats=2)
    nodes = stage.staff(2)
    stage.rotate()
    for node in nodes:
        stage.staking.exit(sender=node.account)
    stage.rotate()
    assert stage.staking.current() == (0, bytes(32))
    with boa.reverts("committee: not set"):
        stage.oracle.config_digest()
    stage.bond(nodes[0], stage.rules.minimum)
    stage.staking.rejoin(sender=nodes[0].account)
    stage.rotate()
    assert stage.staking.current()[0] == 0
    stage.operator("new", stage.rules.minimum)
    stage.rotate()
    assert ids(stage) == [1, 3]


def test_rotate__oracle_obeys_another_contract__empties_the_seats_and_frees_the_bonds(stage: Any) -> None:
    """Nobody waits for a rotation that can never unseat them."""
    nodes = stage.staff(4)
    feed = stage.open_feed()
    stage.rotate()
    stage.land(feed)
    stage.oracle.set_staking(boa.env.generate_address())
    boa.env.evm.patch.timestamp += DAY
    stage.staking.rotate([])
    assert stage.staking.current() == (0, bytes(32))
    assert stage.oracle.configuration()[1] == 1
    assert not stage.staking.node(1).seated
    stage.staking.exit(sender=nodes[0].account)
    boa.env.evm.patch.timestamp += stage.rules.delay + 3_600
    assert stage.staking.withdraw(sender=nodes[0].account) == stage.rules.minimum


def test_rotate__oracle_came_back_to_this_contract__installs_anew(stage: Any) -> None:
    stage.staff(4)
    stage.rotate()
    stage.oracle.set_staking(ZERO)
    stage.oracle.set_committee([boa.env.generate_address()], [b"\1" * 32])
    stage.oracle.set_staking(stage.staking.address)
    stage.rotate()
    assert stage.oracle.configuration()[:2] == stage.staking.current()[::-1]
    assert ids(stage) == [1, 2, 3, 4]


def test_candidates__all_places_taken__give_way_to_a_higher_bond_only(make_stage: Any) -> None:
    """Filling the 64 places costs 64 minima, and each one of them gives way to a unit more."""
    stage = make_stage(seats=31)
    stage.staff(64)
    stage.rotate()
    assert len(stage.staking.candidates()) == 64
    late = stage.operator("late", stage.rules.minimum)
    assert late.id not in stage.staking.candidates()
    with boa.reverts("staking: bond too low"):
        stage.staking.rejoin(sender=late.account)
    stage.bond(late, 1)
    (gone,) = stage.events("CandidateLeft")
    assert late.id in stage.staking.candidates()
    assert len(stage.staking.candidates()) == 64
    assert not stage.staking.node(gone.id).seated
    stage.rotate()
    assert ids(stage) == [*range(1, 31), 65]
    stage.staking.exit(sender=stage.operators[0].account)
    stage.staking.rejoin(sender=stage.operators[gone.id - 1].account)
    assert gone.id in stage.staking.candidates()


def test_candidates__leaving_in_any_order__keep_their_places_apart(stage: Any) -> None:
    nodes = stage.staff(6)
    for i in (2, 5, 0):
        stage.staking.exit(sender=nodes[i].account)
    assert sorted(stage.staking.candidates()) == [2, 4, 5]
    stage.rotate()
    assert ids(stage) == [2, 4, 5]


def test_rotate__from_the_treasury__pays_the_callers_gas_as_far_as_it_reaches(stage: Any) -> None:
    stage.staff(4)
    caller = boa.env.generate_address()
    stage.staking.fund_treasury(value=UNIT)
    assert stage.staking.treasury() == UNIT
    stage.gas_price(10 * GWEI)
    stage.rotate(sender=caller)
    gas = stage.staking._computation.get_gas_used()
    refund = stage.staking.owed(caller)
    measured = refund * 10_000 // (11_000 * 10 * GWEI)
    assert gas * 95 // 100 < measured <= gas + 21_000
    assert stage.staking.treasury() == UNIT - refund
    balance = boa.env.get_balance(caller)
    assert stage.staking.collect(caller) == refund == boa.env.get_balance(caller) - balance
    with boa.reverts("staking: nothing to collect"):
        stage.staking.collect(caller)


def test_rotate__price_above_the_cap__is_paid_at_the_cap(make_stage: Any) -> None:
    paid = []
    for price in (50 * GWEI, 5_000 * GWEI):
        stage = make_stage()
        stage.staff(2)
        stage.staking.fund_treasury(value=UNIT)
        caller = boa.env.generate_address()
        stage.gas_price(price)
        stage.rotate(sender=caller)
        paid.append(stage.staking.owed(caller))
    assert 0 < paid[1] <= paid[0] * 101 // 100


@pytest.mark.parametrize("amount", [1, 1_000])
def test_rotate__poor_treasury__is_left_empty(stage: Any, amount: int) -> None:
    stage.staff(1)
    stage.staking.fund_treasury(value=amount)
    stage.rotate()
    assert (stage.staking.owed(boa.env.eoa), stage.staking.treasury()) == (amount, 0)
    with boa.reverts("staking: nothing sent"):
        stage.staking.fund_treasury()
