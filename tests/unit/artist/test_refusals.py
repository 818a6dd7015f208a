"""Every refusal that is explained is one that the contracts utter."""

from __future__ import annotations

from pathlib import Path

import snekmate

from node.artist.refusals import REFUSALS, explain
from node.errors import RevertError

ROOT = Path(__file__).parents[3]


def test_refusals__every_reason__stands_in_a_contract() -> None:
    sources = [*(ROOT / "contracts").rglob("*.vy"), *Path(snekmate.__path__[0]).rglob("ownable*.vy")]
    said = "".join(path.read_text() for path in sources)
    assert [reason for reason in REFUSALS if f'"{reason}"' not in said] == []


def test_explain__unknown_reason__stays_as_it_is() -> None:
    assert explain(RevertError("a contract refused: something new")) == "a contract refused: something new"


def test_explain__explained_already__is_not_explained_twice() -> None:
    once = explain(RevertError("reverted: sales: sold out"))
    assert "what to do" in once
    assert explain(RevertError(once)) == once
