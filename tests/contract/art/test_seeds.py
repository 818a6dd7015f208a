"""Commit, draw and reveal: nobody chooses a seed, and only the reveal block's own header speaks for it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import boa
import pytest
import rlp
from eth.vm.forks.prague.blocks import PragueBlockHeader
from eth.vm.forks.prague.constants import HISTORY_STORAGE_ADDRESS
from eth_utils import keccak
from hypothesis import given, settings
from hypothesis import strategies as st

from .conftest import GENESIS, REVEAL_DELAY, Studio, fields, fresh_chain, header, new_studio, remember

SECRET = b"\x5e" * 32
REVEAL_BLOCK = GENESIS + REVEAL_DELAY


def test_seed__whole_road__is_what_the_definition_says(studio: Studio) -> None:
    edition = studio.sell_out(SECRET)
    prevrandao = header(REVEAL_BLOCK).mix_hash
    studio.go_to(REVEAL_BLOCK + 1)
    studio.collection.record_randomness(edition, rlp.encode(header(REVEAL_BLOCK)), sender=boa.env.generate_address())
    (recorded,) = studio.collection.get_logs()
    assert (recorded.edition, recorded.reveal_block, recorded.randomness) == (edition, REVEAL_BLOCK, prevrandao)
    studio.collection.reveal(edition, SECRET, sender=boa.env.generate_address())
    revealed, repainted = studio.collection.get_logs()
    seed = keccak(SECRET + prevrandao)
    assert (revealed.edition, revealed.seed) == (edition, seed)
    assert type(repainted).__name__ == "BatchMetadataUpdate"
    assert fields(repainted) == (studio.token(edition, 1), studio.token(edition, 6))
    told = studio.collection.edition(edition)
    assert (told.seed, told.randomness, told.state) == (seed, prevrandao, 3)
    for index in (1, 6):
        token = studio.token(edition, index)
        assert studio.collection.token_seed(token) == keccak(seed + token.to_bytes(32))
    with boa.reverts("erc721: invalid token ID"):
        studio.collection.token_seed(studio.token(edition, 7))


def test_meebits__a_mint_cannot_know_its_seed(studio: Studio) -> None:
    # Meebits (2021): buyers simulated their mint, saw what they would get, and reverted until it was rare.
    # Here nothing that the seed depends on exists while tokens are sold: same mint, another later block, another seed.
    edition = studio.open(supply=1, secret=SECRET)
    studio.buy(edition, 1)
    with boa.reverts("seeds: edition is not revealed"):
        studio.collection.token_seed(studio.token(edition, 1))
    assert studio.collection.edition(edition).reveal_block == 0
    seeds = set()
    for delay in (0, 1, 2):
        with boa.env.anchor():
            studio.go_to(GENESIS + delay)
            studio.collection.close_edition(edition)
            block = studio.collection.edition(edition).reveal_block
            assert block > boa.env.evm.patch.block_number
            studio.go_to(block + 1)
            studio.collection.record_randomness(edition, rlp.encode(header(block)))
            studio.collection.reveal(edition, SECRET)
            seeds.add(studio.collection.token_seed(studio.token(edition, 1)))
    assert len(seeds) == 3


def test_meebits__a_reveal_cannot_be_simulated_and_retried_for_another_seed(studio: Studio) -> None:
    edition = studio.sell_out(SECRET)
    seeds = set()
    # Whoever calls, whenever, with whatever header: a call that does not revert gives the one seed there is.
    for later in (1, 2, 200, 256, 257, 8_191):
        with boa.env.anchor():
            studio.go_to(REVEAL_BLOCK + later)
            remember(REVEAL_BLOCK, header(REVEAL_BLOCK).hash)
            for other in (REVEAL_BLOCK - 1, REVEAL_BLOCK + 1):
                with boa.reverts("header: not that block"):
                    studio.collection.record_randomness(edition, rlp.encode(header(other)))
            studio.collection.record_randomness(edition, rlp.encode(header(REVEAL_BLOCK)))
            with boa.reverts("seeds: randomness is recorded"):
                studio.collection.record_randomness(edition, rlp.encode(header(REVEAL_BLOCK)))
            with boa.reverts("seeds: randomness is recorded"):
                studio.collection.rearm(edition)
            with boa.reverts("seeds: wrong secret"):
                studio.collection.reveal(edition, b"\x00" * 32)
            studio.collection.reveal(edition, SECRET)
            with boa.reverts("seeds: edition is revealed"):
                studio.collection.reveal(edition, SECRET)
            seeds.add(studio.collection.edition(edition).seed)
    assert len(seeds) == 1


def test_record_randomness__before_the_close_or_the_block__is_refused(studio: Studio) -> None:
    edition = studio.open(supply=1, secret=SECRET)
    with boa.reverts("sales: edition is not closed"):
        studio.collection.record_randomness(edition, rlp.encode(header(GENESIS - 1)))
    studio.buy(edition, 1)
    studio.collection.close_edition(edition)
    for now in (GENESIS, REVEAL_BLOCK - 1, REVEAL_BLOCK):
        studio.go_to(now)
        with boa.reverts("header: block out of reach"):
            studio.collection.record_randomness(edition, rlp.encode(header(REVEAL_BLOCK)))


def test_record_randomness__forged_header__is_refused(studio: Studio) -> None:
    edition = studio.sell_out(SECRET)
    studio.go_to(REVEAL_BLOCK + 1)
    chosen = header(REVEAL_BLOCK, prevrandao=keccak(b"rare"))
    for forged in (rlp.encode(chosen), rlp.encode(header(REVEAL_BLOCK)) + b"\x00", b"", b"\xc0"):
        with boa.reverts("header: not that block"):
            studio.collection.record_randomness(edition, forged)


def test_record_randomness__chain_without_prevrandao__is_refused(studio: Studio) -> None:
    edition = studio.sell_out(SECRET)
    studio.go_to(REVEAL_BLOCK + 300)
    empty = header(REVEAL_BLOCK, prevrandao=bytes(32))
    remember(REVEAL_BLOCK, empty.hash)
    with boa.reverts("seeds: block without prevrandao"):
        studio.collection.record_randomness(edition, rlp.encode(empty))


def test_reveal__before_the_randomness__is_refused(studio: Studio) -> None:
    edition = studio.sell_out(SECRET)
    studio.go_to(REVEAL_BLOCK + 1)
    with boa.reverts("seeds: no randomness yet"):
        studio.collection.reveal(edition, SECRET)


@pytest.mark.parametrize("age", [257, 8_191])
def test_record_randomness__beyond_256_blocks__uses_the_history_contract(studio: Studio, age: int) -> None:
    edition = studio.sell_out(SECRET)
    studio.go_to(REVEAL_BLOCK + age)
    with boa.reverts("header: block out of reach"):
        studio.collection.record_randomness(edition, rlp.encode(header(REVEAL_BLOCK)))
    remember(REVEAL_BLOCK, header(REVEAL_BLOCK).hash)
    studio.collection.record_randomness(edition, rlp.encode(header(REVEAL_BLOCK)))
    assert studio.collection.edition(edition).randomness == header(REVEAL_BLOCK).mix_hash


def test_rearm__only_once_the_window_is_missed(studio: Studio) -> None:
    edition = studio.sell_out(SECRET)
    remember(REVEAL_BLOCK, header(REVEAL_BLOCK).hash)
    for now in (GENESIS, REVEAL_BLOCK, REVEAL_BLOCK + 1, REVEAL_BLOCK + 256, REVEAL_BLOCK + 257, REVEAL_BLOCK + 8_191):
        studio.go_to(now)
        with boa.reverts("seeds: reveal block is not missed"):
            studio.collection.rearm(edition)
    studio.go_to(REVEAL_BLOCK + 8_192)
    with boa.reverts("header: block out of reach"):
        studio.collection.record_randomness(edition, rlp.encode(header(REVEAL_BLOCK)))
    studio.collection.rearm(edition, sender=boa.env.generate_address())
    (log,) = studio.collection.get_logs()
    again = REVEAL_BLOCK + 8_192 + REVEAL_DELAY
    assert (log.edition, log.reveal_block) == (edition, again)
    with boa.reverts("seeds: reveal block is not missed"):
        studio.collection.rearm(edition)
    studio.go_to(again + 1)
    studio.collection.record_randomness(edition, rlp.encode(header(again)))
    studio.collection.reveal(edition, SECRET)
    assert studio.collection.edition(edition).seed == keccak(SECRET + header(again).mix_hash)


def test_rearm__call_starved_of_gas__cannot_feign_a_missed_window(studio: Studio) -> None:
    # The history contract is asked by a call that a caller could starve: then everything must revert.
    edition = studio.sell_out(SECRET)
    studio.go_to(REVEAL_BLOCK + 300)
    remember(REVEAL_BLOCK, header(REVEAL_BLOCK).hash)
    for gas in range(22_000, 60_000, 1_000):
        with boa.reverts():
            studio.collection.rearm(edition, gas=gas)
    assert studio.collection.edition(edition).reveal_block == REVEAL_BLOCK


def test_rearm__chain_without_history__allows_it_after_256_blocks(studio: Studio) -> None:
    boa.env.evm.vm.state.set_code(HISTORY_STORAGE_ADDRESS, b"")
    edition = studio.sell_out(SECRET)
    studio.go_to(REVEAL_BLOCK + 256)
    with boa.reverts("seeds: reveal block is not missed"):
        studio.collection.rearm(edition)
    studio.go_to(REVEAL_BLOCK + 257)
    studio.collection.rearm(edition)


@pytest.fixture(scope="module")
def sold_out(deployers: dict[str, Any]) -> Iterator[tuple[Studio, int]]:
    """One closed edition for all examples of a property."""
    with fresh_chain():
        studio = new_studio(deployers)
        yield studio, studio.sell_out(SECRET)


@settings(max_examples=25, deadline=None)
@given(
    known=st.fixed_dictionaries(
        {
            "extra_data": st.binary(max_size=32),
            "timestamp": st.integers(0, 2**64),
            "gas_limit": st.integers(0, 2**63),
            "gas_used": st.integers(0, 2**63),
            "base_fee_per_gas": st.integers(0, 2**200),
            "coinbase": st.binary(min_size=20, max_size=20),
            "nonce": st.binary(min_size=8, max_size=8),
            "bloom": st.integers(0, 2**2048 - 1),
        }
    ),
    prevrandao=st.binary(min_size=32, max_size=32).filter(any),
    more=st.lists(st.binary(max_size=40), max_size=3),
)
def test_record_randomness__any_header__yields_its_prevrandao(
    sold_out: tuple[Studio, int], known: dict[str, Any], prevrandao: bytes, more: list[bytes]
) -> None:
    studio, edition = sold_out
    with boa.env.anchor():
        block = studio.collection.edition(edition).reveal_block
        header_fields = {"difficulty": 0, "block_number": block, "mix_hash": prevrandao} | known
        # Forks append fields to a header; its prevrandao stays where it is.
        encoded = rlp.encode([*PragueBlockHeader.serialize(PragueBlockHeader(**header_fields)), *more])
        remember(block, keccak(encoded))
        studio.go_to(block + 300)
        studio.collection.record_randomness(edition, encoded)
        assert studio.collection.edition(edition).randomness == prevrandao


@settings(max_examples=25, deadline=None)
@given(garbage=st.binary(min_size=1, max_size=1_024))
def test_record_randomness__bytes_that_are_no_header__are_refused_or_read_within_bounds(
    sold_out: tuple[Studio, int], garbage: bytes
) -> None:
    # Only a chain whose headers are something else could get here: it must revert, or read a word of what was given.
    studio, edition = sold_out
    with boa.env.anchor():
        block = studio.collection.edition(edition).reveal_block
        remember(block, keccak(garbage))
        studio.go_to(block + 300)
        try:
            studio.collection.record_randomness(edition, garbage)
        except boa.BoaError:
            assert studio.collection.edition(edition).randomness == bytes(32)
        else:
            assert studio.collection.edition(edition).randomness in garbage
