"""What one member was heard to sign: its first signature for each view."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass
from typing import Final

from node.agreement.effects import RoundKey
from node.gossip.bucket import Rate, TokenBucket
from node.staking.evidence import Signed, place_of

CHECKS: Final = Rate(per_second=20, burst=512)
"""Signatures of one member that are checked; an honest one never needs a check."""
Place = tuple[int, int, int]
"""Feed, checkpoint and view."""


@dataclass(slots=True, eq=False)
class First:
    """The first signature of a member for a view; whether it is known to be genuine, and the writes that passed it."""

    signed: Signed
    genuine: bool = False
    waited: int = 0


class Member:
    """What one member of one configuration signed."""

    def __init__(self, now: int) -> None:
        self.firsts: OrderedDict[Place, First] = OrderedDict()
        self.rounds: dict[RoundKey, list[First]] = {}
        self.checks = TokenBucket(CHECKS, now)
        self.found = 0

    def note(self, first: First) -> None:
        """Keep a first signature."""
        place = place_of(first.signed.statement)
        self.firsts[place] = first
        self.rounds.setdefault(RoundKey(*place[:2]), []).append(first)

    def drop(self, place: Place) -> None:
        """Let go of a first signature."""
        first, key = self.firsts.pop(place), RoundKey(*place[:2])
        self.rounds[key].remove(first)
        if not self.rounds[key]:
            del self.rounds[key]
