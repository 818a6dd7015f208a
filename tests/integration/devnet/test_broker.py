"""The embedded broker with real MQTT clients."""

from __future__ import annotations

import asyncio
import random

import aiomqtt
import pytest

from node.devnet.broker import EmbeddedBroker, serve_broker
from node.devnet.settings import EmbeddedBrokerSettings
from node.errors import GossipError

CONNECT = bytes.fromhex("100d00044d5154540402003c000161")
PATIENCE = 30


async def listen(broker: EmbeddedBroker, qos: int, count: int, ready: asyncio.Semaphore) -> list[bytes]:
    async with aiomqtt.Client(broker.host, broker.port) as client:
        await client.subscribe("patina/#", qos=qos)
        ready.release()
        messages = aiter(client.messages)
        return [bytes((await anext(messages)).payload) for _ in range(count)]


@pytest.mark.parametrize(("clients", "qos", "size"), [(4, 0, 100), (4, 1, 100), (31, 1, 65_536)])
async def test_broker__many_clients__each_gets_every_message_in_order(clients: int, qos: int, size: int) -> None:
    sent = [bytes([number]) * size for number in range(5)]
    async with asyncio.timeout(PATIENCE), serve_broker() as broker:
        ready = asyncio.Semaphore(0)
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(listen(broker, qos, len(sent), ready)) for _ in range(clients)]
            for _ in range(clients):
                await ready.acquire()
            async with aiomqtt.Client(broker.host, broker.port) as publisher:
                for payload in sent:
                    await publisher.publish("patina/x", payload, qos=qos)
        assert all(task.result() == sent for task in tasks)


async def test_broker__closed_and_started_on_the_same_port__serves_again() -> None:
    async with asyncio.timeout(PATIENCE):
        first = EmbeddedBroker()
        await first.start()
        async with aiomqtt.Client(first.host, first.port) as client:
            await client.subscribe("a")
            await first.aclose()
            with pytest.raises(aiomqtt.MqttError):
                await anext(aiter(client.messages))
            async with serve_broker(EmbeddedBrokerSettings(port=first.port)) as second:
                assert second.port == first.port
                async with aiomqtt.Client(second.host, second.port) as other:
                    await other.subscribe("a")
                    await other.publish("a", b"again")
                    assert (await anext(aiter(other.messages))).payload == b"again"


async def test_broker__clients_that_send_garbage__disturb_nobody_else() -> None:
    noise = random.Random(7)
    async with (
        asyncio.timeout(PATIENCE),
        serve_broker() as broker,
        aiomqtt.Client(broker.host, broker.port) as client,
    ):
        await client.subscribe("a")
        for number in range(40):
            reader, writer = await asyncio.open_connection(broker.host, broker.port)
            if number % 2:
                writer.write(CONNECT)
                await reader.readexactly(4)
            writer.write(bytes([number * 6]) + noise.randbytes(number))
            await writer.drain()
            writer.close()
        await client.publish("a", b"still here")
        assert (await anext(aiter(client.messages))).payload == b"still here"


async def test_broker__silent_connections__do_not_hold_up_the_close() -> None:
    async with asyncio.timeout(PATIENCE):
        async with serve_broker() as broker:
            reader, writer = await asyncio.open_connection(broker.host, broker.port)
            _, mute = await asyncio.open_connection(broker.host, broker.port)
            writer.write(CONNECT)
            await reader.readexactly(4)
        assert [task for task in asyncio.all_tasks() if task is not asyncio.current_task()] == []
        writer.close()
        mute.close()


async def test_broker__with_a_username__admits_only_who_knows_the_password() -> None:
    settings = EmbeddedBrokerSettings(username="node", password="planted-secret")
    assert "planted-secret" not in repr(settings)
    async with asyncio.timeout(PATIENCE), serve_broker(settings) as broker:
        for login in (
            {},
            {"username": "node"},
            {"username": "node", "password": "x"},
            {"username": "x", "password": ""},
        ):
            with pytest.raises(aiomqtt.MqttError):
                async with aiomqtt.Client(broker.host, broker.port, **login):
                    pass
        async with aiomqtt.Client(broker.host, broker.port, username="node", password="planted-secret") as client:
            await client.publish("a", b"x")


async def test_broker__retained_messages_and_system_topics__there_are_none_by_itself() -> None:
    async with (
        asyncio.timeout(PATIENCE),
        serve_broker() as broker,
        aiomqtt.Client(broker.host, broker.port) as client,
    ):
        await client.subscribe([("$SYS/#", 0), ("#", 0)])
        await client.publish("end", b"")
        assert str((await anext(aiter(client.messages))).topic) == "end"


async def test_broker__port_taken__is_refused() -> None:
    async with asyncio.timeout(PATIENCE), serve_broker() as broker:
        with pytest.raises(GossipError, match="cannot listen"):
            await EmbeddedBroker(EmbeddedBrokerSettings(port=broker.port)).start()
