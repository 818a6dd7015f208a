"""Links: the delay before connecting again, how long nobody was there, and what is warned about."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import structlog

from node.backoff import Backoff
from node.errors import ConfigError
from node.gossip.settings import BrokerSettings
from node.gossip.transport import INCOMING_BYTES, Gossip, topic_prefix
from node.keys.authority import Authority


def test_backoff__failures__doubles_under_the_cap_with_jitter() -> None:
    backoff = Backoff(first=1.0, cap=10.0)
    for failures, longest in [(0, 1.0), (1, 2.0), (3, 8.0), (4, 10.0), (10_000, 10.0)]:
        delays = {backoff.delay(failures) for _ in range(50)}
        assert all(longest / 2 <= delay <= longest for delay in delays)
        assert len(delays) > 1


async def test_silent_for__brokers_come_and_go__seconds_since_the_last_one_was_connected() -> None:
    now = 100.0
    gossip = Gossip([BrokerSettings("mqtt://one"), BrokerSettings("mqtt://two")], "patina/x", clock=lambda: now)
    one, two = gossip.links
    now = 107.0
    assert gossip.silent_for() == 7.0
    one._set(True)
    two._set(True)
    now = 200.0
    assert (gossip.silent_for(), gossip.connected) == (0.0, 2)
    one._set(False)
    now = 300.0
    assert (gossip.silent_for(), gossip.connected) == (0.0, 1)
    two._set(False)
    now = 304.5
    assert gossip.silent_for() == 4.5
    one._set(False)
    assert gossip.silent_for() == 4.5
    two._set(True)
    assert gossip.silent_for() == 0.0


async def test_wait_changed__broker_lost__woken() -> None:
    gossip = Gossip([BrokerSettings("mqtt://one")], "patina/x")
    gossip.links[0]._set(True)
    waiting = asyncio.create_task(gossip.wait_changed())
    await asyncio.sleep(0)
    assert not waiting.done()
    gossip.links[0]._set(False)
    async with asyncio.timeout(10):
        await waiting


async def test_incoming__long_messages__bounded_in_bytes_too() -> None:
    gossip = Gossip([BrokerSettings("mqtt://one"), BrokerSettings("mqtt://two")], "patina/x")
    gossip._deliver(1, b"short")
    for _ in range(500):
        gossip._deliver(0, bytes(60_000))
    held = [raw for _ in range(len(gossip.incoming)) if (raw := gossip.incoming.get_nowait()) is not None]
    assert b"short" in held
    assert sum(map(len, held)) <= INCOMING_BYTES + 5
    assert gossip.by_broker[0]["incoming_overflow"] == 500 - (len(held) - 1)


async def test_certificate__soon_to_end__warned_about_and_once_renewed_no_more(tmp_path: Path) -> None:
    authority = Authority.create(tmp_path, "Test")
    made = authority.issue("node-1", "node", days=20)
    assert made.key is not None
    settings = BrokerSettings("mqtts://one", ca=authority.cert, cert=made.cert, key=made.key)
    gossip = Gossip([settings], "patina/x")
    with structlog.testing.capture_logs() as logs:
        gossip.warn_of_certificates()
    [warning] = logs
    assert (warning["event"], warning["broker"]) == ("certificate expires soon", "one:8883")
    assert 18 <= warning["days_left"] <= 20
    assert "patina certs renew" in warning["remedy"]
    authority.renew(made.cert)
    with structlog.testing.capture_logs() as logs:
        gossip.warn_of_certificates()
    assert logs == []
    made.cert.unlink()
    authority.issue("late", "node", now=datetime.now(UTC) - timedelta(days=400)).cert.rename(made.cert)
    with structlog.testing.capture_logs() as logs:
        gossip.warn_of_certificates()
    assert [entry["event"] for entry in logs] == ["certificate expired"]


def test_gossip__tls_files_that_do_not_load__refused_at_once(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="one:8883"):
        Gossip([BrokerSettings("mqtts://one", ca=tmp_path / "absent.pem")], "patina/x")


def test_gossip__no_broker__refused() -> None:
    with pytest.raises(ConfigError):
        Gossip([], topic_prefix(bytes(32)))
