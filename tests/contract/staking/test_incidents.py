"""What happened to others' staking contracts, and does not happen here."""

from __future__ import annotations

from itertools import product
from pathlib import Path
from typing import Any

import boa
import pytest
from eth_keys import keys as eth_keys
from eth_utils import keccak

from tests.contract.staking.conftest import Operator

UNIT = 10**18
DAY = 86_400
HOUR = 3_600
GWEI = 10**9
ROOT = Path(__file__).parents[3]


@pytest.mark.parametrize("way", ["unbond", "exit", "exit and rejoin", "crowded out"])
def test_incident__unbond_just_before_the_slash_lands__stake_stays_slashable_for_the_whole_delay(
    stage: Any, way: str
) -> None:
    nodes = stage.staff(4)
    stage.rotate()
    node, digest = nodes[0], stage.staking.current()[1]
    offence = boa.env.evm.patch.timestamp
    if way == "unbond":
        stage.staking.unbond(stage.rules.minimum, sender=node.account)
    elif way == "crowded out":
        for i in range(4):
            stage.operator(f"richer {i}", 200 * UNIT)
        stage.rotate()
        stage.staking.unbond(stage.rules.minimum, sender=node.account)
    else:
        stage.staking.exit(sender=node.account)
        if way == "exit and rejoin":
            stage.staking.rejoin(sender=node.account)
    stage.rotate()
    assert not stage.staking.node(1).seated
    boa.env.evm.patch.timestamp = offence + stage.rules.delay
    with boa.reverts():
        stage.staking.withdraw(sender=node.account)
    assert stage.staking.slash_equivocation(*stage.evidence(node.key, digest)) == stage.rules.minimum
    with boa.reverts("staking: slashed"):
        stage.staking.withdraw(sender=node.account)


def test_incident__rewards_earned_while_nothing_is_staked__are_claimable_and_none_twice(stage: Any) -> None:
    """tellorFlex#79: what was earned without a bond behind it was lost or stuck."""
    nodes = stage.staff(4)
    stage.rotate()
    feed = stage.open_feed()
    stage.staking.fund(feed, value=UNIT)
    for node in nodes:
        stage.staking.exit(sender=node.account)
    assert sum(stage.staking.node(i).bond for i in range(1, 5)) == 0
    for present in ([0, 1, 2], [0, 1, 2], [1, 2, 3], [0, 1, 2, 3]):
        stage.land(feed, present=present)
    stage.rotate()
    everyone_is_paid(stage, feed)


def test_incident__rewards_stuck_after_a_dispute__slashed_frozen_and_suspended_nodes_are_claimable(stage: Any) -> None:
    stage.staff(5)
    stage.rotate()
    feed = stage.open_feed()
    stage.staking.fund(feed, value=UNIT)
    stage.staking.fund_treasury(value=UNIT // 100)
    stage.staking.freeze(2, sender=stage.guardian)
    for present in ([0, 1, 2], [0, 1, 2], [1, 2, 3]):
        stage.land(feed, present=present)
    stage.staking.slash_equivocation(*stage.evidence(stage.operators[0].key))
    stage.land(feed, present=[0, 1, 3])
    stage.rotate()
    stage.rotate()
    everyone_is_paid(stage, feed)


def everyone_is_paid(stage: Any, feed: int) -> None:
    """All coin leaves by claims, collections, funds taken back and rotations: nothing stays, nothing is missing."""
    staking = stage.staking
    held = boa.env.get_balance(staking.address)
    paid = sum(staking.claim(i) for i in range(1, staking.node_count() + 1) if staking.claimable(i))
    for account in {record[5] for record in stage.records} | {boa.env.eoa}:
        if staking.owed(account):
            paid += staking.collect(account)
    left, treasury = staking.funds(feed), staking.treasury()
    staking.defund(feed, left)
    boa.env.evm.patch.timestamp += HOUR
    paid += staking.withdraw_funds(feed)
    assert boa.env.get_balance(staking.address) == treasury == held - paid
    # What stays is the treasury's, and rotations use it up.
    stage.gas_price(50 * GWEI)
    for _ in range(200):
        if not staking.treasury():
            break
        stage.rotate()
        staking.collect(boa.env.eoa)
    assert boa.env.get_balance(staking.address) == 0


def thieves(stage: Any) -> Operator:
    """A node whose operator and payee is a contract that calls back whenever it is paid."""
    thief = stage.deployers["Thief"].deploy()
    key, transport = eth_keys.PrivateKey(keccak(b"thief")), keccak(b"thief's transport")
    proof = stage.proof(key, thief.address, transport)
    node = Operator("thief", thief.address, thief.address, key, transport)
    thief.act(
        stage.staking.address,
        stage.staking.register.prepare_calldata(node.signer, transport, thief.address, proof),
    )
    node.id = stage.staking.node_of(thief.address)
    stage.operators.append(node)
    stage.thief = thief
    return node


@pytest.fixture
def robbery(make_stage: Any, deployers: Any) -> Any:
    """A thief with a seat, a bond, an entry that is ready, a claim, a debt and a part of a slash to its name."""
    token = deployers["HookToken"].deploy()
    stage = make_stage(token)
    node = thieves(stage)
    stage.staff(4, 150 * UNIT)
    thief, staking = stage.thief, stage.staking
    token.mint(thief.address, 1_000 * UNIT)
    act = thief.act
    act(token.address, token.approve.prepare_calldata(staking.address, 2**255))
    act(staking.address, staking.bond.prepare_calldata(300 * UNIT))
    token.hook(thief.address)
    stage.rotate()
    vault = deployers["ScriptedVault"].deploy(18, UNIT, UNIT)
    stage.oracle.set_opener(thief.address, True)
    policy = (10, 3, 0, 7_200, 10**15, [10**16])
    act(stage.oracle.address, stage.oracle.open_feed.prepare_calldata(vault.address, policy, "0x" + "00" * 20, 0))
    staking.fund(1, value=UNIT)
    for _ in range(2):
        record = stage.land(1)
    report = stage.evidence(stage.operators[1].key)
    act(staking.address, staking.slash_equivocation.prepare_calldata(*report))
    act(staking.address, staking.unbond.prepare_calldata(100 * UNIT))
    act(staking.address, staking.defund.prepare_calldata(1, UNIT // 2))
    boa.env.evm.patch.timestamp = max(staking.era_ends(), staking.unbondings(1)[0].ready_at)
    staking.fund_treasury(value=UNIT)
    due = stage.due()
    act(staking.address, staking.rotate.prepare_calldata(due))
    assert record
    assert node.id == 1
    assert staking.claimable(1)
    assert staking.owed(thief.address)
    assert staking.owed_stake(thief.address)
    return stage


OUTWARD = ["bond", "withdraw", "claim", "collect", "collect_stake", "withdraw_funds"]
INWARD = [*OUTWARD, "unbond", "exit", "rotate", "set_payee", "node", "claimable"]


def test_incident__lock_that_does_not_hold_across_functions__every_pair_is_refused(robbery: Any) -> None:
    """Curve and Vyper, 2023; Omni and Revest, 2022; ERC-777's hooks: whoever calls back finds the door shut."""
    for outer, inner in product(OUTWARD, INWARD):
        with boa.env.anchor():
            rob(robbery, outer, inner)


def rob(robbery: Any, outer: str, inner: str) -> None:
    """One function called back from within another."""
    stage, staking, thief = robbery, robbery.staking, robbery.thief
    calls = {
        "bond": staking.bond.prepare_calldata(UNIT),
        "withdraw": staking.withdraw.prepare_calldata(),
        "claim": staking.claim.prepare_calldata(1),
        "collect": staking.collect.prepare_calldata(thief.address),
        "collect_stake": staking.collect_stake.prepare_calldata(thief.address),
        "withdraw_funds": staking.withdraw_funds.prepare_calldata(1),
        "unbond": staking.unbond.prepare_calldata(1),
        "exit": staking.exit.prepare_calldata(),
        "rotate": staking.rotate.prepare_calldata([]),
        "set_payee": staking.set_payee.prepare_calldata(boa.env.eoa),
        "node": staking.node.prepare_calldata(1),
        "claimable": staking.claimable.prepare_calldata(1),
    }
    boa.env.evm.patch.timestamp = staking.era_ends()
    thief.arm(staking.address, calls[inner])
    thief.act(staking.address, calls[outer])
    assert thief.tried() == 1
    assert not thief.succeeded()
    # The same call on its own is fine: it was the lock that refused it.
    if inner != outer:
        thief.arm("0x" + "00" * 20, b"")
        thief.act(staking.address, calls[inner])
    assert stage.tokens_held() == held_by_the_books(stage)


def held_by_the_books(stage: Any) -> int:
    staking = stage.staking
    nodes = [staking.node(i) for i in range(1, staking.node_count() + 1)]
    creditors = {stage.thief.address, staking.slash_receiver()}
    return sum(n.bond + n.unbonding for n in nodes) + sum(staking.owed_stake(a) for a in creditors)


def test_incident__payee_that_refuses_coin__stops_nobody_else_and_can_be_changed(robbery: Any) -> None:
    staking, thief = robbery.staking, robbery.thief
    thief.arm("0x" + "00" * 20, b"")
    thief.refuse(True)
    with boa.reverts():
        staking.claim(1)
    assert staking.claim(3)
    elsewhere = boa.env.generate_address()
    thief.act(staking.address, staking.set_payee.prepare_calldata(elsewhere))
    assert staking.claim(1) == boa.env.get_balance(elsewhere)


def test_incident__compiler__is_pinned_in_every_source() -> None:
    sources = sorted((ROOT / "contracts").rglob("*.vy"))
    assert len(sources) > 20
    for source in sources:
        assert "pragma version 0.4.3" in source.read_text(encoding="utf-8"), source
    assert "# pragma nonreentrancy on" in (ROOT / "contracts/staking/NodeStaking.vy").read_text(encoding="utf-8")
