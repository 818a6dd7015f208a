"""Who installs committees: the owner while no staking contract does, and that contract alone from then on."""

from __future__ import annotations

from typing import Any

import boa
import pytest

ZERO = "0x" + "00" * 20
MAX_CODE = 24_576


def code_number(world: Any) -> int:
    """The number in the header of the data contract in force."""
    slots = [boa.env.get_storage(world.oracle.address, slot) for slot in range(12)]
    codes = [bytes(boa.env.get_code("0x" + f"{slot:040x}")) for slot in slots if 2**150 < slot < 2**160]
    (code,) = [code for code in codes if code[:1] == b"\0"]
    assert code[32:64] == world.oracle.config_digest()
    assert code[3:16] == bytes(13)
    return int.from_bytes(code[16:24], "big")


def test_set_staking__by_the_owner__is_told_and_read(world: Any) -> None:
    assert world.oracle.staking() == ZERO
    staking = boa.env.generate_address()
    world.oracle.set_staking(staking)
    (event,) = world.oracle.get_logs()
    assert (type(event).__name__, event.staking) == ("StakingSet", staking)
    assert world.oracle.staking() == staking


def test_set_staking__by_anyone_else__is_refused(world: Any) -> None:
    staking = world.stake()
    for account in (boa.env.generate_address(), staking):
        with boa.reverts("ownable: caller is not the owner"):
            world.oracle.set_staking(account, sender=account)
    assert world.oracle.staking() == staking


def test_set_staking__done__leaves_the_committee_in_force(world: Any) -> None:
    before = world.oracle.configuration()
    world.oracle.set_staking(boa.env.generate_address())
    assert world.oracle.configuration() == before
    world.transmit(world.report(world.open()))


def test_set_committee__while_a_staking_contract_decides__is_refused(world: Any) -> None:
    world.stake()
    before = world.oracle.configuration()
    with boa.reverts("oracle: staking decides"):
        world.committee(4, b"other").install()
    assert world.oracle.configuration() == before
    world.oracle.set_staking(ZERO)
    other = world.committee(4, b"other")
    other.install()
    assert world.oracle.configuration()[:2] == (other.config_digest, 0)


def test_install__by_anyone_but_the_staking_contract__is_refused(world: Any) -> None:
    seats = world.committee(4, b"other")
    former = boa.env.generate_address()
    world.oracle.set_staking(former)
    world.oracle.set_staking(ZERO)
    for account in (boa.env.eoa, boa.env.generate_address(), former):
        with boa.reverts("oracle: not the staking contract"):
            world.oracle.install(seats.addresses, seats.transport, sender=account)
    world.stake()
    for account in (boa.env.eoa, boa.env.generate_address(), former):
        with boa.reverts("oracle: not the staking contract"):
            world.oracle.install(seats.addresses, seats.transport, sender=account)


def test_install__committees_in_turn__are_numbered_from_one(world: Any) -> None:
    assert world.oracle.configuration()[:2] == (world.seats.config_digest, 0)
    assert code_number(world) == 0
    staking = world.stake()
    for number, n in ((2, 7), (3, 1), (4, 4)):
        world.seats = world.committee(n, b"generation %d" % n)
        assert world.seats.install_numbered() == number
        (event,) = world.oracle.get_logs()
        assert (type(event).__name__, event.config_digest, event.n, event.quorum, event.number) == (
            "ConfigSet",
            world.seats.config_digest,
            n,
            world.seats.quorum,
            number,
        )
        assert world.oracle.configuration()[:2] == (world.seats.config_digest, number)
        assert code_number(world) == number
        assert world.oracle.committee() == (world.seats.addresses, world.seats.transport)
    # the counter is the oracle's own: another staking contract goes on where the last one was
    world.oracle.set_staking(boa.env.generate_address())
    assert world.committee(4, b"next").install_numbered() == 5
    world.oracle.set_staking(staking)
    assert world.seats.install_numbered() == 6


def test_install__the_same_committee__is_the_same_configuration_with_another_number(world: Any) -> None:
    world.stake()
    digest = world.oracle.config_digest()
    assert world.seats.install_numbered() == 2
    assert world.oracle.config_digest() == digest == world.seats.config_digest


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (lambda signers, keys: (signers, []), "committee: lengths differ"),
        (lambda signers, keys: ([], keys), "committee: no members"),
        (lambda signers, keys: ([ZERO, *signers[1:]], keys), "committee: zero address"),
        (lambda signers, keys: (signers, [keys[0], *keys[:-1]]), "committee: duplicate transport key"),
    ],
)
def test_install__unsuitable_members__are_refused_and_take_no_number(world: Any, change: Any, reason: str) -> None:
    staking = world.stake()
    before = world.oracle.configuration()
    with boa.reverts(reason):
        world.oracle.install(*change(world.seats.addresses, world.seats.transport), sender=staking)
    assert world.oracle.configuration() == before
    assert world.seats.install_numbered() == 2


def test_install__nobody__ends_all_reporting_until_somebody(world: Any) -> None:
    staking = world.stake()
    feed = world.open()
    report = world.report(feed)
    assert world.oracle.install([], [], sender=staking) == 2
    (event,) = world.oracle.get_logs()
    assert (event.config_digest, event.n, event.quorum, event.number) == (bytes(32), 0, 0, 2)
    assert world.oracle.configuration() == (bytes(32), 0, bytes(32), 0)
    for read in (world.oracle.config_digest, world.oracle.committee, world.oracle.quorum):
        with boa.reverts("committee: not set"):
            read()
    with boa.reverts("committee: not set"):
        world.transmit(report)
    with boa.reverts("committee: no previous one"):
        world.transmit_previous(report, world.seats)
    with boa.reverts("committee: not set"):
        world.vote(feed, 0, 5)
    assert world.seats.install_numbered() == 3
    assert world.oracle.previous_configuration() == (bytes(32), 0)
    world.transmit(report)


def test_opener__any_feed__is_who_opened_it(world: Any) -> None:
    account = boa.env.generate_address()
    mine = world.open()
    world.oracle.set_opener(account, True)
    theirs = world.oracle.open_feed(world.vault(), world.policy(), ZERO, 0, sender=account)
    assert (world.oracle.opener(mine), world.oracle.opener(theirs)) == (boa.env.eoa, account)
    for unknown in (0, theirs + 1):
        with boa.reverts("feeds: unknown feed"):
            world.oracle.opener(unknown)


def test_config_digest__number__is_no_part_of_it(world: Any) -> None:
    """Evidence and signatures speak of members, whatever number they were installed under."""
    before = world.oracle.config_digest()
    world.stake()
    assert world.oracle.config_digest() == before == world.seats.config_digest
    assert world.oracle.eip712Domain()[5] == before


def test_oracle__code__fits_a_contract(world: Any) -> None:
    """EIP-170."""
    assert 0 < len(boa.env.get_code(world.oracle.address)) < MAX_CODE
