"""Brokers that hang, go silent, forge, replay, reorder, flood, or hold messages back."""

from __future__ import annotations

import asyncio
import random
from contextlib import AsyncExitStack
from pathlib import Path

import msgspec
import pytest

from node.agreement import reasons
from node.devnet.broker import serve_broker
from node.gossip.bucket import Rate
from node.gossip.limits import Limits
from node.gossip.settings import BrokerSettings
from node.gossip.transport import Gossip
from node.gossip.window import BYTES_PER_SENDER
from node.keys.authority import Authority
from tests.integration.gossip.driver import COMMITTEE, ROOT, Driver, round_of, seated
from tests.integration.gossip.hostile import Hostile, Twist, greet, impostor, mute, publication, silent
from tests.integration.gossip.ways import IMPATIENT, PREFIX, QUICK, gossip_over, receive, running, until

TOPIC = f"{PREFIX}/observation/node".encode()


# -- brokers that hang -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("scheme", ["mqtt", "mqtts"])
async def test_connect__more_brokers_that_never_answer_than_there_are_threads__the_good_one_unaffected(
    scheme: str, tmp_path: Path
) -> None:
    ca = Authority.create(tmp_path, "Test").cert if scheme == "mqtts" else None
    async with AsyncExitStack() as stack:
        hanging = [await stack.enter_async_context(impostor(silent)) for _ in range(40)]
        good = await stack.enter_async_context(serve_broker())
        brokers = [BrokerSettings(url.replace("mqtt", scheme), ca=ca) for url in hanging]
        gossip = gossip_over(*brokers, good.url)
        async with running(gossip), asyncio.timeout(20):
            await gossip.wait_connected()
            await gossip.publish("observation", b"echo")
            assert await receive(gossip) == b"echo"
            assert gossip.connected == 1


async def test_connected__broker_accepts_and_hands_nothing_on__not_counted_and_silence_goes_on() -> None:
    async with impostor(mute) as url:
        gossip = gossip_over(url, probing=IMPATIENT)
        async with running(gossip):
            await until(lambda: gossip.counters["reconnects"] >= 2)
            assert gossip.connected == 0
            assert gossip.silent_for() > 0
            assert "does not come back" in str(gossip.links[0].last_error)


async def test_connected__broker_stops_handing_on__lost_and_found_again() -> None:
    async with Hostile(lambda _, topic, payload: [(topic, payload)]).serve() as broker:
        gossip = gossip_over(broker.url, probing=IMPATIENT)
        async with running(gossip), asyncio.timeout(20):
            await gossip.wait_connected()
            broker.deaf = True
            await until(lambda: gossip.connected == 0)
            assert gossip.silent_for() > 0
            broker.deaf = False
            await gossip.wait_connected()
            assert gossip.silent_for() == 0


async def test_run__stopped_at_any_moment__ends_and_leaves_nothing_behind() -> None:
    moments = random.Random(7)

    async def closing(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await greet(reader, writer)
        await asyncio.sleep(0.02)
        writer.close()

    async with impostor(closing) as brief, impostor(silent) as dead, serve_broker() as good:
        urls = [brief, dead, good.url, "mqtt://127.0.0.1:1"]
        before = len(asyncio.all_tasks())
        for _ in range(20):
            gossip = gossip_over(*urls)
            async with asyncio.timeout(60), running(gossip):
                for number in range(20):
                    await gossip.publish("observation", b"%d" % number)
                await asyncio.sleep(moments.random() * 0.15)
            assert gossip.connected == 0
        # What brokers of this process still do for a client that is gone is theirs.
        await until(lambda: len(asyncio.all_tasks()) <= before)


async def test_publish__broker_that_never_reads__its_queue_bounded_and_the_others_served() -> None:
    async with impostor(greet, reads=False) as stuck, serve_broker() as good:
        gossip = Gossip([BrokerSettings(stuck), BrokerSettings(good.url)], PREFIX, backoff=QUICK, outgoing=8)
        async with running(gossip), asyncio.timeout(60):
            await gossip.wait_connected()
            for number in range(200):
                message = b"%3d" % number + bytes(60_000)
                await gossip.publish("proposal", message)
                assert await receive(gossip) == message
            assert gossip.by_broker[0]["outgoing_overflow"] > 0
            assert gossip.by_broker[1]["outgoing_overflow"] == 0
            assert len(gossip.links[0]._outgoing) <= 8


async def test_incoming__qos_2_that_nobody_asked_for__hung_up_on() -> None:
    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await greet(reader, writer)
        for number in range(1, 1000):
            writer.write(publication(TOPIC, bytes(60_000), qos=2, number=number))

    async with impostor(talk) as url:
        gossip = gossip_over(url)
        async with running(gossip):
            await until(lambda: "QoS 2" in str(gossip.links[0].last_error))
            assert gossip.counters["received"] == 0


async def test_incident__broker_floods__read_no_faster_than_the_limit_and_the_other_unaffected() -> None:
    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await greet(reader, writer)
        for _ in range(20_000):
            writer.write(publication(TOPIC, b"flood"))

    async with impostor(talk) as url, serve_broker() as good:
        sender = gossip_over(good.url)
        reader = Gossip(
            [BrokerSettings(url), BrokerSettings(good.url)],
            PREFIX,
            backoff=QUICK,
            limits=Limits(broker=Rate(per_second=100, burst=200)),
        )
        async with running(sender, reader), asyncio.timeout(20):
            await sender.wait_connected()
            await until(lambda: reader.links[1].connected and reader.by_broker[0]["paused"] > 0)
            await sender.publish("observation", b"true")
            while await receive(reader) != b"true":
                pass
            # Far from the 20,000, however long this machine took.
            assert reader.by_broker[0]["received"] < 4_000
            assert reader.by_broker[1]["paused"] == 0


async def test_incident__broker_floods_in_short_connections__no_fresh_burst_with_each() -> None:
    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await greet(reader, writer)
        for _ in range(150):
            writer.write(publication(TOPIC, b"flood"))
        await writer.drain()
        writer.close()

    async with impostor(talk) as url:
        limits = Limits(broker=Rate(per_second=100, burst=200))
        gossip = Gossip([BrokerSettings(url)], PREFIX, backoff=QUICK, limits=limits)
        async with running(gossip):
            await until(lambda: gossip.counters["paused"] > 0)
            assert gossip.counters["reconnects"] > 0


# -- a broker that works and lies --------------------------------------------------------------------------------


def forge(broker: Hostile, topic: bytes, payload: bytes) -> list[tuple[bytes, bytes]]:
    """Each message, and beside it: one byte changed, under another's name, for another committee, and no message."""
    place = random.Random(len(broker.heard)).randrange(len(payload))
    changed = payload[:place] + bytes([payload[place] ^ 1]) + payload[place + 1 :]
    parts = msgspec.msgpack.decode(payload)
    parts[1] = (parts[1] + 1) % COMMITTEE.n
    renamed = msgspec.msgpack.encode(parts)
    foreign = msgspec.msgpack.encode([bytes(32), *parts[1:]])
    return [(topic, forged) for forged in (changed, renamed, foreign, b"nonsense", payload)]


def replay(broker: Hostile, topic: bytes, payload: bytes) -> list[tuple[bytes, bytes]]:
    """Each message three times, and some of all that was ever said."""
    earlier = random.Random(len(broker.heard)).choices(broker.heard, k=10)
    return [(topic, payload)] * 3 + earlier


def reorder(broker: Hostile, topic: bytes, payload: bytes) -> list[tuple[bytes, bytes]]:
    """Messages by the half dozen, last first and under each other's topics."""
    if len(broker.heard) % 6:
        return []
    batch = broker.heard[-6:]
    return [(other, message) for (other, _), (_, message) in zip(batch, reversed(batch), strict=True)]


def flood(broker: Hostile, topic: bytes, payload: bytes) -> list[tuple[bytes, bytes]]:
    """Each message in a crowd of forgeries whose signatures have to be checked."""
    crowd = [payload[:-1] + bytes([payload[-1] ^ each]) for each in range(1, 40)]
    return [(topic, message) for message in [*crowd[:20], payload, *crowd[20:]]]


def hold_back(broker: Hostile, topic: bytes, payload: bytes) -> list[tuple[bytes, bytes]]:
    """Nothing, for now."""
    return []


def all_true(drivers: list[Driver], checkpoint: int, landed: list) -> None:
    """Everybody holds a report of what honest nodes measured and painted, and nobody's memory has run over."""
    for transmit in landed:
        assert transmit.report.content_root == ROOT
        assert transmit.report.block_hash == bytes([checkpoint]) * 32
        assert set(transmit.report.observations) <= {100, 101, 102, 103}
    assert len({transmit.report for transmit in landed}) == 1
    for driver in drivers:
        assert driver.verifier.window.size <= BYTES_PER_SENDER * COMMITTEE.n
        assert len(driver.gossip.incoming) <= 100 * len(driver.gossip.links)


@pytest.mark.parametrize(
    ("twist", "alone"),
    # Alone, a broker that floods is no working one: it is read ever later, and nothing false comes of it.
    [(forge, True), (replay, True), (reorder, True), (forge, False), (replay, False), (reorder, False), (flood, False)],
)
async def test_incident__broker_forges_replays_reorders_or_floods__rounds_certified_and_nothing_false(
    twist: Twist, alone: bool
) -> None:
    async with AsyncExitStack() as stack:
        broker = await stack.enter_async_context(Hostile(twist).serve())
        urls = [broker.url] if alone else [broker.url, (await stack.enter_async_context(serve_broker())).url]
        drivers = [Driver(index, urls, incoming=100) for index in range(4)]
        await stack.enter_async_context(seated(*drivers))
        async with asyncio.timeout(60):
            for driver in drivers:
                await driver.gossip.wait_connected(len(urls))
        for checkpoint in (10, 20):
            all_true(drivers, checkpoint, await round_of(drivers, checkpoint))
            for driver in drivers:
                await driver.land(checkpoint)
        if twist in (forge, flood):
            assert all(driver.gossip.by_broker[0][reasons.BAD_SIGNATURE] > 0 for driver in drivers)
        if not alone:
            forged = {reasons.BAD_SIGNATURE, reasons.MALFORMED, reasons.FOREIGN}
            assert not any(forged & set(driver.gossip.by_broker[1]) for driver in drivers)


async def test_incident__broker_holds_everything_back_and_lets_it_go_later__stale_and_forgotten() -> None:
    async with Hostile(hold_back).serve() as broker, serve_broker() as good:
        drivers = [Driver(index, [broker.url, good.url]) for index in range(4)]
        async with seated(*drivers):
            async with asyncio.timeout(60):
                for driver in drivers:
                    await driver.gossip.wait_connected(2)
            all_true(drivers, 10, await round_of(drivers, 10))
            for driver in drivers:
                await driver.land(10)
            held = list(broker.heard)
            assert len(held) > 10
            accepted = [driver.gossip.by_broker[0]["accepted"] for driver in drivers]
            for topic, payload in held:
                broker.say(topic, payload)
            await until(lambda: all(driver.gossip.by_broker[0][reasons.STALE] >= len(held) for driver in drivers))
            assert [driver.gossip.by_broker[0]["accepted"] for driver in drivers] == accepted == [0] * 4
            assert all(len(driver.verifier.window) == 0 for driver in drivers)
            all_true(drivers, 20, await round_of(drivers, 20))
