"""Hands a message to a target, in a process of its own that is given up when it takes too long."""

from __future__ import annotations

import asyncio
import json
import os
import sys
from asyncio.subprocess import DEVNULL, PIPE
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from node.errors import printable
from node.keys.environment import without_secrets
from node.keys.redaction import redactor

if TYPE_CHECKING:
    from node.notices.targets import Target

MAX_ANSWER: Final = 4_096
_ROOT: Final = Path(__file__).parents[2]


@dataclass(frozen=True, slots=True)
class Message:
    """What a target is told: one line of `title`, and a `body` of one paragraph for each notice."""

    title: str
    body: str
    level: str


Carry = Callable[["Target", Message], Awaitable[str]]
"""Hands a message to a target; returns why it was not taken, empty if it was. Never raises but for cancellation."""


class Courier:
    """Starts a process for each message, a few at a time: libraries that know a hundred services stay out of the node,
    and one that hangs is killed."""

    def __init__(self, timeout: float, at_once: int = 2) -> None:
        """`timeout` in seconds for one message, the start of its process included."""
        self._timeout = timeout
        self._room = asyncio.Semaphore(at_once)

    async def __call__(self, target: Target, message: Message) -> str:
        """Hand over a message; see `Carry`."""
        async with self._room:
            try:
                async with asyncio.timeout(self._timeout):
                    return await self._send(target, message)
            except TimeoutError:
                return f"took longer than {self._timeout:g} s"
            except OSError as error:
                return f"the process that sends cannot be started ({error.strerror})"

    async def _send(self, target: Target, message: Message) -> str:
        asked = {"url": target.url.reveal(), "title": message.title, "body": message.body, "level": message.level}
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "node.notices.send", stdin=PIPE, stdout=PIPE, stderr=DEVNULL, env=_variables(),
            process_group=0,
        )  # fmt: skip
        try:
            said, _ = await process.communicate(json.dumps(asked).encode())
        finally:
            if process.returncode is None:
                with suppress(ProcessLookupError):
                    process.kill()
                await process.wait()
        try:
            why = json.loads(said[:MAX_ANSWER])["why"]
        except (ValueError, LookupError, TypeError):
            return f"the process that sends ended with status {process.returncode}"
        return printable(redactor.redact(str(why)))


def _variables() -> dict[str, str]:
    """The node's environment without its secrets (PATINA_*), and this source tree."""
    kept = without_secrets()
    return {**kept, "PYTHONPATH": os.pathsep.join(filter(None, (str(_ROOT), kept.get("PYTHONPATH"))))}
