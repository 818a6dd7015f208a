"""Reports repaint: addresses composed from one root, events for the whole edition, and little gas."""

from __future__ import annotations

from typing import Any

import boa
import pytest
import rlp
from eth_utils import keccak
from hypothesis import example, given, settings
from hypothesis import strategies as st

from .conftest import ANSWER, BAND, WAD, Studio, directory_cid, fields, fresh_chain, header, new_studio

ROOT_DIGEST = keccak(b"root")


@settings(max_examples=60, deadline=None)
@given(root=st.binary(min_size=32, max_size=32).filter(any))
@example(root=b"\xff" * 32)
@example(root=bytes(31) + b"\x01")
@example(root=b"\x80" + bytes(31))
def test_token_uri__any_root__is_the_cid_of_an_independent_base32(revealed: tuple[Studio, int], root: bytes) -> None:
    studio, edition = revealed
    studio.on_report(studio.collection.edition(edition).feed, root)
    token = studio.token(edition, 3)
    assert studio.collection.tokenURI(token) == f"ipfs://{directory_cid(root)}/{token}.json"


@pytest.fixture(scope="module")
def revealed(deployers: dict[str, Any]) -> Any:
    """One revealed edition for all examples of a property."""
    with fresh_chain():
        studio = new_studio(deployers)
        yield studio, studio.revealed()


def test_token_uri__until_the_first_report__is_the_placeholder(studio: Studio) -> None:
    edition = studio.open(secret=b"s" * 32)
    token = studio.token(edition, 1)
    placeholder = f"ipfs://{directory_cid(keccak(b'placeholder'))}/{token}.json"
    with boa.reverts("erc721: invalid token ID"):
        studio.collection.tokenURI(token)
    studio.buy(edition, 6)
    assert studio.collection.tokenURI(token) == placeholder
    other = studio.revealed(b"t" * 32)
    assert studio.collection.tokenURI(studio.token(other, 1)).startswith(placeholder[:66])
    for missing in (0, 1, studio.token(other, 7), studio.token(other + 1, 1), 2**256 - 1):
        with boa.reverts("erc721: invalid token ID"):
            studio.collection.tokenURI(missing)


def test_token_uri__after_the_reveal__serves_every_token(studio: Studio) -> None:
    edition = studio.revealed()
    studio.on_report(studio.collection.edition(edition).feed, ROOT_DIGEST)
    uris = [studio.collection.tokenURI(studio.token(edition, i)) for i in range(1, 7)]
    assert uris == [f"ipfs://{directory_cid(ROOT_DIGEST)}/{studio.token(edition, i)}.json" for i in range(1, 7)]


@pytest.mark.parametrize(("supply", "sold"), [(1_000, 1_000), (1_001, 1_001), (2_001, 2_001), (1_200, 900)])
def test_token_uri__above_a_thousand_tokens__names_the_shard(studio: Studio, supply: int, sold: int) -> None:
    edition = studio.open(supply=supply, price=0, secret=b"s" * 32)
    for first in range(0, sold, 100):
        studio.buy(edition, min(100, sold - first))
    indices = sorted({1, min(sold, 1_000), min(sold, 1_001), sold})

    def uris(root: bytes, sharded: bool) -> list[str]:
        tokens = [studio.token(edition, index) for index in indices]
        folders = [f"{(index - 1) // 1_000}/" if sharded else "" for index in indices]
        return [f"ipfs://{directory_cid(root)}/{f}{t}.json" for f, t in zip(folders, tokens, strict=True)]

    def told() -> list[str]:
        return [studio.collection.tokenURI(studio.token(edition, index)) for index in indices]

    placeholder = keccak(b"placeholder")
    assert told() == uris(placeholder, supply > 1_000)
    studio.collection.close_edition(edition)
    # The placeholder's directory was made for what was offered: what went unsold does not change its shape.
    assert told() == uris(placeholder, supply > 1_000)
    reveal(studio, edition)
    studio.on_report(studio.collection.edition(edition).feed, ROOT_DIGEST)
    assert told() == uris(ROOT_DIGEST, sold > 1_000)


def reveal(studio: Studio, edition: int) -> None:
    block = studio.collection.edition(edition).reveal_block
    studio.go_to(block + 1)
    studio.collection.record_randomness(edition, rlp.encode(header(block)))
    studio.collection.reveal(edition, b"s" * 32)


def test_on_report__of_a_quorum__repaints_through_the_oracle(studio: Studio) -> None:
    edition = studio.revealed()
    feed = studio.collection.edition(edition).feed
    studio.transmit(feed, WAD // 50 + WAD // 1000, ROOT_DIGEST)
    assert studio.collection.edition(edition).content_root == ROOT_DIGEST
    token = studio.token(edition, 1)
    assert studio.collection.getTraitValue(token, BAND) == (2).to_bytes(32)
    assert studio.collection.getTraitValue(token, ANSWER) == (WAD // 50 + WAD // 1000).to_bytes(32)


def test_on_report__events__cover_the_whole_edition(studio: Studio) -> None:
    edition = studio.revealed()
    studio.on_report(studio.collection.edition(edition).feed, ROOT_DIGEST, band=2, previous_band=1, answer=-5)
    ends = (studio.token(edition, 1), studio.token(edition, 6))
    batch, band, answer = studio.collection.get_logs()
    assert (type(batch).__name__, *fields(batch)) == ("BatchMetadataUpdate", *ends)
    assert fields(band) == (BAND, *ends, (2).to_bytes(32))
    assert fields(answer) == (ANSWER, *ends, (-5).to_bytes(32, signed=True))


def test_on_report__same_band__announces_the_answer_alone(studio: Studio) -> None:
    edition = studio.revealed()
    studio.on_report(studio.collection.edition(edition).feed, ROOT_DIGEST, band=1, previous_band=1)
    assert [type(log).__name__ for log in studio.collection.get_logs()] == [
        "BatchMetadataUpdate",
        "TraitUpdatedRangeUniformValue",
    ]


def test_on_report__root_zero__leaves_the_artworks(studio: Studio) -> None:
    edition = studio.revealed()
    feed = studio.collection.edition(edition).feed
    studio.on_report(feed, ROOT_DIGEST)
    studio.on_report(feed, bytes(32))
    assert {type(log).__name__ for log in studio.collection.get_logs()} == {"TraitUpdatedRangeUniformValue"}
    assert studio.collection.edition(edition).content_root == ROOT_DIGEST


def test_on_report__before_the_reveal__paints_nothing(studio: Studio) -> None:
    selling = studio.open()
    closed = studio.sell_out(b"c" * 32)
    for edition in (selling, closed):
        feed = studio.collection.edition(edition).feed
        with boa.reverts("collection: edition is not revealed"):
            studio.on_report(feed, ROOT_DIGEST)
        studio.on_report(feed, bytes(32))
        assert studio.collection.edition(edition).content_root == bytes(32)


def test_on_report__not_from_the_oracle__is_refused(studio: Studio) -> None:
    edition = studio.revealed()
    feed = studio.collection.edition(edition).feed
    for stranger in (studio.artist, boa.env.generate_address(), studio.collection.address):
        with boa.reverts("collection: caller is not the oracle"):
            studio.on_report(feed, ROOT_DIGEST, sender=stranger)


def test_on_report__foreign_feed__is_refused_and_the_report_lands(studio: Studio) -> None:
    edition = studio.revealed()
    # Named to this collection in the oracle, but never opened here.
    foreign = studio.feed(99)
    for feed in (0, foreign, 2**256 - 1):
        with boa.reverts("collection: no edition on this feed"):
            studio.on_report(feed, ROOT_DIGEST)
    studio.transmit(foreign, WAD // 50, ROOT_DIGEST)
    assert studio.oracle.feed(foreign).answer == WAD // 50
    assert studio.collection.edition(edition).content_root == bytes(32)


def test_on_report__each_feed__repaints_its_own_edition(studio: Studio) -> None:
    first, second = studio.revealed(b"1" * 32), studio.revealed(b"2" * 32)
    studio.on_report(studio.collection.edition(second).feed, ROOT_DIGEST)
    assert studio.collection.edition(first).content_root == bytes(32)
    assert studio.collection.edition(second).content_root == ROOT_DIGEST


def test_on_report__gas__stays_below_15k_with_everything_cold(deployers: dict[str, Any]) -> None:
    # Its own chain: the counters of what is warm cannot be reset between the snapshots of the shared one.
    with boa.swap_env(boa.Env()), fresh_chain(anchor=False):
        studio = new_studio(deployers)
        edition = studio.revealed()
        feed = studio.collection.edition(edition).feed
        studio.on_report(feed, keccak(b"the first report writes an empty slot"))
        used = []
        for answer, previous_band in ((1, 0), (2, 1)):
            state = boa.env.evm.vm.state
            state.lock_changes()
            state._account_db._reset_access_counters()
            studio.on_report(feed, keccak(b"%d" % answer), answer=answer, previous_band=previous_band)
            used.append(studio.collection._computation.get_gas_used())
    assert used[0] <= 14_000
    assert used[1] <= 12_000
    assert used[1] > 8_000, "measured warm"
