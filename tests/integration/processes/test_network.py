"""A whole network of processes as an operator runs them: killed mid-round, signing garbage, and proven afterwards."""

from __future__ import annotations

import asyncio
import json
import signal
import sqlite3
import subprocess
import sys
import urllib.request
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from eth_account import Account
from eth_account.messages import encode_typed_data

from node.content.cid import parse
from node.content.dag import read, resolve
from node.content.metadata import parse_metadata
from node.content.store import BlockStore
from node.devnet.history import parse_history
from node.devnet.replay.network import Network
from node.devnet.replay.runner import Replay, set_up
from node.devnet.replay.track import Track, expected_crossings, percentage, percentages
from tests.integration.processes.monitoring import check_metrics

GARBAGE = (sys.executable, str(Path(__file__).with_name("garbage_node.py")))
PRICES = ["1.00", "1.00", "1.00", "1.02", "1.02", "1.02", "1.04", "1.04", "1.04", "1.06", "1.06", "1.06"]
KILLED, FORGER = 1, 2  # positions among the members
BEFORE_FIRST, AFTER_FIRST, BEFORE_THIRD = 4, 6, 9  # rows: the crossings land at rows 4, 7 and 10


def make_track() -> Track:
    history = parse_history(("share_price\n" + "\n".join(PRICES) + "\n").encode(), "test", "test")
    return Track("Test Vault", history, percentages("1%,3%,5%"), 3, percentage("0.1%"))


async def kill_mid_round(network: Network, position: int) -> dict[str, Any]:
    """kill -9 a node as soon as it is inside a round; return what it said last."""
    process = network.members[position].process
    while True:
        status = await network.status(process)
        if status is not None and status["rounds"]:
            await process.kill()
            return status
        await asyncio.sleep(0.005)


def attestations(folder: Path) -> list[tuple[int, int, int, bytes]]:
    with closing(sqlite3.connect(f"file:{folder / 'state' / 'journal.db'}?mode=ro", uri=True)) as database:
        return database.execute("SELECT feed, checkpoint, view, digest FROM attestations").fetchall()


def patina(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "node.cli", *arguments], capture_output=True, text=True, timeout=60, check=False
    )


def check_report(config: Path, checkpoint: int, committee: list[str]) -> None:
    """What `patina report --json` prints holds in an independent implementation of EIP-712."""
    printed = patina("report", "1", str(checkpoint), "--config", str(config), "--json")
    assert printed.returncode == 0, printed.stderr
    document = json.loads(printed.stdout)
    message = encode_typed_data(full_message=document["typed_data"])
    from eth_hash.auto import keccak

    assert "0x" + keccak(b"\x19" + message.version + message.header + message.body).hex() == document["digest"]
    assert len(document["signatures"]) == len(document["signers"]) == 3
    for signer, signature in zip(document["signers"], document["signatures"], strict=True):
        r, parity_and_s = int(signature[2:66], 16), int(signature[66:], 16)
        vrs = (27 + (parity_and_s >> 255), r, parity_and_s & (2**255 - 1))
        assert Account.recover_message(message, vrs=vrs) == signer
        assert signer in committee


def check_gallery(url: str, chain_roots: list[str]) -> None:
    """The page of a node shows what stands on chain, and serves the artworks themselves."""
    with urllib.request.urlopen(url + "/api/editions") as answer:
        href = json.load(answer)["editions"][0]["href"]
    with urllib.request.urlopen(url + href) as answer:
        view = json.load(answer)
    assert [one["root"] for one in view["history"]] == chain_roots
    with urllib.request.urlopen(url + view["tokens"][0]["image"]) as answer:
        assert answer.read().startswith(b"\x89PNG")


@pytest.mark.slow
@pytest.mark.timeout(600)
async def test_network__one_killed_mid_round_and_one_signing_garbage__every_crossing_lands(tmp_path: Path) -> None:
    """Incident: an honest crash that looks like equivocation (kill -9 around signing, over real processes)."""
    killed: list[asyncio.Task[dict[str, Any]]] = []
    track = make_track()

    async def trouble(replay: Replay, row: int) -> None:
        members, network = replay.network.members, replay.network
        if row == BEFORE_FIRST:
            killed.append(asyncio.create_task(kill_mid_round(network, KILLED)))
        elif row == AFTER_FIRST:
            assert killed[0].done(), "the first crossing began no round on the node that was to be killed"
            await members[KILLED].process.start()
            await network.wait_ready(members[KILLED].process)
        elif row == BEFORE_THIRD:
            await members[FORGER].process.stop()
            members[FORGER].process.command = GARBAGE
            await members[FORGER].process.start()
            await network.wait_ready(members[FORGER].process)

    async with set_up([track], tmp_path, tokens=1) as replay:
        replay.before_row = trouble
        outcome = await replay.play()
        assert outcome.faults == ()
        landed = {row.row: row for row in outcome.rows if row.crossing}
        assert sorted(landed) == [one.row for one in expected_crossings(track, replay.leads[1])] == [4, 7, 10]
        assert killed[0].result()["rounds"][0]["feed"] == 1
        assert KILLED not in landed[4].signers
        assert FORGER not in landed[10].signers

        for member in replay.network.members:
            rows = attestations(member.process.folder)
            assert len({(feed, checkpoint, view) for feed, checkpoint, view, _ in rows}) == len(rows)
        addresses = [member.address for member in replay.network.members]
        await asyncio.to_thread(check_report, tmp_path / "node-1" / "config.toml", landed[7].checkpoint, addresses)
        roots = [row.token_uri_after.removeprefix("ipfs://").split("/")[0] for row in outcome.rows]
        await asyncio.to_thread(check_gallery, replay.network.members[0].process.url, roots)
        await asyncio.to_thread(check_metrics, replay.network.members[0].process.url, crossings=3)
        status = await asyncio.to_thread(patina, "status", "--config", str(tmp_path / "node-4"), "--json")
        assert status.returncode == 0, status.stderr
        assert json.loads(status.stdout)["rounds"] == []

        # The second copy of a node is turned away while the first one runs.
        second = await asyncio.to_thread(patina, "run", "--config", str(tmp_path / "node-1"))
        assert second.returncode == 1
        assert "is in use by process" in second.stderr

        # Every node that painted holds the same artworks, and they say how to paint them again.
        store = BlockStore(tmp_path / "node-4" / "state" / "blocks")
        document = read(store, resolve(store, parse(roots[-1]), ["1000001.json"]))
        source = parse_metadata(document).provenance
        assert source is not None
        assert (source.band, source.checkpoint) == (3, landed[10].checkpoint)

        # A node ends in good order when its supervisor asks it to.
        process = replay.network.members[3].process
        assert process._process is not None
        process.wanted = False
        process._process.send_signal(signal.SIGTERM)
        assert await asyncio.wait_for(process._process.wait(), 20) == 0
    assert len(list((tmp_path / "artworks").rglob("*.png"))) == len(outcome.rows)


@pytest.mark.slow
def test_replay__history_of_ones_own__prints_what_landed_as_json_and_succeeds(tmp_path: Path) -> None:
    history = tmp_path / "mine.csv"
    history.write_text("date,share_price\n" + "".join(f"2026-01-0{day},{price}\n" for day, price in enumerate(
        ("1", "1", "1.012", "1.013", "0.98", "0.979"), 1)))  # fmt: skip
    command = [sys.executable, "-m", "node.cli", "replay", str(history), "--thresholds=-1%,1%,2%", "--window", "3"]
    options = ["--hysteresis", "0.1%", "--tokens", "1", "--folder", str(tmp_path / "work"), "--json"]
    done = subprocess.run([*command, *options], capture_output=True, text=True, timeout=240, check=False)
    assert done.returncode == 0, done.stderr
    printed = json.loads(done.stdout)
    crossings = [(row["label"], row["previous_band"], row["band"]) for row in printed["reports"] if row["crossing"]]
    assert crossings == [("2026-01-04", 1, 2), ("2026-01-06", 2, 0)]
    assert printed["faults"] == []


def test_replay__bad_row__is_refused_with_its_line_before_anything_starts(tmp_path: Path) -> None:
    bad = tmp_path / "bad.csv"
    bad.write_text("date,share_price\n2026-01-01,1.0\n2026-01-02,abc\n")
    refused = patina("replay", str(bad), "--thresholds=-1%,1%", "--folder", str(tmp_path / "work"))
    assert refused.returncode == 1
    assert "line 3" in refused.stderr
    assert not (tmp_path / "work").exists()


def test_replay__folder_with_something_else_in_it__is_left_alone(tmp_path: Path) -> None:
    good = tmp_path / "good.csv"
    good.write_text("share_price\n1\n1\n1\n1\n")
    refused = patina("replay", str(good), "--thresholds=1%", "--folder", str(tmp_path))
    assert refused.returncode == 1
    assert "is taken" in refused.stderr
    assert good.exists()
