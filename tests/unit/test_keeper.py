"""Finding keepers: in the order of their names, and none is a fault that the operator can mend."""

from __future__ import annotations

from dataclasses import dataclass
from importlib.metadata import EntryPoint
from types import SimpleNamespace
from typing import Any, cast

import pytest

from keepers.staking import StakingKeeper
from keepers.vaults import VaultKeeper
from node import keeper
from node.config.schema import StakingConfig, TransmitConfig
from node.errors import ConfigError
from node.keeper import NodeContext, find_keepers


@dataclass
class Named:
    """Stands in for an entry point's target; what it is built with is kept."""

    name: str


CONTEXT = NodeContext(
    cast(Any, SimpleNamespace(transmit=TransmitConfig(), staking=StakingConfig(), chain=SimpleNamespace(multicall=""))),
    cast(Any, SimpleNamespace(pool=None)),
    *(cast(Any, None) for _ in range(5)),
)


def test_find_keepers__as_installed__are_those_of_vaults_and_then_of_staking() -> None:
    assert [type(found) for found in find_keepers(CONTEXT)] == [VaultKeeper, StakingKeeper]


def test_find_keepers__several__come_by_name_whatever_order_they_were_installed_in(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    points = [EntryPoint(name, f"{__name__}:Named", keeper.GROUP) for name in ("z", "a", "m")]
    built: list[str] = []
    monkeypatch.setattr(keeper, "entry_points", lambda group: points)
    monkeypatch.setattr(EntryPoint, "load", lambda self: lambda context: built.append(self.name))
    find_keepers(CONTEXT)
    assert built == ["a", "m", "z"]


def test_find_keepers__none_installed__says_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(keeper, "entry_points", lambda group: [])
    with pytest.raises(ConfigError, match="reinstall"):
        find_keepers(CONTEXT)


class Counting:
    """A keeper that judges no feeds."""

    async def resume(self, feeds: Any) -> None: ...

    async def final_head(self, head: Any, feeds: Any) -> None: ...


def test_judge__some_keepers_judge_nothing__is_the_first_that_does() -> None:
    vaults, staking = find_keepers(CONTEXT)
    assert keeper.judge([Counting(), staking, vaults]) is vaults
    with pytest.raises(ConfigError, match="judges feeds"):
        keeper.judge([Counting()])
