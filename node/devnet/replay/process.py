"""One node as an operating-system process: the same program, files and keys that an operator has."""

from __future__ import annotations

import asyncio
import signal
import sys
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from node.errors import ReplayError
from node.keys.environment import without_secrets

if TYPE_CHECKING:
    import aiohttp

STOP_SECONDS = 20
COMMAND = (sys.executable, "-m", "node.cli")


class NodeProcess:
    """`patina run` in a folder of its own; what it says goes to `node.log` there."""

    def __init__(self, folder: Path, port: int, command: tuple[str, ...] = COMMAND) -> None:
        self.folder = folder
        self.port = port
        self.command = command
        self._process: asyncio.subprocess.Process | None = None
        self.wanted = False
        """Whether it ought to be running: from start() until stop() or kill()."""

    @property
    def url(self) -> str:
        """Where its pages are."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def pid(self) -> int:
        """The number of the process that was started last; 0 before the first."""
        return 0 if self._process is None else self._process.pid

    @property
    def running(self) -> bool:
        """Whether the process is there."""
        return self._process is not None and self._process.returncode is None

    async def start(self) -> None:
        """Start the process; it is not ready yet."""
        with (self.folder / "node.log").open("ab") as log:
            self._process = await asyncio.create_subprocess_exec(
                *self.command,
                "run",
                "--config",
                str(self.folder / "config.toml"),
                stdin=asyncio.subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
                # Its keys live no longer than the folder: what a user's nodes remember of theirs is not touched.
                env={**without_secrets(), "XDG_STATE_HOME": str(self.folder.parent / ".state")},
            )
        self.wanted = True

    async def stop(self) -> None:
        """Ask it to stop, as an operator's supervisor would, and wait until it is gone."""
        self.wanted = False
        if self._process is None:
            return
        with suppress(ProcessLookupError):
            self._process.send_signal(signal.SIGTERM)
        try:
            async with asyncio.timeout(STOP_SECONDS):
                await self._process.wait()
        except TimeoutError:
            await self.kill()

    async def kill(self) -> None:
        """End it at once (SIGKILL), wherever it is."""
        self.wanted = False
        if self._process is None:
            return
        with suppress(ProcessLookupError):
            self._process.kill()
        await self._process.wait()

    async def get(self, session: aiohttp.ClientSession, path: str) -> Any:
        """Return the JSON that the node answers at `path`, or None while it does not answer.

        Raises:
            ReplayError: the process has ended by itself.
        """
        import aiohttp

        if self.wanted and self._process is not None and self._process.returncode is not None:
            raise ReplayError(f"{self.folder.name} ended with status {self._process.returncode}: see {self.log_path}")
        try:
            async with session.get(self.url + path) as response:
                return await response.json()
        except (aiohttp.ClientError, TimeoutError):
            return None

    @property
    def log_path(self) -> Path:
        """Where its log is."""
        return self.folder / "node.log"
