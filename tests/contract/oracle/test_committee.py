"""The committee: who may be in it, what commits to it, and where it is kept."""

from __future__ import annotations

from typing import Any

import boa
import pytest
from eth_utils import keccak
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

ZERO = "0x" + "00" * 20
SLOW = settings(
    max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)


@pytest.mark.parametrize("n", range(1, 32))
def test_quorum__any_committee__any_two_share_an_honest_member(make_world: Any, n: int) -> None:
    """With 2f + 1 of 3f + 2 or 3f + 3 two quorums may share liars alone, and each sign another report."""
    f = (n - 1) // 3
    quorum = make_world(n).oracle.quorum()
    assert 2 * quorum - n > f, "two quorums may share liars alone"
    assert quorum <= n - f, "liars that say nothing stop everyone"
    assert 2 * (quorum - 1) - n <= f, "fewer would do"
    assert quorum >= 2 * f + 1, "liars may move a median"


@pytest.mark.parametrize("n", [1, 4, 8, 9, 31])
def test_set_committee__any_size__is_read_back(make_world: Any, n: int) -> None:
    world = make_world(n)
    assert world.oracle.committee() == (world.seats.addresses, world.seats.transport)
    assert world.oracle.config_digest() == world.seats.config_digest
    assert world.oracle.quorum() == world.seats.quorum


def test_set_committee__done__is_told(world: Any) -> None:
    other = world.committee(7, b"other")
    other.install()
    (event,) = world.oracle.get_logs()
    assert (type(event).__name__, event.config_digest, event.n, event.quorum) == (
        "ConfigSet",
        other.config_digest,
        7,
        5,
    )


def test_set_committee__not_the_owner__is_refused(world: Any) -> None:
    with boa.reverts("ownable: caller is not the owner"):
        world.oracle.set_committee(world.seats.addresses, world.seats.transport, sender=boa.env.generate_address())


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (lambda signers, keys: ([], []), "committee: no members"),
        (lambda signers, keys: (signers, keys[:-1]), "committee: lengths differ"),
        (lambda signers, keys: (signers[:-1], keys), "committee: lengths differ"),
        (lambda signers, keys: ([ZERO, *signers[1:]], keys), "committee: zero address"),
        (lambda signers, keys: ([*signers[:-1], ZERO], keys), "committee: zero address"),
        (lambda signers, keys: ([*signers[:-1], signers[0]], keys), "committee: duplicate address"),
        (lambda signers, keys: (signers, [*keys[:-1], bytes(32)]), "committee: zero transport key"),
        (lambda signers, keys: (signers, [*keys[:-1], keys[1]]), "committee: duplicate transport key"),
    ],
)
def test_set_committee__unsuitable_members__are_refused(world: Any, change: Any, reason: str) -> None:
    before = world.oracle.config_digest()
    with boa.reverts(reason):
        world.oracle.set_committee(*change(world.seats.addresses, world.seats.transport))
    assert world.oracle.config_digest() == before


def test_set_committee__thirty_two_members__are_refused(world: Any) -> None:
    large = world.committee(32)
    with boa.reverts():
        world.oracle.set_committee(large.addresses, large.transport)


def test_set_committee__other_order__is_another_configuration(world: Any) -> None:
    before = world.oracle.config_digest()
    world.seats.keys.reverse()
    world.seats.install()
    assert world.oracle.config_digest() == world.seats.config_digest != before


def test_set_committee__other_transport_key__is_another_configuration(world: Any) -> None:
    before = world.oracle.config_digest()
    world.seats.transport[2] = keccak(b"rotated")
    world.seats.install()
    assert world.oracle.config_digest() == world.seats.config_digest != before


def test_config_digest__no_committee__says_so(deployers: Any) -> None:
    empty = deployers["StrategyOracle"].deploy()
    for read in (empty.config_digest, empty.committee, empty.quorum, empty.eip712Domain):
        with boa.reverts("committee: not set"):
            read()


def test_roster__code__cannot_be_run(world: Any) -> None:
    """The data contract begins with STOP, then n, quorum and the chain's id, digests, signers and keys."""
    slots = [boa.env.get_storage(world.oracle.address, slot) for slot in range(8)]
    codes = [bytes(boa.env.get_code("0x" + f"{slot:040x}")) for slot in slots if 2**150 < slot < 2**160]
    (code,) = [code for code in codes if code and code[0] == 0]
    seats = world.seats
    assert code[:4] == bytes([0, 4, 3, 0])
    assert int.from_bytes(code[24:32], "big") == boa.env.evm.patch.chain_id
    assert code[32:64] == seats.config_digest
    packed = b"".join(bytes.fromhex(address[2:]) for address in seats.addresses)
    assert code[96:716] == packed.ljust(620, b"\0")
    assert code[716:] == b"".join(seats.transport)


def test_eip712_domain__read__has_all_five_fields(world: Any) -> None:
    fields, name, version, chain_id, contract, salt, extensions = world.oracle.eip712Domain()
    assert (fields, name, version, extensions) == (b"\x1f", "Patina", "1", [])
    assert (chain_id, contract) == (boa.env.evm.patch.chain_id, world.oracle.address)
    assert salt == world.seats.config_digest


def test_ownership__handed_over__needs_acceptance(world: Any) -> None:
    heir = boa.env.generate_address()
    world.oracle.transfer_ownership(heir)
    world.seats.install()  # still the old owner
    world.oracle.accept_ownership(sender=heir)
    with boa.reverts("ownable: caller is not the owner"):
        world.seats.install()
    assert world.oracle.owner() == heir


@SLOW
@given(st.lists(st.integers(0, 30), min_size=1, max_size=31, unique=True))
def test_transmit__any_set_of_observers__is_counted_right(make_world: Any, observers: list[int]) -> None:
    """The bit count by multiplication, seen through the one refusal that depends on it."""
    with boa.env.anchor():
        world = make_world(31)
        feed = world.open()
        report = world.report(feed, [1] * len(observers), observers=sum(1 << i for i in observers))
        if len(observers) >= 21:
            world.transmit(report)
            return
        with boa.reverts("oracle: too few observations"):
            world.transmit(report)
