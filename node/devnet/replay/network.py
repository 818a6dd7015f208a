"""The nodes of a replay: their folders, their processes, and waiting until all of them are done with a checkpoint."""

from __future__ import annotations

import asyncio
import secrets
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from node.config.directory import create_node_folder
from node.devnet.ports import free_port
from node.devnet.replay.process import NodeProcess
from node.errors import ReplayError
from node.keys.secrets import Secret
from node.keys.signing import SCRYPT_N_LIGHT

if TYPE_CHECKING:
    import aiohttp

START_SECONDS = 90
CHECKPOINT_SECONDS = 240
LOOK_SECONDS = 0.05
TIMING: Mapping[str, Mapping[str, Any]] = {
    # A devnet's blocks come when they are called for and everyone sits on one machine: everything is quicker there.
    "agreement": {"grace_ms": 400, "view_ms": 5_000, "render_ms": 120_000, "repeat_ms": 500},
    "transmit": {"stage_ms": 3_000, "resend_after_ms": 5_000, "priority_fee_gwei": 1},
    "log": {"format": "json"},
}


@dataclass(frozen=True)
class Member:
    """One seat of the committee to be: the process, and what the oracle must know of it."""

    process: NodeProcess
    address: str
    transport_key: bytes


def create_members(
    count: int,
    folder: Path,
    *,
    chain_id: int,
    oracle: str,
    rpc: str,
    broker: str,
    poll_ms: int = 100,
    adapt: Callable[[int, dict[str, Any]], None] = lambda _, __: None,
) -> list[Member]:
    """Make the folders of `count` nodes, with keys of their own, that know each other's gateways.

    `adapt` may change a node's settings, told its number from 1, before its folder is made of them.
    """
    ports = [free_port() for _ in range(count)]
    gateways = [f"http://127.0.0.1:{port}" for port in ports]
    members = []
    for number, port in enumerate(ports, 1):
        home = folder / f"node-{number}"
        settings: dict[str, Any] = {
            **TIMING,
            "node": {"name": home.name},
            # The chain is on this machine, and asked at every turn.
            "chain": {
                "id": chain_id,
                "oracle": oracle,
                "endpoints": [rpc],
                "poll_ms": poll_ms,
                "requests_per_second": 100_000,
            },
            "gossip": {"brokers": [{"url": broker}]},
            "content": {"peers": [gateway for gateway in gateways if not gateway.endswith(f":{port}")]},
            "web": {"port": port},
        }
        adapt(number, settings)
        made = create_node_folder(
            home,
            settings,
            Secret(secrets.token_urlsafe(24)),
            keep_password=True,
            scrypt_n=SCRYPT_N_LIGHT,
        )
        members.append(Member(NodeProcess(home, port), made.address, made.transport_key))
    return members


class Network:
    """All nodes of a replay; those that were killed are not waited for."""

    def __init__(self, members: Sequence[Member], session: aiohttp.ClientSession) -> None:
        self.members = list(members)
        self._session = session

    async def start(self) -> None:
        """Start every node and wait until each says that it is ready."""
        for member in self.members:  # one after another: where one cannot start, none is left that nobody knows of
            await member.process.start()
        await asyncio.gather(*(self.wait_ready(member.process) for member in self.members))

    async def stop(self) -> None:
        """Stop every node as its supervisor would, whatever becomes of the others."""
        ended = await asyncio.gather(*(member.process.stop() for member in self.members), return_exceptions=True)
        for error in ended:
            if error is not None:
                raise error

    async def wait_ready(self, process: NodeProcess) -> None:
        """Wait until a started node says that it is ready.

        Raises:
            ReplayError: it ended, or took too long.
        """
        try:
            async with asyncio.timeout(START_SECONDS):
                while True:
                    answer = await process.get(self._session, "/readyz")
                    # Who has no seat yet waits for one, and does all else.
                    if answer is not None and (answer.get("ready") or answer.get("reasons") == ["standby"]):
                        return
                    await asyncio.sleep(LOOK_SECONDS)
        except TimeoutError:
            raise ReplayError(
                f"{process.folder.name} was not ready within {START_SECONDS} s: see {process.log_path}"
            ) from None

    async def status(self, process: NodeProcess) -> dict[str, Any] | None:
        """Return what a node says of itself, or None while it does not answer."""
        found: dict[str, Any] | None = await process.get(self._session, "/api/status")
        return found

    async def settled(self, feeds: Sequence[int], checkpoint: int) -> list[dict[str, Any]]:
        """Wait until every running node has handled a checkpoint of all feeds and no round is open anywhere.

        Raises:
            ReplayError: a node ended, or it took too long.
        """
        since = time.monotonic()
        while True:
            running = [member.process for member in self.members if member.process.wanted]
            answers = await asyncio.gather(*(self.status(process) for process in running))
            known = [answer for answer in answers if answer is not None]
            if len(known) == len(running) and all(done(answer, feeds, checkpoint) for answer in known):
                return known
            if time.monotonic() - since > CHECKPOINT_SECONDS:
                raise ReplayError(
                    f"checkpoint {checkpoint} was not done with after {CHECKPOINT_SECONDS} s: see the nodes' logs in "
                    f"{running[0].folder.parent}/node-*/node.log"
                )
            await asyncio.sleep(LOOK_SECONDS)


def done(status: Mapping[str, Any], feeds: Sequence[int], checkpoint: int) -> bool:
    """Say whether a node's status shows a checkpoint handled, nothing under way, and all landed artworks at hand."""
    cursors = status["cursors"]
    idle = not status["rounds"] and not status["artworks_missing"]
    return idle and all(cursors.get(f"feed {feed}", 0) >= checkpoint for feed in feeds)
