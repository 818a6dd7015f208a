"""`patina check` against a real devnet: silent on a healthy node, and every planted fault named in one run."""

from __future__ import annotations

import asyncio
import hashlib
import json
import logging
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import structlog
from click.testing import CliRunner

from node.cli import main
from node.config.directory import NodeFolder
from node.devnet.ports import free_port
from node.journal import Journal
from node.preflight import renderer
from node.preflight.catalogue import CATALOGUE
from tests.integration.preflight.conftest import BROKER_PASSWORD, SETTINGS, TOKENS, Proxies, World, certificate

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest.fixture(autouse=True)
def own_places(monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """The tests' own logging stays as it is, but for lines on standard output; what a machine remembers is empty."""
    monkeypatch.setattr("node.log.lines.configure", lambda level, style: None)
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path_factory.mktemp("state")))
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
    yield
    structlog.reset_defaults()


async def checked(folder: Path, *more: str) -> tuple[int, dict[str, Any], str]:
    """Exit status, JSON and all that was printed, from a thread: the devnet is served by this loop."""
    arguments = ["check", "--config", str(folder), "--json", *more]
    result = await asyncio.to_thread(CliRunner().invoke, main, arguments)
    assert result.exception is None or isinstance(result.exception, SystemExit), result.output
    return result.exit_code, json.loads(result.stdout), result.output


def told(document: dict[str, Any], *verdicts: str) -> dict[str, dict[str, Any]]:
    return {one["code"]: one for one in document["findings"] if one["verdict"] in (verdicts or ("fault", "warning"))}


def prints(folder: Path) -> dict[str, str]:
    """Every file with a digest of what is in it."""
    return {str(path): hashlib.sha256(path.read_bytes()).hexdigest() for path in folder.rglob("*") if path.is_file()}


@pytest.mark.timeout(600)
async def test_check__healthy_devnet__nothing_at_fault_and_nothing_changed(world: World) -> None:
    made = world.make("healthy")
    await world.seat(made)
    with Journal(made.config.parent / "state") as journal:
        journal.bind(SETTINGS.chain_id, world.ground.oracle.address)
    before = prints(made.config.parent)
    status, document, output = await checked(made.config.parent)
    assert status == 0, output
    assert document["ready"]
    assert told(document, "fault") == {}
    well = told(document, "ok")
    # One endpoint and no targets are worth a word; the devnet's clock is its own.
    assert set(told(document)) <= {"endpoints.witnesses", "clock.chain", "notices.targets", "machine.memory"}
    for code in ("keys.signing", "keys.registered", "endpoints.history", "contracts.deployment", "stake.seat",
                 "stake.bond", "stake.balance", "brokers.round-trip", "renderer.picture", "renderer.recipes",
                 "journal.age"):  # fmt: skip
        assert code in well, code
    assert made.address in well["keys.signing"]["detail"]
    assert f"{TOKENS} pictures" in well["renderer.time"]["detail"]
    assert prints(made.config.parent) == before


@pytest.mark.timeout(600)
async def test_check__planted_faults__all_named_with_remedies_in_one_run(
    world: World, proxies: Proxies, monkeypatch: pytest.MonkeyPatch
) -> None:
    target = world.url
    await world.mine(30)
    hour = 3_600.0
    good = await proxies.start(target, ahead=hour)
    lagging = await proxies.start(target, ahead=hour, behind=25)
    strange = await proxies.start(target, ahead=hour, chain_id=1)
    dead = f"http://127.0.0.1:{free_port()}/v2/planted-endpoint-key-77777"
    expired, tls = certificate(world.folder, days=-3)
    server = await asyncio.start_server(lambda _, writer: writer.close(), "127.0.0.1", 0, ssl=tls)
    tls_port = server.sockets[0].getsockname()[1]
    monkeypatch.setattr(renderer, "PICTURE", "00" * 32)
    blocked = world.folder / "a-file"
    blocked.write_text("")
    with taken() as port:
        made = world.make(
            "planted",
            chain={"endpoints": [good.url, lagging.url, strange.url, dead]},
            gossip={"brokers": [
                {"url": f"mqtt://alice:planted-wrong-password@127.0.0.1:{world.broker.port}"},
                {"url": f"mqtts://127.0.0.1:{tls_port}", "ca": str(expired)},
            ]},
            web={"port": port},
            node={"directory": str(blocked / "state")},
        )  # fmt: skip
        plant(made, world)
        status, document, output = await checked(made.config.parent)
    server.close()
    assert status == 1
    found = told(document)
    planted = {
        "configuration.settings": "chain.endpoit",
        "configuration.permissions": "chmod 600",
        "endpoints.chain": strange.url,
        "endpoints.answers": dead.removesuffix("/v2/planted-endpoint-key-77777"),
        "endpoints.head": lagging.url,
        "clock.offset": "behind 3 endpoint servers",
        "contracts.deployment": "0x" + "ab" * 32,
        "stake.seat": "patina join",
        "stake.balance": made.address,
        "brokers.login": "password",
        "brokers.certificate": "expired",
        "machine.write": "cannot be written",
        "renderer.picture": "do not sign",
        "web.port": str(port),
    }
    assert set(planted) <= set(found), output
    for code, words in planted.items():
        assert words in json.dumps(found[code]), (code, found[code])
        assert found[code]["remedy"], code
    # Nothing else is accused, but for what follows from these: too few endpoints are sound.
    assert set(found) - set(planted) <= {"endpoints.witnesses", "clock.chain", "notices.targets", "machine.space"}
    for secret in ("planted-wrong-password", "planted-endpoint-key-77777", "planted-key-password", BROKER_PASSWORD):
        assert secret not in output
    assert {one["code"] for one in document["findings"]} <= set(CATALOGUE)


def plant(made: NodeFolder, world: World) -> None:
    """An unknown key, a keystore that others can read, and a deployment file of another configuration."""
    folder = made.config.parent
    text = made.config.read_text()
    made.config.write_text(text.replace("[chain]\n", '[chain]\nendpoit = "http://127.0.0.1:1"\n'))
    (folder / "keys" / "signing.json").chmod(0o644)
    document = {**json.loads(world.deployment.read_text()), "config_digest": "0x" + "ab" * 32}
    (folder / "deployment.json").write_text(json.dumps(document))


@contextmanager
def taken() -> Iterator[int]:
    """A port that another program listens on."""
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen(1)
        yield int(other.getsockname()[1])


async def test_check__endpoint_without_events_and_old_state__both_named(world: World, proxies: Proxies) -> None:
    pruned = await proxies.start(world.url, refused=("eth_getLogs", "eth_getBalance"))
    made = world.make("pruned", chain={"endpoints": [pruned.url]})
    status, document, output = await checked(made.config.parent, "--only", "endpoints")
    assert status == 1, output
    assert set(told(document, "fault")) == {"endpoints.logs"}
    assert "endpoints.history" in told(document, "warning")


async def test_check__endpoint_claims_a_far_head__it_is_accused_and_the_honest_one_is_not(
    world: World, proxies: Proxies
) -> None:
    liar = await proxies.start(world.url, ahead_blocks=1_000_000)
    made = world.make("liar", chain={"endpoints": [world.url, liar.url]})
    status, document, output = await checked(made.config.parent, "--only", "endpoints")
    assert status == 1, output
    heads = {one["about"]: one["verdict"] for one in document["findings"] if one["code"] == "endpoints.head"}
    assert heads == {world.url: "ok", liar.url: "fault"}


async def test_check__beside_a_running_node__lock_is_no_fault_and_the_journal_is_read(world: World) -> None:
    made = world.make("running")
    with Journal(made.config.parent / "state") as journal:
        journal.bind(SETTINGS.chain_id, world.ground.oracle.address)
        _, document, output = await checked(made.config.parent, "--only", "journal")
    found = told(document, "ok")
    assert "in use by a running node" in found["journal.lock"]["detail"], output
    assert "journal.integrity" in found
    assert "journal.age" in found
    assert document["ready"]
