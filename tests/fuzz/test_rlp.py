"""RLP: block headers in calldata, and raw transactions that clients hand to an embedded chain."""

from __future__ import annotations

import sys

import rlp  # type: ignore[import-untyped]
from eth_account import Account
from hypothesis import given

from node.devnet.errors import DevnetError
from node.devnet.transactions import decode
from node.errors import AgreementError
from node.verify.seeds import rlp_strings
from tests.fuzz.hold import KIB, Decoder, hold
from tests.fuzz.mutations import any_input

HEADER: bytes = rlp.encode([b"x" * 32] * 8 + [b"\3", b"", b"\1\2", b"t", b"extra", b"p" * 32, bytes(8)])
LISTS = (HEADER, rlp.encode([]), rlp.encode([b"", b"\x7f", b"\x80", b"y" * 60]))
ACCOUNT = Account.from_key(b"\1" * 32)
BASE = {"nonce": 0, "gas": 100_000, "to": ACCOUNT.address, "value": 1, "data": b"\1\2", "chainId": 1}
LEGACY = bytes(ACCOUNT.sign_transaction(BASE | {"gasPrice": 7}).raw_transaction)
MODERN = bytes(
    ACCOUNT.sign_transaction(
        BASE
        | {"type": 2, "maxFeePerGas": 9, "maxPriorityFeePerGas": 1}
        | {"accessList": [{"address": ACCOUNT.address, "storageKeys": ["0x" + "00" * 32]}]}
    ).raw_transaction
)


@given(any_input(LISTS))
def test_rlp_strings__noise_and_damage__is_a_list_or_refused(raw: bytes) -> None:
    hold(Decoder("node.verify.seeds.rlp_strings", rlp_strings, AgreementError, LISTS), raw)


@given(any_input((LEGACY, MODERN)))
def test_transaction__noise_and_damage__is_itself_or_refused(raw: bytes) -> None:
    decoder = Decoder(
        "node.devnet.transactions.decode", lambda some: decode(some, 1, 30_000_000), DevnetError, (LEGACY, MODERN),
        lambda found: found.raw, base=1024 * KIB, factor=512,
    )  # fmt: skip
    hold(decoder, raw)


def test_transaction__lists_within_lists__is_refused_on_an_ordinary_stack() -> None:
    """A list of a list of a list: a decoder that calls itself for each needs a bound of its own."""
    raw = b"\xc0"
    for _ in range(3_000):
        raw = rlp.codec.length_prefix(len(raw), 0xC0) + raw
    found = hold(Decoder("decode", lambda some: decode(some, 1, 30_000_000), DevnetError, (), factor=8_192), raw)
    assert isinstance(found, DevnetError)
    assert sys.getrecursionlimit() <= 20_000
