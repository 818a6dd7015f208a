"""Whether this node is older than its network asks for: read from the deployment file again and again."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Final

import structlog

from node.deployment.file import load
from node.deployment.software import is_older
from node.errors import PatinaError

EVERY_S: Final = 300.0
"""Seconds between two looks: a newer file takes the old one's place while the node runs."""

log = structlog.get_logger("software")


class Age:
    """Keeps what the file said last; one that cannot be read, or is half written, changes nothing."""

    def __init__(self, path: Path | None, running: str) -> None:
        """`path` is the deployment file's, None for none; `running` this software's version."""
        self._path = path
        self._running = running
        self.needed: str | None = None
        """The oldest version that can take part, where this one is older."""

    def look(self) -> None:
        """Read the file; it is said once when the node has become too old."""
        if self._path is None:
            return
        try:
            least = load(self._path).least_node
        except PatinaError as error:
            log.debug("deployment file not read", error=str(error))
            return
        needed = least if is_older(self._running, least) else None
        if needed not in (None, self.needed):
            log.error(
                "THIS NODE IS TOO OLD for its network, and may not understand the others: update it",
                running=self._running,
                needed=needed,
            )
        self.needed = needed

    async def run(self) -> None:
        """Look until cancelled."""
        while True:
            await asyncio.to_thread(self.look)
            await asyncio.sleep(EVERY_S)
