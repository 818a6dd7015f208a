"""Vaults over test tokens of any decimals, on an in-memory chain."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import boa
import pytest

from tests.contracts import Compile

ROOT = Path(__file__).parents[3]


class Bank(NamedTuple):
    """A vault, its asset, and the account that is strategy and minter."""

    vault: Any
    asset: Any
    strategy: str

    def deposit(self, assets: int, depositor: str | None = None) -> str:
        """Deposits for someone who has exactly that much."""
        account = depositor or boa.env.generate_address()
        self.asset.mint(account, assets)
        self.asset.approve(self.vault, assets, sender=account)
        self.vault.deposit(assets, account, sender=account)
        return account

    def one_share(self) -> int:
        return 10 ** int(self.vault.decimals())

    def price(self) -> int:
        return int(self.vault.convertToAssets(self.one_share()))

    def reach(self, price: int) -> None:
        """Reports what the vault itself says leads to this price."""
        profit, loss = self.vault.gap(price)
        if profit:
            self.asset.mint(self.strategy, profit)
            self.asset.approve(self.vault, profit)
            self.vault.report_profit(profit)
        if loss:
            self.vault.report_loss(loss)


@pytest.fixture(scope="session")
def deployers(compiled: Compile) -> dict[str, Any]:
    return {name: compiled(ROOT / f"contracts/dev/{name}.vy") for name in ("TestToken", "YieldVault")}


@pytest.fixture(autouse=True)
def chain() -> Iterator[None]:
    with boa.env.anchor():
        yield


@pytest.fixture(scope="session")
def make_bank(deployers: dict[str, Any]) -> Callable[..., Bank]:
    def make(decimals: int = 6, offset: int = 0) -> Bank:
        asset = deployers["TestToken"].deploy("Dollar", "USD", decimals)
        vault = deployers["YieldVault"].deploy(asset, "Yield dollar", "yUSD", offset, boa.env.eoa)
        return Bank(vault, asset, boa.env.eoa)

    return make


@pytest.fixture
def bank(make_bank: Callable[..., Bank]) -> Bank:
    return make_bank()
