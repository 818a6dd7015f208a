"""docs/chain.md names settings, states, counters and codes that exist."""

from __future__ import annotations

import re
from dataclasses import fields
from pathlib import Path
from typing import get_args

from node.chain.endpoints.limits import _LONGEST
from node.chain.endpoints.witnesses import _CODES
from node.chain.sending.sender import _FOREIGN
from node.config.schema import ChainConfig, TransmitConfig
from node.journal.transactions import TransactionState

ROOT = Path(__file__).parents[3]
PAGE = (ROOT / "docs" / "chain.md").read_text()
SOURCE = "".join(path.read_text() for path in (ROOT / "node" / "chain").rglob("*.py"))


def test_page__every_setting_that_it_names__exists() -> None:
    for section, config in (("chain", ChainConfig), ("transmit", TransmitConfig)):
        known = {each.name for each in fields(config)}
        named = set(re.findall(rf"`{section}\.(\w+)`", PAGE))
        assert named
        assert named <= known


def test_page__states_of_a_transaction__are_all_there_in_order() -> None:
    rows = re.findall(r"^\| (\w+) \|", PAGE.partition("## Transactions")[2], re.MULTILINE)
    assert rows == ["state", *get_args(TransactionState)]


def test_page__counters_and_codes__are_those_of_the_code() -> None:
    for counter in ("lagging", "unwitnessed", "outvoted", "disagreements", "believed_alone", "pruned"):
        assert f"`{counter}`" in PAGE
        assert f'"{counter}"' in SOURCE
    for code in _CODES.values():
        assert f"`{code}`" in PAGE


def test_page__bounds__are_those_of_the_code() -> None:
    assert (_LONGEST, "at most ten minutes" in PAGE) == (600.0, True)
    assert f"at most {_FOREIGN}." in PAGE
