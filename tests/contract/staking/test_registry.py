"""Who operates which node, and under which keys."""

from __future__ import annotations

from typing import Any

import boa
import pytest
from eth_keys import keys as eth_keys
from eth_utils import keccak

ZERO = "0x" + "00" * 20
ORDER = 0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEBAAEDCE6AF48A03BBFD25E8CD0364141


def key_of(label: str) -> tuple[Any, bytes]:
    return eth_keys.PrivateKey(keccak(text=f"signer {label}")), keccak(text=f"transport {label}")


def test_register__a_node__is_told_and_read(stage: Any) -> None:
    node = stage.operator("one")
    (event,) = stage.events("Registered")
    assert (event.id, event.operator, event.signer, event.payee) == (1, node.account, node.signer, node.payee)
    (event,) = stage.events("PayeeSet")
    assert event.payee == node.payee
    found = stage.staking.node(1)
    assert (found.operator, found.payee, found.signer, found.transport_key) == (
        node.account,
        node.payee,
        node.signer,
        node.transport,
    )
    assert (found.bond, found.unbonding, found.candidate, found.seated) == (0, 0, False, False)
    staking = stage.staking
    assert staking.node_of(node.account) == 1 == staking.node_of_signer(node.signer)
    assert staking.node_of_transport_key(node.transport) == 1 == staking.node_count()


def test_node__never_registered__is_refused(stage: Any) -> None:
    stage.operator("one")
    for unknown in (0, 2):
        with boa.reverts("staking: unknown node"):
            stage.staking.node(unknown)
        with boa.reverts("staking: unknown node"):
            stage.staking.claim(unknown)


def test_register__twice_by_one_operator__is_refused(stage: Any) -> None:
    node = stage.operator("one")
    key, transport = key_of("two")
    proof = stage.proof(key, node.account, transport)
    signer = key.public_key.to_checksum_address()
    with boa.reverts("staking: operator has a node"):
        stage.staking.register(signer, transport, node.payee, proof, sender=node.account)


@pytest.mark.parametrize("taken", ["signer", "transport"])
def test_register__with_a_key_that_another_node_has_or_had__is_refused(stage: Any, taken: str) -> None:
    """Somebody else's transport key can be taken before its owner uses it, at the price of making another."""
    node = stage.operator("one")
    before, transport = node.key, node.transport
    stage.change_keys(node, "changed")
    account = boa.env.generate_address()
    for key_in_use, transport_in_use in ((before, transport), (node.key, node.transport)):
        key, free = key_of("two")
        if taken == "signer":
            key = key_in_use
        else:
            free = transport_in_use
        signer, proof = key.public_key.to_checksum_address(), stage.proof(key, account, free)
        with boa.reverts(f"staking: {'signer' if taken == 'signer' else 'transport key'} is taken"):
            stage.staking.register(signer, free, account, proof, sender=account)


def test_register__with_somebody_elses_proof__is_refused(stage: Any) -> None:
    """The proof names the operator and the transport key: seen in the mempool it is of no use to another."""
    owner, thief = boa.env.generate_address(), boa.env.generate_address()
    key, transport = key_of("one")
    signer, proof = key.public_key.to_checksum_address(), stage.proof(key, owner, transport)
    other, other_transport = key_of("two")
    for arguments, sender in (
        ((signer, transport, thief, proof), thief),
        ((signer, other_transport, owner, proof), owner),
        ((other.public_key.to_checksum_address(), transport, owner, proof), owner),
        ((signer, transport, owner, bytes([proof[0] ^ 1]) + proof[1:]), owner),
    ):
        with boa.reverts():
            stage.staking.register(*arguments, sender=sender)
    assert stage.staking.register(signer, transport, owner, proof, sender=owner) == 1


def test_register__proof_of_another_contract_or_chain__is_refused(stage: Any, make_stage: Any) -> None:
    account = boa.env.generate_address()
    key, transport = key_of("one")
    signer = key.public_key.to_checksum_address()
    elsewhere = make_stage().proof(key, account, transport)
    boa.env.evm.patch.chain_id += 1
    other_chain = stage.proof(key, account, transport)
    boa.env.evm.patch.chain_id -= 1
    for proof in (elsewhere, other_chain):
        with boa.reverts("staking: not the signer's proof"):
            stage.staking.register(signer, transport, account, proof, sender=account)


def test_register__malformed_proofs__are_refused(stage: Any) -> None:
    account = boa.env.generate_address()
    key, transport = key_of("one")
    signer, proof = key.public_key.to_checksum_address(), stage.proof(key, account, transport)
    # Of n - s the compact form has no room for but a sliver above n / 2; that sliver is refused.
    high = proof[:32] + (ORDER // 2 + 1).to_bytes(32, "big")
    for bad, reason in (
        (proof[:63], "staking: not 64 bytes"),
        (b"", "staking: not 64 bytes"),
        (bytes(64), "ecdsa: invalid signature"),
        (high, "ecdsa: invalid signature `s` value"),
    ):
        with boa.reverts(reason):
            stage.staking.register(signer, transport, account, bad, sender=account)
    with boa.reverts():
        stage.staking.register(ZERO, transport, account, bytes(64), sender=account)


def test_register__without_a_transport_key_or_payee__is_refused(stage: Any) -> None:
    account = boa.env.generate_address()
    key, transport = key_of("one")
    signer = key.public_key.to_checksum_address()
    with boa.reverts("staking: no transport key"):
        stage.staking.register(signer, bytes(32), account, stage.proof(key, account, bytes(32)), sender=account)
    with boa.reverts("staking: no payee"):
        stage.staking.register(signer, transport, ZERO, stage.proof(key, account, transport), sender=account)


def test_change_keys__seated__takes_effect_at_the_next_election(stage: Any) -> None:
    nodes = stage.staff(4)
    stage.rotate()
    number, before = stage.staking.current()
    stage.change_keys(nodes[0], "changed")
    (event,) = stage.events("KeysChanged")
    assert (event.id, event.signer, event.transport_key, event.version) == (
        1,
        nodes[0].signer,
        nodes[0].transport,
        2,
    )
    assert stage.oracle.configuration()[:2] == (before, number)
    stage.rotate()
    assert stage.oracle.committee() == ([n.signer for n in nodes], [n.transport for n in nodes])
    assert stage.staking.current() != (number, before)
    assert not stage.events("SeatTaken")
    assert not stage.events("SeatLost")


def test_change_keys__one_of_the_two__keeps_the_other(stage: Any) -> None:
    node = stage.operator("one")
    key, transport = key_of("two")
    signer = key.public_key.to_checksum_address()
    for new_key, new_transport in ((key, node.transport), (key, transport), (node.key, transport)):
        new = new_key.public_key.to_checksum_address()
        proof = stage.proof(new_key, node.account, new_transport)
        if (new, new_transport) == (node.signer, transport):
            with boa.reverts("staking: signer is taken"):
                stage.staking.change_keys(new, new_transport, proof, sender=node.account)
            continue
        stage.staking.change_keys(new, new_transport, proof, sender=node.account)
        assert stage.staking.node_of_signer(new) == 1 == stage.staking.node_of_transport_key(new_transport)
    with boa.reverts("staking: same keys"):
        stage.staking.change_keys(signer, transport, stage.proof(key, node.account, transport), sender=node.account)
    assert stage.staking.node_of_signer(node.signer) == 1


def test_set_payee__by_the_operator__is_told_and_read(stage: Any) -> None:
    node = stage.operator("one")
    payee = boa.env.generate_address()
    stage.staking.set_payee(payee, sender=node.account)
    assert stage.staking.node(1).payee == payee
    with boa.reverts("staking: no payee"):
        stage.staking.set_payee(ZERO, sender=node.account)


def test_operators_functions__by_anyone_else__are_refused(stage: Any) -> None:
    stage.operator("one")
    key, transport = key_of("two")
    stranger = boa.env.generate_address()
    staking = stage.staking
    signer, proof = key.public_key.to_checksum_address(), stage.proof(key, stranger, transport)
    for call in (
        lambda: staking.change_keys(signer, transport, proof, sender=stranger),
        lambda: staking.set_payee(stranger, sender=stranger),
        lambda: staking.bond(1, sender=stranger),
        lambda: staking.unbond(1, sender=stranger),
        lambda: staking.withdraw(sender=stranger),
        lambda: staking.exit(sender=stranger),
        lambda: staking.rejoin(sender=stranger),
    ):
        with boa.reverts("staking: not an operator"):
            call()
