"""EIP-55 checksums, against eth-utils and the examples of the EIP."""

from __future__ import annotations

import pytest
from eth_utils import to_checksum_address
from hypothesis import given, settings
from hypothesis import strategies as st

from node.keys.address import checksum_address, fault_of_address


@given(st.binary(min_size=20, max_size=20).filter(any))
@settings(max_examples=100)
def test_checksum_address__any_address__as_eth_utils(address: bytes) -> None:
    spelt = checksum_address("0x" + address.hex())
    assert spelt == to_checksum_address(address)
    assert fault_of_address(spelt) is None


@pytest.mark.parametrize(
    "address",
    [
        "0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed",
        "0xfB6916095ca1df60bB79Ce92cE3Ea74c37c5d359",
        "0xdbF03B407c01E7cD3CBea99509d93f8DDDC8C6FB",
        "0xD1220A0cf47c7B9Be7A2E6BA89F429762e7b9aDb",
    ],
)
def test_fault_of_address__examples_of_eip_55__none_and_one_changed_digit_is_noticed(address: str) -> None:
    assert fault_of_address(address) is None
    changed = address[:-1] + ("0" if address[-1] != "0" else "1")
    fault = fault_of_address(changed)
    assert fault is not None
    assert "checksum" in fault[0]
