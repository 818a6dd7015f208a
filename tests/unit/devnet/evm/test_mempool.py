"""Waiting transactions: gaps, replacement, order, and blocks that are too small for all."""

from __future__ import annotations

import pytest
from eth_typing import Address

from node.devnet.evm.errors import DevnetError
from node.devnet.settings import ChainSettings
from tests.unit.devnet.evm.ledger import GWEI, Ledger

SOMEONE = Address(b"\x11" * 20)


@pytest.fixture
def ledger() -> Ledger:
    ledger = Ledger()
    ledger.chain.automine = False
    return ledger


def test_send__without_automine__waits_for_a_block(ledger: Ledger) -> None:
    sent = ledger.send(to=SOMEONE, value=1)
    assert ledger.chain.head.number == 0
    assert ledger.chain.receipt(sent) is None
    assert ledger.chain.waiting(sent) is not None
    assert ledger.chain.pending_nonce(ledger.address()) == 1
    ledger.chain.mine()
    assert ledger.chain.receipt(sent) is not None
    assert ledger.chain.waiting(sent) is None
    assert ledger.chain.mined_in(sent) == 1


def test_send__nonce_gap__waits_until_it_is_filled() -> None:
    ledger = Ledger()
    late = ledger.send(to=SOMEONE, value=2, nonce=1)
    assert ledger.chain.head.number == 0
    ledger.send(to=SOMEONE, value=1, nonce=0)
    assert ledger.chain.receipt(late) is not None
    assert ledger.chain.balance(SOMEONE, ledger.chain.head) == 3


def test_send__replacement__needs_a_tenth_more_of_both_fees(ledger: Ledger) -> None:
    first = ledger.send(to=SOMEONE, value=1, nonce=0, maxFeePerGas=10 * GWEI, maxPriorityFeePerGas=GWEI)
    for fee, tip in ((11 * GWEI - 1, 2 * GWEI), (20 * GWEI, GWEI), (10 * GWEI, GWEI)):
        with pytest.raises(DevnetError, match="replacement transaction underpriced"):
            ledger.send(to=SOMEONE, value=3, nonce=0, maxFeePerGas=fee, maxPriorityFeePerGas=tip)
    second = ledger.send(to=SOMEONE, value=2, nonce=0, maxFeePerGas=11 * GWEI, maxPriorityFeePerGas=11 * GWEI // 10)
    assert ledger.chain.waiting(first) is None
    ledger.chain.mine()
    assert ledger.chain.receipt(first) is None
    assert ledger.chain.receipt(second) is not None
    assert ledger.chain.balance(SOMEONE, ledger.chain.head) == 2


def test_send__the_same_again__is_already_known_and_once_mined_too_low(ledger: Ledger) -> None:
    raw = ledger.sign(to=SOMEONE, value=1)
    ledger.chain.send(raw)
    with pytest.raises(DevnetError, match="already known"):
        ledger.chain.send(raw)
    ledger.chain.mine()
    with pytest.raises(DevnetError, match="nonce too low: next nonce 1, tx nonce 0"):
        ledger.chain.send(raw)


def test_mine__several_senders__best_tip_first_and_nonces_in_order(ledger: Ledger) -> None:
    low = ledger.send(0, to=SOMEONE, value=1, maxPriorityFeePerGas=GWEI)
    rich = ledger.send(0, to=SOMEONE, value=1, maxPriorityFeePerGas=5 * GWEI)
    middle = ledger.send(1, to=SOMEONE, value=1, maxPriorityFeePerGas=2 * GWEI)
    ledger.chain.mine()
    assert [receipt.transaction.hash for receipt in ledger.chain.head.receipts] == [middle, low, rich]
    assert [receipt.cumulative_gas for receipt in ledger.chain.head.receipts] == [21_000, 42_000, 63_000]


def test_mine__more_than_a_block_holds__goes_into_the_next(ledger: Ledger) -> None:
    for index in range(3):
        ledger.send(index, to=SOMEONE, value=1, gas=15_000_000)
    ledger.chain.mine(2)
    assert [len(ledger.chain.block(number).receipts) for number in (1, 2)] == [2, 1]


def test_mine__fee_below_the_base_fee__waits_until_it_falls() -> None:
    ledger = Ledger(ChainSettings(base_fee=1000))
    sent = ledger.send(to=SOMEONE, value=1, maxFeePerGas=700, maxPriorityFeePerGas=0)
    assert ledger.chain.receipt(sent) is None
    ledger.chain.mine(4)
    assert ledger.chain.receipt(sent) is not None
    assert ledger.chain.block(ledger.chain.mined_in(sent)).base_fee <= 700


def test_mine__sender_who_can_no_longer_pay__is_dropped_and_the_block_is_made(ledger: Ledger) -> None:
    balance = ledger.chain.balance(ledger.address(0), ledger.chain.head)
    drain = ledger.send(0, to=SOMEONE, value=balance - 10**16, gas=21_000)
    broke = ledger.send(0, to=SOMEONE, value=balance // 2)
    other = ledger.send(1, to=SOMEONE, value=1)
    ledger.chain.mine()
    assert {receipt.transaction.hash for receipt in ledger.chain.head.receipts} == {drain, other}
    assert ledger.chain.waiting(broke) is None
    ledger.chain.mine()


def test_rewind__waiting_and_undone_transactions__can_be_sent_again(ledger: Ledger) -> None:
    raw = ledger.sign(to=SOMEONE, value=1)
    ledger.chain.send(raw)
    ledger.chain.mine()
    ledger.chain.rewind(0)
    ledger.chain.send(raw)
    ledger.chain.mine()
    assert ledger.chain.balance(SOMEONE, ledger.chain.head) == 1
