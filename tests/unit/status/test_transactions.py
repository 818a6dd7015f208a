"""Transactions in words: what each is for, what it costs, and what holds up one that is stuck."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from node.ages import age
from node.chain.sending.fees import Fees
from node.journal import AttemptRow, Journal
from node.status.transactions import Described, describe, ether, gwei, purpose

GWEI = 10**9
SENDER, ORACLE = "0x" + "11" * 20, "0x" + "22" * 20
FEES = Fees(max_fee=100 * GWEI, priority_fee=GWEI, resend_after=60.0)
KEYS = {
    "report 0a1b2c3d 1 40 0": "report of feed 1, checkpoint 40, view 0",
    "report 0a1b2c3d 1 40 2 previous": "report of feed 1, checkpoint 40, view 2, under the committee before",
    "vote 0a1b2c3d 3 50": "vote on feed 3, checkpoint 50",
    f"gap {SENDER} 7": "nothing: fills the gap at nonce 7",
    f"{ORACLE} claim 4 9": "staking: have node 4 paid for the eras before era 9",
    f"{ORACLE} rotate 3 236833221c7dfc7f": "staking: end era 3, and seat the committee of the next",
    f"{ORACLE} rotate 3 236833221c7dfc7f again 1": (
        "staking: end era 3, and seat the committee of the next (tried anew: somebody else was first)"
    ),
    f"{ORACLE} settle 0a1b 2c3d": "staking: settle who worked on reports",
    f"{ORACLE} mark 3 236833221c7dfc7f": "staking: fix up to where era 3 is settled",
    f"{ORACLE} collect 5": "staking: collect what is owed to this account, in era 5",
    f"{ORACLE} slash 0xab": "staking: slash 0xab",
    f"slash {ORACLE} {SENDER}-1-40-0 0a1b2c3d": (
        f"staking: evidence that {SENDER} signed two reports of feed 1, checkpoint 40"
    ),
    "3 register the node": "3 register the node",
    "odd\x1b[2J": "odd?[2J",
}


@pytest.mark.parametrize(("key", "said"), KEYS.items())
def test_purpose__each_kind_of_key__is_said_in_words(key: str, said: str) -> None:
    assert purpose(key) == said


def queue(journal: Journal, key: str, nonce: int | None = None, max_fee: int = 20 * GWEI, *, taken: bool = True) -> int:
    journal.transactions.queue(key, SENDER, ORACLE, b"", 0, 100_000)
    row = journal.transactions.get(key)
    assert row is not None
    if nonce is not None:
        tx_hash = key.encode().ljust(32, b".")[:32]
        journal.transactions.sign(row.id, nonce, AttemptRow(tx_hash, row.id, b"", max_fee, GWEI))
        if taken:
            journal.transactions.taken(tx_hash)
    return row.id


def told(journal: Journal, now: float = 1_030.0) -> dict[str, Described]:
    journal.transactions._clock = lambda: 0.0
    return {one.row.key: one for one in describe(journal, journal.transactions.last(100), FEES, now)}


@pytest.fixture
def journal(tmp_path: Path) -> Journal:
    opened = Journal(tmp_path)
    opened.transactions._clock = lambda: 1_000.9
    return opened


def test_describe__first_in_line__says_its_offer_and_when_it_is_replaced(journal: Journal) -> None:
    queue(journal, "first", 5)
    queue(journal, "second", 6)
    queue(journal, "third")
    found = told(journal)
    assert found["first"].waits == ("waits to be mined at up to 20 gwei a gas; replaced at 22.5 gwei or more in 30 s")
    assert found["second"].waits == "waits for nonce 5, which is before it: first"
    assert found["third"].waits.startswith("waits to be signed: for the account to have enough")
    assert (found["first"].age, found["first"].most) == (30, 20 * GWEI * 100_000)
    assert told(journal, 1_059.0)["first"].waits.endswith("in 1 s")
    assert told(journal, 1_060.0)["first"].waits.endswith("at the next look")
    journal.close()


def test_describe__empty_attempt__costs_the_least_gas_and_moves_no_value(journal: Journal) -> None:
    journal.transactions.queue("first", SENDER, ORACLE, b"", 7 * 10**18, 100_000)
    row = journal.transactions.get("first")
    assert row is not None
    journal.transactions.sign(row.id, 5, AttemptRow(b"h" * 32, row.id, b"", 20 * GWEI, GWEI))
    assert told(journal)["first"].most == 20 * GWEI * 100_000 + 7 * 10**18
    journal.transactions.sign(row.id, 5, AttemptRow(b"e" * 32, row.id, b"", 30 * GWEI, GWEI, empty=True))
    assert told(journal)["first"].most == 30 * GWEI * 21_000
    journal.close()


def test_describe__at_the_cap__says_what_the_operator_can_do(journal: Journal) -> None:
    queue(journal, "first", 5, 95 * GWEI)
    assert "the cap of 100 gwei forbids a higher offer" in told(journal)["first"].waits
    assert "raise transmit.max_fee_gwei and restart the node" in told(journal)["first"].waits
    journal.close()


def test_describe__taken_by_nobody__says_so(journal: Journal) -> None:
    queue(journal, "first", 5, taken=False)
    assert told(journal)["first"].waits.startswith("no endpoint has taken it yet")
    journal.close()


def test_describe__mined_and_final__cost_is_what_was_paid(journal: Journal) -> None:
    number = queue(journal, "first", 5)
    journal.transactions.mined(number, b"h" * 32, 77, b"b" * 32, True, (80_000, 15 * GWEI))
    assert told(journal)["first"].waits == "waits for block 77 to be final"
    journal.transactions.final(number)
    found = told(journal)["first"]
    assert (found.waits, found.paid, found.outcome) == ("", 80_000 * 15 * GWEI, "final")
    assert found.document()["paid"] == str(80_000 * 15 * GWEI)
    journal.transactions.mined(number, b"h" * 32, 77, b"b" * 32, False, (1 << 70, 1))
    assert told(journal)["first"].outcome == "mined, failed"
    assert told(journal)["first"].paid is None  # no column holds so much gas
    journal.close()


def test_describe__reorganised_away__forgets_what_it_had_paid(journal: Journal) -> None:
    number = queue(journal, "first", 5)
    journal.transactions.mined(number, b"h" * 32, 77, b"b" * 32, True, (80_000, 15 * GWEI))
    journal.transactions.unmined(number)
    found = told(journal)["first"]
    assert (found.paid, found.row.gas_used) == (None, None)
    journal.close()


@given(st.integers(0, 10**30))
def test_amounts__any__are_never_told_too_low(wei: int) -> None:
    assert float(gwei(wei).replace(",", "")) * 1e9 >= wei * (1 - 1e-12)
    assert float(ether(wei).replace(",", "")) * 1e18 >= wei * (1 - 1e-12)


@pytest.mark.parametrize(
    ("seconds", "said"), [(None, "?"), (-1, "0 s"), (119, "119 s"), (120, "2 min"), (7_200, "2 h"), (200_000, "2 d")]
)
def test_age__is_told_in_one_unit(seconds: float | None, said: str) -> None:
    assert age(seconds) == said
