"""Broker settings: what is accepted, what is refused, and what is never shown."""

from __future__ import annotations

import asyncio
import ssl
from pathlib import Path

import pytest
import structlog

from node.errors import ConfigError
from node.gossip.settings import BrokerSettings
from node.gossip.transport import Gossip
from node.keys.authority import Authority


@pytest.mark.parametrize(
    ("url", "name"),
    [
        ("mqtt://broker.example", "broker.example:1883"),
        ("mqtts://broker.example/", "broker.example:8883"),
        ("mqtt://127.0.0.1:2000", "127.0.0.1:2000"),
        ("mqtt://[::1]:2000", "::1:2000"),
    ],
)
def test_name__url__host_and_port(url: str, name: str) -> None:
    assert BrokerSettings(url).name == name


@pytest.mark.parametrize(
    "fields",
    [
        {"url": "http://broker"},
        {"url": "broker:1883"},
        {"url": "mqtt://"},
        {"url": "mqtt://broker:0"},
        {"url": "mqtt://broker:70000"},
        {"url": "mqtt://broker:port"},
        {"url": "mqtt://[::1"},
        {"url": "mqtt://broker/topic"},
        {"url": "mqtt://broker?a=b"},
        {"url": "mqtt://broker", "ca": Path("ca.pem")},
        {"url": "mqtts://broker", "key": Path("key.pem")},
        {"url": "mqtt://broker", "password": "planted-secret"},
        {"url": "mqtt://user:planted-secret@broker"},
    ],
)
def test_settings__unusable__refused_without_repeating_a_secret(fields: dict[str, object]) -> None:
    with pytest.raises(ConfigError) as caught:
        BrokerSettings(**fields)
    assert "planted-secret" not in str(caught.value)


def test_repr__password__left_out() -> None:
    assert "planted-secret" not in repr(BrokerSettings("mqtt://broker", "user", "planted-secret"))


def test_tls__mqtt__none__mqtts__checks_the_host_and_wants_1_2() -> None:
    assert BrokerSettings("mqtt://broker").tls() is None
    context = BrokerSettings("mqtts://broker").tls()
    assert context is not None
    assert context.check_hostname
    assert context.verify_mode is ssl.CERT_REQUIRED
    assert context.minimum_version >= ssl.TLSVersion.TLSv1_2


def test_tls__file_missing_or_no_pem__refused(tmp_path: Path) -> None:
    nonsense = tmp_path / "ca.pem"
    nonsense.write_text("no certificate")
    for path in (nonsense, tmp_path / "absent.pem"):
        with pytest.raises(ConfigError):
            BrokerSettings("mqtts://broker", ca=path).tls()


@pytest.mark.parametrize(
    ("url", "password", "exposed"),
    [
        ("mqtt://broker.example", "secret", True),
        ("mqtt://10.0.0.1", "secret", True),
        ("mqtt://broker.example", None, False),
        ("mqtts://broker.example", "secret", False),
        ("mqtt://127.0.0.1", "secret", False),
        ("mqtt://[::1]:1884", "secret", False),
        ("mqtt://localhost", "secret", False),
    ],
)
async def test_exposed__password_without_tls_to_another_machine__warned_about(
    url: str, password: str | None, exposed: bool
) -> None:
    settings = BrokerSettings(url, "node-1", password)
    assert settings.exposed is exposed
    with structlog.testing.capture_logs() as logs:
        task = asyncio.create_task(Gossip([settings], "patina/x").run())
        await asyncio.sleep(0)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
    assert [entry["event"] for entry in logs if "password" in entry["event"]] == ["password travels in clear"] * exposed
    assert "secret" not in repr(logs)


@pytest.mark.parametrize(
    ("username", "identity"),
    [(None, "node"), ("node-1", "node-1"), ("a b@c.d", "a b@c.d"), ("a/b", "node"), ("+", "node"), ("x" * 200, "node")],
)
def test_identity__username__stands_in_the_topic_if_a_topic_can_hold_it(username: str | None, identity: str) -> None:
    assert BrokerSettings("mqtt://broker", username).identity() == identity


def test_identity__certificate__its_common_name_unless_there_is_a_username(tmp_path: Path) -> None:
    authority = Authority.create(tmp_path, "Test")
    made = authority.issue("node-7", "node")
    files = {"ca": authority.cert, "cert": made.cert, "key": made.key}
    assert BrokerSettings("mqtts://broker", **files).identity() == "node-7"
    assert BrokerSettings("mqtts://broker", "other", **files).identity() == "other"
    made.cert.write_text("nothing")
    with pytest.raises(ConfigError, match="cert"):
        BrokerSettings("mqtts://broker", **files).identity()
