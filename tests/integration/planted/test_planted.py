"""One node as an operator runs it, at level debug, with secrets of every kind and errors of every kind: what it tells
its operator arrives, and nowhere is a secret to be read."""

from __future__ import annotations

import asyncio
import json
import os
import re
import subprocess
import sys
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from eth_account import Account

from node.devnet.history import parse_history
from node.devnet.replay.runner import set_up
from node.devnet.replay.stage import COINS
from node.devnet.replay.track import Track, percentage, percentages
from tests.integration.planted.needles import finds, needles
from tests.integration.planted.stubs import Stubs, stubs

LEAKY = str(Path(__file__).with_name("leaky_node.py"))
PRICES = ("1.00", "1.00", "1.00", "1.02", "1.02", "1.02")
PLANTED = {
    "rpc token": "qV3xk29TzLw0aPn7Yb5c",
    "rpc query": "Zt81mQpR5sXq22Lk",
    "rpc password": "hdr-pass-9f8e7d6c5b",
    "broker password": 'it\'s a "pass\\word" ü/+% 77',
    "target token": "tok-4f5e6d7c8b9a0011",
    "refusing token": "tok-99aa88bb77cc6655",
    "target password": "notice-pass-31337-x",
    "operator token": "operator-token-0123456789abcdef-0123456789",
}
SECRET_FILES = {"password", "signing.json", "transport.pem", "endpoints", "broker.password", "targets", "operator"}
ROUTES = (
    "/", "/network", "/operator", "/verify", "/metrics", "/livez", "/readyz", "/api/status", "/api/editions",
    "/api/network", "/api/operator/overview", "/api/operator/configuration", "/api/operator/log", "/api/nothing",
)  # fmt: skip


STREAMS = ("/api/events", "/api/operator/events")
COMMANDS = [["config", "show"], *([*words, "--json"] for words in (
    ["config", "show"], ["status"], ["tx", "list"], ["notices", "list"], ["notices", "test"],
    ["check", "--skip", "renderer"],
))]  # fmt: skip


@dataclass
class Seen:
    """What the node said, by where it said it; and what its operator was told."""

    secrets: dict[str, str]
    places: dict[str, bytes] = field(default_factory=dict)
    stubs: Stubs = field(default_factory=Stubs)
    log: str = ""


def plant(home: Path, stub: Stubs) -> dict[str, str]:
    """Give a node's folder the secrets, and everything that fails with them; return them all, its own keys' too."""
    files = {
        "endpoints": f"http://user:{PLANTED['rpc password']}@127.0.0.1:{stub.http}/v2/{PLANTED['rpc token']}"
        f"?apikey={PLANTED['rpc query']}\n",
        "broker.password": PLANTED["broker password"],
        "targets": f"json://127.0.0.1:{stub.http}/take/{PLANTED['target token']}\n"
        f"refusing json://me:{PLANTED['target password']}@127.0.0.1:{stub.http}/refuse/{PLANTED['refusing token']}\n",
        "operator": PLANTED["operator token"] + "\n",
    }
    for name, text in files.items():
        (home / "keys" / name).write_text(text)
        (home / "keys" / name).chmod(0o600)
    path = home / "config.toml"
    text = path.read_text()

    def set_in(section: str, lines: str) -> None:
        nonlocal text
        assert f"\n[{section}]\n" in text
        text = text.replace(f"\n[{section}]\n", f"\n[{section}]\n{lines}\n")

    set_in("chain", 'endpoints_file = "keys/endpoints"\nwitnesses = 1')
    set_in("notices", 'targets_file = "keys/targets"\nafter_ms = 0\ngroup_ms = 500\nper_hour = 3600')
    set_in("transmit", f"low_balance_ether = {COINS // 10**18}")
    set_in("log", 'level = "debug"')
    set_in("web", 'operator_token_file = "keys/operator"')
    text += f'\n[[gossip.brokers]]\nurl = "mqtt://127.0.0.1:{stub.mqtt}"\nusername = "me"\n'
    text += 'password_file = "keys/broker.password"\n'
    path.write_text(text)
    password = (home / "keys" / "password").read_text().strip()
    key = Account.decrypt(json.loads((home / "keys" / "signing.json").read_text()), password)
    transport: Any = load_pem_private_key((home / "keys" / "transport.pem").read_bytes(), password.encode())
    own = {"key password": password, "signing key": key.hex().removeprefix("0x")}
    return {**PLANTED, **own, "transport key": transport.private_bytes_raw().hex()}


async def until(condition: Callable[[], bool], seconds: float = 60) -> None:
    async with asyncio.timeout(seconds):
        while not condition():
            await asyncio.sleep(0.05)


async def crawl(url: str, token: str) -> dict[str, bytes]:
    """Every page there is, as a visitor and as the operator: the known routes, and what their links lead to."""
    found: dict[str, bytes] = {}
    async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(30)) as session:
        for who, headers in (("visitor", {}), ("operator", {"Authorization": f"Bearer {token}"})):
            waiting, seen = [*ROUTES, *STREAMS], {*ROUTES, *STREAMS}
            while waiting and len(found) < 300:
                path = waiting.pop()
                async with session.get(url + path, headers=headers) as answer:
                    body = await (beginning(answer) if path in STREAMS else answer.read())
                    found[f"{path} {who}"] = repr(dict(answer.headers)).encode() + body
                for each in re.findall(rb"""["'](/[\w./%-]{1,200})["']""", body[:200_000]):
                    link = each.decode()
                    # What is served as it was shipped, or by its hash, holds nothing of this node's.
                    if link not in seen and not link.startswith(("/ipfs/", "/static/")):
                        seen.add(link)
                        waiting.append(link)
    return found


async def beginning(answer: aiohttp.ClientResponse) -> bytes:
    """What a stream without an end says first."""
    with suppress(TimeoutError):
        async with asyncio.timeout(0.5):
            return await answer.content.read(65_536)
    return b""


def program(home: Path) -> bytes:
    """What the operator's commands print, and a program that ends with a traceback."""
    done = subprocess.run(
        [sys.executable, LEAKY, "commands", json.dumps(COMMANDS)],
        capture_output=True, timeout=120, check=False, cwd=home,
    )  # fmt: skip
    assert done.returncode == 1
    return done.stdout + done.stderr


async def run(folder: Path) -> Seen:
    """Run the node until it has told what it had to tell; return all that it said meanwhile."""
    history = parse_history(("share_price\n" + "\n".join(PRICES) + "\n").encode(), "test", "test")
    track = Track("Test Vault", history, percentages("1%,3%"), 3, percentage("0.1%"))
    async with stubs() as stub:
        seen = Seen({}, stubs=stub)

        def command(_: int) -> tuple[str, ...]:
            seen.secrets = plant(folder / "node-1", stub)
            os.environ["LEAKS"] = json.dumps(list(seen.secrets.values()))
            return (sys.executable, LEAKY)

        async with set_up([track], folder, nodes=1, tokens=1, command=command) as replay:
            await replay.play()
            await until(lambda: {"low balance", "crossing landed"} <= told(stub) and stub.refused > 0)
            process = replay.network.members[0].process
            seen.places |= await crawl(process.url, PLANTED["operator token"])
            seen.places["commands"] = await asyncio.to_thread(program, process.folder)
    seen.log = process.log_path.read_text()
    seen.places |= written(folder)
    return seen


def written(folder: Path) -> dict[str, bytes]:
    """Every file but those that are there to hold secrets, and pictures."""
    files = {path: path.read_bytes() for path in folder.rglob("*") if path.is_file() and path.name not in SECRET_FILES}
    return {str(path.relative_to(folder)): text for path, text in files.items() if not text.startswith(b"\x89PNG")}


def told(stub: Stubs) -> set[str]:
    return {words for _, message in stub.taken for words in message["title"].partition(": ")[2].split(", ")}


@pytest.fixture(scope="module")
def seen(tmp_path_factory: pytest.TempPathFactory) -> Seen:
    folder = tmp_path_factory.mktemp("planted")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("LEAKS", "[]")  # set once the secrets are known, and taken back in the end
        return asyncio.run(run(folder))


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_notices__planted_low_balance_and_landed_crossing__arrive_at_the_target(seen: Seen) -> None:
    texts = [message["message"] for _, message in seen.stubs.taken]
    assert {path for path, _ in seen.stubs.taken} == {f"/take/{PLANTED['target token']}"}
    (low,) = [text for text in texts if "is nearly empty" in text]
    assert "Send ether to the address" in low
    assert "docs/runbook.md#low-balance" in low
    (crossing,) = [text for text in texts if "Feed 1 went from band" in text]
    assert "the artworks bound to it changed on chain" in crossing


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_secrets__every_kind_planted_and_every_kind_of_error__none_is_read_anywhere(seen: Seen) -> None:
    assert seen.stubs.asked > 0
    assert seen.stubs.dialled > 0
    for wanted in ("a debug line", "cannot connect with", "an error was not caught", "gallery not brought up to date",
                   "slow endpoint", "notice target took nothing"):  # fmt: skip
        assert wanted in seen.log, wanted
    for each in (b'"witnesses": 1', b'"low-balance"', b'"took": true', b'"subject": "brokers"', b"ConnectionError"):
        assert each in seen.places["commands"], each
    for place, said in (("/metrics", b"patina_trouble"), ("/api/operator/overview", b"low-balance"),
                        ("/api/operator/log", b"broker lost"), ("/api/operator/configuration", b"targets_file"),
                        ("/api/status", b"refusing")):  # fmt: skip
        assert said in seen.places[f"{place} operator"], place
    assert len(seen.places) > 40
    assert finds(seen.secrets, seen.places) == []


@pytest.mark.parametrize("write", [str, repr, json.dumps, lambda text: text.encode().hex(),
                                   lambda text: json.dumps([json.dumps(text)])])  # fmt: skip
def test_finds__each_planted_secret__is_found_where_it_is(write: Callable[[str], str]) -> None:
    for name, secret in PLANTED.items():
        places = {"a log": f"asked {write(secret)} in vain".encode(), "another": b"nothing at all"}
        assert {(found[0], found[2]) for found in finds(PLANTED, places)} >= {(name, "a log")}
        assert needles(secret)
