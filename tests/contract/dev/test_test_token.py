"""The test token: an ERC-20 of any decimals whose minting has an owner."""

from __future__ import annotations

from typing import Any

import boa
import pytest


@pytest.fixture
def token(deployers: dict[str, Any]) -> Any:
    return deployers["TestToken"].deploy("Wrapped bitcoin", "cbBTC", 8)


def test_deploy__token__has_its_name_decimals_and_no_supply(token: Any) -> None:
    assert (token.name(), token.symbol(), token.decimals()) == ("Wrapped bitcoin", "cbBTC", 8)
    assert token.totalSupply() == 0
    assert token.owner() == boa.env.eoa


def test_mint__by_the_owner_and_its_minters__makes_tokens(token: Any) -> None:
    holder, faucet = boa.env.generate_address(), boa.env.generate_address()
    token.mint(holder, 7)
    with boa.reverts("erc20: access is denied"):
        token.mint(faucet, 1, sender=faucet)
    token.set_minter(faucet, True)
    token.mint(holder, 3, sender=faucet)
    assert token.balanceOf(holder) == token.totalSupply() == 10


def test_transfer__more_than_held__is_refused(token: Any) -> None:
    holder = boa.env.generate_address()
    token.mint(holder, 7)
    with boa.reverts("erc20: transfer amount exceeds balance"):
        token.transfer(boa.env.eoa, 8, sender=holder)
    token.transfer(boa.env.eoa, 7, sender=holder)
    assert token.balanceOf(boa.env.eoa) == 7


def test_drip__by_anyone__mints_a_thousand_units_once_a_day_and_account(token: Any) -> None:
    stranger, other = boa.env.generate_address(), boa.env.generate_address()
    token.drip(sender=stranger)
    assert token.balanceOf(stranger) == token.totalSupply() == 1_000 * 10**8
    token.drip(sender=other)
    assert token.next_drip(stranger) == boa.env.evm.patch.timestamp + 86_400
    boa.env.time_travel(seconds=86_399)
    with boa.reverts("token: one drip a day"):
        token.drip(sender=stranger)
    boa.env.time_travel(seconds=1)
    token.drip(sender=stranger)
    assert (token.balanceOf(stranger), token.balanceOf(other)) == (2_000 * 10**8, 1_000 * 10**8)


def test_drip__token_of_impossible_decimals__is_refused(deployers: dict[str, Any]) -> None:
    vast = deployers["TestToken"].deploy("Vast", "VAST", 255)
    with boa.reverts():
        vast.drip()
    assert vast.totalSupply() == 0
