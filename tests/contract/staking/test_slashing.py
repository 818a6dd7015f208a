"""Two statements of one signer for one view cost everything; nothing less does."""

from __future__ import annotations

from typing import Any

import boa
import pytest
from eth_keys import keys as eth_keys
from eth_utils import keccak
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.contract.staking.conftest import Statement

UNIT = 10**18
DAY = 86_400
HOUR = 3_600
DEAD = "0x000000000000000000000000000000000000dEaD"


@pytest.fixture
def scene(stage: Any) -> Any:
    """Five nodes, the first four of them seated."""
    stage.staff(5)
    stage.rotate()
    return stage


def slash(stage: Any, evidence: Any, **kwargs: Any) -> int:
    return int(stage.staking.slash_equivocation(*evidence, **kwargs))


def test_statement__digest__is_what_members_sign_for_the_oracle(scene: Any) -> None:
    """The hash of the hashes is the report's own EIP-712 digest."""
    values = [3, 5, 8]
    report = (1, 1_000, keccak(b"block"), 2, 7, values, [-1], keccak(b"artworks"))
    statement = Statement(
        *report[:5],
        keccak(b"".join(v.to_bytes(32, "big") for v in values)),
        keccak((-1).to_bytes(32, "big", signed=True)),
        report[7],
    )
    assert scene.oracle.report_digest(report) == statement.digest(scene.oracle.address, scene.staking.current()[1])


def test_slash__seated_equivocator__loses_all_stake_and_the_seat_at_once(scene: Any) -> None:
    staking, node = scene.staking, scene.operators[0]
    scene.bond(node, 50 * UNIT)
    staking.unbond(30 * UNIT, sender=node.account)
    reporter = boa.env.generate_address()
    evidence = scene.evidence(node.key)
    assert slash(scene, evidence, sender=reporter) == 150 * UNIT
    (event,) = scene.events("Slashed")
    assert (event.id, event.signer, event.reporter) == (1, node.signer, reporter)
    assert (event.amount, event.reward) == (150 * UNIT, 15 * UNIT)
    found = staking.node(1)
    assert (found.slashed, found.bond, found.unbonding, found.seated, found.candidate) == (True, 0, 0, False, False)
    assert staking.members(staking.current()[0]) == [2, 3, 4, 5]
    assert scene.oracle.committee()[0] == [n.signer for n in scene.operators[1:]]
    assert staking.owed_stake(reporter) == 15 * UNIT
    assert staking.collect_stake(reporter) == 15 * UNIT == scene.token.balanceOf(reporter)
    assert staking.collect_stake(DEAD) == 135 * UNIT == scene.token.balanceOf(DEAD)
    with boa.reverts("staking: nothing to collect"):
        staking.collect_stake(reporter)
    for again in (evidence, scene.evidence(node.key, evidence[0], view=0, signals_hash=keccak(b"third"))):
        with boa.reverts("staking: slashed already"):
            slash(scene, again)


def test_slash__with_a_receiver__credits_it_with_the_rest(make_stage: Any) -> None:
    receiver = boa.env.generate_address()
    stage = make_stage(slash_receiver=receiver, reporter_share=3_333, minimum=10_001)
    stage.staff(1)
    stage.rotate()
    reporter = boa.env.generate_address()
    slash(stage, stage.evidence(stage.operators[0].key), sender=reporter)
    assert stage.staking.owed_stake(reporter) == 10_001 * 3_333 // 10_000
    assert stage.staking.owed_stake(receiver) == 10_001 - 10_001 * 3_333 // 10_000
    assert stage.staking.current() == (0, bytes(32))


def test_slashed_node__whatever_its_operator_tries__is_finished(scene: Any) -> None:
    node = scene.operators[0]
    slash(scene, scene.evidence(node.key))
    staking = scene.staking
    scene.token.mint(node.account, UNIT)
    scene.token.approve(staking.address, UNIT, sender=node.account)
    key = eth_keys.PrivateKey(keccak(b"new"))
    signer, proof = key.public_key.to_checksum_address(), scene.proof(key, node.account, b"t" * 32)
    for call in (
        lambda: staking.bond(UNIT, sender=node.account),
        lambda: staking.unbond(1, sender=node.account),
        lambda: staking.withdraw(sender=node.account),
        lambda: staking.exit(sender=node.account),
        lambda: staking.rejoin(sender=node.account),
        lambda: staking.change_keys(signer, b"t" * 32, proof, sender=node.account),
    ):
        with boa.reverts("staking: slashed"):
            call()
    with boa.reverts("staking: operator has a node"):
        staking.register(signer, b"t" * 32, node.payee, proof, sender=node.account)
    other = boa.env.generate_address()
    old = scene.proof(node.key, other, b"t" * 32)
    with boa.reverts("staking: signer is taken"):
        staking.register(node.signer, b"t" * 32, other, old, sender=other)
    for _ in range(2):
        scene.rotate()
    assert staking.members(staking.current()[0]) == [2, 3, 4, 5]


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(
    changes=st.dictionaries(
        st.sampled_from(["block_hash", "observers", "observations_hash", "signals_hash", "content_root"]),
        st.binary(min_size=32, max_size=32),
        min_size=1,
    )
)
def test_slash__statements_that_differ_in_anything__counts(scene: Any, changes: dict[str, Any]) -> None:
    with boa.env.anchor():
        if "observers" in changes:
            changes["observers"] = int.from_bytes(changes["observers"], "big")
        other = {"content_root": Statement().content_root, **changes}
        assert slash(scene, scene.evidence(scene.operators[1].key, **other)) == scene.rules.minimum


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"feed": 2}, "staking: not one round and view"),
        ({"checkpoint": 1_010}, "staking: not one round and view"),
        ({"view": 1}, "staking: not one round and view"),
        ({"content_root": Statement().content_root}, "staking: the same statement"),
    ],
)
def test_slash__what_honest_nodes_sign__is_refused(scene: Any, changes: Any, reason: str) -> None:
    with boa.reverts(reason):
        slash(scene, scene.evidence(scene.operators[0].key, **changes))


def test_slash__bad_evidence__is_refused(scene: Any) -> None:
    key, other = scene.operators[0].key, scene.operators[1].key
    digest, first, one, second, two = scene.evidence(key)
    foreign = scene.evidence(other)
    stranger = scene.evidence(eth_keys.PrivateKey(keccak(b"stranger")))
    candidate = scene.evidence(scene.operators[4].key)
    for evidence, reason in (
        ((keccak(b"unknown"), first, one, second, two), "staking: unknown configuration"),
        ((digest, first, one, second, foreign[4]), "staking: two signers"),
        ((digest, first, one, second, one), "staking: two signers"),
        ((digest, first, one[:63], second, two), "staking: not 64 bytes"),
        ((digest, first, bytes(64), second, bytes(64)), "ecdsa: invalid signature"),
        (stranger, "staking: unknown signer"),
        (candidate, "staking: not a member"),
    ):
        with boa.reverts(reason):
            slash(scene, evidence)
    assert not any(scene.staking.node(i).slashed for i in range(1, 6))


def test_slash__signed_for_another_chain_or_oracle__is_refused(scene: Any, deployers: Any) -> None:
    digest = scene.staking.current()[1]
    boa.env.evm.patch.chain_id += 1
    elsewhere = scene.evidence(scene.operators[0].key)
    boa.env.evm.patch.chain_id -= 1
    with boa.reverts():
        slash(scene, elsewhere)
    here, scene.oracle = scene.oracle, deployers["StrategyOracle"].deploy()
    other = scene.evidence(scene.operators[0].key, digest)
    scene.oracle = here
    with boa.reverts():
        slash(scene, other)


def test_slash__under_a_retired_configuration__works_while_there_is_stake(scene: Any) -> None:
    node, digest = scene.operators[0], scene.staking.current()[1]
    scene.staking.exit(sender=node.account)
    scene.rotate()
    assert scene.staking.current()[1] != digest
    boa.env.evm.patch.timestamp += scene.rules.delay + HOUR - 1
    before = scene.oracle.configuration()
    assert slash(scene, scene.evidence(node.key, digest)) == scene.rules.minimum
    assert scene.oracle.configuration() == before


def test_slash__key_changed_since__finds_the_node(scene: Any) -> None:
    """Changing keys, before the next election or after it, does not dodge."""
    node, digest = scene.operators[0], scene.staking.current()[1]
    former = node.key
    scene.change_keys(node, "second")
    with boa.env.anchor():
        assert slash(scene, scene.evidence(former, digest)) == scene.rules.minimum
        assert scene.staking.members(scene.staking.current()[0]) == [2, 3, 4, 5]
    scene.rotate()
    scene.change_keys(node, "third")
    assert slash(scene, scene.evidence(former, digest)) == scene.rules.minimum


def test_slash__key_that_did_not_sit_in_the_configuration__is_refused(scene: Any) -> None:
    """A thief of a key that was retired in time cannot sign for committees in which it never sat."""
    node = scene.operators[0]
    former = node.key
    scene.change_keys(node, "second")
    scene.rotate()
    with boa.reverts("staking: not a member"):
        slash(scene, scene.evidence(former))
    early = scene.evidence(node.key, scene.links and scene.staking.current()[1])
    assert slash(scene, early) == scene.rules.minimum


def test_slash__with_records_unsettled__does_not_wait_for_them(scene: Any) -> None:
    feed = scene.open_feed()
    scene.staking.fund(feed, value=UNIT)
    scene.land(feed)
    slash(scene, scene.evidence(scene.operators[0].key))
    assert scene.staking.members(scene.staking.current()[0]) == [2, 3, 4, 5]
    scene.land(feed)
    scene.staking.settle(scene.due())
    assert scene.staking.attendance_of(5) == (1, 0)
    assert scene.staking.attendance_of(2) == (2, 2)
    scene.rotate()
    # What it had earned by honest work stays its payee's.
    assert scene.staking.claim(1) == scene.rules.observer_fee + scene.rules.signer_fee


def test_slash__oracle_obeys_another_contract__slashes_without_installing(scene: Any) -> None:
    digest = scene.staking.current()[1]
    scene.oracle.set_staking(boa.env.generate_address())
    assert slash(scene, scene.evidence(scene.operators[0].key, digest)) == scene.rules.minimum
    assert scene.oracle.config_digest() == digest
    assert scene.staking.current() == (0, bytes(32))


def test_slash__frozen__goes_on(scene: Any) -> None:
    scene.staking.freeze(1, sender=scene.guardian)
    assert slash(scene, scene.evidence(scene.operators[0].key)) == scene.rules.minimum


def test_slash__token_that_refuses_everything__cannot_stop_it(make_stage: Any, deployers: Any) -> None:
    token = deployers["HookToken"].deploy()
    stage = make_stage(token)
    stage.staff(4)
    stage.rotate()
    token.configure(0, True)
    slash(stage, stage.evidence(stage.operators[0].key))
    assert stage.staking.members(stage.staking.current()[0]) == [2, 3, 4]
