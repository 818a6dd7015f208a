"""Which transactions of a backup this node's key stands for: whoever could write to the file could add others.

The sender signs a transaction anew whenever its offer is too low or its nonce was used up. Where no journal is left
that knows better, what a backup says is to be sent is believed only if the key has signed just that before.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from node.journal.journal import Journal
    from node.journal.transactions import TransactionRow

NOTE: Final = "restored from a backup, and no signature of this node's key stands for it"


def abandon_unproven(journal: Journal, chain_id: int, signer: str) -> int:
    """Give up every unfinished transaction that the key has not signed; how many there were."""
    given_up = 0
    for row in journal.transactions.unfinished(signer):
        attempts = journal.transactions.attempts(row.id)
        if row.nonce is None or not any(proves(attempt.raw, row, chain_id, signer) for attempt in attempts):
            journal.transactions.disown(row.id, NOTE)
            given_up += 1
    return given_up


def proves(raw: bytes, row: TransactionRow, chain_id: int, signer: str) -> bool:
    """Whether a signed transaction (EIP-1559) is of this key and calls what the row says, with its nonce and value."""
    import rlp  # type: ignore[import-untyped]
    from eth_account import Account

    try:
        signed_by = str(Account.recover_transaction(raw))
        receiver = bytes.fromhex(row.recipient.removeprefix("0x"))
        ahead = b"".join(map(rlp.encode, (chain_id, row.nonce or 0)))
        called = b"".join(map(rlp.encode, (receiver, row.value, row.calldata)))
    except Exception:  # of whatever library: bytes that are no transaction prove nothing
        return False
    fields = raw[_head(raw) :]
    return raw[0] == 2 and signed_by.lower() == signer.lower() and fields.startswith(ahead) and (
        fields[_fees(fields, len(ahead)) :].startswith(called)
    )  # fmt: skip


def _head(raw: bytes) -> int:
    """Where the fields begin: behind the type and the list's head (RLP, as `recover_transaction` has checked it)."""
    return 2 + max(0, raw[1] - 0xF7)


def _fees(fields: bytes, at: int) -> int:
    """The offset behind two offers and the gas limit: each a number of at most 32 bytes."""
    for _ in range(3):
        at += 1 + max(0, fields[at] - 0x80)
    return at
