"""Tells systemd that the node is ready, alive and stopping (sd_notify), where systemd asked to be told."""

from __future__ import annotations

import asyncio
import os
import socket
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress
from typing import Final

import structlog

log = structlog.get_logger("systemd")

READY: Final = "READY=1"
STOPPING: Final = "STOPPING=1"
ALIVE: Final = "WATCHDOG=1"


class Notify:
    """The socket that systemd named in NOTIFY_SOCKET (sd_notify(3)); without one nothing is said.

    A node that cannot speak to its supervisor goes on: nothing here raises.
    """

    def __init__(self, environ: Mapping[str, str] | None = None) -> None:
        given = os.environ if environ is None else environ
        path = given.get("NOTIFY_SOCKET", "")
        # A leading @ stands for the null byte of an abstract socket (unix(7)); other families are for virtual machines.
        self._address = ("\0" + path[1:] if path.startswith("@") else path) if path[:1] in ("/", "@") else ""
        self._period = _period(given)

    @property
    def period(self) -> float | None:
        """Seconds within which the watchdog wants to hear from this process; None without one."""
        return self._period if self._address else None

    def tell(self, state: str) -> None:
        """Send one state, such as READY."""
        if not self._address:
            return
        try:
            with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as speaker:
                speaker.setblocking(False)
                speaker.sendto(state.encode(), self._address)
        except OSError as error:
            log.warning("systemd not told", state=state, error=str(error))


@asynccontextmanager
async def supervised(notify: Notify | None = None) -> AsyncIterator[None]:
    """Say that the node is ready, that its loop still turns while the block runs, and then that it stops."""
    told = Notify() if notify is None else notify
    told.tell(READY)
    beat = asyncio.create_task(_beat(told)) if told.period else None
    try:
        yield
    finally:
        told.tell(STOPPING)
        if beat is not None:
            beat.cancel()
            with suppress(asyncio.CancelledError):
                await beat


async def _beat(notify: Notify) -> None:
    # Half the time is what sd_watchdog_enabled(3) recommends. A loop that hangs is silent, and is started anew.
    while notify.period:
        notify.tell(ALIVE)
        await asyncio.sleep(notify.period / 2)


def _period(environ: Mapping[str, str]) -> float | None:
    if environ.get("WATCHDOG_PID", str(os.getpid())) != str(os.getpid()):
        return None
    text = environ.get("WATCHDOG_USEC", "")
    return int(text) / 1e6 if text.isascii() and text.isdigit() and 0 < int(text) < 10**13 else None
