"""Commitment, header and seed of an edition, and RLP as a liar may write it."""

from __future__ import annotations

from dataclasses import replace

import pytest
import rlp  # type: ignore[import-untyped]
from eth_hash.auto import keccak
from hypothesis import given
from hypothesis import strategies as st

from node.errors import AgreementError
from node.verify.seeds import check_header, check_seed, rlp_strings, token_seed
from tests.unit.paper import make_edition

SECRET, RANDOMNESS = b"s" * 32, b"p" * 32
FIELDS = [b"x" * 32] * 8 + [b"\x03", b"", b"\x01\x02", b"t", b"extra", RANDOMNESS, bytes(8)]
HEADER: bytes = rlp.encode(FIELDS)
EDITION = replace(
    make_edition(),
    commitment=keccak(SECRET),
    randomness=RANDOMNESS,
    seed=keccak(SECRET + RANDOMNESS),
    reveal_block=3,
)


@given(st.lists(st.binary(max_size=80), max_size=20))
def test_rlp_strings__any_list_of_strings__as_another_library_wrote_it(strings: list[bytes]) -> None:
    assert rlp_strings(rlp.encode(strings)) == strings


@given(st.binary(max_size=120))
def test_rlp_strings__any_bytes__a_list_or_refused(raw: bytes) -> None:
    try:
        found = rlp_strings(raw)
    except AgreementError:
        return
    assert sum(map(len, found)) <= len(raw)


def test_check_seed__secret_and_randomness__make_it() -> None:
    check_seed(EDITION, SECRET)


@pytest.mark.parametrize(
    "edition", [replace(EDITION, commitment=b"c" * 32), replace(EDITION, seed=b"s" * 32),
                replace(EDITION, randomness=b"q" * 32)],
)  # fmt: skip
def test_check_seed__anything_else__refused(edition: object) -> None:
    with pytest.raises(AgreementError):
        check_seed(edition, SECRET)  # type: ignore[arg-type]


def test_check_header__of_the_reveal_block__holds() -> None:
    check_header(EDITION, HEADER, keccak(HEADER))


@pytest.mark.parametrize(
    ("edition", "header"),
    [
        (replace(EDITION, reveal_block=4), HEADER),
        (replace(EDITION, randomness=b"q" * 32), HEADER),
        (EDITION, rlp.encode(FIELDS[:13])),
        (EDITION, rlp.encode([FIELDS])),
        (EDITION, b""),
    ],
    ids=["another block", "another prevrandao", "short", "nested", "nothing"],
)
def test_check_header__anything_else__refused(edition: object, header: bytes) -> None:
    with pytest.raises(AgreementError):
        check_header(edition, header, keccak(header))  # type: ignore[arg-type]


def test_check_header__that_does_not_hash_to_the_block__refused() -> None:
    with pytest.raises(AgreementError, match="not that of block 3"):
        check_header(EDITION, HEADER, b"h" * 32)


def test_token_seed__of_a_token__keccak_of_seed_and_number() -> None:
    assert token_seed(b"s" * 32, 1_000_001) == keccak(b"s" * 32 + (1_000_001).to_bytes(32, "big"))
