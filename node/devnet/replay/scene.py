"""A replay's second story: nodes hold their seats by bonds, one of them signs twice, is slashed, and is replaced."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final

from node.devnet.replay.traitor import betray
from node.devnet.staking import RULES, UNIT, Stake, deploy_staking, enrol, rotate
from node.errors import ReplayError
from node.staking.contract import Staking
from node.staking.events import staking_events

if TYPE_CHECKING:
    from node.chain.client import Chain
    from node.devnet.account import Account
    from node.devnet.replay.network import Member
    from node.devnet.replay.stage import Stage, StagedFeed
    from node.staking.types import Account as NodeAccount

BOND: Final = 2_000 * UNIT
WAITING_BOND: Final = 1_500 * UNIT
"""What who waits for a seat has bonded: less than those who hold one."""
ERA: Final = 7_200
"""Seconds of the chain's clock."""
FUNDS: Final = 2 * 10**18
"""Wei that each feed has to pay its reports with, and the treasury for rotations."""
COINS: Final = 10**21
_FIRST_OPERATOR: Final = 1


@dataclass(frozen=True, slots=True)
class Row:
    """How one node stands in the end. Stake in the token's units, the rest in wei; `seat` is its committee index."""

    node: str
    seat: int | None
    bond: int
    slashed: bool
    due: int
    attended: int
    earned: int
    repaid: int


@dataclass(frozen=True, slots=True)
class Punishment:
    """A slash that landed: node names, stake in the token's units."""

    node: str
    reporter: str
    amount: int
    reward: int
    block: int
    replaced_by: tuple[str, ...]


class Scene:
    """Enrols a replay's nodes, the last of them for a queue, and lets one of the seated sign twice."""

    def __init__(
        self,
        stage: Stage,
        account: Account,
        stake: Stake,
        members: Sequence[Member],
        say: Callable[[str], None],
    ) -> None:
        self._stage = stage
        self._account = account
        self._stake = stake
        self._members = list(members)
        self._say = say
        self._ids: list[int] = []
        self._treason: asyncio.Task[tuple[int, int]] | None = None
        self._signed: tuple[int, int] | None = None
        self.punishment: Punishment | None = None

    @property
    def traitor(self) -> Member:
        """Who signs twice: the last of those that are seated at first."""
        return self._members[-2]

    @property
    def successor(self) -> Member:
        """Who waits for a seat."""
        return self._members[-1]

    @classmethod
    async def open(cls, stage: Stage, account: Account, members: Sequence[Member], say: Callable[[str], None]) -> Scene:
        """Deploy staking, let every node's operator register it and bond, and rotate the first committee in."""
        stake = await deploy_staking(account, stage.contract, replace(RULES, seats=len(members) - 1, era=ERA))
        scene = cls(stage, account, stake, members, say)
        for place, member in enumerate(members):
            await account.transfer(member.address, COINS)
            scene._ids.append(await scene._enrol(place, member))
        await rotate(account, stake)
        return scene

    async def _enrol(self, place: int, member: Member) -> int:
        from node.config import load, unlock_signer
        from node.devnet.account import Account
        from node.devnet.genesis import dev_account
        from node.devnet.settings import ChainSettings

        operator = Account(self._account.web3, dev_account(ChainSettings().seed, _FIRST_OPERATOR + place))
        bond = WAITING_BOND if member is self.successor else BOND
        await self._account.send(self._stake.token, "mint", operator.address, bond)
        config = load(member.process.folder / "config.toml")
        signer = await asyncio.to_thread(unlock_signer, config)
        return await enrol(operator, self._stake, signer, member.transport_key, bond)

    async def fund(self, feeds: Sequence[StagedFeed]) -> None:
        """Pay in advance for the reports of every feed, and for rotations."""
        for feed in feeds:
            await self._account.send(self._stake.staking, "fund", feed.id, value=FUNDS)
        await self._account.send(self._stake.staking, "fund_treasury", value=FUNDS)

    # -- the story -------------------------------------------------------------------------------------------------

    async def after_row(self, chain: Chain, crossings: int) -> None:
        """Go on with the story, told how many crossings have landed so far."""
        if self._treason is None:
            if crossings:
                committee = await chain.committee()
                work = betray(self.traitor.process.folder, committee, self._stage.broker)
                self._treason = asyncio.create_task(work)
        elif self._signed is None:
            if self._treason.done():
                feed, checkpoint = self._signed = self._treason.result()
                self._say(f"{self._name(self.traitor)} signs two reports of feed {feed} at checkpoint {checkpoint}")
        elif self.punishment is None:
            await self._look(chain)

    async def _look(self, chain: Chain) -> None:
        head = (await chain.head()).number
        staking = Staking(chain.pool, self._stake.staking.address)
        names = ("Slashed", "SeatTaken")
        found = [event async for event in staking_events(chain.pool, staking.address, (0, head), names=names)]
        for event in found:
            if event.name != "Slashed":
                continue
            fields = event.fields
            taken = [
                self._named(each.fields["id"])
                for each in found
                if each.name == "SeatTaken" and each.tx_hash == event.tx_hash
            ]
            self.punishment = done = Punishment(
                node=self._named(fields["id"]),
                reporter=self._addressed(fields["reporter"]),
                amount=fields["amount"],
                reward=fields["reward"],
                block=event.block_number,
                replaced_by=tuple(taken),
            )
            self._say(
                f"{done.reporter} proves it on chain: {done.node} loses its bond of {tokens(done.amount)} "
                f"({tokens(done.reward)} to {done.reporter}, the rest is burnt) and its seat; "
                f"{' and '.join(done.replaced_by)} takes it"
            )

    async def close(self) -> None:
        """End whatever is under way."""
        if self._treason is not None:
            self._treason.cancel()
            await asyncio.gather(self._treason, return_exceptions=True)

    # -- how it ended ----------------------------------------------------------------------------------------------

    async def rows(self, chain: Chain) -> list[Row]:
        """How every node stands."""
        staking = Staking(chain.pool, self._stake.staking.address)
        seated = await staking.members((await staking.overview()).number)
        found = []
        for member, number in zip(self._members, self._ids, strict=True):
            account: NodeAccount = await staking.account(number)
            repaid, _ = await staking.owed(member.address)
            found.append(
                Row(
                    node=self._name(member),
                    seat=seated.index(number) if number in seated else None,
                    bond=account.node.bond,
                    slashed=account.node.slashed,
                    due=account.due,
                    attended=account.attended,
                    earned=account.claimable + account.pending,
                    repaid=repaid,
                )
            )
        return found

    def faults(self, rows: Sequence[Row], landed_since: int) -> list[str]:
        """What is not as it must be, told how many crossings landed under the committee that stands in the end.

        Nothing is, where the histories end before anyone could sign twice.
        """
        traitor, successor = self._name(self.traitor), self._name(self.successor)
        if self._signed is None:
            return []
        if self.punishment is None:
            return [f"{traitor} signed twice and was not slashed"]
        found = []
        of = {row.node: row for row in rows}
        if self.punishment.node != traitor or of[traitor].bond or of[traitor].seat is not None:
            found.append(f"{traitor} was to lose its bond and its seat")
        if of[successor].seat is None:
            found.append(f"{successor} was to take the seat")
        found += [f"{row.node} is honest and was slashed" for row in rows if row.slashed and row.node != traitor]
        if not landed_since:
            found.append("no crossing landed after the slash")
        return found

    def _name(self, member: Member) -> str:
        return member.process.folder.name

    def _named(self, number: int) -> str:
        if number not in self._ids:
            raise ReplayError(f"the staking contract names node {number}, which nobody enrolled")
        return self._name(self._members[self._ids.index(number)])

    def _addressed(self, address: str) -> str:
        known = {member.address.lower(): self._name(member) for member in self._members}
        return known.get(address.lower(), address)


def tokens(amount: int) -> str:
    """Units of the stake's token, in whole ones where they are."""
    whole, rest = divmod(amount, UNIT)
    return f"{whole:,}{'' if not rest else f'.{rest:018d}'.rstrip('0')} tokens"


def as_json(rows: Sequence[Row], punishment: Punishment | None) -> dict[str, Any]:
    """The story for programs: amounts as decimal strings."""
    return {
        "nodes": [
            {
                "node": row.node,
                "seat": row.seat,
                "bond": str(row.bond),
                "slashed": row.slashed,
                "due": row.due,
                "attended": row.attended,
                "earned_wei": str(row.earned),
                "repaid_wei": str(row.repaid),
            }
            for row in rows
        ],
        "slashed": None
        if punishment is None
        else {
            "node": punishment.node,
            "reporter": punishment.reporter,
            "amount": str(punishment.amount),
            "reward": str(punishment.reward),
            "block": punishment.block,
            "replaced_by": list(punishment.replaced_by),
        },
    }
