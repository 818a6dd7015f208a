"""`patina publish` against real servers: an edition brought by hand, and a node's own publishing told."""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from aiohttp import web
from click.testing import CliRunner, Result

from node.cli import main
from node.content.cid import directory_cid, raw_cid, sha256
from node.content.store import BlockStore
from node.journal import Journal
from node.journal.publications import PublicationRow
from tests.integration.publish.conftest import paint
from tests.integration.publish.kubo import Kubo

TOKEN = "of-the-attic-and-secret"


def patina(*arguments: str) -> Result:
    return CliRunner().invoke(main, ["publish", *arguments])


@pytest.fixture
def attic() -> Iterator[tuple[Kubo, str]]:
    """A Kubo node in a thread of its own: commands run event loops themselves."""
    node, loop, ready = Kubo(token=f"Bearer {TOKEN}"), asyncio.new_event_loop(), threading.Event()
    urls: list[str] = []

    async def start() -> web.AppRunner:
        runner = web.AppRunner(node.app(), access_log=None)
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        urls.append(f"http://127.0.0.1:{runner.addresses[0][1]}")
        ready.set()
        return runner

    def work() -> None:
        runner = loop.run_until_complete(start())
        loop.run_forever()
        loop.run_until_complete(runner.cleanup())

    thread = threading.Thread(target=work)
    thread.start()
    ready.wait(20)
    yield node, urls[0]
    loop.call_soon_threadsafe(loop.stop)
    thread.join()
    loop.close()


@pytest.fixture
def folder(tmp_path: Path, attic: tuple[Kubo, str]) -> Path:
    """A node's folder with two places to publish to, one of them not there."""
    (tmp_path / "token").write_text(TOKEN)
    (tmp_path / "token").chmod(0o600)
    (tmp_path / "config.toml").write_text(f"""
[chain]
id = 31337
oracle = "0x1111111111111111111111111111111111111111"
endpoints = ["http://127.0.0.1:1"]
[[gossip.brokers]]
url = "mqtt://127.0.0.1:1"
[web]
port = 1
[[content.publish]]
kind = "kubo"
url = "{attic[1]}"
name = "attic"
token_file = "token"
[[content.publish]]
kind = "kubo"
url = "http://127.0.0.1:1"
""")
    return tmp_path


def test_publish__without_a_node__pinned_and_told(tmp_path: Path, attic: tuple[Kubo, str]) -> None:
    node, url = attic
    store = BlockStore(tmp_path / "blocks")
    root = directory_cid(paint(store))
    (tmp_path / "token").write_text(TOKEN)
    (tmp_path / "token").chmod(0o600)
    arguments = [root, "--content", str(store.path), "--kubo", url, "--token-file", str(tmp_path / "token")]
    done = patina(*arguments)
    assert done.exit_code == 0, done.output
    assert f"{url}: pinned, 6 blocks" in done.output
    assert node.pins == {root, raw_cid(sha256(b'{"a":"recipe"}'))}
    assert patina(*arguments).exit_code == 0
    assert len(node.imports) == 1
    refused = patina(*arguments[:-2])
    assert (refused.exit_code, "does not take the token" in refused.output) == (1, True)
    assert TOKEN not in done.output + refused.output


def test_publish__configured_places__each_told_and_one_failure_fails(folder: Path, attic: tuple[Kubo, str]) -> None:
    root = directory_cid(paint(BlockStore(folder / "state" / "blocks")))
    done = patina(root, "--config", str(folder), "--json")
    assert done.exit_code == 1
    told = {each["name"]: each for each in json.loads(done.output)["targets"]}
    assert told["attic"]["pinned"]
    assert "cannot be reached" in told["http://127.0.0.1:1"]["said"]
    assert patina(root, "--config", str(folder), "--to", "attic").exit_code == 0
    assert "none of the places" in patina(root, "--config", str(folder), "--to", "cellar").output


def test_publish__block_missing__nothing_is_sent(folder: Path, attic: tuple[Kubo, str]) -> None:
    store = BlockStore(folder / "state" / "blocks")
    root = directory_cid(paint(store))
    [gone] = store.path.rglob(raw_cid(sha256(b"\x89PNG\r\n\x1a\n" + bytes([1]) * 50)))
    gone.unlink()
    done = patina(root, "--config", str(folder))
    assert (done.exit_code, gone.name in done.output, attic[0].asked) == (1, True, [])


def test_status__node_that_does_not_run__told_from_its_journal(folder: Path) -> None:
    with Journal(folder / "state") as journal:
        journal.publications.add(["attic", "http://127.0.0.1:1"], b"\1" * 32, 1, 100)
        journal.publications.mark(PublicationRow("attic", b"\1" * 32, 1, 100), "published")
    done = patina("status", "--config", str(folder))
    assert done.exit_code == 0, done.output
    assert "attic (kubo): 1 published, 0 waiting" in done.output
    assert "http://127.0.0.1:1 (kubo): 0 published, 1 waiting" in done.output
    assert json.loads(patina("status", "--config", str(folder), "--json").output)["behind"] == 1


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ([directory_cid(bytes(32)), "--kubo", "ftp://x"], "--kubo: "),
        ([directory_cid(bytes(32)), "--token-file", "x"], "belong to --kubo"),
        ([directory_cid(bytes(32))], "--kubo"),
        (["nonsense", "--kubo", "http://127.0.0.1:1", "--content", "."], "is no edition"),
        (["status"], "config.toml"),
    ],
)
def test_publish__unusable_arguments__says_what_to_do(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, arguments: list[str], said: str
) -> None:
    monkeypatch.chdir(tmp_path)
    done = patina(*arguments)
    assert done.exit_code in (1, 2)
    assert said in done.output
