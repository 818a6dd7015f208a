"""MQTT brokers as processes that can be killed, frozen and started again on the same port."""

from __future__ import annotations

import asyncio
import shutil
import signal
import sys
from contextlib import suppress
from pathlib import Path

from node.devnet.ports import free_port

PATIENCE = 30
EMBEDDED = """
import asyncio, sys
from node.devnet.broker import serve_broker
from node.devnet.settings import EmbeddedBrokerSettings
async def main():
    async with serve_broker(EmbeddedBrokerSettings(port=int(sys.argv[1]))):
        await asyncio.Event().wait()
asyncio.run(main())
"""


class Broker:
    """Mosquitto where it is installed, else the embedded broker; either in a process of its own."""

    def __init__(self, folder: Path, *, embedded: bool = False) -> None:
        self.port = free_port()
        self.url = f"mqtt://127.0.0.1:{self.port}"
        program = None if embedded else shutil.which("mosquitto", path="/usr/sbin:/usr/local/sbin:/usr/bin:/bin")
        self.kind = "embedded" if program is None else "mosquitto"
        self._log = folder / f"broker-{self.port}.log"
        self._command = [sys.executable, "-c", EMBEDDED, str(self.port)]
        if program is not None:
            settings = folder / f"broker-{self.port}.conf"
            settings.write_text(f"listener {self.port} 127.0.0.1\nallow_anonymous true\npersistence false\n")
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
