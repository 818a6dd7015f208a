"""Attacks that somebody would try for gain or out of spite, each named after itself."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Any

import boa
import pytest
from eth_keys import keys as eth_keys
from eth_utils import keccak
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.contract.staking.conftest import DAY, HOUR, UNIT, ZERO, Statement, block_hash, compact, now

ORDER = 0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEBAAEDCE6AF48A03BBFD25E8CD0364141
DEAD = "0x000000000000000000000000000000000000dEaD"


@pytest.fixture
def scene(stage: Any) -> Any:
    """Five nodes, four of them seated, a feed with funds and a treasury."""
    stage.staff(5)
    stage.rotate()
    stage.feed = stage.open_feed()
    stage.staking.fund(stage.feed, value=UNIT)
    stage.staking.fund_treasury(value=UNIT)
    return stage


def later(seconds: int) -> None:
    boa.env.evm.patch.timestamp += seconds


def held(stage: Any, accounts: list[str]) -> int:
    """What the book of coin says that somebody can take out some day."""
    staking = stage.staking
    nodes = sum(staking.claimable(n.id) + staking.pending(n.id) for n in stage.operators)
    return int(nodes + sum(staking.owed(a) for a in accounts) + staking.funds(stage.feed) + staking.treasury())


# -- evidence ---------------------------------------------------------------------------------------------------------


def test_attack__malleated_signatures__are_no_second_statement_and_no_evidence(scene: Any) -> None:
    """(r, n - s) with the other parity recovers to the same signer; it makes one statement no two."""
    node, digest = scene.operators[0], scene.staking.current()[1]
    first = Statement()
    signature = node.key.sign_msg_hash(first.digest(scene.oracle.address, digest))
    high = (ORDER - signature.s) | ((1 - signature.v) << 255)
    malleated = signature.r.to_bytes(32, "big") + (high % 2**256).to_bytes(32, "big")
    with boa.reverts("staking: the same statement"):
        scene.staking.slash_equivocation(digest, first.abi, compact(signature), first.abi, malleated)
    _, _, one, second, two = scene.evidence(node.key, digest)
    s = int.from_bytes(two[32:], "big")
    flipped = (ORDER - s % 2**255) | ((1 - (s >> 255)) << 255)
    if flipped < 2**256:
        with boa.reverts():
            scene.staking.slash_equivocation(digest, first.abi, one, second, two[:32] + flipped.to_bytes(32, "big"))
    assert not scene.staking.node(node.id).slashed


def test_attack__signature_from_which_nobodys_key_is_recovered__slashes_nobody(scene: Any) -> None:
    """Anybody can make up r and s: what is recovered then is an address without a node."""
    digest = scene.staking.current()[1]
    first, second = Statement(), Statement(content_root=keccak(b"others"))
    for r in range(1, 6):
        made_up = r.to_bytes(32, "big") + (7).to_bytes(32, "big")
        with boa.reverts():
            scene.staking.slash_equivocation(digest, first.abi, made_up, second.abi, made_up)
    assert not any(scene.staking.node(n.id).slashed for n in scene.operators)


def test_attack__one_offence_after_another__is_slashed_once_and_pays_one_reporter(scene: Any) -> None:
    """More evidence, under this configuration or the next, finds nothing more; the stake of others stays."""
    node, first = scene.operators[0], scene.staking.current()[1]
    proofs = [scene.evidence(node.key, first, view=0, signals_hash=keccak(bytes([i]))) for i in range(3)]
    reporters = [boa.env.generate_address() for _ in proofs]
    scene.staking.slash_equivocation(*proofs[0], sender=reporters[0])
    held_before = scene.tokens_held()
    for proof, reporter in zip(proofs[1:], reporters[1:], strict=True):
        with boa.reverts("staking: slashed already"):
            scene.staking.slash_equivocation(*proof, sender=reporter)
    with boa.reverts("staking: not a member"):
        scene.staking.slash_equivocation(*scene.evidence(node.key), sender=reporters[1])
    assert [scene.staking.owed_stake(r) for r in reporters] == [10 * UNIT, 0, 0]
    assert scene.tokens_held() == held_before == 5 * scene.rules.minimum


def test_attack__reporting_oneself_in_front_of_the_reporter__loses_at_least_half(make_stage: Any) -> None:
    stage = make_stage(reporter_share=5_000)
    [node] = stage.staff(1, bond=100 * UNIT + 1)
    stage.rotate()
    evidence = stage.evidence(node.key)
    stage.staking.slash_equivocation(*evidence, sender=node.account)
    stage.staking.collect_stake(node.account)
    assert stage.token.balanceOf(node.account) == 50 * UNIT
    assert stage.staking.owed_stake(DEAD) == 50 * UNIT + 1


def test_attack__same_committee_installed_again__old_evidence_counts_once(scene: Any) -> None:
    """A configuration that comes back has its old digest: what was signed under it then is evidence now."""
    first, early = scene.staking.current(), scene.evidence(scene.operators[1].key)
    scene.bond(scene.operators[4], UNIT)
    scene.rotate()
    between = scene.staking.current()
    scene.bond(scene.operators[3], 2 * UNIT)
    scene.rotate()
    assert scene.staking.members(between[0]) == [1, 2, 3, 5]
    for number in (2, 3):
        scene.bond(scene.operators[number], 3 * UNIT)
    scene.rotate()
    scene.staking.exit(sender=scene.operators[4].account)
    scene.rotate()
    again = scene.staking.current()
    assert (again[1], again[0] > first[0]) == (first[1], True)
    assert scene.staking.config_number(first[1]) == again[0]
    scene.staking.slash_equivocation(*early)
    with boa.reverts("staking: slashed already"):
        scene.staking.slash_equivocation(*early)


# -- bonds ------------------------------------------------------------------------------------------------------------


@settings(max_examples=12, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(
    steps=st.lists(
        st.sampled_from(["unbond all", "unbond some", "exit", "rejoin", "bond", "rotate", "keys", "withdraw", "wait"]),
        min_size=3,
        max_size=12,
    ),
    detach=st.booleans(),
)
def test_attack__any_way_out__leaves_something_at_stake_while_a_signature_counts(
    scene: Any, steps: list[str], detach: bool
) -> None:
    """Whoever signed as a member can be slashed for it until its seat, the overlap and the delay are over."""
    with boa.env.anchor():
        staking, node = scene.staking, replace(scene.operators[0], former=[])
        account, key, digest = node.account, node.key, staking.current()[1]
        scene.token.mint(account, 1_000 * UNIT)
        scene.token.approve(staking.address, 2**255, sender=account)
        staking.bond(50 * UNIT, sender=account)
        ended = 2**255
        for number, step in enumerate(steps):
            acts: dict[str, Callable[[], Any]] = {
                "unbond all": lambda: staking.unbond(staking.node(1).bond, sender=account),
                "unbond some": lambda: staking.unbond(40 * UNIT, sender=account),
                "exit": lambda: staking.exit(sender=account),
                "rejoin": lambda: staking.rejoin(sender=account),
                "bond": lambda: staking.bond(120 * UNIT, sender=account),
                "rotate": lambda: (later(DAY), staking.rotate([])),
                "keys": partial(scene.change_keys, node, f"way out {number}"),
                "withdraw": lambda: staking.withdraw(sender=account),
                "wait": lambda: later(6 * DAY),
            }
            with contextlib.suppress(boa.BoaError):
                acts[step]()
            if detach and number == 2:
                scene.oracle.set_staking(ZERO)
            ended = 2**255 if staking.node(1).seated else min(ended, now())
            if now() < ended + HOUR + scene.rules.delay:
                found = staking.node(1)
                assert found.bond + found.unbonding >= scene.rules.minimum
        if now() < ended + HOUR + scene.rules.delay:
            assert staking.slash_equivocation(*scene.evidence(key, digest)) >= scene.rules.minimum


def test_attack__no_rotation_for_months__keeps_a_leaver_at_stake_and_anyone_can_end_it(scene: Any) -> None:
    node, digest = scene.operators[0], scene.staking.current()[1]
    scene.staking.exit(sender=node.account)
    later(120 * DAY)
    with boa.reverts("staking: seat held too lately"):
        scene.staking.withdraw(sender=node.account)
    with boa.env.anchor():
        assert scene.staking.slash_equivocation(*scene.evidence(node.key, digest)) == scene.rules.minimum
    scene.rotate(sender=node.account)
    later(scene.rules.delay + HOUR)
    assert scene.staking.withdraw(sender=node.account) == scene.rules.minimum


def test_attack__owner_took_the_committee_back_and_returned__too_few_take_nothing_over(make_stage: Any) -> None:
    """Members of before cannot outnumber the owner's committee by being all that is left."""
    stage = make_stage(least_seats=3)
    nodes = stage.staff(3)
    stage.rotate()
    stage.oracle.set_staking(ZERO)
    owners = [boa.env.generate_address() for _ in range(4)]
    stage.oracle.set_committee(owners, [bytes([i]) * 32 for i in range(1, 5)])
    for node in nodes[1:]:
        stage.staking.exit(sender=node.account)
    stage.oracle.set_staking(stage.staking.address)
    with boa.env.anchor():
        stage.rotate()
        assert stage.oracle.committee()[0] == owners
        assert stage.staking.current() == (0, bytes(32))
        assert not any(stage.staking.node(n.id).seated for n in nodes)
        later(stage.rules.delay + HOUR)
        assert stage.staking.withdraw(sender=nodes[1].account) == stage.rules.minimum
    # Nor by a slash, which elects as well.
    digest = stage.staking.current()[1]
    stage.staking.slash_equivocation(*stage.evidence(nodes[2].key, digest))
    assert stage.oracle.committee()[0] == owners


# -- seats ------------------------------------------------------------------------------------------------------------


def test_attack__sybils_take_all_places__push_no_member_out_and_leave_again(make_stage: Any) -> None:
    stage = make_stage(seats=2)
    members = stage.staff(2)
    waiting = stage.operator("waits", stage.rules.minimum)
    stage.rotate()
    sybils = [stage.operator(f"sybil {i}", stage.rules.minimum + UNIT) for i in range(62)]
    candidates = stage.staking.candidates()
    assert len(candidates) == 64
    assert {n.id for n in members} < set(candidates)
    assert waiting.id not in candidates
    # A higher bond takes a place back; so does a place that becomes free.
    stage.bond(waiting, 2 * UNIT)
    assert waiting.id in stage.staking.candidates()
    stage.staking.exit(sender=sybils[-1].account)
    assert stage.staking.node(waiting.id).candidate


def test_attack__somebodys_transport_key_registered_first__costs_the_victim_another_key(stage: Any) -> None:
    """It wins nothing, and it can neither be sat on for the victim nor stop an installation by a duplicate."""
    thief, key = boa.env.generate_address(), eth_keys.PrivateKey(keccak(b"thief"))
    wanted = keccak(b"transport victim")
    stage.staking.register(
        key.public_key.to_checksum_address(), wanted, thief, stage.proof(key, thief, wanted), sender=thief
    )
    stage.operators.append(None)
    account, own = boa.env.generate_address(), eth_keys.PrivateKey(keccak(b"victim"))
    signer = own.public_key.to_checksum_address()
    with boa.reverts("staking: transport key is taken"):
        stage.staking.register(signer, wanted, account, stage.proof(own, account, wanted), sender=account)
    other = keccak(b"another")
    assert stage.staking.register(signer, other, account, stage.proof(own, account, other), sender=account) == 2
    # The proof that was seen in the mempool names operator and transport key: nobody else can use it.
    for sender, transport in ((thief, other), (account, wanted)):
        with boa.reverts():
            stage.staking.register(signer, transport, account, stage.proof(own, account, other), sender=sender)


def test_attack__leaving_before_the_judgement__is_judged_all_the_same(make_stage: Any) -> None:
    """Exit in front of the rotation, bond and rejoin behind it: the strike waits."""
    stage = make_stage(strikes=1, attendance=10_000)
    nodes = stage.staff(4)
    stage.rotate()
    feed = stage.open_feed()
    for _ in range(2):
        stage.land(feed)
    absent = nodes[3]
    stage.staking.exit(sender=absent.account)
    stage.rotate()
    stage.bond(absent, stage.rules.minimum)
    stage.staking.rejoin(sender=absent.account)
    assert stage.staking.node(absent.id).candidate
    stage.rotate()
    assert stage.staking.node(absent.id).suspended
    assert absent.id not in stage.staking.members(stage.staking.current()[0])


def test_attack__members_slash_themselves_one_after_another__the_rest_goes_on(scene: Any) -> None:
    """Each ends the overlap of the one before; reports under what is in force land, and nobody else loses a seat."""
    for node in scene.operators[:2]:
        scene.staking.slash_equivocation(*scene.evidence(node.key), sender=node.account)
        scene.land(scene.feed)
    assert [n.id for n in scene.members()] == [3, 4, 5]
    scene.rotate()
    assert [n.id for n in scene.members()] == [3, 4, 5]


def test_attack__slashed_member_signs_on_in_the_overlap__earns_and_loses_nothing_more(scene: Any) -> None:
    """Its signature counts for an hour under the configuration before; an hour later it does not."""
    before, node = scene.members(), scene.operators[0]
    scene.staking.slash_equivocation(*scene.evidence(node.key))
    scene.land(scene.feed, before, previous=True)
    scene.rotate()
    assert scene.staking.claim(node.id) == scene.rules.observer_fee + scene.rules.signer_fee
    assert scene.tokens_held() == 5 * scene.rules.minimum
    later(HOUR)
    with boa.reverts("committee: no previous one"):
        scene.land(scene.feed, before, previous=True)


def test_attack__shortest_eras_for_a_century__do_not_run_out(make_stage: Any) -> None:
    """Rotations end with the last number of an era, and seats that nobody can lose keep their bonds."""
    with pytest.raises(boa.BoaError):
        make_stage(era=299)
    assert 150 * 365 * DAY < 300 * 2**24
    make_stage(era=300)


# -- work -------------------------------------------------------------------------------------------------------------


def test_attack__settling_in_front_of_each_rotation__ends_with_the_records(scene: Any) -> None:
    """Each spoilt rotation settles at least a record at the attacker's cost; after the last one nothing is left."""
    for _ in range(4):
        scene.land(scene.feed)
    later(DAY)
    attacker = boa.env.generate_address()
    for turn in range(4):
        due = scene.due()
        assert len(due) == 4 - turn
        start = scene.links[scene.records.index(due[-1])]
        scene.staking.settle_from(start, due[-1:], sender=attacker)
        if turn < 3:
            with boa.reverts("staking: other records"):
                scene.staking.rotate(due)
    scene.staking.rotate(scene.records)
    assert scene.staking.era() == 2
    assert scene.staking.owed(attacker) == 0


def test_attack__mark_just_before_the_eras_end__costs_one_settlement(scene: Any) -> None:
    scene.land(scene.feed)
    later(DAY - 1)
    scene.staking.mark()
    scene.land(scene.feed)
    later(1)
    attacker = boa.env.generate_address()
    scene.staking.mark(sender=attacker)
    with boa.reverts("staking: not settled"):
        scene.staking.rotate(scene.due())
    scene.staking.settle(scene.due())
    # What was marked is settled; a new mark from now on is one after the era's end.
    scene.staking.mark(sender=attacker)
    scene.land(scene.feed)
    scene.staking.settle(scene.due())
    scene.staking.rotate([])
    assert scene.staking.era() == 2


def test_attack__records_behind_what_is_settled_or_of_another_start__are_refused(scene: Any) -> None:
    for _ in range(4):
        scene.land(scene.feed)
    staking, links, records = scene.staking, scene.links, scene.records
    staking.settle(records[:4])
    for _ in range(2):
        scene.land(scene.feed)
    funds = staking.funds(scene.feed)
    for start, batch in (
        (links[2], records[2:]),
        (links[0], records),
        (keccak(b"anything"), records[4:]),
        (links[4], records[4:5]),
        (links[4], [records[5], records[4]]),
        (links[5], [records[5], records[5]]),
    ):
        with boa.reverts():
            staking.settle_from(start, batch)
    assert staking.funds(scene.feed) == funds
    staking.settle_from(links[5], records[5:])
    with boa.reverts("staking: settled already"):
        staking.settle_from(links[3], records[3:5])
    staking.settle(records[4:5])
    assert staking.settled() == scene.oracle.ledger()


def test_attack__book_of_coin__is_whole_whatever_order_is_settled_and_who_failed(make_stage: Any) -> None:
    """Failures, slashes, short funds and a high price: each wei that came in can be taken out by somebody, once."""
    stage = make_stage(observer_fee=10**15, signer_fee=10**15, attendance=9_000, strikes=1)
    stage.staff(5)
    stage.rotate()
    stage.feed = stage.open_feed()
    stage.staking.fund(stage.feed, value=3 * 10**16)
    stage.staking.fund_treasury(value=10**16)
    came_in = 4 * 10**16
    carrier = boa.env.generate_address()
    boa.env.set_balance(carrier, 10**24)
    for i in range(6):
        stage.gas_price(10**9 * (1 + 40 * i))
        stage.land(stage.feed, present=[0, 1, 2] if i % 2 else [1, 2, 3], sender=carrier)
        if i == 3:
            stage.staking.slash_equivocation(*stage.evidence(stage.operators[1].key))
    stage.gas_price(10**9)
    stage.staking.settle_from(stage.links[4], stage.records[4:])
    stage.rotate(sender=carrier)
    assert held(stage, [carrier]) == came_in == boa.env.get_balance(stage.staking.address)
    stage.rotate(sender=carrier)
    for node in stage.operators:
        if stage.staking.claimable(node.id):
            stage.staking.claim(node.id)
    stage.staking.collect(carrier)
    stage.staking.defund(stage.feed, stage.staking.funds(stage.feed))
    later(HOUR)
    if stage.staking.funds(stage.feed):
        stage.staking.withdraw_funds(stage.feed)
    # What is left is the treasury's, and each rotation takes of it.
    assert boa.env.get_balance(stage.staking.address) == stage.staking.treasury()


def test_attack__rotations_for_their_refund__are_one_an_era_and_end_with_the_treasury(make_stage: Any) -> None:
    stage = make_stage(era=300)
    stage.staff(1)
    stage.staking.fund_treasury(value=10**15)
    attacker = boa.env.generate_address()
    boa.env.set_balance(attacker, 10**24)
    stage.gas_price(10**13)
    stage.rotate(sender=attacker)
    with boa.reverts("staking: the era goes on"):
        stage.staking.rotate([], sender=attacker)
    for _ in range(3):
        stage.rotate(sender=attacker)
    assert (stage.staking.owed(attacker), stage.staking.treasury()) == (10**15, 0)


@pytest.mark.parametrize("what", ["mark", "rotate", "slash", "fund"])
def test_attack__subscriber_calls_staking_from_within_a_report__the_report_lands_and_the_books_hold(
    scene: Any, deployers: Any, what: str
) -> None:
    thief = deployers["Thief"].deploy()
    scene.oracle.subscribe(scene.feed, thief.address)
    scene.land(scene.feed)
    later(DAY)
    staking = scene.staking
    calls = {
        "mark": staking.mark.prepare_calldata(),
        "rotate": staking.rotate.prepare_calldata([]),
        "slash": staking.slash_equivocation.prepare_calldata(*scene.evidence(scene.operators[0].key)),
        "fund": staking.fund.prepare_calldata(scene.feed),
    }
    thief.arm(staking.address, calls[what])
    state = staking.current(), staking.cursor(), staking.era(), staking.funds(scene.feed)
    scene.land(scene.feed)
    assert (thief.tried(), thief.succeeded()) == (1, False)
    thief.arm(ZERO, b"")
    assert (staking.current(), staking.era(), staking.funds(scene.feed)) == (state[0], *state[2:])
    assert staking.cursor() == scene.oracle.ledger()
    scene.rotate()


def test_attack__payee_reads_in_the_middle_of_a_change__every_view_of_every_module_is_locked(
    scene: Any, deployers: Any
) -> None:
    """A view that answered while coin is on its way would tell others something that is not so."""
    thief = deployers["Thief"].deploy()
    later(DAY)
    thief.act(scene.staking.address, scene.staking.rotate.prepare_calldata([]))
    assert scene.staking.owed(thief.address) > 0
    values = {
        "uint256": 1,
        "address": scene.operators[0].account,
        "bytes32": scene.staking.current()[1],
    }
    views = [
        entry
        for entry in scene.staking.abi
        if entry.get("stateMutability") in ("view", "pure") and entry["name"] != "eip712Domain"
    ]
    assert len(views) > 25
    for entry in views:
        call = getattr(scene.staking, entry["name"]).prepare_calldata(*(values[one["type"]] for one in entry["inputs"]))
        with boa.env.anchor():
            thief.act(scene.staking.address, call)
            thief.arm(scene.staking.address, call)
            scene.staking.collect(thief.address)
            assert (thief.tried(), thief.succeeded()) == (1, False), entry["name"]


def test_attack__report_of_a_made_up_past__cannot_be_recorded(scene: Any) -> None:
    """The ledger is written by the oracle alone: whoever is not its staking contract changes no configuration."""
    assert block_hash(1) != block_hash(2)
    with boa.reverts("oracle: not the staking contract"):
        scene.oracle.install([boa.env.generate_address()], [b"\1" * 32], sender=scene.operators[0].account)
    assert scene.staking.settled() == scene.oracle.ledger()
