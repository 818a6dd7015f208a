"""This node's transactions in words: what each is for, what it costs, and what one that is not over waits for."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from node.errors import printable

if TYPE_CHECKING:
    from node.chain.sending.fees import Fees
    from node.journal import AttemptRow, Journal, TransactionRow

GWEI: Final = 10**9
ETHER: Final = 10**18
OPEN: Final = ("queued", "signed", "sent", "mined")
"""The states that are not final."""
STATES: Final = (*OPEN, "final", "cancelled")

_REPORT: Final = re.compile(r"report ([0-9a-f]{8}) ([0-9]+) ([0-9]+) ([0-9]+)( previous)?")
_VOTE: Final = re.compile(r"vote ([0-9a-f]+) ([0-9]+) ([0-9]+)")
_GAP: Final = re.compile(r"gap (0x[0-9a-fA-F]{40}) ([0-9]+)")
_STAKING: Final = re.compile(r"0x[0-9a-fA-F]{40} (.+)")
_SLASH: Final = re.compile(r"slash 0x[0-9a-fA-F]{40} (0x[0-9a-fA-F]{40})-([0-9]+)-([0-9]+)-([0-9]+) [0-9a-f]+")
_STEPS: Final = (
    (re.compile(r"rotate ([0-9]+) [0-9a-f]+"), r"end era \1, and seat the committee of the next"),
    (re.compile(r"settle [0-9a-f]+ [0-9a-f]+"), "settle who worked on reports"),
    (re.compile(r"mark ([0-9]+) [0-9a-f]+"), r"fix up to where era \1 is settled"),
    (re.compile(r"claim ([0-9]+) ([0-9]+)"), r"have node \1 paid for the eras before era \2"),
    (re.compile(r"collect ([0-9]+)"), r"collect what is owed to this account, in era \1"),
)
"""What the keeper of staking sends (keepers/staking.py), in words."""
_AGAIN: Final = re.compile(r"(.+) again ([0-9]+)")


@dataclass(frozen=True, slots=True)
class Described:
    """One transaction. Amounts are wei, times seconds; None is what is not known, or not yet.

    `limit` is its gas limit, `offer` the most that its newest attempt pays for a unit of gas, `most` what it costs at
    the worst, `paid` what it has cost; `waits` is empty for one that is over.
    """

    row: TransactionRow
    attempts: tuple[AttemptRow, ...]
    purpose: str
    age: int | None
    offer: int | None
    most: int | None
    paid: int | None
    waits: str

    @property
    def tx_hash(self) -> bytes | None:
        """The hash of the attempt that was mined, or of the newest."""
        return self.row.tx_hash or (self.attempts[-1].tx_hash if self.attempts else None)

    @property
    def outcome(self) -> str:
        """The state in one or two words, with how it went."""
        if self.row.state in ("mined", "final") and self.row.succeeded is False:
            return f"{self.row.state}, failed"
        return self.row.state

    def document(self) -> dict[str, Any]:
        """The same for programs: amounts in wei as decimal texts."""
        row, found = self.row, self.tx_hash
        return {
            "key": row.key,
            "for": self.purpose,
            "state": row.state,
            "succeeded": row.succeeded,
            "nonce": row.nonce,
            "age_s": self.age,
            "hash": None if found is None else "0x" + found.hex(),
            "to": row.recipient,
            "value": str(row.value),
            "gas_limit": row.gas,
            "gas_used": row.gas_used,
            "gas_price": _text(row.gas_price),
            "max_fee": _text(self.offer),
            "most": _text(self.most),
            "paid": _text(self.paid),
            "block": row.block_number,
            "attempts": len(self.attempts),
            "waits_for": self.waits,
            "note": printable(row.note),
        }


def describe(journal: Journal, rows: Sequence[TransactionRow], fees: Fees, now: float) -> list[Described]:
    """Return these transactions, in their order; `now` is the Unix time."""
    first: dict[str, TransactionRow] = {}
    for row in {one.sender: one for one in rows if one.state in OPEN}.values():
        waiting = [one for one in journal.transactions.unfinished(row.sender) if one.state in ("signed", "sent")]
        if waiting:
            first[row.sender] = min(waiting, key=lambda one: one.nonce or 0)
    return [
        _described(row, tuple(journal.transactions.attempts(row.id)), first.get(row.sender), fees, now) for row in rows
    ]


def _described(
    row: TransactionRow, attempts: tuple[AttemptRow, ...], first: TransactionRow | None, fees: Fees, now: float
) -> Described:
    age = None if row.queued_at is None else max(0, int(now) - row.queued_at)
    offer = attempts[-1].max_fee if attempts else None
    empty = bool(attempts) and attempts[-1].empty
    price = None if not row.gas_price else row.gas_price
    return Described(
        row=row,
        attempts=attempts,
        purpose=purpose(row.key),
        age=age,
        offer=offer,
        most=None if offer is None else offer * (21_000 if empty else row.gas) + (0 if empty else row.value),
        paid=None if row.gas_used is None or price is None else row.gas_used * price,
        waits=waits(row, attempts, first, fees, now),
    )


def purpose(key: str) -> str:
    """Return in words what a transaction is for, from its key."""
    if found := _REPORT.fullmatch(key):
        again = ", under the committee before" if found[5] else ""
        return f"report of feed {found[2]}, checkpoint {found[3]}, view {found[4]}{again}"
    if found := _VOTE.fullmatch(key):
        return f"vote on feed {found[2]}, checkpoint {found[3]}"
    if found := _GAP.fullmatch(key):
        return f"nothing: fills the gap at nonce {found[2]}"
    if found := _SLASH.fullmatch(key):
        return f"staking: evidence that {found[1]} signed two reports of feed {found[2]}, checkpoint {found[3]}"
    if found := _STAKING.fullmatch(key):
        return f"staking: {_step(found[1])}"
    return printable(key, 100)


def _step(what: str) -> str:
    again = _AGAIN.fullmatch(what)
    step = what if again is None else again[1]
    said = next((known.sub(words, step) for known, words in _STEPS if known.fullmatch(step)), printable(step, 80))
    return said if again is None else f"{said} (tried anew: somebody else was first)"


def waits(
    row: TransactionRow, attempts: Sequence[AttemptRow], first: TransactionRow | None, fees: Fees, now: float
) -> str:
    """Return what a transaction waits for, and what the node does about it; empty for one that is over.

    `first` is the account's transaction with the lowest nonce that waits to be mined.
    """
    if row.state == "queued":
        return (
            "waits to be signed: for the account to have enough for it and for all that is on its way, and for an "
            "endpoint to answer"
        )
    if row.state == "mined":
        return f"waits for block {row.block_number} to be final"
    if row.state not in ("signed", "sent") or not attempts:
        return ""
    newest = attempts[-1]
    if first is not None and first.id != row.id:
        return f"waits for nonce {first.nonce}, which is before it: {purpose(first.key)}"
    taken = "" if row.state == "sent" else "no endpoint has taken it yet, it is handed in at every look; "
    offers = f"waits to be mined at up to {gwei(newest.max_fee)} gwei a gas"
    what = ", as an empty one, since it would revert now" if newest.empty else ""
    return f"{taken}{offers}{what}; {_next(newest, fees, now)}"


def _next(newest: AttemptRow, fees: Fees, now: float) -> str:
    from node.chain.sending.fees import Offer

    better = fees.replacement(Offer(newest.max_fee, newest.priority_fee), 0)
    if better is None:
        return (
            f"the cap of {gwei(fees.max_fee)} gwei forbids a higher offer: wait for the base fee to fall, or raise "
            "transmit.max_fee_gwei and restart the node"
        )
    left = None if newest.signed_at is None else newest.signed_at + fees.resend_after - now
    when = "before long" if left is None else f"in {left:.0f} s" if left > 0 else "at the next look"
    return f"replaced at {gwei(better.max_fee)} gwei or more {when}"


def gwei(wei: int) -> str:
    """Wei as gwei with at most three decimals, as short as it goes, rounded up: it is a limit."""
    thousandths = -(-wei // 10**6)
    whole, rest = divmod(thousandths, 1_000)
    return f"{whole:,}" + (f".{rest:03d}".rstrip("0") if rest else "")


def ether(wei: int) -> str:
    """Wei as ether with at most six decimals, rounded up: what is paid or may be."""
    millionths = -(-wei // 10**12)
    whole, rest = divmod(millionths, 10**6)
    return f"{whole:,}.{rest:06d}".rstrip("0").rstrip(".")


def _text(amount: int | None) -> str | None:
    return None if amount is None else str(amount)
