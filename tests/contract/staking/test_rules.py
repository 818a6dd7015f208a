"""The rules are checked once, at the deployment, and read back as they were given."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import boa
import pytest

ZERO = "0x" + "00" * 20
DEAD = "0x000000000000000000000000000000000000dEaD"
HOUR = 3_600


def test_params__as_deployed__are_read_back(stage: Any) -> None:
    assert tuple(stage.staking.params()) == stage.rules.abi
    assert stage.staking.oracle() == stage.oracle.address
    assert stage.staking.token() == stage.token.address
    assert stage.staking.slash_receiver() == DEAD
    assert stage.staking.guardian() == stage.guardian
    assert stage.staking.settled() == stage.oracle.ledger() == stage.staking.cursor()
    assert (stage.staking.era(), stage.staking.era_ends(), stage.staking.current()) == (0, 0, (0, bytes(32)))


@pytest.mark.parametrize(
    ("rules", "reason"),
    [
        ({"minimum": 0}, "minimum"),
        ({"minimum": 2**128}, "minimum"),
        ({"seats": 0}, "seats"),
        ({"seats": 32}, "seats"),
        ({"era": 299}, "era"),
        ({"era": 366 * 86_400}, "era"),
        ({"delay": 0}, "delay"),
        ({"delay": 366 * 86_400}, "delay"),
        ({"reporter_share": 5_001}, "reporter share"),
        ({"observer_fee": 10**20 + 1}, "fees"),
        ({"signer_fee": 10**20 + 1}, "fees"),
        ({"price_cap": 10**14 + 1}, "price cap"),
        ({"premium": 10_001}, "premium"),
        ({"attendance": 10_001}, "attendance"),
        ({"least_reports": 0}, "least reports"),
        ({"least_reports": 65_536}, "least reports"),
        ({"strikes": 0}, "strikes"),
        ({"strikes": 256}, "strikes"),
        ({"least_seats": 0}, "least seats"),
        ({"seats": 3, "least_seats": 4}, "least seats"),
    ],
)
def test_deployment__unsuitable_rules__are_refused(make_stage: Callable[..., Any], rules: Any, reason: str) -> None:
    with boa.reverts(f"staking: {reason}"):
        make_stage(**rules)


def test_deployment__without_code_behind_the_addresses__is_refused(stage: Any, deployers: Any) -> None:
    nobody, deploy = boa.env.generate_address(), deployers["NodeStaking"].deploy
    with boa.reverts("staking: oracle has no code"):
        deploy(nobody, stage.token.address, stage.rules.abi, ZERO, ZERO)
    with boa.reverts("staking: token has no code"):
        deploy(stage.oracle.address, nobody, stage.rules.abi, ZERO, ZERO)


def test_overlap__of_the_oracle__is_the_one_that_withdrawals_wait_for(stage: Any) -> None:
    """The two contracts state it apart; a change of one must be a change of both."""
    nodes = stage.staff(4)
    stage.rotate()
    stage.change_keys(nodes[0], "changed")
    stage.rotate()
    overlap = stage.oracle.previous_configuration()[1] - int(boa.env.evm.patch.timestamp)
    stage.staking.exit(sender=nodes[0].account)
    stage.rotate()
    assert stage.staking.locked_until(1) == int(boa.env.evm.patch.timestamp) + overlap + stage.rules.delay
