"""Whatever happens in whatever order, both books are conserved, nobody is paid twice, only the guilty are slashed."""

from __future__ import annotations

from typing import Any

import boa
import pytest
from eth_utils import keccak
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import initialize, rule, run_state_machine_as_test

from tests.contract.staking.conftest import DEAD, TIME, Operator, Stage, Statement, now
from tests.contract.staking.eras import Eras
from tests.contract.staking.model import (
    AMOUNT,
    DELAY,
    FREEZE,
    HOUR,
    MINIMUM,
    MOST_NODES,
    RULES,
    WAITS,
    WHO,
    ModelNode,
    Offence,
)


class StakingMachine(Eras):
    """Operators, reporters, a feed's owner, a guardian and a thief, each at any time."""

    @initialize(bonds=st.lists(st.integers(0, 5), min_size=3, max_size=5))
    def begin(self, bonds: list[int]) -> None:
        self._anchor = boa.env.anchor()
        self._anchor.__enter__()
        boa.env.evm.patch.timestamp = TIME
        self.stage = Stage(type(self).deployers, RULES)
        self.staking = self.stage.staking
        self.thief = boa.env.generate_address()
        self.reporters = [boa.env.generate_address() for _ in range(2)]
        self.caller = boa.env.generate_address()
        self.nodes = []
        self.configs: dict[int, tuple[bytes, list[tuple[int, Any]]]] = {}
        self.force = []
        self.previous_until = 0
        self.offences = []
        self.stake_in = self.stake_out = self.coin_in = self.coin_out = 0
        self.stake_credits = {}
        self.owed = {}
        self.feeds = [self.stage.open_feed() for _ in range(2)]
        self.funds = dict.fromkeys(self.feeds, 0)
        self.announced = dict.fromkeys(self.feeds, (0, 0))
        self.treasury = 0
        self.era_number = 2**256
        self.settled = self.cursor = self.target = 0
        self.marked_at = TIME
        self.views = self.steps = 0
        for extra in bonds:
            self.join(MINIMUM + extra)
        self.rotate(None)

    def teardown(self) -> None:
        if hasattr(self, "_anchor"):
            self.drain()
            self._anchor.__exit__(None, None, None)

    def pick(self, who: int) -> ModelNode:
        return self.nodes[who % len(self.nodes)]

    # Operators.

    @rule(bond=AMOUNT)
    def join(self, bond: int) -> None:
        if len(self.nodes) == MOST_NODES:
            return
        self.nodes.append(ModelNode(self.stage.operator(f"node {len(self.nodes)}")))
        self.bond(len(self.nodes) - 1, bond)

    @rule(who=WHO, amount=AMOUNT)
    def bond(self, who: int, amount: int) -> None:
        node = self.pick(who)
        self.stage.token.mint(node.operator.account, amount)
        self.stage.token.approve(self.staking.address, amount, sender=node.operator.account)
        self.attempt(not node.slashed, "bond", amount, sender=node.operator.account)
        if not node.slashed:
            node.bond += amount
            self.stake_in += amount

    @rule(who=WHO, amount=AMOUNT, everything=st.booleans())
    def unbond(self, who: int, amount: int, everything: bool) -> None:
        node = self.pick(who)
        amount = node.bond if everything else amount
        fine = 0 < amount <= node.bond and not node.slashed and len(node.queue) < 8
        self.attempt(fine, "unbond", amount, sender=node.operator.account)
        if fine:
            node.bond -= amount
            node.queue.append((amount, now() + DELAY))

    @rule(who=WHO)
    def leave(self, who: int) -> None:
        node = self.pick(who)
        fine = not node.slashed and not node.leaving
        self.attempt(fine, "exit", sender=node.operator.account)
        if fine:
            node.leaving = True
            if node.bond:
                merged = node.queue.pop()[0] if len(node.queue) == 8 else 0
                node.queue.append((node.bond + merged, now() + DELAY))
                node.bond = 0

    @rule(who=WHO)
    def rejoin(self, who: int) -> None:
        node = self.pick(who)
        number = self.nodes.index(node) + 1
        found = self.staking.node(number)
        fine = not node.slashed and not found.candidate
        fine &= not found.suspended or self.staking.era() > found.suspended_in
        fine &= found.suspended or found.leaving or node.bond >= MINIMUM
        self.attempt(fine, "rejoin", sender=node.operator.account)
        if fine:
            node.leaving = False
            if found.suspended:
                node.strikes = 0

    @rule(who=WHO)
    def withdraw(self, who: int) -> None:
        node = self.pick(who)
        ready = sum(amount for amount, at in node.queue if at <= now())
        free = node.bond >= MINIMUM or (
            self.nodes.index(node) not in self.force and (node.seat_end == 0 or now() >= node.seat_end + HOUR + DELAY)
        )
        fine = ready > 0 and free and not node.slashed and now() >= node.frozen_until
        found = self.attempt(fine, "withdraw", sender=node.operator.account)
        if fine:
            assert found == ready
            node.queue = [entry for entry in node.queue if entry[1] > now()]
            node.paid += ready
            self.stake_out += ready

    @rule(who=WHO)
    def change_keys(self, who: int) -> None:
        node = self.pick(who)
        if not node.slashed:
            self.stage.change_keys(node.operator, f"{node.operator.label}, {len(node.operator.former)}")

    @rule(
        who=WHO,
        guilty=st.booleans(),
        caught=st.booleans(),
        way=st.sampled_from(["unbond", "exit"]),
        unseated=st.booleans(),
        wait=st.sampled_from([DELAY - 1, DELAY, DELAY + HOUR - 1, DELAY + HOUR]),
    )
    def escape(self, who: int, guilty: bool, caught: bool, way: str, unseated: bool, wait: int) -> None:
        """Takes everything out as fast as the rules let, often enough after an offence."""
        if guilty:
            self.equivocate(who % len(self.nodes), 0)
        if way == "unbond":
            self.unbond(who, 0, everything=True)
        else:
            self.leave(who)
        if guilty and caught:
            self.slash(len(self.offences) - 1, 0)
        if unseated:
            boa.env.evm.patch.timestamp = max(now(), self.staking.era_ends())
            self.rotate(0)
        boa.env.evm.patch.timestamp += wait
        self.withdraw(who)

    # Time and work; what is settled and elected is in `eras.py`.

    @rule(seconds=WAITS)
    def wait(self, seconds: int) -> None:
        boa.env.evm.patch.timestamp += seconds

    @rule(feed=st.integers(0, 1), order=st.permutations(range(3)), all_of_them=st.booleans(), price=st.integers(0, 5))
    def land(self, feed: int, order: list[int], all_of_them: bool, price: int) -> None:
        """A report of a quorum or of everybody, on an oracle that knows nothing of staking's troubles."""
        number, _ = self.staking.current()
        if not number:
            return
        seated = [self.operator_then(i, key) for i, key in self.configs[number][1]]
        n = len(seated)
        quorum = (n + (n - 1) // 3) // 2 + 1
        present = sorted(i for i in order if i < n)
        if not all_of_them:
            present = sorted([i for i in order if i < n][:quorum])
        self.stage.gas_price(price)
        self.stage.land(self.feeds[feed], seated, present=present, sender=self.caller)

    def operator_then(self, node: int, key: Any) -> Operator:
        operator = self.nodes[node].operator
        return Operator(operator.label, operator.account, operator.payee, key, b"", operator.id)

    # Offenders, reporters, and honest nodes that somebody would like to see slashed.

    @rule(who=WHO, back=st.integers(0, 3))
    def equivocate(self, who: int, back: int) -> None:
        numbers = [n for n, (_, members) in self.configs.items() if who in [i for i, _ in members]]
        if not numbers:
            return
        number = numbers[max(0, len(numbers) - 1 - back)]
        digest, members = self.configs[number]
        key = dict(members)[who]
        self.views += 1
        first = Statement(view=self.views % 256, checkpoint=10 * self.views)
        harmful = number == self.staking.current()[0] or (
            digest == self.stage.oracle.previous_configuration()[0]
            and now() < self.stage.oracle.previous_configuration()[1]
        )
        evidence = self.stage.evidence(key, digest, first)
        self.offences.append(Offence(who, evidence, now() + DELAY if harmful else 0))

    @rule(pick=st.integers(0, 9), reporter=st.integers(0, 2))
    def slash(self, pick: int, reporter: int) -> None:
        if not self.offences:
            return
        offence = self.offences[pick % len(self.offences)]
        node = self.nodes[offence.node]
        # The offender may report itself.
        account = [*self.reporters, node.operator.account][reporter]
        seated = offence.node in self.force
        taken = self.attempt(not node.slashed, "slash_equivocation", *offence.evidence, sender=account)
        if node.slashed:
            return
        assert taken == node.stake
        reward = taken * RULES.reporter_share // 10_000
        for to, amount in ((account, reward), (DEAD, taken - reward)):
            self.stake_credits[to] = self.stake_credits.get(to, 0) + amount
        node.slashed, node.bond, node.queue = True, 0, []
        if seated:
            self.elect()
        assert not self.staking.node(offence.node + 1).seated

    @rule(who=WHO, other=WHO, changed=st.sampled_from(["view", "feed", "checkpoint", "nothing", "config", "signer"]))
    def frame(self, who: int, other: int, changed: str) -> None:
        """What honest nodes sign, put together in each way that could look like an offence."""
        number, digest = self.staking.current()
        if not number:
            return
        keys = dict(self.configs[number][1])
        victim = sorted(keys)[who % len(keys)]
        first = Statement(view=3, checkpoint=7)
        changes: dict[str, Any] = {
            "view": {"view": 4},
            "feed": {"feed": 2},
            "checkpoint": {"checkpoint": 17},
            "nothing": {"content_root": first.content_root},
        }.get(changed, {})
        evidence = list(self.stage.evidence(keys[victim], digest, first, **changes))
        if changed == "config":
            evidence[0] = keccak(b"another")
        if changed == "signer":
            accomplice = self.nodes[(victim + 1 + other) % len(self.nodes)].operator.key
            if accomplice == keys[victim]:
                return
            evidence[4] = self.stage.evidence(accomplice, digest, first)[4]
        self.attempt(False, "slash_equivocation", *evidence, sender=self.thief)

    # Coin.

    @rule(feed=st.integers(0, 2), amount=st.integers(1, 3_000_000))
    def fund(self, feed: int, amount: int) -> None:
        if feed == 2:
            self.staking.fund_treasury(value=amount)
            self.treasury += amount
        else:
            self.staking.fund(self.feeds[feed], value=amount)
            self.funds[self.feeds[feed]] += amount
        self.coin_in += amount

    @rule(feed=st.integers(0, 1), amount=st.integers(0, 3_000_000))
    def announce(self, feed: int, amount: int) -> None:
        number = self.feeds[feed]
        fine = amount <= self.funds[number]
        self.attempt(False, "defund", number, amount, sender=self.thief)
        self.attempt(fine, "defund", number, amount)
        if fine:
            self.announced[number] = (amount, now() + HOUR)

    @rule(feed=st.integers(0, 1))
    def defund(self, feed: int) -> None:
        number = self.feeds[feed]
        announced, at = self.announced[number]
        amount = min(announced, self.funds[number])
        fine = amount > 0 and now() >= at and self.staking.settled_until() >= at
        found = self.attempt(fine, "withdraw_funds", number)
        if fine:
            assert found == amount
            self.funds[number] -= amount
            self.announced[number] = (0, 0)
            self.coin_out += amount

    @rule(who=WHO)
    def claim(self, who: int) -> None:
        node = self.pick(who)
        before = boa.env.get_balance(node.operator.payee)
        found = self.attempt(node.claimable > 0, "claim", self.nodes.index(node) + 1, sender=self.thief)
        if found:
            assert found == node.claimable == boa.env.get_balance(node.operator.payee) - before
            self.coin_out += found
            node.claimable = 0

    @rule(what=st.sampled_from(["caller", "thief", "first", "second", "burnt"]))
    def collect(self, what: str) -> None:
        if what in ("caller", "thief"):
            account = self.caller if what == "caller" else self.thief
            owed = self.owed.pop(account, 0)
            found = self.attempt(owed > 0, "collect", account, sender=self.thief)
            assert (found or 0) == owed
            self.coin_out += owed
            return
        account = {"first": self.reporters[0], "second": self.reporters[1], "burnt": DEAD}[what]
        owed = self.stake_credits.pop(account, 0)
        found = self.attempt(owed > 0, "collect_stake", account, sender=self.thief)
        assert (found or 0) == owed
        self.stake_out += owed

    # The guardian, and whoever would like to be it.

    @rule(who=WHO, thaw=st.booleans())
    def freeze(self, who: int, thaw: bool) -> None:
        node = self.pick(who)
        number = self.nodes.index(node) + 1
        function = "thaw" if thaw else "freeze"
        self.attempt(False, function, number, sender=self.thief)
        fine = now() < node.frozen_until if thaw else now() >= node.next_freeze
        self.attempt(fine, function, number, sender=self.stage.guardian)
        if fine and thaw:
            node.frozen_until = now()
        elif fine:
            node.frozen_until, node.next_freeze = now() + FREEZE, now() + 2 * FREEZE

    def drain(self) -> None:
        """In the end every token and every wei but the treasury's has an owner who gets it, once."""
        self.guilty = {offence.node for offence in self.offences}
        for pick in range(len(self.offences)):
            self.slash(pick, 0)
        assert {i for i, node in enumerate(self.nodes) if node.slashed} == self.guilty
        for i in range(len(self.nodes)):
            self.leave(i)
        self.settle(0)
        for _ in range(2):
            boa.env.evm.patch.timestamp = max(now(), self.staking.era_ends())
            self.rotate(0)
        for number, amount in self.funds.items():
            self.attempt(True, "defund", number, amount)
            self.announced[number] = (amount, now() + HOUR)
        boa.env.evm.patch.timestamp += DELAY + HOUR + FREEZE
        for i, node in enumerate(self.nodes):
            self.withdraw(i)
            self.claim(i)
            # Bonded while it was leaving already.
            if node.bond:
                self.unbond(i, 0, everything=True)
        boa.env.evm.patch.timestamp += DELAY
        for i in range(len(self.nodes)):
            self.withdraw(i)
        for feed in range(2):
            self.defund(feed)
        for what in ("caller", "first", "second", "burnt"):
            self.collect(what)
        for account, owed in list(self.stake_credits.items()):
            # Nothing is owed for a slash that came when everything had been withdrawn, long after the delay.
            assert (self.attempt(owed > 0, "collect_stake", account) or 0) == owed
            self.stake_out += owed
            del self.stake_credits[account]
        assert self.stage.tokens_held() == 0 == self.stake_in - self.stake_out
        assert boa.env.get_balance(self.staking.address) == self.treasury


MODEST = settings().max_examples <= settings.get_profile("patina").max_examples
"""Whether this is a common run, and not `make staking`, which has a profile of its own."""

SHARDS = 1 if MODEST else 20
"""Parts in which the sequences are tried, at most one a core."""


@pytest.mark.parametrize("shard", range(SHARDS))
def test_staking__any_sequence__conserves_both_books_and_slashes_the_guilty_only(deployers: Any, shard: int) -> None:
    """Incidents: unbond just before the slash lands; rewards while nothing is staked, or stuck after a dispute."""
    StakingMachine.deployers = deployers
    run_state_machine_as_test(  # type: ignore[no-untyped-call]
        StakingMachine,
        settings=settings(
            max_examples=20 if MODEST else settings().max_examples // SHARDS,
            stateful_step_count=25 if MODEST else 50,
            deadline=None,
            suppress_health_check=list(HealthCheck),
        ),
    )
