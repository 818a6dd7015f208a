"""A Mosquitto of its own on a free port of this machine, for as long as a measurement lasts."""

from __future__ import annotations

import asyncio
import contextlib
import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from node.devnet.ports import free_port

SYSTEM = "/usr/sbin/mosquitto"
"""Where Debian's package puts it: often not on an ordinary user's PATH."""
START_SECONDS = 10.0


def find_mosquitto() -> str | None:
    """Return the path of the broker's program, or None where it is not installed."""
    return shutil.which("mosquitto") or (SYSTEM if Path(SYSTEM).exists() else None)


@asynccontextmanager
async def serve_mosquitto(program: str, folder: Path) -> AsyncIterator[str]:
    """Run it on localhost, without persistence, and yield its URL; RuntimeError if it does not start."""
    port = free_port()
    settings = folder / "mosquitto.conf"
    lines = [f"listener {port} 127.0.0.1", "allow_anonymous true", "persistence false", "log_type error"]
    # Else the broker keeps small packets back until the ones before are acknowledged, which takes up to 40 ms.
    lines.append("set_tcp_nodelay true")
    await asyncio.to_thread(settings.write_text, "\n".join(lines) + "\n", "ascii")
    process = await asyncio.create_subprocess_exec(program, "-c", str(settings), stdin=asyncio.subprocess.DEVNULL)
    try:
        await _listens(process, port)
        yield f"mqtt://127.0.0.1:{port}"
    finally:
        with contextlib.suppress(ProcessLookupError):
            process.terminate()
        await process.wait()


async def _listens(process: asyncio.subprocess.Process, port: int) -> None:
    async with asyncio.timeout(START_SECONDS):
        while True:
            if process.returncode is not None:
                raise RuntimeError(f"mosquitto ended with status {process.returncode}")
            with contextlib.suppress(OSError):
                _, writer = await asyncio.open_connection("127.0.0.1", port)
                writer.close()
                return
            await asyncio.sleep(0.02)
