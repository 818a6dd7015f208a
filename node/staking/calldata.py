"""Calldata of everything that the staking contract can be asked to do."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from node.chain.interface import interface
from node.staking.types import MAX_BATCH, Record

if TYPE_CHECKING:
    from node.staking.evidence import Evidence


def register(signer: str, transport_key: bytes, payee: str, proof: bytes) -> bytes:
    """Register a node of the sender; the 64-byte proof is `possession.prove_possession`'s."""
    return _encode("register", signer, transport_key, payee, proof)


def change_keys(signer: str, transport_key: bytes, proof: bytes) -> bytes:
    """Other keys from the next election on; one of the two may stay."""
    return _encode("change_keys", signer, transport_key, proof)


def set_payee(payee: str) -> bytes:
    """Who is paid for the work of the sender's node."""
    return _encode("set_payee", payee)


def bond(amount: int) -> bytes:
    """Add to the bond, in the token's units; the token must have been approved before."""
    return _encode("bond", amount)


def unbond(amount: int) -> bytes:
    """Announce to withdraw a part of the bond, in the token's units."""
    return _encode("unbond", amount)


def withdraw() -> bytes:
    """Take what was unbonded and is ready."""
    return _encode("withdraw")


def exit_() -> bytes:
    """Unbond everything and give up the seat at the next rotation."""
    return _encode("exit")


def rejoin() -> bytes:
    """Become a candidate again: after an exit, a suspension, or when crowded out."""
    return _encode("rejoin")


def rotate(records: Sequence[Record] = ()) -> bytes:
    """End the era and elect; records (at most 64) as for `settle`, or none."""
    return _encode("rotate", _batch(records))


def mark() -> bytes:
    """Fix the ledger's present head as the end of the next walk."""
    return _encode("mark")


def settle(records: Sequence[Record]) -> bytes:
    """Pay for all records from what is settled to the cursor, at most 64, oldest first."""
    return _encode("settle", _batch(records))


def settle_from(start: bytes, records: Sequence[Record]) -> bytes:
    """Pay for the last records before the cursor, at most 64; `start` is the link before the first of them."""
    return _encode("settle_from", start, _batch(records))


def fund(feed: int) -> bytes:
    """Give a feed the transaction's value to pay for its reports."""
    return _encode("fund", feed)


def defund(feed: int, amount: int) -> bytes:
    """Announce that the opener will take out so many wei."""
    return _encode("defund", feed, amount)


def withdraw_funds(feed: int) -> bytes:
    """Take out what was announced."""
    return _encode("withdraw_funds", feed)


def fund_treasury() -> bytes:
    """Give the transaction's value to pay for rotations."""
    return _encode("fund_treasury")


def claim(node: int) -> bytes:
    """Pay a node's payee for eras that are over."""
    return _encode("claim", node)


def collect(account: str) -> bytes:
    """Pay an account what it is owed for reports and rotations."""
    return _encode("collect", account)


def collect_stake(account: str) -> bytes:
    """Pay an account its part of slashes."""
    return _encode("collect_stake", account)


def slash_equivocation(evidence: Evidence) -> bytes:
    """Take the stake of whoever signed two reports for one view."""
    first, second = evidence.first, evidence.second
    arguments = (tuple(first.statement), first.signature, tuple(second.statement), second.signature)
    return _encode("slash_equivocation", evidence.config_digest, *arguments)


def freeze(node: int) -> bytes:
    """Stop a node's withdrawals for a while: the guardian."""
    return _encode("freeze", node)


def thaw(node: int) -> bytes:
    """Let a frozen node withdraw again: the guardian."""
    return _encode("thaw", node)


def set_guardian(guardian: str) -> bytes:
    """Hand the guardian's role on."""
    return _encode("set_guardian", guardian)


def _batch(records: Sequence[Record]) -> list[tuple[Any, ...]]:
    if len(records) > MAX_BATCH:
        raise ValueError(f"{len(records)} records in one call: {MAX_BATCH} fit")
    return [tuple(record) for record in records]


def _encode(function: str, *arguments: Any) -> bytes:
    return interface("NodeStaking").encode(function, *arguments)
