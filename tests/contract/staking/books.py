"""What holds of both books and of every node, whatever happened."""

from __future__ import annotations

from typing import Any

import boa
from hypothesis.stateful import RuleBasedStateMachine, invariant

from tests.contract.staking.conftest import Stage, now
from tests.contract.staking.model import MINIMUM, ModelNode, Offence


class Books(RuleBasedStateMachine):
    """A contract beside its model: stake in the token's units, coin in wei; nodes are counted from 0."""

    deployers: Any
    stage: Stage
    staking: Any
    nodes: list[ModelNode]
    force: list[int]
    offences: list[Offence]
    stake_in: int
    stake_out: int
    coin_in: int
    coin_out: int
    stake_credits: dict[str, int]
    owed: dict[str, int]
    funds: dict[int, int]
    treasury: int
    steps: int

    @invariant()
    def stake_is_conserved(self) -> None:
        if not hasattr(self, "stage"):
            return
        held = sum(node.stake for node in self.nodes) + sum(self.stake_credits.values())
        assert self.stake_in == held + self.stake_out
        assert self.stage.tokens_held() == held

    @invariant()
    def coin_is_conserved(self) -> None:
        """Rewards that a node has lost and that nobody has judged yet are nowhere but in the balance."""
        if not hasattr(self, "stage"):
            return
        held = boa.env.get_balance(self.staking.address)
        assert held == self.coin_in - self.coin_out
        nodes = sum(node.claimable + node.pending for node in self.nodes)
        assert held == nodes + self.treasury + sum(self.funds.values()) + sum(self.owed.values())
        assert self.staking.treasury() <= self.treasury
        for number, feed_funds in self.funds.items():
            assert self.staking.funds(number) == feed_funds

    @invariant()
    def nodes_equal_the_model(self) -> None:
        if not hasattr(self, "stage"):
            return
        self.steps += 1
        if self.steps % 3:
            return
        candidates = set(self.staking.candidates())
        for i, node in enumerate(self.nodes):
            found = self.staking.node(i + 1)
            assert (found.bond, found.unbonding) == (node.bond, node.stake - node.bond)
            assert (found.leaving, found.slashed, found.seated) == (node.leaving, node.slashed, i in self.force)
            assert (found.seat_end, found.strikes) == (node.seat_end, node.strikes)
            assert (self.staking.claimable(i + 1), self.staking.pending(i + 1)) == (node.claimable, node.pending)
            assert self.staking.attendance_of(i + 1) == (node.due, node.attended)
            may_sit = node.bond >= MINIMUM and not (node.slashed or node.leaving or found.suspended)
            assert found.candidate == may_sit == (i + 1 in candidates)

    @invariant()
    def offenders_have_something_to_lose(self) -> None:
        """For the whole delay after an offence that could do harm, at least the minimum is at stake."""
        for offence in getattr(self, "offences", []):
            node = self.nodes[offence.node]
            if now() <= offence.until and not node.slashed:
                assert node.stake >= MINIMUM
