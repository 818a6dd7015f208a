"""The transport against real brokers: the embedded one, and servers that misbehave."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
import structlog

from node.devnet.broker import EmbeddedBroker, serve_broker
from node.devnet.settings import EmbeddedBrokerSettings
from node.gossip.envelope import MAX_BYTES
from node.gossip.settings import BrokerSettings
from node.gossip.transport import Gossip
from tests.integration.gossip.hostile import greet, impostor, packet, publication
from tests.integration.gossip.ways import PREFIX, QUICK, gossip_over, receive, running, until


def open_files() -> int:
    return sum(1 for _ in Path("/proc/self/fd").iterdir())


async def test_publish__two_brokers__arrives_once_from_each() -> None:
    async with serve_broker() as one, serve_broker() as two:
        sender, reader = gossip_over(one.url, two.url), gossip_over(one.url, two.url)
        async with running(sender, reader), asyncio.timeout(20):
            await sender.wait_connected(2)
            await reader.wait_connected(2)
            await sender.publish("observation", b"one envelope")
            assert [await receive(reader), await receive(reader)] == [b"one envelope"] * 2
            assert reader.counters["received"] == 2


async def test_publish__one_of_two_brokers_killed__the_other_carries_on(spawn_broker) -> None:
    lasting, dying = await spawn_broker(), await spawn_broker()
    sender, reader = gossip_over(dying.url, lasting.url), gossip_over(dying.url, lasting.url)
    async with running(sender, reader), asyncio.timeout(30):
        await sender.wait_connected(2)
        await reader.wait_connected(2)
        await dying.kill()
        await until(lambda: sender.connected == reader.connected == 1)
        await sender.publish("timeout", b"still here")
        assert await receive(reader) == b"still here"


async def test_run__broker_killed_and_started_again__connects_and_sends_what_waited(spawn_broker) -> None:
    broker = await spawn_broker()
    sender, reader = gossip_over(broker.url), gossip_over(broker.url)
    async with running(sender, reader), asyncio.timeout(60):
        await sender.wait_connected()
        await reader.wait_connected()
        await broker.kill()
        await until(lambda: sender.connected == reader.connected == 0)
        await spawn_broker(broker.port)
        await reader.wait_connected()
        await sender.publish("proposal", b"after the restart")
        assert await receive(reader) == b"after the restart"
        assert reader.counters["reconnects"] >= 1


async def test_run__broker_absent_at_first__found_later() -> None:
    broker = EmbeddedBroker()
    await broker.start()
    port = broker.port
    await broker.aclose()
    gossip = gossip_over(f"mqtt://127.0.0.1:{port}")
    async with running(gossip), asyncio.timeout(20):
        await until(lambda: gossip.counters["reconnects"] >= 2)
        assert gossip.connected == 0
        async with serve_broker(EmbeddedBrokerSettings(port=port)):
            await gossip.wait_connected()


async def test_connect__wrong_password__refused_and_no_secret_in_the_log() -> None:
    async with serve_broker(EmbeddedBrokerSettings(username="node", password="the right one")) as broker:
        wrong = Gossip([BrokerSettings(broker.url, "node", "hunter2-secret")], PREFIX, backoff=QUICK)
        right = Gossip([BrokerSettings(broker.url, "node", "the right one")], PREFIX, backoff=QUICK)
        with structlog.testing.capture_logs() as logs:
            async with running(wrong, right), asyncio.timeout(20):
                await right.wait_connected()
                await until(lambda: wrong.counters["reconnects"] >= 2)
                assert wrong.connected == 0
        assert any(entry["event"] == "broker lost" for entry in logs)
        assert "hunter2-secret" not in repr(logs) + repr(wrong.links[0].settings) + str(wrong.links[0].last_error)


async def test_incoming__broker_floods__memory_bounded_and_the_newest_kept() -> None:
    async with serve_broker() as broker:
        sender, reader = gossip_over(broker.url), gossip_over(broker.url, incoming=10)
        async with running(sender, reader), asyncio.timeout(30):
            await sender.wait_connected()
            await reader.wait_connected()
            for number in range(100):
                await sender.publish("observation", b"%d" % number)
            await until(lambda: reader.counters["received"] == 100)
            assert len(reader.incoming) == 10
            assert reader.counters["incoming_overflow"] == 90
            assert await receive(reader) == b"90"


# -- servers that only look like brokers -------------------------------------------------------------------------


async def test_incoming__broker_announces_a_giant_packet__disconnected_before_it_is_read() -> None:
    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await greet(reader, writer)
        writer.write(packet(0x30, b"\0\1a" + bytes(MAX_BYTES * 2)))

    async with impostor(talk) as url:
        gossip = gossip_over(url)
        async with running(gossip):
            await until(lambda: gossip.counters["reconnects"] >= 2)
            before = open_files()
            await until(lambda: gossip.counters["reconnects"] >= 8)
            assert gossip.counters["received"] == 0
            # One connection may be under way on either side; each failed one is closed for good.
            assert open_files() <= before + 4


async def test_incoming__payload_above_the_limit__dropped_and_counted() -> None:
    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await greet(reader, writer)
        writer.write(publication(b"patina/x/observation", bytes(MAX_BYTES + 1)))
        writer.write(publication(b"patina/x/observation", b"short"))

    async with impostor(talk) as url:
        gossip = gossip_over(url)
        async with running(gossip):
            assert await receive(gossip) == b"short"
            assert gossip.counters["oversized"] == 1


@pytest.mark.parametrize(
    "nonsense",
    [
        b"\xff" * 64,
        b"HTTP/1.1 200 OK\r\n\r\n",
        packet(0x30, b"\xff\xff"),
        publication(b"\xff\xfe", b"bad topic"),
        packet(0x20, b""),
        packet(0x90, b""),
        packet(0x62, b"\0"),
    ],
)
async def test_incoming__broker_talks_nonsense__the_other_broker_still_serves(nonsense: bytes) -> None:
    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await greet(reader, writer)
        writer.write(nonsense)

    async with impostor(talk) as url, serve_broker() as good:
        sender, reader = gossip_over(good.url), gossip_over(url, good.url)
        async with running(sender, reader), asyncio.timeout(20):
            await sender.wait_connected()
            await until(lambda: reader.links[1].connected)
            await sender.publish("observation", b"true")
            while await receive(reader) != b"true":
                pass


async def test_incident__one_broker_floods__the_honest_brokers_messages_get_through() -> None:
    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await greet(reader, writer)
        for _ in range(2000):
            writer.write(publication(b"patina/x/observation", b"flood"))

    async with impostor(talk) as url, serve_broker() as good:
        sender, reader = gossip_over(good.url), gossip_over(url, good.url, incoming=50)
        async with running(sender, reader), asyncio.timeout(30):
            await sender.wait_connected()
            await until(lambda: reader.links[1].connected and reader.counters["received"] >= 2000)
            await sender.publish("observation", b"true")
            await until(lambda: reader.counters["received"] >= 2001)
            assert len(reader.incoming) <= 51
            assert b"true" in [await receive(reader), await receive(reader)]
