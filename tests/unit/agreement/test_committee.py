"""The committee: its digest as the contract computes it, its numbers, its leaders."""

from __future__ import annotations

import math

import pytest
from eth_abi import encode
from eth_utils import keccak, to_canonical_address
from hypothesis import given
from hypothesis import strategies as st

from node.agreement.committee import Committee
from node.errors import AgreementError

ORACLE = "0x" + "ab" * 20


def committee(n: int, chain_id: int = 31337, oracle: str = ORACLE) -> Committee:
    signers = ["0x" + bytes([index + 1] * 20).hex() for index in range(n)]
    return Committee(chain_id, oracle, signers, [bytes([index + 1]) * 32 for index in range(n)])


@pytest.mark.parametrize("n", range(1, 32))
def test_config_digest__every_size__as_the_abi_encodes_it(n: int) -> None:
    made = committee(n)
    members = b"".join(map(to_canonical_address, made.signers)) + b"".join(made.transport_keys)
    f = (n - 1) // 3
    expected = keccak(
        encode(
            ["uint256", "address", "bytes32", "uint256", "uint256", "uint256"],
            [31337, ORACLE, keccak(members), f, math.ceil((n + f + 1) / 2), 1],
        )
    )
    assert made.config_digest == expected
    assert made.domain.config_digest == expected


@pytest.mark.parametrize(
    ("n", "f", "quorum"),
    [
        (1, 0, 1),
        (2, 0, 2),
        (3, 0, 2),
        (4, 1, 3),
        (5, 1, 4),
        (6, 1, 4),
        (7, 2, 5),
        (8, 2, 6),
        (9, 2, 6),
        (10, 3, 7),
        (13, 4, 9),
        (30, 9, 20),
        (31, 10, 21),
    ],
)
def test_quorum__sizes__half_of_n_plus_f_plus_1(n: int, f: int, quorum: int) -> None:
    assert (committee(n).f, committee(n).quorum) == (f, quorum)


@pytest.mark.parametrize("n", range(1, 32))
def test_quorum__every_size__is_the_least_that_is_safe_and_never_more_than_answer(n: int) -> None:
    made = committee(n)
    assert 2 * made.quorum - n > made.f >= 2 * (made.quorum - 1) - n
    assert 2 * made.f + 1 <= made.quorum <= n - made.f


@given(n=st.integers(1, 31), data=st.data())
def test_quorum__any_two_of_one_committee__share_an_honest_member(n: int, data: st.DataObject) -> None:
    """The worst case is drawn too: the second quorum avoids the first wherever it can, and the liars are in both."""
    made = committee(n)
    members = data.draw(st.permutations(range(n)))
    one = set(members[: made.quorum])
    rest = members if data.draw(st.booleans()) else data.draw(st.permutations(members))
    other = set(rest[-made.quorum :])
    liars = set(sorted(one & other)[: made.f])
    assert (one & other) - liars
    assert len(set(members) - liars) >= made.quorum


def test_config_digest__order_chain_or_oracle_changed__another() -> None:
    base = committee(4)
    reordered = Committee(31337, ORACLE, base.signers[::-1], base.transport_keys)
    others = [reordered, committee(4, chain_id=1), committee(4, oracle="0x" + "ac" * 20), committee(5)]
    assert len({base.config_digest, *(other.config_digest for other in others)}) == 5


def test_leader__views__everyone_in_turn_from_a_start_that_varies() -> None:
    made = committee(7)
    assert sorted(made.leader(1, 100, view) for view in range(7)) == list(range(7))
    assert len({made.leader(1, checkpoint, 0) for checkpoint in range(100)}) == 7


def test_members__bitmap__indices() -> None:
    assert committee(4).members(0b1011) == [0, 1, 3]
    with pytest.raises(AgreementError):
        committee(4).members(1 << 4)


@pytest.mark.parametrize(
    ("signers", "keys"),
    [
        ([], []),
        (["0x" + "01" * 20], []),
        (["0x" + "00" * 20], [b"\x01" * 32]),
        (["0x" + "01" * 20], [bytes(32)]),
        (["0x" + "01" * 20], [b"\x01" * 31]),
        (["0x" + "01" * 20] * 2, [b"\x01" * 32, b"\x02" * 32]),
        (["0x" + "01" * 20, "0x" + "02" * 20], [b"\x01" * 32] * 2),
        (["not an address"], [b"\x01" * 32]),
        (["0x" + bytes([i + 1] * 20).hex() for i in range(32)], [bytes([i + 1]) * 32 for i in range(32)]),
    ],
)
def test_committee__bad_members__refused(signers: list[str], keys: list[bytes]) -> None:
    with pytest.raises(AgreementError):
        Committee(1, ORACLE, signers, keys)
