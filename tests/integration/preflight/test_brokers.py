"""Brokers as the check sees them: Mosquitto with the example rules, and brokers that are not well."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

from node.config.directory import create_node_folder
from node.keys.authority import Authority
from node.keys.secrets import Secret
from node.keys.signing import SCRYPT_N_LIGHT
from node.preflight import brokers, endpoints
from node.preflight.facts import Facts
from node.preflight.finding import Finding, Notes
from tests.integration.gossip.conftest import Spawn
from tests.integration.gossip.conftest import mosquitto as mosquitto
from tests.integration.preflight.conftest import certificate


async def looked(tmp_path: Path, *given: dict[str, Any], chain: dict[str, Any] | None = None) -> dict[str, Finding]:
    """The findings on these brokers, by code; those on the endpoints too where `chain` is given."""
    settings: dict[str, dict[str, Any]] = {
        "chain": {"id": 1, "oracle": "0x" + "11" * 20, "endpoints": ["http://127.0.0.1:1"], **(chain or {})},
        "gossip": {"brokers": list(given)},
    }
    made = create_node_folder(
        tmp_path / "node", settings, Secret("a-password"), keep_password=True, scrypt_n=SCRYPT_N_LIGHT
    )
    facts, notes = Facts(made.config, environ={}), Notes("brokers")
    try:
        await brokers.check(facts, notes)
        if chain is not None:
            await endpoints.check(facts, notes)
    finally:
        await facts.aclose()
    return {one.code: one for one in notes.found}


def certified(authority: Authority, url: str, name: str = "node-1") -> dict[str, str]:
    folder = authority.folder
    return {
        "url": url, "ca": str(authority.cert), "cert": str(folder / f"{name}.pem"), "key": str(folder / f"{name}.key"),
    }  # fmt: skip


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    made = Authority.create(tmp_path, "Test committee")
    made.issue("broker", "broker", ("127.0.0.1",))
    made.issue("node-1", "node")
    return made


async def test_check__example_with_certificates__all_well(
    mosquitto: Spawn, authority: Authority, tmp_path: Path
) -> None:
    broker = await mosquitto(example="mosquitto.conf")
    found = await looked(tmp_path, certified(authority, broker.url))
    assert {code: one.verdict for code, one in found.items()} == {
        "brokers.own-certificate": "ok", "brokers.reachable": "ok", "brokers.certificate": "ok", "brokers.login": "ok",
        "brokers.round-trip": "ok",
    }, found  # fmt: skip
    assert "node-1" in found["brokers.login"].detail


async def test_check__rules_forbid_to_speak__named_with_the_topic(
    mosquitto: Spawn, authority: Authority, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(brokers, "_ECHO_S", 0.5)
    broker = await mosquitto(example="mosquitto.conf", acl="pattern read patina/+/+/+\n")
    found = await looked(tmp_path, certified(authority, broker.url))
    assert found["brokers.login"].verdict == "ok"
    assert found["brokers.round-trip"].verdict == "fault"
    assert "/probe/node-1 does not come back" in found["brokers.round-trip"].detail


async def test_check__no_certificate_of_ours__not_let_in(
    mosquitto: Spawn, authority: Authority, tmp_path: Path
) -> None:
    broker = await mosquitto(example="mosquitto.conf")
    found = await looked(tmp_path, {"url": broker.url, "ca": str(authority.cert)})
    # TLS 1.3 tells it at the first answer, older ones in the handshake.
    assert {found[code].verdict for code in ("brokers.reachable", "brokers.login")} == {"ok", "fault"}
    assert found["brokers.round-trip"].verdict == "not checked"


@pytest.mark.parametrize(
    ("days", "verdict", "words"), [(-3, "fault", "expired"), (9, "warning", "expires in"), (400, "ok", "good until")]
)
async def test_check__certificate_of_the_broker__how_long_it_is_good(
    tmp_path: Path, days: int, verdict: str, words: str
) -> None:
    cert, tls = certificate(tmp_path, days=days)
    server = await asyncio.start_server(lambda _, writer: writer.close(), "127.0.0.1", 0, ssl=tls)
    async with server:
        port = server.sockets[0].getsockname()[1]
        found = await looked(tmp_path, {"url": f"mqtts://127.0.0.1:{port}", "ca": str(cert)})
    assert found["brokers.certificate"].verdict == verdict
    assert words in found["brokers.certificate"].detail


async def test_check__broker_of_another_authority_or_name__said_which(tmp_path: Path) -> None:
    _, tls = certificate(tmp_path, days=400)
    other, _ = certificate(tmp_path, days=401)
    server = await asyncio.start_server(lambda _, writer: writer.close(), "127.0.0.1", 0, ssl=tls)
    async with server:
        port = server.sockets[0].getsockname()[1]
        found = await looked(tmp_path, {"url": f"mqtts://127.0.0.1:{port}", "ca": str(other)})
    assert "authority" in found["brokers.certificate"].remedy


async def test_check__broker_that_takes_connections_and_is_silent__not_let_in_and_nobody_waits_for_ever(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("node.gossip.client.CONNECT_S", 0.3)
    held: list[asyncio.StreamWriter] = []
    server = await asyncio.start_server(lambda _, writer: held.append(writer), "127.0.0.1", 0)
    async with server:
        port = server.sockets[0].getsockname()[1]
        found = await looked(tmp_path, {"url": f"mqtt://127.0.0.1:{port}"}, chain={"websockets": ["ws://127.0.0.1:1"]})
        for writer in held:
            writer.close()
    assert found["brokers.reachable"].verdict == "ok"
    assert found["brokers.login"].verdict == "fault"
    assert found["endpoints.websocket"].verdict == "warning"
    assert found["endpoints.answers"].verdict == "fault"


async def test_check__password_file_open_to_others__connection_is_still_looked_at(
    mosquitto: Spawn, tmp_path: Path
) -> None:
    broker = await mosquitto()
    host = broker.url.partition("://")[2]
    settings: dict[str, Any] = {"url": f"mqtt://bob:planted-broker-secret@{host}"}
    made = create_node_folder(
        tmp_path / "node",
        {
            "chain": {"id": 1, "oracle": "0x" + "11" * 20, "endpoints": ["http://127.0.0.1:1"]},
            "gossip": {"brokers": [settings]},
        },
        Secret("a-password"), keep_password=True, scrypt_n=SCRYPT_N_LIGHT,
    )  # fmt: skip
    (tmp_path / "node" / "keys" / "broker-1.password").chmod(0o644)
    facts, notes = Facts(made.config, environ={}), Notes("brokers")
    await brokers.check(facts, notes)
    await facts.aclose()
    found = {one.code: one for one in notes.found}
    assert found["brokers.reachable"].verdict == "ok"
    assert found["brokers.login"].verdict == "not checked"
    assert "planted-broker-secret" not in str(notes.found)
