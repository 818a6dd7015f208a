"""What staking must say of nodes and offences, in plain Python."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from hypothesis import strategies as st

from tests.contract.staking.conftest import Operator, Rules

HOUR = 3_600
MINIMUM, ERA, DELAY, FREEZE = 100, 500, 5_000, 30 * 86_400
RULES = Rules(
    minimum=MINIMUM,
    seats=3,
    era=ERA,
    delay=DELAY,
    reporter_share=3_333,
    observer_fee=7,
    signer_fee=11,
    price_cap=3,
    premium=1_234,
    attendance=5_000,
    least_reports=2,
    strikes=2,
)
MOST_NODES = 6
WHO = st.integers(0, MOST_NODES - 1)
AMOUNT = st.one_of(st.integers(1, 30), st.sampled_from([MINIMUM, MINIMUM + 1, 3 * MINIMUM]))
WAITS = st.sampled_from([1, ERA // 2, ERA, HOUR, DELAY, DELAY + HOUR, FREEZE])


@dataclass
class ModelNode:
    """What staking must say of a node."""

    operator: Operator
    bond: int = 0
    queue: list[tuple[int, int]] = field(default_factory=list)
    paid: int = 0
    leaving: bool = False
    slashed: bool = False
    seat_end: int = 0
    frozen_until: int = 0
    next_freeze: int = 0
    due: int = 0
    attended: int = 0
    pending: int = 0
    claimable: int = 0
    strikes: int = 0

    @property
    def stake(self) -> int:
        return self.bond + sum(amount for amount, _ in self.queue)


@dataclass
class Offence:
    """Two statements that a node has signed as a member, and when it could still do harm by it."""

    node: int
    evidence: tuple[Any, ...]
    until: int
