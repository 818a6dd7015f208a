"""What is said to systemd, over a real socket as it makes one."""

from __future__ import annotations

import asyncio
import os
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from node.systemd import Notify, supervised


@pytest.fixture
def listener(tmp_path: Path) -> Iterator[socket.socket]:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as heard:
        heard.bind(str(tmp_path / "notify"))
        heard.settimeout(5)
        yield heard


def environ(listener: socket.socket, **more: str) -> dict[str, str]:
    return {"NOTIFY_SOCKET": str(listener.getsockname()), **more}


async def test_supervised__with_a_watchdog__says_ready_alive_and_stopping(listener: socket.socket) -> None:
    notify = Notify(environ(listener, WATCHDOG_USEC="20000", WATCHDOG_PID=str(os.getpid())))
    assert notify.period == pytest.approx(0.02)
    listener.setblocking(False)
    async with supervised(notify), asyncio.timeout(30):
        heard = [await asyncio.get_running_loop().sock_recv(listener, 100) for _ in range(4)]
    assert heard == [b"READY=1", b"WATCHDOG=1", b"WATCHDOG=1", b"WATCHDOG=1"]
    rest = []
    while True:
        try:
            rest.append(listener.recv(100))
        except BlockingIOError:
            break
    assert rest[-1] == b"STOPPING=1"


async def test_supervised__block_fails__still_says_stopping_and_lets_the_error_through(listener: socket.socket) -> None:
    with pytest.raises(RuntimeError, match="planted"):
        async with supervised(Notify(environ(listener))):
            raise RuntimeError("planted")
    assert [listener.recv(100), listener.recv(100)] == [b"READY=1", b"STOPPING=1"]


async def test_notify__abstract_socket__is_reached() -> None:
    name = f"patina-test-{os.getpid()}"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as heard:
        heard.bind("\0" + name)
        heard.settimeout(5)
        Notify({"NOTIFY_SOCKET": f"@{name}"}).tell("READY=1")
        assert heard.recv(100) == b"READY=1"


@pytest.mark.parametrize(
    "given", [{}, {"NOTIFY_SOCKET": ""}, {"NOTIFY_SOCKET": "vsock:2:1234"}, {"NOTIFY_SOCKET": "/nowhere/at/all"}]
)
async def test_supervised__nobody_listens__says_nothing_and_does_not_fail(given: dict[str, str]) -> None:
    async with supervised(Notify({**given, "WATCHDOG_USEC": "1000"})):
        await asyncio.sleep(0)


@pytest.mark.parametrize("usec", ["", "0", "-1", "soon", "9" * 40, "\u0661\u0660"])
def test_notify__watchdog_that_is_none__is_none(usec: str) -> None:
    assert Notify({"NOTIFY_SOCKET": "/run/x", "WATCHDOG_USEC": usec}).period is None


def test_notify__watchdog_of_another_process__is_none() -> None:
    assert Notify({"NOTIFY_SOCKET": "/run/x", "WATCHDOG_USEC": "1000", "WATCHDOG_PID": "1"}).period is None
