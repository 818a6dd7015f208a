"""MQTT brokers as processes that are killed, frozen, told to swallow messages, and started again on the same port."""

from __future__ import annotations

import asyncio
import getpass
import os
import shutil
import signal
import sys
from contextlib import suppress
from pathlib import Path

from node.devnet.ports import free_port

PATIENCE = 30
EMBEDDED = """
import asyncio, pathlib, signal, sys
from amqtt.broker import Broker
from node.devnet.broker import serve_broker
from node.devnet.settings import EmbeddedBrokerSettings
rules, broadcast, open_to_all = pathlib.Path(sys.argv[2]), Broker._broadcast_message, True
def reload(*_):
    global open_to_all
    open_to_all = "readwrite #" in rules.read_text()
async def by_the_rules(self, session, topic, *rest):
    if open_to_all or "/probe/" in topic:
        await broadcast(self, session, topic, *rest)
Broker._broadcast_message = by_the_rules
signal.signal(signal.SIGHUP, reload)
async def main():
    reload()
    async with serve_broker(EmbeddedBrokerSettings(port=int(sys.argv[1]))):
        await asyncio.Event().wait()
asyncio.run(main())
"""
EVERYTHING, PROBES = "topic readwrite #\n", "topic readwrite patina/+/probe/+\n"


class Broker:
    """Mosquitto where it is installed, else the embedded broker; either in a process of its own."""

    def __init__(self, folder: Path, *, embedded: bool = False) -> None:
        self.port = free_port()
        self.url = f"mqtt://127.0.0.1:{self.port}"
        program = None if embedded else shutil.which("mosquitto", path="/usr/sbin:/usr/local/sbin:/usr/bin:/bin")
        self.kind = "embedded" if program is None else "mosquitto"
        self._log = folder / f"broker-{self.port}.log"
        self._rules = folder / f"broker-{self.port}.acl"
        self._rules.write_text(EVERYTHING)
        self._command = [sys.executable, "-c", EMBEDDED, str(self.port), str(self._rules)]
        if program is not None:
            settings = folder / f"broker-{self.port}.conf"
            text = f"listener {self.port} 127.0.0.1\nallow_anonymous true\npersistence false\nacl_file {self._rules}\n"
            if os.getuid() == 0:
                # Started by root it would become a user that may not read these files.
                text += f"user {getpass.getuser()}\n"
            settings.write_text(text)
            self._command = [program, "-c", str(settings)]
        self._process: asyncio.subprocess.Process | None = None

    async def start(self) -> None:
        """Start it and wait until it takes connections."""
        with self._log.open("ab") as log:
            self._process = await asyncio.create_subprocess_exec(
                *self._command, stdin=asyncio.subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True
            )
        async with asyncio.timeout(PATIENCE):
            while not await self.listening():
                if self._process.returncode is not None:
                    raise RuntimeError(f"the {self.kind} broker did not start: see {self._log}")
                await asyncio.sleep(0.05)

    async def listening(self) -> bool:
        """Say whether its port takes connections."""
        with suppress(OSError):
            _, writer = await asyncio.open_connection("127.0.0.1", self.port)
            writer.close()
            return True
        return False

    async def kill(self) -> None:
        """End it at once, in the middle of whatever it does."""
        await self._end(signal.SIGKILL)

    async def stop(self) -> None:
        """Ask it to end."""
        await self._end(signal.SIGTERM)

    def freeze(self) -> None:
        """Let it keep its connections and say nothing (SIGSTOP)."""
        if self._process is not None:
            self._process.send_signal(signal.SIGSTOP)

    def thaw(self) -> None:
        """Let it go on."""
        if self._process is not None:
            self._process.send_signal(signal.SIGCONT)

    def censor(self) -> None:
        """Let it take connections and everything that is said, and hand on nothing but nodes' questions to itself."""
        self._obey(PROBES)

    def release(self) -> None:
        """Let it hand on everything again."""
        self._obey(EVERYTHING)

    def _obey(self, rules: str) -> None:
        self._rules.write_text(rules)
        if self._process is not None and self._process.returncode is None:
            self._process.send_signal(signal.SIGHUP)

    async def _end(self, number: signal.Signals) -> None:
        if self._process is None or self._process.returncode is not None:
            return
        with suppress(ProcessLookupError):
            self._process.send_signal(signal.SIGCONT)
            self._process.send_signal(number)
        try:
            async with asyncio.timeout(10):
                await self._process.wait()
        except TimeoutError:
            self._process.kill()
            await self._process.wait()
