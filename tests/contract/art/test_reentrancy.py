"""Contracts that buy: state is settled before they are called, and their calls bend no sale and no report."""

from __future__ import annotations

from typing import Any

import boa
import pytest
from eth_utils import keccak

from .conftest import CADENCE, WAD, Studio


@pytest.fixture
def buyer(studio: Studio) -> Any:
    receiver = studio.receivers.deploy()
    boa.env.set_balance(receiver.address, 1_000)
    return receiver


def calldata(function: Any, *arguments: Any) -> bytes:
    return bytes(function.prepare_calldata(*arguments))


def test_mint__to_a_receiver__settles_all_tokens_before_the_first_call(studio: Studio, buyer: Any) -> None:
    # Omni (2022) and Revest (2022): a callback in the middle of a mint saw, and used, half-written state.
    edition = studio.open(supply=6, price=5)
    studio.buy(edition, 4, buyer.address)
    assert buyer.owned_at_first_call() == 4
    assert buyer.calls() == 4
    assert studio.collection.edition(edition).minted == 4


def test_mint__receiver_that_refuses__gets_nothing(studio: Studio, buyer: Any) -> None:
    edition = studio.open()
    buyer.answer(b"\xde\xad\xbe\xef")
    with boa.reverts("erc721: transfer to non-IERC721Receiver implementer"):
        studio.buy(edition, 1, buyer.address)
    assert studio.collection.edition(edition).minted == 0


def test_mint__contract_without_a_receiver_function__gets_nothing(studio: Studio) -> None:
    edition = studio.open(price=0)
    with boa.reverts():
        studio.collection.mint(edition, studio.vault, 1)
    assert studio.collection.edition(edition).minted == 0


@pytest.mark.parametrize("function", ["mint", "close_edition", "withdraw_proceeds"])
def test_mint__callback_re_enters__is_refused_in_every_locked_function(
    studio: Studio, buyer: Any, function: str
) -> None:
    # Omni and Revest (2022) re-entered; the Vyper locks of 2023 did not hold across functions.
    edition = studio.open(supply=2, price=5)
    studio.buy(edition, 1)
    arguments = {
        "mint": (edition, buyer.address, 1),
        "close_edition": (edition,),
        "withdraw_proceeds": (buyer.address,),
    }[function]
    studio.collection.transfer_ownership(buyer.address)
    buyer.run(studio.collection, calldata(studio.collection.accept_ownership), 0)
    buyer.arm(studio.collection, calldata(getattr(studio.collection, function), *arguments), 5 * (function == "mint"))
    studio.buy(edition, 1, buyer.address)
    assert buyer.calls() == 1
    assert not buyer.inner_success()
    assert studio.collection.edition(edition).state == 1
    assert boa.env.get_balance(studio.collection.address) == 10

    # Outside of the callback the very same call is fine: it was the lock that refused it.
    if function != "mint":
        buyer.run(studio.collection, calldata(getattr(studio.collection, function), *arguments), 0)


def test_mint__callback_passes_the_token_on__works(studio: Studio, buyer: Any) -> None:
    edition = studio.open(supply=2)
    heir = boa.env.generate_address()
    token = studio.token(edition, 1)
    buyer.arm(studio.collection, calldata(studio.collection.transferFrom, buyer.address, heir, token), 0)
    studio.buy(edition, 2, buyer.address)
    assert buyer.inner_success()
    assert studio.collection.ownerOf(token) == heir
    assert studio.collection.ownerOf(token + 1) == buyer.address
    assert studio.collection.balanceOf(buyer.address) == 1


@pytest.mark.parametrize("again", ["mint", "withdraw_proceeds"])
def test_withdraw_proceeds__receiver_re_enters__is_refused(studio: Studio, buyer: Any, again: str) -> None:
    edition = studio.open(price=5)
    studio.buy(edition, 2)
    studio.collection.transfer_ownership(buyer.address)
    buyer.run(studio.collection, calldata(studio.collection.accept_ownership), 0)
    inner = {
        "mint": calldata(studio.collection.mint, edition, buyer.address, 1),
        "withdraw_proceeds": calldata(studio.collection.withdraw_proceeds, buyer.address),
    }[again]
    buyer.arm(studio.collection, inner, 5 * (again == "mint"))
    buyer.run(studio.collection, calldata(studio.collection.withdraw_proceeds, buyer.address), 0)
    assert not buyer.inner_success()
    assert boa.env.get_balance(buyer.address) == 1_010
    assert studio.collection.edition(edition).minted == 2


def test_on_report__transmitted_from_within_a_mint__still_repaints(studio: Studio, buyer: Any) -> None:
    # A lock on on_report would let whoever holds a report land it with its repaint lost for good.
    painted = studio.revealed()
    feed = studio.collection.edition(painted).feed
    selling = studio.open()
    boa.env.time_travel(blocks=2 * CADENCE)
    root = keccak(b"root")
    buyer.arm(studio.oracle, studio.report(feed, WAD // 50 + WAD // 1000, root), 0)
    studio.buy(selling, 1, buyer.address)
    assert buyer.inner_success()
    assert studio.oracle.band(feed) == 2
    assert studio.collection.edition(painted).content_root == root
