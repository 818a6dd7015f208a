"""Selling, closing and withdrawing: what an edition promises its buyers and pays its artist."""

from __future__ import annotations

from typing import Any

import boa
import pytest
from eth_utils import keccak

from .conftest import GENESIS, REVEAL_DELAY, ZERO, Studio


def test_deploy__oracle_without_code__is_refused(studio: Studio, deployers: dict[str, Any]) -> None:
    with boa.reverts("collection: oracle is not a contract"):
        deployers["DynamicCollection"].deploy("Weather", "WTHR", boa.env.generate_address(), 1, "")


@pytest.mark.parametrize("delay", [0, 50_401])
def test_deploy__reveal_delay_out_of_range__is_refused(studio: Studio, deployers: dict[str, Any], delay: int) -> None:
    with boa.reverts("seeds: reveal delay out of range"):
        deployers["DynamicCollection"].deploy("Weather", "WTHR", studio.oracle, delay, "")


def test_deploy__collection__tells_its_name_and_oracle(studio: Studio) -> None:
    collection = studio.collection
    assert (collection.name(), collection.symbol()) == ("Weather", "WTHR")
    assert collection.contractURI() == "ipfs://collection"
    assert collection.ORACLE() == studio.oracle.address
    assert collection.REVEAL_DELAY() == REVEAL_DELAY
    assert collection.owner() == studio.artist
    assert not hasattr(collection, "permit")
    assert not hasattr(collection, "burn")


def test_open_edition__by_the_artist__stands_as_asked(studio: Studio) -> None:
    edition = studio.open(supply=999_999, price=7, secret=b"x" * 32)
    (opened,) = [log for log in studio.collection.get_logs() if type(log).__name__ == "EditionOpened"]
    assert (opened.edition, opened.feed, opened.supply, opened.price) == (1, 1, 999_999, 7)
    told = studio.collection.edition(edition)
    assert (told.supply, told.minted, told.price, told.feed, told.state) == (999_999, 0, 7, 1, 1)
    assert told.recipe == keccak(b"recipe")
    assert told.placeholder == keccak(b"placeholder")
    assert told.commitment == keccak(b"x" * 32)
    assert told.content_root == told.seed == told.randomness == bytes(32)
    assert studio.collection.next_edition() == 2
    assert studio.open() == 2


def test_open_edition__by_a_stranger__is_refused(studio: Studio) -> None:
    feed = studio.feed(1)
    terms = (6, 5, feed, keccak(b"r"), keccak(b"p"), keccak(b"c"), ZERO, 0)
    with boa.reverts("ownable: caller is not the owner"):
        studio.collection.open_edition(*terms, sender=boa.env.generate_address())


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"supply": 0}, "sales: supply out of range"),
        ({"supply": 1_000_000}, "sales: supply out of range"),
        ({"recipe": bytes(32)}, "collection: no recipe"),
        ({"placeholder": bytes(32)}, "collection: no placeholder"),
        ({"commitment": bytes(32)}, "seeds: no commitment"),
        ({"royalty_basis_points": 10_001}, "royalties: more than the price"),
        ({"royalty_receiver": ZERO}, "royalties: receiver and share do not fit"),
        ({"royalty_basis_points": 0}, "royalties: receiver and share do not fit"),
        ({"feed": 99}, "feeds: unknown feed"),
    ],
)
def test_open_edition__bad_term__is_refused(studio: Studio, changes: dict[str, Any], reason: str) -> None:
    with boa.reverts(reason):
        studio.open(**changes)


def test_open_edition__feed_of_another_edition_or_collection__is_refused(studio: Studio) -> None:
    for foreign in (studio.feed(2), studio.feed(1, collection=studio.vault.address), studio.feed(1, ZERO)):
        with boa.reverts("collection: feed of something else"):
            studio.open(feed=foreign)


def test_open_edition__commitment_of_an_earlier_edition__is_refused(studio: Studio) -> None:
    studio.open(secret=b"y" * 32)
    with boa.reverts("seeds: commitment used before"):
        studio.open(secret=b"y" * 32)


def test_mint__exact_payment__gives_consecutive_tokens(studio: Studio) -> None:
    edition = studio.open(price=5)
    buyer = boa.env.generate_address()
    studio.buy(edition, 2, buyer)
    studio.buy(edition, 3, buyer)
    assert [studio.collection.ownerOf(studio.token(edition, i)) for i in range(1, 6)] == [buyer] * 5
    assert studio.collection.balanceOf(buyer) == 5
    assert studio.collection.totalSupply() == 5
    assert studio.collection.edition(edition).minted == 5
    assert boa.env.get_balance(studio.collection.address) == 25


@pytest.mark.parametrize("paid", [0, 9, 11])
def test_mint__other_payment__is_refused(studio: Studio, paid: int) -> None:
    edition = studio.open(price=5)
    boa.env.set_balance(studio.artist, 100)
    with boa.reverts("sales: wrong payment"):
        studio.collection.mint(edition, studio.artist, 2, value=paid)


@pytest.mark.parametrize("quantity", [0, 101, 2**256 - 1])
def test_mint__quantity_out_of_range__is_refused(studio: Studio, quantity: int) -> None:
    edition = studio.open(supply=500, price=0)
    with boa.reverts("sales: quantity out of range"):
        studio.collection.mint(edition, studio.artist, quantity)


def test_mint__most_tokens_of_one_call__fit_a_transaction(studio: Studio) -> None:
    edition = studio.open(supply=100)
    studio.buy(edition, 100)
    # EIP-7825 caps a transaction's gas at 2**24 from the fork after Prague on.
    assert studio.collection.call_trace().gas_used < 2**24


def test_mint__beyond_the_supply__is_refused(studio: Studio) -> None:
    edition = studio.open(supply=3)
    studio.buy(edition, 2)
    with boa.reverts("sales: sold out"):
        studio.buy(edition, 2)
    studio.buy(edition, 1)
    with boa.reverts("sales: sold out"):
        studio.buy(edition, 1)


def test_mint__edition_unknown_or_closed__is_refused(studio: Studio) -> None:
    for unknown in (0, 1):
        with boa.reverts("sales: unknown edition"):
            studio.collection.mint(unknown, studio.artist, 1)
    edition = studio.open(price=0)
    studio.buy(edition)
    studio.collection.close_edition(edition)
    with boa.reverts("sales: edition is closed"):
        studio.buy(edition)


def test_mint__to_the_zero_address__is_refused(studio: Studio) -> None:
    edition = studio.open(price=0)
    with boa.reverts("erc721: mint to the zero address"):
        studio.collection.mint(edition, ZERO, 1)


def test_close_edition__before_selling_out__is_for_the_artist(studio: Studio) -> None:
    edition = studio.open(supply=6)
    studio.buy(edition, 2)
    with boa.reverts("ownable: caller is not the owner"):
        studio.collection.close_edition(edition, sender=boa.env.generate_address())
    studio.collection.close_edition(edition)
    told = studio.collection.edition(edition)
    # What was not sold never will be: a content root covers every token there will ever be.
    assert (told.supply, told.minted, told.state) == (2, 2, 2)
    assert (told.closed_at, told.reveal_block) == (GENESIS, GENESIS + REVEAL_DELAY)
    with boa.reverts("sales: edition is closed"):
        studio.collection.close_edition(edition)


def test_close_edition__sold_out__is_for_anyone(studio: Studio) -> None:
    edition = studio.open(supply=2)
    studio.buy(edition, 2)
    studio.collection.close_edition(edition, sender=boa.env.generate_address())
    assert studio.collection.edition(edition).state == 2


def test_close_edition__nothing_sold__ends_the_edition(studio: Studio) -> None:
    edition = studio.open(secret=b"z" * 32)
    studio.collection.close_edition(edition)
    studio.go_to(GENESIS + REVEAL_DELAY + 1)
    for call in (
        lambda: studio.collection.record_randomness(edition, b"\xc0"),
        lambda: studio.collection.rearm(edition),
        lambda: studio.collection.reveal(edition, b"z" * 32),
    ):
        with boa.reverts("sales: edition is empty"):
            call()
    with boa.reverts("collection: no edition on this feed"):
        studio.on_report(studio.collection.edition(edition).feed, bytes(32))


def test_withdraw_proceeds__by_the_artist__pays_everything_once(studio: Studio) -> None:
    edition = studio.open(price=50)
    studio.buy(edition, 3)
    purse = boa.env.generate_address()
    with boa.reverts("ownable: caller is not the owner"):
        studio.collection.withdraw_proceeds(purse, sender=purse)
    with boa.reverts("collection: receiver is the zero address"):
        studio.collection.withdraw_proceeds(ZERO)
    studio.collection.withdraw_proceeds(purse)
    (log,) = studio.collection.get_logs()
    assert (log.receiver, log.amount) == (purse, 150)
    assert boa.env.get_balance(purse) == 150
    assert boa.env.get_balance(studio.collection.address) == 0
    with boa.reverts("collection: nothing to withdraw"):
        studio.collection.withdraw_proceeds(purse)


def test_withdraw_proceeds__value_sent_with_a_transfer__is_not_lost(studio: Studio) -> None:
    # ERC-721 has transferFrom payable, and snekmate's is.
    edition = studio.open(price=0)
    studio.buy(edition, 1, studio.artist)
    boa.env.set_balance(studio.artist, 3)
    receiver, purse = boa.env.generate_address(), boa.env.generate_address()
    studio.collection.transferFrom(studio.artist, receiver, studio.token(edition, 1), value=3)
    studio.collection.withdraw_proceeds(purse)
    assert boa.env.get_balance(purse) == 3


def test_transfer_ownership__takes_two_steps__and_the_new_artist_acts(studio: Studio) -> None:
    heir = boa.env.generate_address()
    studio.collection.transfer_ownership(heir)
    assert studio.collection.owner() == studio.artist
    studio.collection.accept_ownership(sender=heir)
    assert studio.collection.owner() == heir
    with boa.reverts("ownable: caller is not the owner"):
        studio.collection.set_contract_uri("ipfs://other")
    studio.collection.set_contract_uri("ipfs://other", sender=heir)
    assert [type(log).__name__ for log in studio.collection.get_logs()] == ["ContractURIUpdated"]
    assert studio.collection.contractURI() == "ipfs://other"


def test_royalty_info__per_edition__follows_the_artist(studio: Studio) -> None:
    first, second = studio.open(), studio.open(royalty_receiver=ZERO, royalty_basis_points=0)
    other = boa.env.generate_address()
    assert studio.collection.royaltyInfo(studio.token(first, 1), 10_001) == (studio.artist, 500)
    assert studio.collection.royaltyInfo(studio.token(second, 1), 10_001) == (ZERO, 0)
    studio.collection.set_royalty(second, other, 10_000)
    (log,) = studio.collection.get_logs()
    assert (log.edition, log.receiver, log.basis_points) == (second, other, 10_000)
    assert studio.collection.royaltyInfo(studio.token(second, 999_999), 77) == (other, 77)
    with boa.reverts("ownable: caller is not the owner"):
        studio.collection.set_royalty(second, other, 1, sender=other)
    with boa.reverts("sales: unknown edition"):
        studio.collection.set_royalty(9, other, 1)


@pytest.mark.parametrize(
    "interface",
    ["01ffc9a7", "80ac58cd", "5b5e139f", "780e9d63", "2a55205a", "49064906", "af332f3e"],
)
def test_supports_interface__what_is_built__is_told(studio: Studio, interface: str) -> None:
    assert studio.collection.supportsInterface(bytes.fromhex(interface))


@pytest.mark.parametrize("interface", ["ffffffff", "00000000", "589c5ce2", "150b7a02"])
def test_supports_interface__anything_else__is_denied(studio: Studio, interface: str) -> None:
    assert not studio.collection.supportsInterface(bytes.fromhex(interface))
