"""Runs a command that may send transactions: opens its desk, does the work there, says what a stop leaves behind."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

from node.errors import PatinaError, RevertError

if TYPE_CHECKING:
    from node.cli.stake.talk import Talk


class Spoken(Protocol):
    """What every such command's options say."""

    @property
    def yes(self) -> bool:
        """Whether questions are answered with yes."""

    @property
    def as_json(self) -> bool:
        """Whether JSON is printed."""


Choice = TypeVar("Choice", bound=Spoken)
Desk = TypeVar("Desk")


def at_desk(
    choice: Choice,
    open_desk: Callable[[Choice, Talk], AbstractAsyncContextManager[Desk]],
    work: Callable[[Desk], Awaitable[dict[str, Any]]],
    explain: Callable[[RevertError], str],
) -> None:
    """Do `work` at a desk; what it returns is the command's JSON, and `explain` says what a refusal means.

    Raises:
        PatinaError: it cannot be done, or the person stopped it.
    """
    from node.cli.stake.talk import Talk
    from node.log.lines import configure

    # What a person has to know is said in sentences; the sender's log would say it once more.
    configure("critical", "auto")
    talk = Talk(yes=choice.yes, as_json=choice.as_json)

    async def run() -> None:
        async with open_desk(choice, talk) as desk:
            talk.result(await work(desk))

    try:
        asyncio.run(run())
    except RevertError as error:
        raise RevertError(explain(error)) from None
    except KeyboardInterrupt:
        raise PatinaError("stopped; what was sent goes on, and is found again by the next run") from None
