"""Brokers as processes of their own, so that they can be killed: the embedded one, and Mosquitto."""

from __future__ import annotations

import asyncio
import contextlib
import getpass
import os
import shutil
import signal
import socket
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import pytest

_PROGRAM = """
import asyncio, sys
from node.devnet.broker import serve_broker
from node.devnet.settings import EmbeddedBrokerSettings

async def main():
    async with serve_broker(EmbeddedBrokerSettings(port=int(sys.argv[1]))) as broker:
        print(broker.port, flush=True)
        await asyncio.Event().wait()

asyncio.run(main())
"""
EXAMPLES = Path(__file__).parents[3] / "examples" / "mosquitto"
INSTALLED_AT = "/etc/mosquitto/patina/"


class BrokerProcess:
    """A running broker; `kill` is kill -9."""

    def __init__(self, process: asyncio.subprocess.Process, port: int, scheme: str = "mqtt") -> None:
        self._process = process
        self.port = port
        self.url = f"{scheme}://127.0.0.1:{port}"

    def hang_up(self) -> None:
        """The signal upon which Mosquitto reads its configuration again."""
        self._process.send_signal(signal.SIGHUP)

    async def kill(self) -> None:
        with contextlib.suppress(ProcessLookupError):
            self._process.kill()
        await self._process.wait()


Spawn = Callable[..., Awaitable[BrokerProcess]]


@pytest.fixture
async def spawn_broker() -> AsyncIterator[Spawn]:
    """Starts embedded brokers, on any free port or a given one, and kills them in the end."""
    started: list[BrokerProcess] = []

    async def spawn(port: int = 0) -> BrokerProcess:
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-c", _PROGRAM, str(port), stdout=asyncio.subprocess.PIPE
        )
        assert process.stdout is not None
        broker = BrokerProcess(process, int(await process.stdout.readline() or b"0"))
        started.append(broker)
        assert broker.port
        return broker

    yield spawn
    for broker in started:
        await broker.kill()


def find_mosquitto() -> str:
    """Where the program is: Debian keeps it where a user's PATH does not look."""
    found = shutil.which("mosquitto", path=f"{os.environ.get('PATH', '')}:/usr/sbin:/usr/local/sbin")
    if found is None:
        pytest.skip("mosquitto is not installed (Debian's package mosquitto)")
    return found


async def _listening(port: int) -> bool:
    try:
        _, writer = await asyncio.open_connection("127.0.0.1", port)
    except OSError:
        return False
    writer.close()
    return True


@pytest.fixture
async def mosquitto(tmp_path: Path) -> AsyncIterator[Spawn]:
    """Starts Mosquitto on a free port or a given one, and kills it in the end.

    `example` names one of the configurations in examples/mosquitto, which is run as it stands, but for port and paths:
    what it expects in /etc/mosquitto/patina lies in `tmp_path`. `acl` stands in for the example's. Without an example,
    everybody may do everything.
    """
    program = find_mosquitto()
    started: list[BrokerProcess] = []

    async def spawn(port: int = 0, example: str = "", acl: str = "") -> BrokerProcess:
        port = port or free_port()
        if example:
            text = (EXAMPLES / example).read_text().replace("listener 8883", f"listener {port} 127.0.0.1")
            (tmp_path / "acl").write_text(acl or (EXAMPLES / "acl").read_text())
            assert str(port) in text
            assert INSTALLED_AT in text
            text = text.replace(INSTALLED_AT, f"{tmp_path}/")
        else:
            text = f"listener {port} 127.0.0.1\nallow_anonymous true\npersistence false\n"
        if os.getuid() == 0:
            # Started by root it would become a user that may not read the files of this test.
            text += f"\nuser {getpass.getuser()}\n"
        path = tmp_path / f"mosquitto-{port}.conf"
        path.write_text(text)
        output = tmp_path / f"mosquitto-{port}.log"
        with output.open("ab") as log:
            process = await asyncio.create_subprocess_exec(program, "-c", str(path), stdout=log, stderr=log)
        broker = BrokerProcess(process, port, "mqtts" if example else "mqtt")
        started.append(broker)
        async with asyncio.timeout(20):
            while not await _listening(port):
                assert process.returncode is None, output.read_text()
                await asyncio.sleep(0.02)
        return broker

    yield spawn
    for broker in started:
        await broker.kill()


@pytest.fixture(params=["embedded", "mosquitto"])
def spawn(request: pytest.FixtureRequest) -> Spawn:
    """Starts brokers of either kind."""
    chosen: Spawn = request.getfixturevalue("spawn_broker" if request.param == "embedded" else "mosquitto")
    return chosen


def free_port() -> int:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return int(taken.getsockname()[1])
