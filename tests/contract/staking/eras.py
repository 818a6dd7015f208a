"""Work that is paid for, eras that close, committees that are elected: the part of the model that follows reports."""

from __future__ import annotations

from typing import Any

import boa
from hypothesis import strategies as st
from hypothesis.stateful import invariant, rule

from tests.contract.staking.books import Books
from tests.contract.staking.conftest import now
from tests.contract.staking.model import MINIMUM, RULES


class Eras(Books):
    """Anyone settles and rotates, at any time, with all records that are due or a part of them."""

    caller: str
    thief: str
    configs: dict[int, tuple[bytes, list[tuple[int, Any]]]]
    era_number: int
    settled: int
    """How many of the oracle's records are paid for; as counts, too, where the next batch has to end and where the walk
    under way, or else the last one, ends, and the second in which that was fixed."""
    cursor: int
    target: int
    marked_at: int

    @invariant()
    def work_is_paid_as_far_as_the_model_says(self) -> None:
        if hasattr(self, "force"):
            assert self.staking.settled_until() == self.settled_until()

    def attempt(self, expected: bool, function: str, *arguments: Any, **kwargs: Any) -> Any:
        """Calls staking, which must accept exactly what the model does."""
        try:
            found = getattr(self.staking, function)(*arguments, **kwargs)
        except boa.BoaError:
            assert not expected, f"{function} was refused"
            return None
        assert expected, f"{function} was accepted"
        return found

    def mark(self) -> None:
        if self.cursor == self.settled:
            self.target = self.cursor = len(self.stage.records)
            self.marked_at = now()

    def settled_until(self) -> int:
        if self.cursor != self.settled:
            return 0
        return now() if self.settled == len(self.stage.records) else self.marked_at

    def take(self, batch: int) -> None:
        """The last records before the cursor are paid for."""
        self.pay(self.stage.records[self.cursor - batch : self.cursor])
        self.cursor -= batch
        if self.cursor == self.settled:
            self.settled = self.cursor = self.target

    @rule(part=st.integers(0, 3))
    def settle(self, part: int) -> None:
        """All that is due, or the last few records of it."""
        due = self.stage.due()
        if not due:
            return
        self.mark()
        assert due == self.stage.records[self.settled : self.cursor]
        if self.settled > 0 and len(due) < 64:
            # One that is paid for already, in front of those that are not.
            again = [self.stage.records[self.settled - 1], *due]
            self.attempt(False, "settle_from", self.stage.links[self.settled - 1], again, sender=self.thief)
        if part == 0 or part >= len(due):
            self.staking.settle(due)
            self.take(len(due))
            return
        start = self.stage.links[self.cursor - part]
        forged = (*due[-1][:3], due[-1][3] ^ 1, *due[-1][4:])
        self.attempt(False, "settle_from", start, [*due[-part:-1], forged], sender=self.thief)
        self.staking.settle_from(start, due[-part:])
        self.take(part)
        self.attempt(False, "settle_from", start, due[-part:], sender=self.thief)

    def pay(self, records: list[tuple[Any, ...]]) -> None:
        """What a batch of records does to the books."""
        for feed, _, number, observers, signers, transmitter, used, price in records:
            gas = used * min(price, RULES.price_cap) * (10_000 + RULES.premium) // 10_000
            cost = observers.bit_count() * RULES.observer_fee + signers.bit_count() * RULES.signer_fee + gas
            paid = cost <= self.funds[feed]
            if paid:
                self.funds[feed] -= cost
                self.owed[transmitter] = self.owed.get(transmitter, 0) + gas
            for place, (i, _) in enumerate(self.configs[number][1]):
                observed, signed = observers >> place & 1, signers >> place & 1
                if paid:
                    self.nodes[i].pending += observed * RULES.observer_fee + signed * RULES.signer_fee
                if number >= self.era_number:
                    self.nodes[i].due += 1
                    self.nodes[i].attended += observed | signed

    @rule(price=st.integers(0, 5))
    def rotate(self, price: int | None) -> None:
        """An era closes when all that landed in it is paid for, by this call or before."""
        due, ends, head = self.stage.due(), self.staking.era_ends(), len(self.stage.records)
        # Where somebody has settled the era the records are left alone: they are the next one's.
        taken = bool(due) and self.settled_until() < ends
        walking = self.cursor != self.settled
        until = self.settled_until() if not taken else self.marked_at if walking and self.target != head else now()
        fine = now() >= ends and until >= ends
        self.stage.gas_price(price or 0)
        self.attempt(fine, "rotate", due, sender=self.caller)
        if not fine:
            return
        (event,) = self.stage.events("Rotated")
        if taken:
            self.mark()
            self.take(len(due))
        for node in self.nodes:
            failed = node.due >= 2 and node.attended * 2 < node.due
            if failed:
                self.treasury += node.pending
                node.strikes += 1
            else:
                node.claimable += node.pending
                node.strikes = 0 if node.due >= 2 else node.strikes
            node.due = node.attended = node.pending = 0
        self.treasury -= event.refund
        self.owed[self.caller] = self.owed.get(self.caller, 0) + event.refund
        self.elect()
        self.era_number = self.staking.current()[0] or 2**256
        assert all(self.nodes[i].strikes < RULES.strikes for i in self.force)

    def elect(self) -> None:
        """Who has to sit now; the contract has said so in what it installed."""
        eligible = [i for i in range(len(self.nodes)) if self.eligible(i)]
        ranked = sorted(eligible, key=lambda i: (-self.nodes[i].bond, i))
        force = sorted(ranked[: RULES.seats])
        for i in set(self.force) - set(force):
            self.nodes[i].seat_end = now()
        number, digest = self.staking.current()
        members = [(i, self.nodes[i].operator.key) for i in force]
        if number not in self.configs and number:
            self.configs[number] = (digest, members)
        self.force = force
        assert [i - 1 for i in self.staking.members(number)] == force
        assert not number or self.configs[number] == (digest, members)

    def eligible(self, i: int) -> bool:
        node = self.nodes[i]
        suspended = self.staking.node(i + 1).suspended
        return node.bond >= MINIMUM and not (node.slashed or node.leaving or suspended)
