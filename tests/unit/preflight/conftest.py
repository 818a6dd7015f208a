"""A node's folder with real keys, and facts about it that ask nobody."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import structlog

from node.config.directory import create_node_folder
from node.keys.secrets import Secret
from node.keys.signing import SCRYPT_N_LIGHT
from node.preflight.facts import Facts
from node.preflight.finding import Finding, Notes, Verdict
from node.preflight.subjects import check_of

ORACLE = "0xdD870fA1b7C4700F2BD7f44238821C26f7392148"
PASSWORD = "planted-preflight-password"


@pytest.fixture(autouse=True)
def own_state(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[None]:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "remembered"))
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(50))
    yield
    structlog.reset_defaults()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    settings: dict[str, Any] = {
        "chain": {"id": 31337, "oracle": ORACLE, "endpoints": ["http://127.0.0.1:1"]},
        "gossip": {"brokers": [{"url": "mqtt://127.0.0.1:1"}]},
    }
    create_node_folder(tmp_path / "node", settings, Secret(PASSWORD), keep_password=True, scrypt_n=SCRYPT_N_LIGHT)
    return tmp_path / "node"


class Quiet(Facts):
    """Facts of a node whose chain is out of reach."""

    async def _survey(self) -> Any:
        from node.preflight.survey import Survey

        return Survey([], 8)


Look = Callable[..., Any]


@pytest.fixture
def look(folder: Path) -> Look:
    """Looks at one subject of the folder's node: its findings by code."""

    async def look(subject: str, **how: Any) -> dict[str, Finding]:
        facts = Quiet(folder / "config.toml", environ=how.pop("environ", {}), **how)
        notes = Notes(subject)
        await check_of(subject)(facts, notes)
        return {one.code: one for one in notes.found}

    return look


def verdicts(found: dict[str, Finding]) -> dict[str, Verdict]:
    return {code: one.verdict for code, one in found.items()}
