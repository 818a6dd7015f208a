"""Real Mosquitto: open, with the example configurations as they are shipped, killed and started again."""

from __future__ import annotations

import asyncio
import shutil
import socket
import subprocess
from pathlib import Path

import aiomqtt
import pytest

from node.agreement.messages import KINDS
from node.gossip.client import Client
from node.gossip.settings import BrokerSettings
from node.keys.authority import Authority
from tests.integration.gossip.driver import Driver, round_of, seated
from tests.integration.gossip.ways import IMPATIENT, PREFIX, gossip_over, receive, refused, running, until

NODES = ("node-1", "node-2", "node-3", "node-4")


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    """What `patina certs` makes for one broker and four nodes, where the example configurations expect it."""
    made = Authority.create(tmp_path, "Test committee")
    made.issue("broker", "broker", ("127.0.0.1", "localhost"))
    for name in NODES:
        made.issue(name, "node")
    return made


def certified(authority: Authority, url: str, name: str) -> BrokerSettings:
    folder = authority.folder
    return BrokerSettings(url, ca=authority.cert, cert=folder / f"{name}.pem", key=folder / f"{name}.key")


async def test_publish__every_kind_of_message__heard_under_a_topic_of_its_own(mosquitto) -> None:
    broker = await mosquitto()
    sender, reader = gossip_over(broker.url), gossip_over(broker.url)
    async with running(sender, reader), asyncio.timeout(20):
        await sender.wait_connected()
        await reader.wait_connected()
        async with aiomqtt.Client("127.0.0.1", broker.port) as witness:
            await witness.subscribe("patina/#")
            kinds = [*KINDS.values(), "a-kind-to-come"]
            for kind in kinds:
                await sender.publish(kind, kind.encode())
            assert [await receive(reader) for _ in kinds] == [kind.encode() for kind in kinds]
            heard: list[tuple[str, bytes]] = []
            async for message in witness.messages:
                if "/probe/" not in str(message.topic):
                    heard.append((str(message.topic), bytes(message.payload)))
                if len(heard) == len(kinds):
                    break
            assert heard == [(f"{PREFIX}/{kind}/node", kind.encode()) for kind in kinds]


async def test_run__killed_and_started_again__a_new_client_each_time(
    mosquitto, monkeypatch: pytest.MonkeyPatch
) -> None:
    connected: list[Client] = []

    class Recorded(Client):
        async def open(self) -> None:
            await super().open()
            connected.append(self)

    monkeypatch.setattr("node.gossip.link.Client", Recorded)
    broker = await mosquitto()
    sender, reader = gossip_over(broker.url), gossip_over(broker.url)
    async with running(sender, reader), asyncio.timeout(60):
        for turn in range(3):
            await sender.wait_connected()
            await reader.wait_connected()
            await sender.publish("observation", b"turn %d" % turn)
            assert await receive(reader) == b"turn %d" % turn
            await broker.kill()
            await until(lambda: sender.connected == reader.connected == 0)
            assert sender.silent_for() > 0
            broker = await mosquitto(broker.port)
        await reader.wait_connected()
        await sender.wait_connected()
        assert sender.silent_for() == 0
        assert len(connected) == len({id(client) for client in connected}) >= 2 * 4


async def test_publish__all_but_one_of_three_brokers_lost__still_heard(mosquitto) -> None:
    brokers = [await mosquitto() for _ in range(3)]
    urls = [broker.url for broker in brokers]
    sender, reader = gossip_over(*urls), gossip_over(*urls)
    async with running(sender, reader), asyncio.timeout(60):
        await sender.wait_connected(3)
        await reader.wait_connected(3)
        for left in (2, 1):
            await brokers.pop(0).kill()
            await until(lambda left=left: sender.connected == reader.connected == left)
            await sender.publish("observation", b"%d left" % left)
            assert [await receive(reader) for _ in range(left)] == [b"%d left" % left] * left
            assert reader.silent_for() == 0


# -- the example with certificates -------------------------------------------------------------------------------


async def test_example__certificates_of_the_authority__messages_flow(mosquitto, authority: Authority) -> None:
    broker = await mosquitto(example="mosquitto.conf")
    one, two = (gossip_over(certified(authority, broker.url, name)) for name in NODES[:2])
    async with running(one, two), asyncio.timeout(20):
        await one.wait_connected()
        await two.wait_connected()
        await one.publish("proposal", b"x" * 65_000)
        assert await receive(two) == b"x" * 65_000
        assert {link.settings.identity() for link in (*one.links, *two.links)} == set(NODES[:2])


async def test_example__whole_rounds_of_four_nodes__certified_under_its_rules_with_one_broker_lost(
    mosquitto, authority: Authority
) -> None:
    lasting, dying = await mosquitto(example="mosquitto.conf"), await mosquitto(example="mosquitto.conf")
    drivers = [
        Driver(index, [certified(authority, broker.url, name) for broker in (dying, lasting)])
        for index, name in enumerate(NODES)
    ]
    async with seated(*drivers), asyncio.timeout(60):
        for driver in drivers:
            await driver.gossip.wait_connected(2)
        await round_of(drivers, 10)
        for driver in drivers:
            await driver.land(10)
        await dying.kill()
        await round_of(drivers, 20)
        assert all(driver.gossip.silent_for() == 0 for driver in drivers)


@pytest.mark.parametrize("case", ["none", "of another authority", "of a broker"])
async def test_example__wrong_certificate__refused_and_the_reason_told(
    mosquitto, authority: Authority, tmp_path: Path, case: str
) -> None:
    broker = await mosquitto(example="mosquitto.conf")
    stranger = Authority.create(tmp_path / "stranger", "Test committee")
    stranger.issue("node-1", "node")
    settings = {
        "none": BrokerSettings(broker.url, ca=authority.cert),
        "of another authority": BrokerSettings(
            broker.url, ca=authority.cert, cert=stranger.folder / "node-1.pem", key=stranger.folder / "node-1.key"
        ),
        "of a broker": certified(authority, broker.url, "broker"),
    }
    assert "alert" in await refused(gossip_over(settings[case]))


async def test_example__broker_of_another_authority_or_name__not_spoken_to(
    mosquitto, authority: Authority, tmp_path: Path
) -> None:
    broker = await mosquitto(example="mosquitto.conf")
    stranger = Authority.create(tmp_path / "stranger", "Test committee")
    stranger.issue("node-1", "node")
    assert "certificate verify failed" in await refused(gossip_over(certified(stranger, broker.url, "node-1")))
    await broker.kill()
    (tmp_path / "broker.pem").unlink()
    (tmp_path / "broker.key").unlink()
    authority.issue("broker", "broker", ("elsewhere.example",))
    again = await mosquitto(broker.port, example="mosquitto.conf")
    assert "mismatch" in await refused(gossip_over(certified(authority, again.url, "node-1")))


async def test_example__renewed_certificate__taken_up_with_the_next_connection(mosquitto, authority: Authority) -> None:
    broker = await mosquitto(example="mosquitto.conf")
    gossip = gossip_over(certified(authority, broker.url, "node-1"))
    async with running(gossip), asyncio.timeout(30):
        await gossip.wait_connected()
        before = gossip.links[0].settings.certificate()
        authority.renew(authority.folder / "node-1.pem", days=20)
        await broker.kill()
        await mosquitto(broker.port, example="mosquitto.conf")
        await until(lambda: gossip.counters["reconnects"] >= 1 and gossip.connected == 1)
        after = gossip.links[0].settings.certificate()
        assert before is not None
        assert after is not None
        assert before.serial != after.serial


async def test_example__certificate_revoked__refused_from_the_brokers_restart_on(
    mosquitto, authority: Authority
) -> None:
    broker = await mosquitto(example="mosquitto.conf")
    one, two = (gossip_over(certified(authority, broker.url, name)) for name in NODES[:2])
    async with running(one, two), asyncio.timeout(30):
        await one.wait_connected()
        await two.wait_connected()
        authority.revoke(authority.folder / "node-2.pem")
        await broker.kill()
        await until(lambda: one.connected == two.connected == 0)
        await mosquitto(broker.port, example="mosquitto.conf")
        await one.wait_connected()
        await until(lambda: "revoked" in str(two.links[0].last_error))
        assert two.connected == 0


async def test_example__brokers_own_certificate_renewed__shown_after_a_hangup_signal(
    mosquitto, authority: Authority
) -> None:
    broker = await mosquitto(example="mosquitto.conf")
    settings = certified(authority, broker.url, "node-1")

    def shown() -> bytes | None:
        with socket.create_connection(("127.0.0.1", broker.port)) as plain:
            context = settings.tls()
            assert context is not None
            with context.wrap_socket(plain, server_hostname="127.0.0.1") as secured:
                return secured.getpeercert(binary_form=True)

    before = await asyncio.to_thread(shown)
    authority.renew(authority.folder / "broker.pem")
    broker.hang_up()
    async with asyncio.timeout(20):
        while await asyncio.to_thread(shown) == before:
            await asyncio.sleep(0.05)


async def test_example__node_publishes_under_anothers_name__kept_from_everybody(
    mosquitto, authority: Authority
) -> None:
    broker = await mosquitto(example="mosquitto.conf")
    reader = gossip_over(certified(authority, broker.url, "node-1"))
    intruder = certified(authority, broker.url, "node-2")
    async with running(reader), asyncio.timeout(20):
        await reader.wait_connected()
        async with aiomqtt.Client("127.0.0.1", broker.port, tls_context=intruder.tls()) as client:
            await client.subscribe("#")
            await client.publish(f"{PREFIX}/observation/node-1", b"under another's name")
            await client.publish(f"{PREFIX}/observation", b"under no name")
            await client.publish(f"{PREFIX}/observation/node-2/more", b"beside it")
            await client.publish("elsewhere/observation/node-2", b"outside")
            await client.publish(f"{PREFIX}/observation/node-2", b"under its own")
            assert await receive(reader) == b"under its own"
            assert reader.counters["received"] == 1
            async for message in client.messages:
                if "/probe/" not in str(message.topic):
                    assert (str(message.topic), message.payload) == (f"{PREFIX}/observation/node-2", b"under its own")
                    break


async def test_connected__rules_that_let_nobody_speak__not_counted_as_a_broker_and_told(
    mosquitto, authority: Authority
) -> None:
    broker = await mosquitto(example="mosquitto.conf", acl="pattern read patina/+/+/+\n")
    gossip = gossip_over(certified(authority, broker.url, "node-1"), probing=IMPATIENT)
    async with running(gossip), asyncio.timeout(20):
        await until(lambda: "does not come back" in str(gossip.links[0].last_error))
        assert gossip.connected == 0
        assert f"{PREFIX}/probe/node-1" in str(gossip.links[0].last_error)
        assert gossip.silent_for() > 0


# -- the example with passwords ----------------------------------------------------------------------------------


@pytest.fixture
def passwords(tmp_path: Path) -> Path:
    """The password file, made as README.md says."""
    program = shutil.which("mosquitto_passwd")
    if program is None:
        pytest.skip("mosquitto_passwd is not installed (Debian's package mosquitto)")
    path = tmp_path / "passwords"
    for name in NODES:
        made = ["-c"] if name == NODES[0] else []
        subprocess.run([program, *made, "-b", str(path), name, f"{name} secret"], check=True, capture_output=True)
    return path


def test_password_file__made_as_the_example_says__holds_no_password(passwords: Path) -> None:
    assert "secret" not in passwords.read_text()


async def test_example__names_and_passwords__own_name_alone(mosquitto, authority: Authority, passwords: Path) -> None:
    broker = await mosquitto(example="passwords.conf")
    right = BrokerSettings(broker.url, "node-1", "node-1 secret", ca=authority.cert)
    gossip = gossip_over(right)
    async with running(gossip), asyncio.timeout(20):
        await gossip.wait_connected()
        login = {"username": "node-2", "password": "node-2 secret", "tls_context": right.tls()}
        async with aiomqtt.Client("127.0.0.1", broker.port, **login) as other:
            await other.publish(f"{PREFIX}/timeout/node-1", b"under another's name")
            await other.publish(f"{PREFIX}/timeout/node-2", b"under its own")
        assert await receive(gossip) == b"under its own"
    for username, password in (("node-1", "planted-secret"), ("stranger", "node-1 secret"), (None, None)):
        told = await refused(gossip_over(BrokerSettings(broker.url, username, password, ca=authority.cert)))
        assert "ot authori" in told
        assert "secret" not in told
