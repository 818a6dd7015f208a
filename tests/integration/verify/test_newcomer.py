"""`patina verify` and `patina render` as a newcomer runs them, against what a real node serves."""

from __future__ import annotations

import asyncio
import json
import shlex
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from node.cli.watch import verification
from node.content.cid import raw_cid
from node.content.store import BlockStore
from node.devnet.history import parse_history
from node.devnet.replay import runner
from node.devnet.replay.moods import recipe_for
from node.devnet.replay.runner import set_up
from node.devnet.replay.track import Track, percentage, percentages
from node.render.recipe import Recipe

PRICES = ["1.00", "1.00", "1.02"]


def patina(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "node.cli", *arguments]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=280, check=False)


@pytest.mark.slow
@pytest.mark.timeout(900)
async def test_verify__newcomer_in_an_empty_folder__verifies_what_a_real_node_painted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def quick(title: str, thresholds: Sequence[int]) -> Recipe:
        return replace(recipe_for(title, thresholds), steps=2)

    monkeypatch.setattr(runner, "recipe_for", quick)  # whatever it draws, it is the same for all
    history = parse_history(("share_price\n" + "\n".join(PRICES) + "\n").encode(), "test", "test")
    track = Track("Test Vault", history, percentages("1%"), 1, percentage("0.1%"))
    empty = tmp_path / "empty"
    empty.mkdir()
    async with set_up([track], tmp_path / "network", nodes=1, tokens=1) as replay:
        outcome = await replay.play()
        assert outcome.faults == ()
        program, *arguments = shlex.split(verification(replay))
        assert program == "patina"

        done = await asyncio.to_thread(patina, empty, *arguments)
        assert done.returncode == 0, done.stdout + done.stderr
        lines = done.stdout.splitlines()
        assert len(lines) == 17
        assert all(line.startswith("ok ") for line in lines[:-1])
        assert lines[-1].startswith("Verified: token 1000001")
        assert list(empty.iterdir()) == []

        node = tmp_path / "network" / "node-1"
        own = await asyncio.to_thread(patina, node, *arguments[:3], "--json")
        assert own.returncode == 0, own.stdout + own.stderr
        assert json.loads(own.stdout)["verdict"] == "verified"

        # Without the node's content there is nothing to see.
        bare = await asyncio.to_thread(patina, empty, *arguments[:5], "--content", str(empty), "--json")
        assert bare.returncode == 1
        document = json.loads(bare.stdout)
        failed = [step["name"] for step in document["steps"] if step["status"] == "FAILED"]
        assert failed == ["path", "recipe"]

        # What a node's disk has changed, it does not serve, and its own verification says so.
        root = bytes.fromhex(document["content_root"][2:])
        [block] = (node / "state" / "blocks").rglob(raw_cid(root))
        block.write_bytes(BlockStore(node / "state" / "blocks").get(root)[:-1])
        damaged = await asyncio.to_thread(
            patina, empty, *arguments[:5], "--content", str(node), "--content", "http://127.0.0.1:1"
        )
        assert damaged.returncode == 1
        assert "other bytes under its name" in damaged.stdout


def test_verify__no_endpoint_answers__not_verified_and_status_1(tmp_path: Path) -> None:
    collection = "0x5FbDB2315678afecb367f032d93F642f64180aa3"
    where = ("--rpc", "http://127.0.0.1:1", "--content", "http://127.0.0.1:2")
    done = patina(tmp_path, "verify", collection, "1000001", *where, "--json")
    assert done.returncode == 1
    document = json.loads(done.stdout)
    assert document["verdict"] == "undecided"
    assert [(step["name"], step["status"]) for step in document["steps"]] == [("chain", "not checked")]


@pytest.mark.slow
def test_render__newcomer_in_an_empty_folder__sees_something(tmp_path: Path) -> None:
    done = patina(tmp_path, "render", "--band", "6", "--volatility", "1%")
    assert done.returncode == 0, done.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["patina.png"]
    first = (tmp_path / "patina.png").read_bytes()
    assert patina(tmp_path, "render", "--band", "6", "--volatility", "1%").returncode == 0
    assert (tmp_path / "patina.png").read_bytes() == first
