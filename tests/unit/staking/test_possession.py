"""The proof of possession, against another implementation of EIP-712."""

from __future__ import annotations

import pytest
from eth_account.messages import _hash_eip191_message, encode_typed_data
from hypothesis import given, settings
from hypothesis import strategies as st

from node.agreement.signature import recover
from node.errors import AgreementError
from node.keys.signing import LocalSigner
from node.staking.possession import possession_digest, prove_possession, typed_possession

STAKING, OPERATOR = "0x" + "11" * 20, "0x" + "22" * 20


@given(st.integers(1, 2**63), st.binary(min_size=20, max_size=20), st.binary(min_size=32, max_size=32))
@settings(max_examples=15)
def test_possession_digest__any__equals_eth_accounts(chain_id: int, operator: bytes, key: bytes) -> None:
    named = "0x" + operator.hex()
    typed = typed_possession(chain_id, STAKING, named, key)
    assert possession_digest(chain_id, STAKING, named, key) == _hash_eip191_message(
        encode_typed_data(full_message=typed)
    )


def test_prove_possession__by_the_signer__recovers_to_it() -> None:
    signer = LocalSigner(b"\x07" * 32)
    proof = prove_possession(signer, 31337, STAKING, OPERATOR, b"\x01" * 32)
    assert recover(possession_digest(31337, STAKING, OPERATOR, b"\x01" * 32), proof) == signer.address
    assert recover(possession_digest(31337, STAKING, STAKING, b"\x01" * 32), proof) != signer.address


def test_possession_digest__short_key__refused() -> None:
    with pytest.raises(AgreementError):
        possession_digest(1, STAKING, OPERATOR, b"\x01" * 31)
