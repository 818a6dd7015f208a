"""Sends one transaction after another for a person: told at once, durable, waited for, and never paid twice."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from node.chain.failures import UnpaidError
from node.chain.sending.accounts import Accounts
from node.chain.sending.sender import Sender
from node.errors import ChainError, JournalError, RevertError
from node.staking.amounts import show_ether

if TYPE_CHECKING:
    from node.chain.client import Chain
    from node.chain.sending.fees import Fees
    from node.journal import Journal
    from node.journal.transactions import TransactionRow
    from node.keys.signing import Signer

_FIRST_PAUSE: Final = 0.2
_LAG: Final = 3
"""Looks at what one endpoint refuses that another would take."""
_PATIENCE: Final = 120
"""Looks at transactions that this folder does not know before a person is asked to see about them."""


@dataclass(frozen=True, slots=True)
class Told:
    """What happens to a transaction: `state` is sent, found (of an earlier run), replaced, mined or waiting."""

    what: str
    state: str
    tx_hash: bytes | None = None
    note: str = ""


@dataclass(frozen=True, slots=True)
class Mined:
    """A transaction that did what it should; it may yet be reorganised away, and is then looked after by the next run.

    `block` is its number.
    """

    what: str
    tx_hash: bytes
    block: int


class Outbox:
    """The one-off sender of an account that no daemon uses.

    Every transaction is in the journal before it leaves; whatever an earlier run left is seen through first, so that
    the chain's state says what has been done, and what is done once more was asked for once more.
    """

    def __init__(
        self,
        chain: Chain,
        account: Signer,
        journal: Journal,
        fees: Fees,
        tell: Callable[[Told], None],
        *,
        sleep: Callable[[float], Awaitable[Any]] = asyncio.sleep,
    ) -> None:
        """`journal` is this account's own; `tell` hears of everything that happens, `sleep` can be set by tests."""
        self._chain = chain
        self._journal = journal
        self._fees = fees
        self._tell = tell
        self._sleep = sleep
        self._accounts = Accounts(chain.pool)
        self._sender = Sender(chain, account, journal, fees)
        self._ready = False
        self._block = 0

    @property
    def block(self) -> int:
        """The newest block that holds a transaction of ours: what is read next is read there or later."""
        return self._block

    @property
    def address(self) -> str:
        """The account that pays."""
        return self._sender.address

    async def resume(self) -> list[Mined]:
        """See through what an earlier run, or another program with this key, has left; what was done.

        Raises:
            ChainError: the chain cannot be asked, or transactions that are not this folder's are not mined.
        """
        self._journal.bind(await self._chain.chain_id(), self._chain.oracle)
        done = []
        for row in self._journal.transactions.unfinished(self.address):
            seen = row.state == "mined"
            if not seen:
                self._tell(Told(_what(row.key), "found", self._newest(row)))
            try:
                mined = await self._see_through(row.key, quiet=seen)
                done += [] if seen else [mined]
            except RevertError as error:
                self._tell(Told(_what(row.key), "given up", None, str(error)))
        await self._strangers()
        self._ready = True
        return done

    async def send(self, what: str, to: str, calldata: bytes, *, value: int = 0, more_gas: int = 0) -> Mined:
        """Send a transaction and wait until it is in a block; `what` says in words what it does.

        `more_gas` is added to the estimate (`Sender.send`).

        Raises:
            RevertError: the contract refuses; nothing was sent, or its gas alone was spent.
            ChainError: the account cannot pay, or the chain cannot be asked. What was sent is found again.
        """
        if not self._ready:
            await self.resume()
        row = self._journal.transactions.last(1)
        key = f"{row[0].id + 1 if row else 1} {what}"
        try:
            tx_hash = await self._launched(key, to, calldata, value, more_gas)
        except UnpaidError:
            raise await self._unpaid(key) from None
        self._tell(Told(what, "sent", tx_hash))
        return await self._see_through(key, known=tx_hash)

    async def _launched(self, key: str, to: str, calldata: bytes, value: int, more_gas: int) -> bytes:
        """Hand it to the sender; an endpoint may be a block behind that which holds the transaction before this one."""
        tries = _LAG if self._block and len(self._chain.pool.endpoints) > 1 else 0
        while True:
            try:
                return await self._sender.send(key, to, calldata, value=value, more_gas=more_gas)
            except RevertError:
                if not tries:
                    raise
                tries -= 1
                await self._sleep(self._fees.poll)

    async def _unpaid(self, key: str) -> ChainError:
        """Take back what could not be paid for, so that it is not sent unasked later; how much is missing."""
        row = self._journal.transactions.get(key)
        if row is None:
            return ChainError(f"{self.address} cannot pay for it")
        if row.state == "queued":
            self._journal.transactions.cancel(row.id, "the account could not pay for it")
        cost = row.gas * self._fees.first(await self._accounts.base_fee()).max_fee + row.value
        held = await self._accounts.balance(self.address)
        return ChainError(
            f"{self.address} holds {show_ether(held)}, and this may take {show_ether(cost)}: send it "
            f"{show_ether(max(1, cost - held))} or more, then run it again"
        )

    async def _see_through(self, key: str, known: bytes | None = None, *, quiet: bool = False) -> Mined:
        """Wait for one transaction, which is replaced where it is stuck; `quiet` where its end was told before."""
        pause, faulted = _FIRST_PAUSE, False
        while True:
            try:
                await self._sender.step()
                faulted = False
            except ChainError as error:
                if not faulted:
                    self._tell(Told(_what(key), "waiting", None, f"the chain cannot be asked, trying again: {error}"))
                faulted = True
            row = self._journal.transactions.get(key)
            if row is None:
                raise JournalError(f"transaction {key!r} is not in the journal any more")
            if row.state in ("mined", "final") and row.tx_hash is not None and row.block_number is not None:
                if not row.succeeded:
                    raise await self._failed(row)
                if not quiet:
                    self._tell(Told(_what(key), "mined", row.tx_hash, f"block {row.block_number}"))
                self._block = max(self._block, row.block_number)
                return Mined(_what(key), row.tx_hash, row.block_number)
            if row.state == "cancelled":
                raise RevertError(f"{_what(key)}: not sent, for it would do nothing now: {row.note}")
            newest = self._newest(row)
            if known is not None and newest is not None and newest != known:
                self._tell(Told(_what(key), "replaced", newest, "it waited too long, and offers more now"))
            known = newest or known
            await self._sleep(pause)
            pause = min(pause * 1.5, self._fees.poll)

    async def _failed(self, row: TransactionRow) -> RevertError:
        """What a transaction that failed in its block says on the state that it left."""
        why = await self._accounts.reverts(self.address, row.recipient, row.calldata, row.value)
        why = why or "it ran out of gas, or something else came before it; look, and run it again"
        return RevertError(f"{_what(row.key)}: it failed in block {row.block_number}: {why}")

    async def _strangers(self) -> None:
        """Wait for transactions of this account that this journal knows nothing of.

        A folder that was lost may have sent what would be sent again.
        """
        for look in range(_PATIENCE):
            mined = (await self._accounts.standing(self.address, await self._chain.head(), [])).final_nonce
            pending = await self._accounts.pending_nonce(self.address)
            if pending <= mined:
                return
            if not look:
                note = f"{pending - mined} of {self.address}, not sent from this folder"
                self._tell(Told("transactions", "waiting", None, note))
            await self._sleep(self._fees.poll)
        raise ChainError(
            f"transactions of {self.address} that were not sent from here have not been mined: "
            "see about them where they were sent, then run this again"
        )

    def _newest(self, row: TransactionRow) -> bytes | None:
        attempts = self._journal.transactions.attempts(row.id)
        return attempts[-1].tx_hash if attempts else None


def _what(key: str) -> str:
    return key.partition(" ")[2]
