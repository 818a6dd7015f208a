"""Sends transactions so that each key takes effect once, through crashes, lost mempools and reorganisations."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import Callable
from typing import TYPE_CHECKING

import structlog

from node.chain.failures import UnpaidError
from node.chain.sending.accounts import Accounts, Receipt, Settled, Taken
from node.chain.sending.attempts import TRANSFER_GAS, Attempts
from node.chain.sending.fees import Fees, Offer
from node.chain.sending.funds import Funds
from node.errors import ChainError, JournalError, RevertError
from node.journal.transactions import AttemptRow, TransactionRow
from node.together import both

if TYPE_CHECKING:
    from node.chain.client import Chain
    from node.chain.sending.accounts import Standing
    from node.chain.types import Block
    from node.journal import Journal
    from node.keys.signing import Signer

log = structlog.get_logger("sender")

_FOREIGN = 16
"""The most transactions of another program with our key that may wait ahead of ours: more is an endpoint's mistake."""


class Sender:
    """The one sender of one account.

    Every attempt is in the journal before it is broadcast, so after a crash the same bytes go out again and
    never a second transaction. A transaction is *queued*, *signed*, *sent* (an endpoint took it), *mined*, *final*;
    or *cancelled* when it had become pointless (the call reverts) before it was mined. One that the account cannot
    pay for stays queued. What cannot be undone rests on what endpoints agree on, never on one alone.
    """

    def __init__(
        self,
        chain: Chain,
        account: Signer,
        journal: Journal,
        fees: Fees,
        *,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._chain = chain
        self._account = account
        self._journal = journal
        self._fees = fees
        self.counters: Counter[str] = Counter()
        self.spent: Counter[str] = Counter()
        """What transactions cost whose block is final: gas, wei, and how many of them came to nothing (failed)."""
        self._accounts = Accounts(chain.pool)
        self._attempts = Attempts(self._accounts, account, journal, self.counters, clock)
        self.funds = Funds(self._accounts, account.address, fees.low_balance, self.counters, clock)
        self._lock = asyncio.Lock()
        self._started = False
        self._settled: int | None = None

    @property
    def address(self) -> str:
        """The account that pays."""
        return self._account.address

    def status(self) -> dict[str, object]:
        """Figures for status pages: what the account holds (wei), what is under way, and what happened so far."""
        states = Counter(row.state for row in self._journal.transactions.unfinished(self.address))
        return {
            "address": self.address,
            "balance": None if self.funds.balance is None else str(self.funds.balance),
            "low_balance": self.funds.low,
            "waiting": {state: states[state] for state in ("queued", "signed", "sent", "mined")},
            "counters": dict(self.counters),
        }

    async def send(
        self, key: str, to: str, calldata: bytes, *, value: int = 0, least_gas: int = 0, more_gas: int = 0
    ) -> bytes:
        """Send a transaction with `value` wei, once for each `key`, and return the hash of its newest attempt.

        `least_gas` is its gas limit where the estimate is lower: what it costs may depend on who is mined before it.
        `more_gas` is added to the estimate, which endpoints make at a gas price of nothing: what a contract repays for
        gas is written nowhere then.

        Raises RevertError when it would revert (nothing is sent), UnpaidError when the account cannot pay (it is
        queued), ChainError when the chain cannot be asked (call again). Afterwards `run` sees it through. One that
        was cancelled is sent after all, should it not revert any more.
        """
        async with self._lock:
            row = self._journal.transactions.get(key)
            if row is not None and row.sender != self.address:
                raise ChainError(f"transaction {key!r} belongs to account {row.sender}, which this node has no key for")
            fresh = row is None or row.state == "cancelled"
            if row is None or row.state == "cancelled":
                if row is not None:
                    to, calldata, value = row.recipient, row.calldata, row.value
                estimate = await self._accounts.estimate(self.address, to, calldata, value)
                gas = max(least_gas, self._fees.gas_limit(estimate) + more_gas)
                if row is None:
                    self._journal.transactions.queue(key, self.address, to, calldata, value, gas)
                else:
                    self._journal.transactions.release(row.id)
                row = self._known(key)
            if row.state == "queued":
                await self._launch(row, estimated=fresh)
                row = self._known(key)
            if row.state == "queued":
                raise UnpaidError(f"transaction {key!r} waits for {self.address} to have enough to pay for it")
            if row.state == "cancelled":
                raise RevertError(f"transaction {key!r} was cancelled: {row.note}")
            return row.tx_hash or self._attempts.of(row)[-1].tx_hash

    async def run(self) -> None:
        """See all transactions through until cancelled; failures are logged and tried again."""
        while True:
            try:
                await self.step()
            except (ChainError, JournalError) as error:
                self.counters["failed_looks"] += 1
                log.warning("transactions not looked after, trying again", error=str(error))
            await asyncio.sleep(self._fees.poll)

    async def step(self) -> None:
        """Look once after the balance and every unfinished transaction. Raises ChainError."""
        async with self._lock:
            await self.funds.look()
            rows = self._journal.transactions.unfinished(self.address)
            if not rows:
                self._started = True
                return
            final = await self._chain.finalized()
            attempts = {row.id: self._attempts.of(row) for row in rows}
            hashes = [attempt.tx_hash for some in attempts.values() for attempt in some]
            standing = await self._accounts.standing(self.address, final, hashes)
            settled = await self._settle(rows, attempts, standing, final)
            waiting = []
            for row in rows:
                receipt = _receipt(attempts[row.id], standing.receipts)
                agreed = _receipt(attempts[row.id], settled.receipts) if settled else None
                if agreed is not None:
                    self._mined(row, agreed)
                    self._finish(row, attempts[row.id], agreed)
                elif receipt is not None:
                    self._mined(row, receipt)
                elif row.nonce is not None and settled is not None and settled.nonce > row.nonce:
                    self._overtaken(row, attempts[row.id])
                else:
                    waiting.append(self._unmined(row))
            await self._push([row for row in waiting if row.nonce is not None], attempts, standing)
            for row in waiting:
                if row.nonce is None:
                    await self._launch(row)
            self._started = True

    async def _settle(
        self,
        rows: list[TransactionRow],
        attempts: dict[int, list[AttemptRow]],
        standing: Standing,
        final: Block,
    ) -> Settled | None:
        """What endpoints agree is over for good; None where not even one says that anything is."""
        over = []
        for row in rows:
            receipt = _receipt(attempts[row.id], standing.receipts)
            mined = receipt is not None and receipt.block_number <= final.number
            if mined or (receipt is None and row.nonce is not None and standing.final_nonce > row.nonce):
                over += [attempt.tx_hash for attempt in attempts[row.id]]
        if not over:
            return None
        settled = await self._accounts.settled(self.address, final, over)
        for receipt in settled.receipts.values():
            if (await self._chain.block(receipt.block_number)).hash != receipt.block_hash:
                raise ChainError(f"a receipt names another block {receipt.block_number} than the chain has")
        self._settled = max(self._settled or 0, settled.nonce)
        return settled

    async def _launch(self, row: TransactionRow, *, estimated: bool = False) -> None:
        """Give a queued transaction its nonce and first attempt, unless it has become pointless or cannot be paid."""
        pointless = None if estimated else await self._pointless(row)
        if pointless is not None:
            log.info("not sent, it would revert now", key=row.key, why=pointless)
            self.counters["cancelled"] += 1
            self._journal.transactions.cancel(row.id, pointless)
            return
        base_fee, nonce = await both(self._accounts.base_fee(), self._next_nonce())
        offer = self._fees.first(base_fee)
        cost = self._in_flight() + row.gas * offer.max_fee + row.value
        if not await self.funds.suffice(cost):
            self.counters["unpaid"] += 1
            log.warning("queued until the account can pay for it", key=row.key, address=self.address, wei=cost)
            return
        attempt = self._attempts.sign(row, await self._chain.chain_id(), nonce, offer)
        await self._broadcast(row, attempt)

    async def _next_nonce(self) -> int:
        """The first nonce that nobody uses.

        What waits in the mempool counts (pending), and so does what a mempool has forgotten (the journal).
        """
        if self._settled is None:
            final = await self._chain.finalized()
            self._settled = (await self._accounts.settled(self.address, final, [])).nonce
        known = max(self._settled, self._journal.transactions.next_nonce(self.address))
        pending = await self._accounts.pending_nonce(self.address)
        if pending > known + _FOREIGN:
            # It may be long since the settled one was asked for.
            self._settled = None
            raise ChainError(f"endpoints say that nonce {pending} is next, and {known} is: a gap would cost too much")
        return max(known, pending)

    def _in_flight(self) -> int:
        """Wei that the account may still have to pay for what is signed."""
        rows = [row for row in self._journal.transactions.unfinished(self.address) if row.state in ("signed", "sent")]
        return sum(row.gas * self._attempts.of(row)[-1].max_fee + row.value for row in rows)

    async def _pointless(self, row: TransactionRow) -> str | None:
        """Why a transaction would revert now (most often the report landed through another sender), or None."""
        return await self._accounts.reverts(self.address, row.recipient, row.calldata, row.value)

    async def _push(
        self, rows: list[TransactionRow], attempts: dict[int, list[AttemptRow]], standing: Standing
    ) -> None:
        """Broadcast what is not mined again, and replace the first in line when it has waited too long."""
        by_nonce = sorted((row.nonce, row) for row in rows if row.nonce is not None)
        for place, (nonce, row) in enumerate(by_nonce):
            newest = attempts[row.id][-1]
            overdue = self._attempts.waited(newest) >= self._fees.resend_after
            if place == 0 and (overdue or not self._started):
                await self._fill(max(standing.pending_nonce, standing.final_nonce), nonce)
            # Those behind wait for the first one: replacing them would only cost more.
            replaced = await self._replace(row, nonce, newest) if place == 0 and overdue else None
            if replaced is not None or not self._started or overdue or self._attempts.due(newest):
                await self._broadcast(row, replaced or newest)

    async def _replace(self, row: TransactionRow, nonce: int, newest: AttemptRow) -> AttemptRow | None:
        offer = self._fees.replacement(Offer(newest.max_fee, newest.priority_fee), await self._accounts.base_fee())
        if offer is None:
            self.counters["at_fee_cap"] += 1
            log.warning("still waiting, and the fee cap is reached", key=row.key, max_fee=newest.max_fee)
            self._attempts.wait_anew(newest)
            return None
        pointless = None if newest.empty else await self._pointless(row)
        if pointless is not None:
            log.info("it would revert now, so its nonce is used for nothing", key=row.key, why=pointless)
        self.counters["replaced"] += 1
        log.info("replaced at higher fees", key=row.key, max_fee=offer.max_fee, priority_fee=offer.priority_fee)
        empty = newest.empty or pointless is not None
        return self._attempts.sign(row, await self._chain.chain_id(), nonce, offer, empty=empty)

    async def _fill(self, pending_nonce: int, first: int) -> None:
        """Use up nonces before our first that nobody uses: a foreign transaction there was dropped for good."""
        chain_id = await self._chain.chain_id()
        for nonce in range(max(pending_nonce, first - _FOREIGN), first):
            key = f"gap {self.address} {nonce}"
            if self._journal.transactions.uses(self.address, nonce):
                continue  # it is ours and mined: the endpoint lags
            offer = self._fees.first(await self._accounts.base_fee())
            with self._journal.transaction():
                if not self._journal.transactions.queue(key, self.address, self.address, b"", 0, TRANSFER_GAS):
                    continue
                row = self._known(key)
                attempt = self._attempts.sign(row, chain_id, nonce, offer, empty=True)
            self.counters["gaps_filled"] += 1
            log.warning("fills a gap in the nonces", nonce=nonce)
            await self._broadcast(row, attempt)

    async def _broadcast(self, row: TransactionRow, attempt: AttemptRow) -> None:
        if await self._attempts.broadcast(row, attempt) is Taken.UNPAID:
            self.counters["unpaid"] += 1
            try:
                await self.funds.suffice(
                    self._in_flight(), fresh=True
                )  # what was known is outdated: somebody must be told
            except ChainError as error:
                log.warning("balance not read", key=row.key, error=str(error))

    def _mined(self, row: TransactionRow, receipt: Receipt) -> None:
        """It is in a block, which may still be reorganised away."""
        if (row.tx_hash, row.block_hash) != (receipt.tx_hash, receipt.block_hash):
            self._journal.transactions.mined(
                row.id,
                receipt.tx_hash,
                receipt.block_number,
                receipt.block_hash,
                receipt.succeeded,
                (receipt.gas_used, receipt.gas_price),
            )
            self.funds.spent()
            self.counters["mined"] += 1
            log.info("mined", key=row.key, block=receipt.block_number, succeeded=receipt.succeeded)

    def _finish(self, row: TransactionRow, attempts: list[AttemptRow], receipt: Receipt) -> None:
        """Its block is final."""
        self.spent.update(
            gas=receipt.gas_used, wei=receipt.gas_used * receipt.gas_price, failed=int(not receipt.succeeded)
        )
        if any(attempt.empty for attempt in attempts if attempt.tx_hash == receipt.tx_hash):
            self.counters["cancelled"] += 1
            self._journal.transactions.cancel(row.id, "it had become pointless; an empty one took its nonce")
        else:
            self.counters["final"] += 1
            self._journal.transactions.final(row.id)
        self._attempts.forget(attempts)

    def _overtaken(self, row: TransactionRow, attempts: list[AttemptRow]) -> None:
        """Its nonce was used up by a transaction that is not ours, and that is final."""
        self.counters["overtaken"] += 1
        if attempts[-1].empty:
            self._journal.transactions.cancel(row.id, "another program's transaction took its nonce")
        else:
            log.error("another program used our nonce; sending anew", key=row.key, nonce=row.nonce)
            self._journal.transactions.release(row.id)
        self._attempts.forget(attempts)

    def _unmined(self, row: TransactionRow) -> TransactionRow:
        if row.state != "mined":
            return row
        self.counters["reorganised"] += 1
        log.warning("its block was reorganised away; on its way again", key=row.key, block=row.block_number)
        self._journal.transactions.unmined(row.id)
        self._attempts.forget(self._attempts.of(row))
        return self._known(row.key)

    def _known(self, key: str) -> TransactionRow:
        row = self._journal.transactions.get(key)
        if row is None:
            raise ChainError(f"transaction {key!r} is not in the journal")
        return row


def _receipt(attempts: list[AttemptRow], receipts: dict[bytes, Receipt]) -> Receipt | None:
    """The receipt of whichever attempt was mined: at most one can be, for they share a nonce."""
    return next((receipts[one.tx_hash] for one in attempts if one.tx_hash in receipts), None)
