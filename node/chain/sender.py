"""Sends transactions so that each key takes effect once, through crashes, lost mempools and reorganisations."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from typing import TYPE_CHECKING

import structlog

from node.chain.accounts import Accounts, Receipt, Standing, Taken
from node.chain.fees import Fees, Offer
from node.errors import ChainError, RevertError
from node.journal.transactions import AttemptRow, TransactionRow

if TYPE_CHECKING:
    from node.chain.client import Chain
    from node.chain.types import Block
    from node.journal import Journal
    from node.keys.signing import Signer

log = structlog.get_logger("sender")

_TRANSFER_GAS = 21_000


class Sender:
    """The one sender of one account.

    Every attempt is in the journal before it is broadcast, so after a crash the same bytes go out again and
    never a second transaction. A transaction is *queued*, *sent*, *mined*, *final*; or *cancelled* when it had
    become pointless (the call reverts) before it was mined.
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
        self._clock = clock
        self._accounts = Accounts(chain.pool)
        self._lock = asyncio.Lock()
        self._since: dict[bytes, float] = {}
        self._started = False

    @property
    def address(self) -> str:
        """The account that pays."""
        return self._account.address

    async def send(self, key: str, to: str, calldata: bytes) -> bytes:
        """Send a transaction, once for each `key`, and return the hash of its newest attempt.

        Raises RevertError when it would revert (nothing is sent) or was cancelled for that reason, ChainError
        when the chain cannot be asked (call again). Afterwards `run` sees it through.
        """
        async with self._lock:
            row = self._journal.transactions.get(key)
            fresh = row is None
            if row is None:
                estimate = await self._accounts.estimate(self.address, to, calldata)
                gas = self._fees.gas_limit(estimate)
                self._journal.transactions.queue(key, self.address, to, calldata, 0, gas)
                row = self._known(key)
            if row.state == "queued":
                await self._launch(row, estimated=fresh)
                row = self._known(key)
            if row.state == "cancelled":
                raise RevertError(f"transaction {key!r} was cancelled: {row.note}")
            return row.tx_hash or self._journal.transactions.attempts(row.id)[-1].tx_hash

    async def run(self) -> None:
        """See all transactions through until cancelled; the chain's failures are logged and tried again."""
        while True:
            try:
                await self.step()
            except ChainError as error:
                log.warning("transactions not looked after, trying again", error=str(error))
            await asyncio.sleep(self._fees.poll)

    async def step(self) -> None:
        """Look once after every unfinished transaction. Raises ChainError."""
        async with self._lock:
            rows = self._journal.transactions.unfinished(self.address)
            if not rows:
                self._started = True
                return
            final = await self._chain.finalized()
            attempts = {row.id: self._journal.transactions.attempts(row.id) for row in rows}
            hashes = [attempt.tx_hash for some in attempts.values() for attempt in some]
            standing = await self._accounts.standing(self.address, final, hashes)
            waiting = []
            for row in rows:
                receipt = _receipt(attempts[row.id], standing)
                if receipt is not None:
                    await self._mined(row, receipt, final)
                elif row.nonce is not None and standing.final_nonce > row.nonce:
                    self._overtaken(row, attempts[row.id])
                else:
                    waiting.append(self._unmined(row))
            await self._push([row for row in waiting if row.nonce is not None], attempts, standing)
            for row in waiting:
                if row.nonce is None:
                    await self._launch(row)
            self._started = True

    async def _launch(self, row: TransactionRow, *, estimated: bool = False) -> None:
        """Give a queued transaction its nonce and first attempt, unless it has become pointless."""
        pointless = None if estimated else await self._pointless(row)
        if pointless is not None:
            log.info("not sent, it would revert now", key=row.key, why=pointless)
            self._journal.transactions.cancel(row.id, pointless)
            return
        # What waits in the mempool counts (pending), and so does what a mempool has forgotten (the journal).
        pending = await self._accounts.pending_nonce(self.address)
        nonce = max(pending, self._journal.transactions.next_nonce(self.address))
        offer = self._fees.first(await self._accounts.base_fee())
        await self._broadcast(row, self._sign(row, await self._chain.chain_id(), nonce, offer))

    async def _pointless(self, row: TransactionRow) -> str | None:
        """Why a transaction would revert now (most often the report landed through another sender), or None."""
        try:
            await self._accounts.estimate(self.address, row.recipient, row.calldata)
        except RevertError as error:
            return str(error)
        return None

    async def _push(
        self, rows: list[TransactionRow], attempts: dict[int, list[AttemptRow]], standing: Standing
    ) -> None:
        """Broadcast what is not mined again, and replace the first in line when it has waited too long."""
        by_nonce = sorted((row.nonce, row) for row in rows if row.nonce is not None)
        for place, (nonce, row) in enumerate(by_nonce):
            newest = attempts[row.id][-1]
            waited = self._clock() - self._since.setdefault(newest.tx_hash, self._clock())
            overdue = waited >= self._fees.resend_after
            if place == 0 and (overdue or not self._started):
                await self._fill(standing.pending_nonce, nonce)
            # Those behind wait for the first one: replacing them would only cost more.
            replaced = await self._replace(row, nonce, newest) if place == 0 and overdue else None
            await self._broadcast(row, replaced or newest)

    async def _replace(self, row: TransactionRow, nonce: int, newest: AttemptRow) -> AttemptRow | None:
        offer = self._fees.replacement(Offer(newest.max_fee, newest.priority_fee), await self._accounts.base_fee())
        if offer is None:
            log.warning("still waiting, and the fee cap is reached", key=row.key, max_fee=newest.max_fee)
            self._since[newest.tx_hash] = self._clock()
            return None
        pointless = None if newest.empty else await self._pointless(row)
        if pointless is not None:
            log.info("it would revert now, so its nonce is used for nothing", key=row.key, why=pointless)
        log.info("replaced at higher fees", key=row.key, max_fee=offer.max_fee, priority_fee=offer.priority_fee)
        empty = newest.empty or pointless is not None
        return self._sign(row, await self._chain.chain_id(), nonce, offer, empty=empty)

    async def _fill(self, pending_nonce: int, first: int) -> None:
        """Use up nonces before our first that nobody uses: a foreign transaction there was dropped for good."""
        chain_id = await self._chain.chain_id()
        for nonce in range(pending_nonce, first):
            key = f"gap {self.address} {nonce}"
            offer = self._fees.first(await self._accounts.base_fee())
            with self._journal.transaction():
                if not self._journal.transactions.queue(key, self.address, self.address, b"", 0, _TRANSFER_GAS):
                    continue
                row = self._known(key)
                attempt = self._sign(row, chain_id, nonce, offer, empty=True)
            log.warning("fills a gap in the nonces", nonce=nonce)
            await self._broadcast(row, attempt)

    def _sign(self, row: TransactionRow, chain_id: int, nonce: int, offer: Offer, *, empty: bool = False) -> AttemptRow:
        """Sign an attempt and make it durable."""
        signed = self._account.sign_transaction(
            {
                "type": 2,
                "chainId": chain_id,
                "nonce": nonce,
                "maxFeePerGas": offer.max_fee,
                "maxPriorityFeePerGas": offer.priority_fee,
                "gas": _TRANSFER_GAS if empty else row.gas,
                "to": self.address if empty else row.recipient,
                "value": 0 if empty else row.value,
                "data": b"" if empty else row.calldata,
            }
        )
        attempt = AttemptRow(signed.hash, row.id, signed.raw, offer.max_fee, offer.priority_fee, empty)
        self._journal.transactions.sign(row.id, nonce, attempt)
        self._since[signed.hash] = self._clock()
        return attempt

    async def _broadcast(self, row: TransactionRow, attempt: AttemptRow) -> None:
        """Hand an attempt in. It is in the journal, so what fails here is tried again by `step`."""
        try:
            taken, words = await self._accounts.broadcast(attempt.raw)
        except ChainError as error:
            log.warning("not broadcast yet", key=row.key, error=str(error))
            return
        if taken is not Taken.YES:
            log.warning("broadcast not taken", key=row.key, why=taken.value, endpoint_says=words)

    async def _mined(self, row: TransactionRow, receipt: Receipt, final: Block) -> None:
        if (row.tx_hash, row.block_hash) != (receipt.tx_hash, receipt.block_hash):
            self._journal.transactions.mined(
                row.id, receipt.tx_hash, receipt.block_number, receipt.block_hash, receipt.succeeded
            )
            log.info("mined", key=row.key, block=receipt.block_number, succeeded=receipt.succeeded)
        if receipt.block_number > final.number:
            return
        if (await self._chain.block(receipt.block_number)).hash != receipt.block_hash:
            return  # the endpoint that gave the receipt is on a fork that is gone
        attempts = self._journal.transactions.attempts(row.id)
        if any(attempt.empty for attempt in attempts if attempt.tx_hash == receipt.tx_hash):
            self._journal.transactions.cancel(row.id, "it had become pointless; an empty one took its nonce")
        else:
            self._journal.transactions.final(row.id)
        for attempt in attempts:
            self._since.pop(attempt.tx_hash, None)

    def _overtaken(self, row: TransactionRow, attempts: list[AttemptRow]) -> None:
        """Its nonce was used up by a transaction that is not ours, and that is final."""
        if attempts[-1].empty:
            self._journal.transactions.cancel(row.id, "another program's transaction took its nonce")
        else:
            log.error("another program used our nonce; sending anew", key=row.key, nonce=row.nonce)
            self._journal.transactions.release(row.id)

    def _unmined(self, row: TransactionRow) -> TransactionRow:
        if row.state != "mined":
            return row
        log.warning("its block was reorganised away; on its way again", key=row.key, block=row.block_number)
        self._journal.transactions.unmined(row.id)
        return self._known(row.key)

    def _known(self, key: str) -> TransactionRow:
        row = self._journal.transactions.get(key)
        if row is None:
            raise ChainError(f"transaction {key!r} is not in the journal")
        return row


def _receipt(attempts: list[AttemptRow], standing: Standing) -> Receipt | None:
    """The receipt of whichever attempt was mined: at most one can be, for they share a nonce."""
    return next((standing.receipts[one.tx_hash] for one in attempts if one.tx_hash in standing.receipts), None)
