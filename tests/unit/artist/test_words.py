"""Bands and next steps in words."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from node.chain.types import Edition, EditionState, Policy
from node.cli.edition.words import bands, next_step

WAD = 10**18
POLICY = Policy(10, 3, 0, 0, 0, (-WAD // 100, WAD // 50))
EDITION = Edition(
    "0x" + "11" * 20, 4, 3, 0, WAD, 1, b"r" * 32, b"p" * 32, b"c" * 32, 0, 0, bytes(32), bytes(32), bytes(32),
    EditionState.SELLING,
)  # fmt: skip


def test_bands__every_one__is_named_with_its_edges() -> None:
    assert [" ".join(text.split()) for _, text in bands(("storm", "dawn", "golden"), POLICY)] == [
        "storm below -1.00 %",
        "dawn -1.00 % to 2.00 %",
        "golden 2.00 % and above",
    ]
    assert bands(("dawn",), replace(POLICY, thresholds=())) == [("band 1", "dawn         any")]


@pytest.mark.parametrize(
    ("changes", "head", "said"),
    [
        ({}, 1, "3 left: patina edition mint 4"),
        ({"minted": 3}, 1, "patina edition close 4"),
        ({"state": EditionState.CLOSED}, 1, "over: nothing was sold"),
        ({"state": EditionState.CLOSED, "minted": 1, "reveal_block": 9}, 9, "from block 10 on, 1 to go"),
        ({"state": EditionState.CLOSED, "minted": 1, "reveal_block": 9}, 10, "patina edition reveal 4"),
        ({"state": EditionState.CLOSED, "minted": 1, "randomness": b"x" * 32}, 1, "patina edition reveal 4"),
        ({"state": EditionState.REVEALED, "minted": 1}, 1, "to be painted at the next checkpoint"),
        ({"state": EditionState.REVEALED, "minted": 1, "content_root": b"x" * 32}, 1, "painted"),
    ],
)
def test_next_step__each_state__says_what_comes(changes: dict[str, Any], head: int, said: str) -> None:
    assert said in next_step(replace(EDITION, **changes), head)
