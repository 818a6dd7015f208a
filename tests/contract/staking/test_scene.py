"""One network from its first bond to its first slash, every number followed by hand."""

from __future__ import annotations

from typing import Any

import boa

UNIT = 10**18
DAY = 86_400
MAX_CODE = 24_576


def test_staking__code__fits_a_contract(stage: Any) -> None:
    """EIP-170."""
    assert 0 < len(boa.env.get_code(stage.staking.address)) < MAX_CODE


def test_network__from_bonds_to_a_slash__works_and_pays(stage: Any) -> None:
    staking, rules = stage.staking, stage.rules
    nodes = stage.staff(5)
    stage.bond(nodes[4], UNIT)
    stage.rotate()
    number, digest = staking.current()
    assert stage.oracle.configuration()[:2] == (digest, number)
    assert staking.members(number) == [1, 2, 3, 5]
    assert stage.oracle.committee()[0] == [node.signer for node in stage.members()]

    feed = stage.open_feed()
    assert not staking.pays(feed)
    staking.fund(feed, value=UNIT)
    assert staking.pays(feed)
    record = stage.land(feed)
    gas = record[6] * 10**9 * 11_000 // 10_000
    price = 3 * (rules.observer_fee + rules.signer_fee) + gas
    stage.land(feed)
    staking.settle(stage.due())
    assert staking.settled() == stage.oracle.ledger()
    assert staking.attendance_of(1) == (2, 2)
    assert staking.attendance_of(5) == (2, 0)
    assert UNIT - staking.funds(feed) >= 2 * price - 10**6 * 10**9
    assert staking.pending(1) == 2 * (rules.observer_fee + rules.signer_fee)

    stage.rotate()
    assert staking.claimable(1) == 2 * (rules.observer_fee + rules.signer_fee)
    assert staking.claim(1) == boa.env.get_balance(nodes[0].payee)
    assert staking.node(5).strikes == 1

    reporter = boa.env.generate_address()
    taken = staking.slash_equivocation(*stage.evidence(nodes[0].key), sender=reporter)
    assert taken == rules.minimum
    assert staking.collect_stake(reporter) == rules.minimum // 10
    assert staking.members(staking.current()[0]) == [2, 3, 4, 5]
    assert stage.oracle.committee()[0] == [node.signer for node in stage.members()]
    with boa.reverts("staking: slashed already"):
        staking.slash_equivocation(*stage.evidence(nodes[0].key, digest))
