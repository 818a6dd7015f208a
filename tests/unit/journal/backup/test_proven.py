"""A backup cannot make a node send what its key never signed."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from node.journal import AttemptRow, Journal
from node.journal.backup.copy import back_up
from node.journal.backup.proven import NOTE, proves
from node.journal.backup.restore import Owner, restore
from node.keys.signing import LocalSigner
from tests.unit.journal.backup.conftest import CHAIN, ORACLE

KEY = LocalSigner(b"\7" * 32)
THIEF = "0x" + "22" * 20
TRANSACTION: dict[str, Any] = {
    "type": 2, "chainId": CHAIN, "nonce": 3, "maxFeePerGas": 10**10, "maxPriorityFeePerGas": 0, "gas": 100_000,
    "to": ORACLE, "value": 5, "data": b"report",
}  # fmt: skip


def made(folder: Path, *attempts: bytes, **changes: Any) -> Path:
    """A backup with one transaction that is said to be sent already, as somebody made it."""
    sent = TRANSACTION | changes
    with Journal(folder / "made") as journal:
        journal.bind(CHAIN, ORACLE)
        journal.protection.own(KEY.address)
        journal.transactions.queue("report", KEY.address, sent["to"], sent["data"], sent["value"], sent["gas"])
        row = journal.transactions.get("report")
        assert row is not None
        for number, raw in enumerate(attempts):
            journal.transactions.sign(row.id, sent["nonce"], AttemptRow(bytes([number]) * 32, row.id, raw, 5, 1))
    back_up(folder / "made" / "journal.db", folder / "backup.db")
    return folder / "backup.db"


def state_after(folder: Path, backup: Path) -> tuple[str, int | None, str]:
    restore(folder / "state", backup, Owner(CHAIN, ORACLE, KEY.address))
    with Journal(folder / "state") as journal:
        row = journal.transactions.get("report")
        assert row is not None
        return row.state, row.nonce, row.note


def signed(signer: LocalSigner = KEY, **changes: Any) -> bytes:
    return signer.sign_transaction(TRANSACTION | changes).raw


def test_restore__transaction_that_the_key_has_signed__goes_on(tmp_path: Path) -> None:
    raised = signed(maxFeePerGas=2**70, maxPriorityFeePerGas=200, gas=100_000)
    assert state_after(tmp_path, made(tmp_path, b"noise", raised))[:2] == ("signed", 3)


@pytest.mark.parametrize(
    ("attempt", "changes"),
    [
        (signed(), {"to": THIEF}),
        (signed(), {"value": 10**18}),
        (signed(), {"data": b"withdraw"}),
        (signed(), {"nonce": 4}),
        (signed(chainId=1), {}),
        (signed(LocalSigner(b"\x08" * 32), to=THIEF), {"to": THIEF}),
        (signed(to=KEY.address, value=0, data=b""), {"to": THIEF}),
        (b"\x02\xf8", {"to": THIEF}),
        (b"", {"to": THIEF}),
    ],
)
def test_restore__transaction_that_the_key_never_signed__is_not_sent(
    tmp_path: Path, attempt: bytes, changes: dict[str, Any]
) -> None:
    assert state_after(tmp_path, made(tmp_path, attempt, **changes)) == ("cancelled", None, NOTE)


def test_proves__transaction_that_creates_a_contract__is_known_again(tmp_path: Path) -> None:
    raw = signed(to="", data=b"\x60\x00")
    with Journal(tmp_path) as journal:
        journal.transactions.queue("new", KEY.address, "", b"\x60\x00", 5, 100_000)
        row = journal.transactions.get("new")
        assert row is not None
        journal.transactions.sign(row.id, 3, AttemptRow(b"h" * 32, row.id, raw, 5, 1))
        row = journal.transactions.get("new")
        assert row is not None
        assert proves(raw, row, CHAIN, KEY.address)
