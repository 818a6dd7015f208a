"""Stake comes in, waits, and goes out; what a seat demands holds it back."""

from __future__ import annotations

from typing import Any

import boa
import pytest

UNIT = 10**18
DAY = 86_400
HOUR = 3_600
FREEZE = 30 * DAY


def pass_time(seconds: int) -> None:
    boa.env.evm.patch.timestamp += seconds


def now() -> int:
    return int(boa.env.evm.patch.timestamp)


def test_bond__below_and_at_the_minimum__makes_a_candidate_of_who_has_it(stage: Any) -> None:
    node = stage.operator("one", 99 * UNIT)
    (event,) = stage.events("Bonded")
    assert (event.id, event.amount, event.bond) == (1, 99 * UNIT, 99 * UNIT)
    assert stage.staking.candidates() == []
    stage.bond(node, UNIT)
    (event,) = stage.events("CandidateEntered")
    assert (event.id, event.bond) == (1, 100 * UNIT)
    assert stage.staking.candidates() == [1]
    assert stage.staking.node(1).bond == 100 * UNIT == stage.tokens_held()


def test_bond__of_nothing__is_refused(stage: Any) -> None:
    node = stage.operator("one")
    with boa.reverts("staking: nothing arrived"):
        stage.staking.bond(0, sender=node.account)


def test_bond__more_than_a_bond_can_hold__is_refused(stage: Any) -> None:
    node = stage.operator("one", 2**128 - 1)
    with boa.reverts("staking: bond too high"):
        stage.bond(node, 1)


def test_unbond__a_part__waits_for_the_delay(stage: Any) -> None:
    node = stage.operator("one", 150 * UNIT)
    stage.staking.unbond(50 * UNIT, sender=node.account)
    ready = now() + stage.rules.delay
    (event,) = stage.events("Unbonded")
    assert (event.id, event.amount, event.ready_at) == (1, 50 * UNIT, ready)
    assert [tuple(entry) for entry in stage.staking.unbondings(1)] == [(50 * UNIT, ready)]
    assert (stage.staking.node(1).bond, stage.staking.node(1).unbonding) == (100 * UNIT, 50 * UNIT)
    assert stage.staking.candidates() == [1]
    pass_time(stage.rules.delay - 1)
    with boa.reverts("staking: nothing to withdraw"):
        stage.staking.withdraw(sender=node.account)
    pass_time(1)
    assert stage.staking.withdraw(sender=node.account) == 50 * UNIT == stage.token.balanceOf(node.account)
    assert stage.staking.unbondings(1) == []
    with boa.reverts("staking: nothing to withdraw"):
        stage.staking.withdraw(sender=node.account)


def test_unbond__too_much_or_nothing__is_refused(stage: Any) -> None:
    node = stage.operator("one", UNIT)
    with boa.reverts("staking: nothing to unbond"):
        stage.staking.unbond(0, sender=node.account)
    with boa.reverts("staking: more than the bond"):
        stage.staking.unbond(UNIT + 1, sender=node.account)


def test_unbond__nine_times__is_refused_until_some_is_withdrawn(stage: Any) -> None:
    node = stage.operator("one", 10 * UNIT)
    for _ in range(8):
        stage.staking.unbond(UNIT, sender=node.account)
        pass_time(1)
    with boa.reverts("staking: queue is full"):
        stage.staking.unbond(UNIT, sender=node.account)
    pass_time(stage.rules.delay - 6)
    assert stage.staking.withdraw(sender=node.account) == 3 * UNIT
    stage.staking.unbond(UNIT, sender=node.account)
    assert len(stage.staking.unbondings(1)) == 6


def test_exit__with_a_full_queue__joins_the_newest_entry_whose_delay_begins_anew(stage: Any) -> None:
    node = stage.operator("one", 10 * UNIT)
    for _ in range(8):
        stage.staking.unbond(UNIT, sender=node.account)
    pass_time(DAY)
    stage.staking.exit(sender=node.account)
    entries = [tuple(entry) for entry in stage.staking.unbondings(1)]
    assert entries[-1] == (3 * UNIT, now() + stage.rules.delay)
    assert sum(amount for amount, _ in entries) == 10 * UNIT


def test_exit__and_rejoin__leaves_the_candidates_and_returns(stage: Any) -> None:
    node = stage.operator("one", 100 * UNIT)
    stage.staking.exit(sender=node.account)
    assert stage.staking.candidates() == []
    found = stage.staking.node(1)
    assert (found.leaving, found.bond, found.unbonding) == (True, 0, 100 * UNIT)
    with boa.reverts("staking: leaving already"):
        stage.staking.exit(sender=node.account)
    stage.bond(node, 100 * UNIT)
    assert stage.staking.candidates() == []
    stage.staking.rejoin(sender=node.account)
    assert stage.staking.candidates() == [1]
    with boa.reverts("staking: a candidate already"):
        stage.staking.rejoin(sender=node.account)


def test_rejoin__without_the_bond_for_it__is_refused_where_it_changes_nothing(stage: Any) -> None:
    node = stage.operator("one", 99 * UNIT)
    with boa.reverts("staking: bond too low"):
        stage.staking.rejoin(sender=node.account)


def test_withdraw__seated_with_the_minimum_left__pays(stage: Any) -> None:
    nodes = stage.staff(4, 150 * UNIT)
    stage.rotate()
    stage.staking.unbond(50 * UNIT, sender=nodes[0].account)
    pass_time(stage.rules.delay)
    assert stage.staking.locked_until(1) == 0
    assert stage.staking.withdraw(sender=nodes[0].account) == 50 * UNIT


def test_withdraw__seated_below_the_minimum__waits_for_the_seats_end_the_overlap_and_the_delay(stage: Any) -> None:
    nodes = stage.staff(4)
    stage.rotate()
    stage.staking.unbond(1, sender=nodes[0].account)
    pass_time(3 * stage.rules.delay)
    assert stage.staking.node(1).seated
    assert stage.staking.locked_until(1) == 2**256 - 1
    with boa.reverts("staking: seat held too lately"):
        stage.staking.withdraw(sender=nodes[0].account)
    stage.rotate()
    assert [event.id for event in stage.events("SeatLost")] == [1]
    assert stage.staking.node(1).seat_end == now()
    pass_time(stage.rules.delay + HOUR - 1)
    with boa.reverts("staking: seat held too lately"):
        stage.staking.withdraw(sender=nodes[0].account)
    pass_time(1)
    assert stage.staking.withdraw(sender=nodes[0].account) == 1


def test_withdraw__frozen__waits_and_the_guardian_cannot_prolong_it(stage: Any) -> None:
    staking = stage.staking
    node = stage.operator("one", UNIT)
    staking.unbond(UNIT, sender=node.account)
    pass_time(stage.rules.delay)
    staking.freeze(1, sender=stage.guardian)
    (event,) = stage.events("Frozen")
    assert (event.id, event.until) == (1, now() + FREEZE)
    assert staking.node(1).frozen_until == now() + FREEZE == staking.locked_until(1)
    pass_time(FREEZE - 1)
    with boa.reverts("staking: frozen lately"):
        staking.freeze(1, sender=stage.guardian)
    with boa.reverts("staking: frozen"):
        staking.withdraw(sender=node.account)
    pass_time(1)
    with boa.reverts("staking: frozen lately"):
        staking.freeze(1, sender=stage.guardian)
    assert staking.withdraw(sender=node.account) == UNIT
    pass_time(FREEZE)
    staking.freeze(1, sender=stage.guardian)


def test_thaw__by_the_guardian__lets_withdraw_and_does_not_shorten_the_pause(stage: Any) -> None:
    staking = stage.staking
    node = stage.operator("one", UNIT)
    staking.unbond(UNIT, sender=node.account)
    pass_time(stage.rules.delay)
    staking.freeze(1, sender=stage.guardian)
    staking.thaw(1, sender=stage.guardian)
    assert len(stage.events("Thawed")) == 1
    with boa.reverts("staking: not frozen"):
        staking.thaw(1, sender=stage.guardian)
    with boa.reverts("staking: frozen lately"):
        staking.freeze(1, sender=stage.guardian)
    assert staking.withdraw(sender=node.account) == UNIT


def test_guardians_functions__by_anyone_else__are_refused(stage: Any) -> None:
    stage.operator("one")
    for sender in (boa.env.eoa, stage.operators[0].account):
        for name, arguments in (("freeze", (1,)), ("thaw", (1,)), ("set_guardian", (sender,))):
            with boa.reverts("staking: not the guardian"):
                getattr(stage.staking, name)(*arguments, sender=sender)
    with boa.reverts("staking: unknown node"):
        stage.staking.freeze(2, sender=stage.guardian)
    successor = boa.env.generate_address()
    stage.staking.set_guardian(successor, sender=stage.guardian)
    with boa.reverts("staking: not the guardian"):
        stage.staking.freeze(1, sender=stage.guardian)
    stage.staking.freeze(1, sender=successor)


@pytest.mark.parametrize("fee", [1, 100, 9_999])
def test_incident__fee_on_transfer_token__only_what_arrived_is_at_stake(
    make_stage: Any, deployers: Any, fee: int
) -> None:
    token = deployers["HookToken"].deploy()
    token.configure(fee, False)
    stage = make_stage(token)
    nodes = [stage.operator(f"node {i}", 7 * UNIT + i) for i in range(3)]
    assert sum(stage.staking.node(node.id).bond for node in nodes) == stage.tokens_held()
    for node in nodes:
        stage.staking.exit(sender=node.account)
    pass_time(stage.rules.delay)
    for node in nodes:
        stage.staking.withdraw(sender=node.account)
    assert stage.tokens_held() == 0


def test_incident__token_without_return_value__is_taken_and_paid(make_stage: Any, deployers: Any) -> None:
    stage = make_stage(deployers["SilentToken"].deploy())
    node = stage.operator("one", UNIT)
    stage.staking.exit(sender=node.account)
    pass_time(stage.rules.delay)
    assert stage.staking.withdraw(sender=node.account) == UNIT == stage.token.balanceOf(node.account)


def test_incident__token_that_answers_false__changes_nothing(make_stage: Any, deployers: Any) -> None:
    token = deployers["HookToken"].deploy()
    stage = make_stage(token)
    node = stage.operator("one", UNIT)
    stage.staking.unbond(UNIT, sender=node.account)
    pass_time(stage.rules.delay)
    token.configure(0, True)
    for call in (
        lambda: stage.staking.bond(1, sender=node.account),
        lambda: stage.staking.withdraw(sender=node.account),
    ):
        with boa.reverts("staking: token refused"):
            call()
    assert stage.staking.node(1).unbonding == UNIT
    token.configure(0, False)
    assert stage.staking.withdraw(sender=node.account) == UNIT
