"""What would happen: who is elected, what bond wins a seat, and what a joining operator has to do next."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING

from node.staking.types import MAX_CANDIDATES

if TYPE_CHECKING:
    from node.staking.types import Account, Node, Overview, Params


@dataclass(frozen=True, slots=True)
class View:
    """Everything about staking that one operator needs to know, at one time.

    `now` is the block's time; `nodes` are the candidates, and `members` the ids of the committee in force.
    """

    now: int
    overview: Overview
    nodes: tuple[Node, ...]
    members: tuple[int, ...]
    account: Account | None

    @property
    def era_over(self) -> bool:
        """Whether anybody may end the era."""
        return self.now >= self.overview.era_ends

    @property
    def seat(self) -> int | None:
        """The operator's place in the committee in force, from 0; None without one."""
        if self.account is None or self.account.node.id not in self.members:
            return None
        return self.members.index(self.account.node.id)


class Step(Enum):
    """What a joining operator has to do next."""

    REGISTER = "register"
    REJOIN = "rejoin"
    PAUSE = "wait for the next era, then rejoin"
    BOND = "bond"
    OUTBID = "bond more than another candidate"
    ROTATE = "end the era"
    WAIT = "wait for the era's end"
    SEATED = "run the node"


def next_step(view: View, target: int) -> Step:
    """The next step towards a seat for whoever wants `target` (the token's units) bonded."""
    if view.account is None:
        return Step.REGISTER
    node = view.account.node
    if node.suspended:
        return Step.REJOIN if view.overview.era > node.suspended_in else Step.PAUSE
    if node.leaving:
        return Step.REJOIN
    if node.bond < max(target, view.overview.params.minimum):
        return Step.BOND
    if not node.candidate:
        full = len(view.nodes) >= MAX_CANDIDATES
        return Step.OUTBID if full and node.bond <= _lowest_unseated(view.nodes) else Step.REJOIN
    if view.seat is not None:
        return Step.SEATED
    return Step.ROTATE if view.era_over else Step.WAIT


def elect(nodes: Sequence[Node], params: Params) -> tuple[int, ...]:
    """The ids that an election among these candidates would seat, in committee order."""
    return tuple(sorted(node.id for node in ranked(nodes)[: params.seats]))


def ranked(nodes: Sequence[Node]) -> list[Node]:
    """The candidates, the highest bond first; of equal bonds the one that registered first."""
    return sorted(nodes, key=lambda node: (-node.bond, node.id))


def least_winning_bond(nodes: Sequence[Node], params: Params, own: int | None = None) -> int:
    """The least bond, in the token's units, that an election now would seat; never below the minimum.

    `own` is the node's id: among equal bonds the lower one wins, and whoever is yet to register has the highest.
    """
    others = ranked([node for node in nodes if node.id != own])
    if len(others) < params.seats:
        return params.minimum
    last = others[params.seats - 1]
    wins_ties = own is not None and own < last.id
    return max(params.minimum, last.bond + (0 if wins_ties else 1))


def place(view: View) -> int | None:
    """The operator's place among the candidates by bond, from 1; None for no candidate."""
    if view.account is None:
        return None
    ids = [node.id for node in ranked(view.nodes)]
    return ids.index(view.account.node.id) + 1 if view.account.node.id in ids else None


def missing_candidates(view: View) -> int:
    """How many more candidates the first committee of this contract needs; 0 where one is in force."""
    if view.overview.number != 0:
        return 0
    return max(0, view.overview.params.least_seats - len(view.nodes))


def slashed_shares(amount: int, params: Params) -> tuple[int, int]:
    """What of a slash of `amount` its reporter gets, and what is burnt or goes to the receiver."""
    reward = amount * params.reporter_share // 10_000
    return reward, amount - reward


def _lowest_unseated(nodes: Sequence[Node]) -> int:
    return min((node.bond for node in nodes if not node.seated), default=2**128)
