"""Calls without a trace: why they fail, in the words clients know, and how much gas suffices."""

from __future__ import annotations

from dataclasses import replace

import pytest
from eth_typing import Address
from hypothesis import given, settings
from hypothesis import strategies as st

from node.devnet.evm.errors import REVERTED, SERVER_ERROR, DevnetError
from node.devnet.evm.execution import ESTIMATE_TOLERANCE, revert_reason
from node.devnet.evm.transactions import decode
from node.devnet.genesis import dev_account
from tests.unit.devnet.evm.ledger import GWEI, Ledger

SOMEONE = Address(b"\x11" * 20)


@pytest.fixture(scope="module")
def ledger() -> Ledger:
    return Ledger()


@pytest.fixture(scope="module")
def token(ledger: Ledger) -> Address:
    return ledger.token()


def test_call__that_reverts_with_a_reason__says_it_and_carries_the_data(ledger: Ledger, token: Address) -> None:
    asked = ledger.call(token, ledger.token_call("transfer", ledger.keys[1].address, 1), sender=ledger.address(3))
    failure = ledger.chain.call(asked, ledger.chain.head).failure
    assert failure is not None
    assert (failure.code, str(failure)) == (REVERTED, "execution reverted: erc20: transfer amount exceeds balance")
    assert failure.data is not None
    assert failure.data.startswith("0x08c379a0")


@pytest.mark.parametrize(
    ("code", "gas", "words", "number"),
    [
        ("60006000fd", 100_000, "execution reverted", REVERTED),
        ("fe", 100_000, "invalid opcode", SERVER_ERROR),
        ("600056", 100_000, "invalid jump destination", SERVER_ERROR),
        ("01", 100_000, "stack underflow", SERVER_ERROR),
        ("5b600056", 100_000, "out of gas", SERVER_ERROR),
        ("00", 20_999, "intrinsic gas too low", SERVER_ERROR),
    ],
)
def test_call__that_fails__has_geths_words(ledger: Ledger, code: str, gas: int, words: str, number: int) -> None:
    contract = ledger.deploy(bytes.fromhex(code))
    try:
        failure = ledger.chain.call(ledger.call(contract, gas=gas), ledger.chain.head).failure
    except DevnetError as error:
        failure = error
    assert failure is not None
    assert words in str(failure)
    assert failure.code == number


def test_call__with_more_value_than_the_sender_has__is_refused(ledger: Ledger) -> None:
    poor = ledger.call(SOMEONE, sender=Address(b"\x22" * 20), value=1)
    outcome = ledger.chain.call(poor, ledger.chain.head)
    assert "insufficient funds" in str(outcome.failure)


def test_call__of_a_sender_without_wei_at_any_gas_price__runs(ledger: Ledger, token: Address) -> None:
    asked = ledger.call(token, ledger.token_call("decimals"), sender=Address(b"\x22" * 20), gas_price=10 * GWEI)
    outcome = ledger.chain.call(asked, ledger.chain.head)
    assert outcome.failure is None
    assert int.from_bytes(outcome.output, "big") == 6


def test_call__reading_gasprice__sees_the_price_asked_for(ledger: Ledger) -> None:
    contract = ledger.deploy(bytes.fromhex("3a60005260206000f3"))
    outcome = ledger.chain.call(ledger.call(contract, gas_price=123), ledger.chain.head)
    assert int.from_bytes(outcome.output, "big") == 123


def test_gas_used__of_a_call__is_what_the_transaction_then_pays(ledger: Ledger, token: Address) -> None:
    for data in (ledger.token_call("mint", ledger.keys[2].address, 10**6), b""):
        to = token if data else SOMEONE
        called = ledger.chain.call(ledger.call(to, data), ledger.chain.head)
        assert ledger.transact(to=to, data=data).gas_used == called.gas_used


def test_gas_used__by_long_calldata__is_the_floor_of_eip_7623(ledger: Ledger) -> None:
    data = b"\x01" * 1000 + bytes(500)
    floor = 21_000 + 10 * (4 * 1000 + 500)
    assert ledger.chain.call(ledger.call(SOMEONE, data), ledger.chain.head).gas_used == floor
    receipt = ledger.transact(to=SOMEONE, data=data)
    assert receipt.gas_used == floor
    with pytest.raises(DevnetError, match="intrinsic gas too low"):
        ledger.send(to=SOMEONE, data=data, gas=floor - 1)


def test_gas_used__where_refund_and_floor_meet__is_the_floor(ledger: Ledger) -> None:
    # Clears slot 0 when called with data, sets it otherwise: a refund of 4,800 on a transaction of long calldata.
    contract = ledger.deploy(bytes.fromhex("361560005500"))
    ledger.transact(to=contract)
    data = b"\x01" * 300
    receipt = ledger.transact(to=contract, data=data)
    assert receipt.gas_used == 21_000 + 10 * 4 * 300
    spent = receipt.gas_used * receipt.gas_price
    head = ledger.chain.head
    before = ledger.chain.block(head.number - 1)
    assert ledger.chain.balance(ledger.address(), before) - ledger.chain.balance(ledger.address(), head) == spent


def test_estimate_gas__plain_transfer__is_exact(ledger: Ledger) -> None:
    assert 21_000 <= ledger.chain.estimate_gas(ledger.call(SOMEONE, value=1), ledger.chain.head) <= 21_315


@pytest.mark.parametrize("function", ["mint", "approve"])
def test_estimate_gas__call__suffices_and_little_less_does_not(ledger: Ledger, token: Address, function: str) -> None:
    data = ledger.token_call(function, ledger.keys[3].address, 5)
    asked = ledger.call(token, data)
    estimate = ledger.chain.estimate_gas(asked, ledger.chain.head)
    assert ledger.chain.call(replace(asked, gas=estimate), ledger.chain.head).failure is None
    short = int(estimate * (1 - ESTIMATE_TOLERANCE)) - 1
    outcome = ledger.chain.call(replace(asked, gas=short), ledger.chain.head)
    assert outcome.failure is not None
    assert ledger.transact(to=token, data=data, gas=estimate).succeeded


def test_estimate_gas__inner_call_that_keeps_a_64th__suffices(ledger: Ledger) -> None:
    # Calls the given address with all gas and reverts unless that succeeds; the callee burns memory.
    burner = ledger.deploy(bytes.fromhex("6001620200005200"))
    caller = ledger.deploy(bytes.fromhex("600060006000600060006000355af160175760006000fd5b00"))
    asked = ledger.call(caller, bytes(12) + burner)
    outcome = ledger.chain.call(asked, ledger.chain.head)
    assert outcome.failure is None
    short = ledger.chain.call(replace(asked, gas=outcome.gas_used), ledger.chain.head)
    assert short.failure is not None  # what is used does not suffice: the caller kept 1/64 back
    estimate = ledger.chain.estimate_gas(asked, ledger.chain.head)
    assert ledger.chain.call(replace(asked, gas=estimate), ledger.chain.head).failure is None


def test_estimate_gas__of_what_always_reverts__tells_the_reason(ledger: Ledger, token: Address) -> None:
    asked = ledger.call(token, ledger.token_call("mint", ledger.keys[1].address, 1), sender=ledger.address(2))
    with pytest.raises(DevnetError, match="execution reverted") as caught:
        ledger.chain.estimate_gas(asked, ledger.chain.head)
    assert caught.value.code == REVERTED


def test_creation__as_a_call__returns_the_code(ledger: Ledger) -> None:
    outcome = ledger.chain.call(ledger.call(b"", bytes.fromhex("6001600c60003960016000f300")), ledger.chain.head)
    assert outcome.failure is None
    assert outcome.output == b"\x00"
    with pytest.raises(DevnetError, match="max initcode size"):
        ledger.chain.call(ledger.call(b"", bytes(49_153)), ledger.chain.head)


@given(st.binary(max_size=200))
def test_revert_reason__any_bytes__is_text(data: bytes) -> None:
    assert isinstance(revert_reason(data), str)
    assert isinstance(revert_reason(bytes.fromhex("08c379a0") + data), str)
    assert isinstance(revert_reason(bytes.fromhex("4e487b71") + data), str)


@settings(max_examples=50, deadline=None)
@given(st.binary(max_size=300))
def test_decode__any_bytes__is_a_transaction_or_a_devnet_error(raw: bytes) -> None:
    for prefix in (b"", b"\x01", b"\x02", b"\x03", b"\x04", b"\xf8"):
        with pytest.raises(DevnetError):
            decode(prefix + raw, 31337, 36_000_000)


@settings(max_examples=40, deadline=None)
@given(st.data())
def test_decode__one_changed_byte__never_crashes_and_never_keeps_its_sender(data: st.DataObject) -> None:
    key = dev_account(b"seed", 0)
    fields = {"type": 2, "chainId": 31337, "nonce": 0, "gas": 50_000, "to": SOMEONE, "value": 1, "data": b"\x01\x02"}
    signed = key.sign_transaction(fields | {"maxFeePerGas": GWEI, "maxPriorityFeePerGas": 1})
    raw = bytearray(signed.raw_transaction)
    place = data.draw(st.integers(0, len(raw) - 1))
    raw[place] ^= data.draw(st.integers(1, 255))
    try:
        changed = decode(bytes(raw), 31337, 36_000_000)
    except DevnetError:
        return
    assert changed.sender != bytes.fromhex(key.address[2:])


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"chainId": 1}, "invalid chain id"),
        ({"gas": 36_000_001}, "exceeds block gas limit"),
        ({"maxFeePerGas": 1, "maxPriorityFeePerGas": 2}, "max priority fee per gas higher"),
        ({"gas": 20_999}, "intrinsic gas too low"),
        ({"value": 10**30}, "insufficient funds"),
        ({"nonce": 0}, "nonce too low"),
        ({"to": None, "data": bytes(49_153), "gas": 3_000_000}, "max initcode size"),
    ],
)
def test_send__what_can_never_be_mined__is_refused(ledger: Ledger, fields: dict[str, object], words: str) -> None:
    ledger.transact(to=SOMEONE, value=1)
    head = ledger.chain.head.number
    with pytest.raises(DevnetError, match=words):
        ledger.send(**{"to": SOMEONE, "value": 1} | fields)
    assert ledger.chain.head.number == head
    assert len(ledger.chain.mempool) == 0
