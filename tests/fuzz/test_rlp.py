"""RLP: block headers in calldata, and raw transactions that clients hand to an embedded chain."""

from __future__ import annotations

import sys

import rlp  # type: ignore[import-untyped]
from eth_account import Account
from eth_hash.auto import keccak
from hypothesis import given
from hypothesis import strategies as st

from node.chain.header import _FIELDS, header_rlp
from node.devnet.evm.errors import DevnetError
from node.devnet.evm.transactions import decode
from node.errors import AgreementError, ChainError
from node.journal.backup.proven import proves
from node.journal.transactions import TransactionRow
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


JSON = st.one_of(
    st.none(), st.booleans(), st.integers(), st.text(max_size=70), st.lists(st.none(), max_size=2),
    st.binary(max_size=40).map(lambda raw: "0x" + raw.hex()), st.just("0x" + "0" * 5_000), st.just("0x-1"),
)  # fmt: skip


@given(st.dictionaries(st.sampled_from([name for name, _ in _FIELDS] + ["hash"]), JSON))
def test_header__noise_of_an_endpoint__hashes_to_its_name_or_is_refused(told: dict[str, object]) -> None:
    good = {name: "0x01" if kind else "0x" + "22" * 32 for name, kind in _FIELDS}
    good["hash"] = "0x" + keccak(rlp.encode([b"\1" if kind else b"\x22" * 32 for _, kind in _FIELDS])).hex()
    assert keccak(header_rlp(good)).hex() == good["hash"][2:]
    damaged = good | told
    try:
        found = header_rlp(damaged)
    except ChainError:
        return
    assert "0x" + keccak(found).hex() == damaged["hash"]


ROW = TransactionRow(
    id=1, key="k", sender=ACCOUNT.address, recipient=ACCOUNT.address, calldata=b"\1\2", value=1, gas=100_000, nonce=0,
    state="sent", tx_hash=None, block_number=None, block_hash=None, succeeded=None, note="",
)  # fmt: skip


@given(any_input((LEGACY, MODERN)))
def test_proves__noise_and_damage_in_a_backup__is_no_proof(raw: bytes) -> None:
    assert proves(raw, ROW, 1, ACCOUNT.address) is (raw == MODERN)


@given(any_input((LEGACY, MODERN)))
def test_transaction__noise_and_damage__is_itself_or_refused(raw: bytes) -> None:
    decoder = Decoder(
        "node.devnet.evm.transactions.decode", lambda some: decode(some, 1, 30_000_000), DevnetError, (LEGACY, MODERN),
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
