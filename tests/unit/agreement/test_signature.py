"""EIP-2098 signatures against eth-account's 65-byte ones."""

from __future__ import annotations

import pytest
from eth_account import Account
from hypothesis import given, settings
from hypothesis import strategies as st

from node.agreement.signature import HALF_ORDER, pack, recover, unpack
from node.errors import AgreementError

ACCOUNT = Account.from_key(b"\x11" * 32)
ORDER = 2 * HALF_ORDER + 1


@given(st.binary(min_size=32, max_size=32))
@settings(max_examples=40, deadline=None)
def test_recover__signature_of_eth_account__its_address(digest: bytes) -> None:
    signed = bytes(ACCOUNT.unsafe_sign_hash(digest).signature)
    short = pack(signed)
    assert unpack(short) == signed
    assert recover(digest, short) == ACCOUNT.address
    assert recover(bytes(31) + b"\x01", short) != ACCOUNT.address


def test_pack__v_as_parity__the_same() -> None:
    signed = bytes(ACCOUNT.unsafe_sign_hash(b"\x05" * 32).signature)
    assert pack(signed[:64] + bytes([signed[64] - 27])) == pack(signed)


def test_incident__upper_half_s__refused_both_ways() -> None:
    signed = bytes(ACCOUNT.unsafe_sign_hash(b"\x05" * 32).signature)
    mirrored = ORDER - int.from_bytes(signed[32:64], "big")
    with pytest.raises(AgreementError):
        pack(signed[:32] + mirrored.to_bytes(32, "big") + bytes([55 - signed[64]]))
    # The lowest s of the upper half is the only kind of it that 255 bits can hold.
    with pytest.raises(AgreementError):
        unpack(signed[:32] + (HALF_ORDER + 1).to_bytes(32, "big"))
    assert unpack(signed[:32] + HALF_ORDER.to_bytes(32, "big"))


@pytest.mark.parametrize("signature", [b"", bytes(64), b"\xff" * 64, bytes(63), bytes(65), b"\x01" * 32 + bytes(32)])
def test_incident__garbage_never_recovers_to_an_address(signature: bytes) -> None:
    with pytest.raises(AgreementError):
        recover(b"\x05" * 32, signature)


@given(st.binary(max_size=70))
@settings(max_examples=200, deadline=None)
def test_recover__any_bytes__an_address_that_is_not_zero_or_a_refusal(signature: bytes) -> None:
    try:
        address = recover(b"\x05" * 32, signature)
    except AgreementError:
        return
    assert len(address) == 42
    assert int(address, 16) != 0


@pytest.mark.parametrize("signature", [bytes(64), bytes(66), bytes(65), b"\x01" * 64 + b"\x1d"])
def test_pack__not_a_signature__refused(signature: bytes) -> None:
    with pytest.raises(AgreementError):
        pack(signature)
