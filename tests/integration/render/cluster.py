"""A Ray cluster of this machine alone: a head with one CPU and one more node, each a process tree of its own."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Self

ROOT = Path(__file__).parents[3]
HOST = "127.0.0.2"
"""This machine's own, and not 127.0.0.1, in whose place Ray puts an address that others reach."""
SECRET = "planted-password-91"
"""What no process of the cluster, nor any bridge to it, may have in its environment."""


def free_port() -> int:
    with socket.socket() as made:
        made.bind((HOST, 0))
        return int(made.getsockname()[1])


def _descendants(process: int) -> list[int]:
    """The processes that a process started, and theirs."""
    try:
        tasks = list(Path(f"/proc/{process}/task").glob("*/children"))
        children = [int(child) for task in tasks for child in task.read_text().split()]
    except OSError:
        return []
    return [each for child in children for each in (child, *_descendants(child))]


class Cluster:
    """Two nodes with a CPU each; dashboard and usage reports off, everything bound to this machine."""

    def __init__(self, noted: Path) -> None:
        # Short: Ray keeps unix sockets in it, whose names end at 107 bytes.
        self._folder = Path(tempfile.mkdtemp(prefix="ray"))
        self._environment = {
            **os.environ,
            "RAY_USAGE_STATS_ENABLED": "0",
            "RAY_raylet_start_wait_time_s": "180",
            "PYTHONUNBUFFERED": "1",
            "PYTHONPATH": str(ROOT),
            "PYTHONWARNINGS": "ignore",
            "PLANTED": str(noted),
        }
        self._port, self._client = free_port(), free_port()
        self._nodes: list[subprocess.Popen[bytes]] = []

    @property
    def environment(self) -> dict[str, str]:
        """What makes "ray://auto" find this cluster and no other."""
        return {"RAY_ADDRESS": f"{HOST}:{self._port}"}

    @property
    def address(self) -> str:
        """The address for machines that are no part of the cluster."""
        return f"ray://{HOST}:{self._client}"

    def __enter__(self) -> Self:
        try:
            self._start(
                "--head", f"--port={self._port}", f"--ray-client-server-port={self._client}",
                "--include-dashboard=false", "--no-monitor", f"--temp-dir={self._folder}",
            )  # fmt: skip
            self._start(f"--address={HOST}:{self._port}")
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        for number in range(len(self._nodes)):
            self.kill(number)
        shutil.rmtree(self._folder, ignore_errors=True)

    def kill(self, number: int) -> None:
        """Kill a node with all its processes."""
        node = self._nodes[number]
        if node.poll() is None:
            for process in [node.pid, *_descendants(node.pid)]:  # Ray gives some of them groups of their own
                with contextlib.suppress(ProcessLookupError):
                    os.kill(process, signal.SIGKILL)
        node.wait()

    def _start(self, *arguments: str) -> None:
        """Start a node, and wait until it says that it is up: one that came before its head would give up."""
        command = [sys.executable, "-m", "ray.scripts.scripts", "start", "--block", f"--node-ip-address={HOST}"]
        command += ["--num-cpus=1", "--num-gpus=0", f"--object-store-memory={80 * 2**20}", "--disable-usage-stats"]
        said = self._folder / f"node-{len(self._nodes)}.txt"
        with said.open("wb") as output:
            node = subprocess.Popen(
                [*command, "--include-log-monitor=false", *arguments], env=self._environment, start_new_session=True,
                stdout=output, stderr=subprocess.STDOUT,
            )  # fmt: skip
        self._nodes.append(node)
        deadline = time.monotonic() + 300
        while b"Ray runtime started." not in said.read_bytes():
            if node.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError(said.read_text()[-2_000:])
            time.sleep(0.1)
