"""The keeper of staking: settles work and rotates the committee, in turns with the other nodes."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Final

import structlog
from eth_hash.auto import keccak

from node.chain.sending.accounts import Accounts
from node.errors import ChainError, JournalError, RevertError
from node.staking import calldata
from node.staking.ledger import Ledger, replay
from node.staking.locator import Locator
from node.staking.types import MAX_BATCH, REFUND_GAS

if TYPE_CHECKING:
    from node.chain.types import Block, Feed
    from node.keeper import NodeContext
    from node.staking.contract import Staking
    from node.staking.types import Overview, Record

LOOK_S: Final = 12.0
"""The most seconds between two looks at the contract; with shorter stages it is looked at once a stage."""
WORTH: Final = 10
"""How many times its gas a payout has to be worth."""
CLAIM_GAS: Final = 120_000
MAX_TRIES: Final = 3
"""Transactions for one step that were mined and came to nothing, before it is left to others."""

log = structlog.get_logger("keeper.staking")


class StakingKeeper:
    """Ends eras that are over, and settles early what would not fit into one call; with or without a seat.

    Members take turns in an order that the era decides, and after them the candidates: each waits one stage longer
    than the one before it, and looks whether there is still something to do.
    """

    def __init__(self, context: NodeContext, *, clock: Callable[[], float] = time.monotonic) -> None:
        config = context.config
        self._context = context
        self._clock = clock
        self._enabled = config.transmit.enabled and (config.staking.rotate or config.staking.claim)
        self._stage = config.transmit.stage_ms / 1000
        self._locator = Locator(context.chain, config.chain.multicall, config.staking.contract, clock=clock)
        self._accounts = Accounts(context.chain.pool)
        self._ledger: tuple[str, Ledger] | None = None
        self._looked: float | None = None
        self._state: tuple[object, ...] = ()
        self._since = 0.0
        self._claimed: int | None = None
        self._step = ""
        self._refused = False

    async def resume(self, feeds: Sequence[Feed]) -> None:
        """Nothing is kept here: the contract knows where it stands."""

    async def final_head(self, head: Block, feeds: Sequence[Feed]) -> None:  # noqa: ARG002 - the latest block counts
        """Look at the contract if it is time; what fails is tried again, and keeps no other duty waiting."""
        now = self._clock()
        if not self._enabled or (self._looked is not None and now - self._looked < min(LOOK_S, self._stage)):
            return
        self._looked = now
        try:
            async with asyncio.timeout(LOOK_S):
                await self.look()
        except TimeoutError:
            log.warning("staking not looked after in time, trying again")
        except RevertError as error:
            log.info("not sent, the contract refuses", why=str(error))
        except (ChainError, JournalError) as error:
            log.warning("staking not looked after, trying again", error=str(error))

    async def look(self) -> None:
        """Do what is due, if it is this node's turn.

        Raises:
            ChainError: the chain cannot be read, or something cannot be sent.
        """
        staking = await self._locator.find()
        if staking is None:
            return
        head = await self._context.chain.head()
        found = await staking.overview(head)
        if not found.obeyed or found.oracle != self._context.chain.oracle:
            return
        if self._context.config.staking.claim and self._claimed != found.era:
            await self._claim(staking, found)
        if self._context.config.staking.rotate:
            await self._settle_or_rotate(staking, found, head)

    async def _settle_or_rotate(self, staking: Staking, found: Overview, head: Block) -> None:
        ended = head.timestamp >= found.era_ends
        level = found.settled_until >= found.era_ends if ended else found.cursor == found.settled
        if level and not ended:
            return
        records = [] if level else await self._records(staking, found, head)
        # A walk that was begun is brought to its end.
        if not ended and len(records) <= MAX_BATCH and found.settled_until != 0:
            return
        if not await self._turn(staking, found, head):
            return
        if records and found.settled_until != 0 and self._spoilt():
            # Reports that land all the while spoil every step to the ledger's head: its end is fixed first.
            await self._send(staking, f"mark {found.era} {_short(found.cursor)}", calldata.mark())
            return
        # A walk may have begun before the era was over: it is ended for itself first.
        if ended and len(records) <= MAX_BATCH and found.settled_until != 0:
            await self._send(
                staking, f"rotate {found.era} {_short(found.cursor)}", calldata.rotate(records), more_gas=REFUND_GAS
            )
            return
        batch = records[-MAX_BATCH:]
        start = replay(found.settled, records[: -len(batch)])
        step = calldata.settle(batch) if start == found.settled else calldata.settle_from(start, batch)
        await self._send(staking, f"settle {_short(start)} {_short(found.cursor)}", step)

    async def _records(self, staking: Staking, found: Overview, head: Block) -> list[Record]:
        """What is not settled yet, up to where the next batch has to end."""
        if self._ledger is None or self._ledger[0] != staking.address:
            chain = self._context.chain
            ledger = Ledger(chain.pool, found.oracle, await chain.chain_id(), staking=staking.address)
            self._ledger = staking.address, ledger
        return await self._ledger[1].records(found.settled, found.cursor, head.number)

    async def _turn(self, staking: Staking, found: Overview, head: Block) -> bool:
        """Whether it is this node's turn, so long after this was first seen to be due."""
        state = (staking.address, found.era, found.settled, found.cursor if found.settled_until == 0 else b"")
        now = self._clock()
        if state != self._state:
            self._state, self._since = state, now
        number = await staking.node_of_signer(self._context.sender.address)
        members = await staking.members(found.number, head)
        place = turn(staking.address, found.era, number, members, found.candidates)
        return place is not None and now >= self._since + place * self._stage

    def _spoilt(self) -> bool:
        """Whether the last transaction was refused, or came to nothing."""
        row = self._context.journal.transactions.get(self._step)
        return self._refused or (row is not None and (row.succeeded is False or row.state == "cancelled"))

    async def _claim(self, staking: Staking, found: Overview) -> None:
        """Have paid out what this node has earned in eras that are over."""
        address = self._context.sender.address
        number = await staking.node_of_signer(address)
        worth = WORTH * CLAIM_GAS * (await self._accounts.base_fee() + self._context.config.transmit.priority_fee)
        try:
            if number and (await staking.account(number)).claimable >= worth:
                await self._send(staking, f"claim {number} {found.era}", calldata.claim(number))
            owed, _ = await staking.owed(address)
            if owed >= worth:
                await self._send(staking, f"collect {found.era}", calldata.collect(address))
        except RevertError as error:
            # A payee may refuse to be paid: that must not keep the era from its end.
            log.warning("not paid out, trying again in the next era", why=str(error))
        self._claimed = found.era

    async def _send(self, staking: Staking, what: str, step: bytes, *, more_gas: int = 0) -> None:
        key = f"{staking.address} {what}"
        for again in range(1, MAX_TRIES):
            row = self._context.journal.transactions.get(key)
            if row is None or row.succeeded is not False:
                break
            # Mined, and somebody else was first; if it is due all the same it is another matter.
            key = f"{staking.address} {what} again {again}"
        self._step, self._refused = key, True
        tx = await self._context.sender.send(key, staking.address, step, more_gas=more_gas)
        self._refused = False
        log.info("sent", what=what, tx="0x" + tx.hex())


def turn(staking: str, era: int, number: int, members: Sequence[int], candidates: Sequence[int]) -> int | None:
    """When it is a node's turn, 0 first: members in an order that the era decides, then the other candidates.

    None for whoever is neither.
    """

    def order(numbers: Sequence[int]) -> list[int]:
        seed = bytes.fromhex(staking[2:]) + era.to_bytes(32, "big")
        return sorted(numbers, key=lambda one: keccak(seed + one.to_bytes(32, "big")))

    queue = [*order(members), *order([one for one in candidates if one not in members])]
    return queue.index(number) if number in queue else None


def _short(link: bytes) -> str:
    return link.hex()[:16]
