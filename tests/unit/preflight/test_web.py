"""The ports of pages and metrics: free, or in use, before the node needs them."""

from __future__ import annotations

from errno import EADDRINUSE
from pathlib import Path
from typing import Any

import pytest

from node.cli import status
from node.journal.safety.lock import DirectoryLock
from node.keys.secrets import Secret
from node.preflight import web
from node.preflight.finding import Verdict


def settle(folder: Path, lines: str) -> None:
    path = folder / "config.toml"
    text = path.read_text()
    assert "\n[web]\n" in text
    path.write_text(text.replace("\n[web]\n", f"\n[web]\n{lines}\n"))


@pytest.fixture
def taken(monkeypatch: pytest.MonkeyPatch) -> set[int]:
    """Ports that another program has."""
    ports: set[int] = set()

    def listen(_: str, port: int) -> None:
        if port in ports:
            raise OSError(EADDRINUSE, "Address already in use")

    monkeypatch.setattr(web, "_listen", listen)
    return ports


async def test_ports__taken_by_others__are_faults_with_the_address(folder: Path, look: Any, taken: set[int]) -> None:
    taken.update((8123, 9464))
    settle(folder, "port = 8123\nmetrics_port = 9464")
    found = await look("web")
    assert {code: (each.verdict, each.detail) for code, each in found.items()} == {
        "web.port": (Verdict.FAULT, "cannot listen on 127.0.0.1:8123: Address already in use"),
        "web.metrics-port": (Verdict.FAULT, "cannot listen on 127.0.0.1:9464: Address already in use"),
    }


async def test_ports__free__are_well(folder: Path, look: Any, taken: set[int]) -> None:
    settle(folder, "port = 8123\nmetrics_port = 9464")
    assert {each.verdict for each in (await look("web")).values()} == {Verdict.OK}


async def test_ports__metrics_among_the_pages__have_nothing_to_be_said(
    folder: Path, look: Any, taken: set[int]
) -> None:
    taken.add(9464)
    settle(folder, "port = 8123")
    assert list(await look("web")) == ["web.port"]


async def test_ports__running_node_that_wants_a_token__is_asked_with_it(
    folder: Path, look: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    settle(folder, "port = 8123")
    seen: list[str] = []

    def fetch(url: str, token: Secret | None = None) -> tuple[dict[str, Any], list[str]]:
        seen.append("" if token is None else token.reveal())
        return {}, []

    monkeypatch.setattr(status, "fetch", fetch)
    token = "planted-operator-token-0123456789abcdef"
    (folder / "state").mkdir(exist_ok=True)
    with DirectoryLock(folder / "state"):
        assert (await look("web", environ={"PATINA_OPERATOR_TOKEN": token}))["web.port"].verdict is Verdict.OK
    assert seen == [token]
