"""Puts independent questions at once: what takes a node one answer's time need not take it two."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any, TypeVar

First = TypeVar("First")
Second = TypeVar("Second")


async def both(first: Coroutine[Any, Any, First], second: Coroutine[Any, Any, Second]) -> tuple[First, Second]:
    """Return what both return. The first error of either ends the other and is raised by itself, not in a group.

    Not a TaskGroup: Python 3.11's forgets a cancellation from outside when a child has failed.
    """
    one, other = asyncio.ensure_future(first), asyncio.ensure_future(second)
    try:
        await asyncio.wait((one, other), return_when=asyncio.FIRST_EXCEPTION)
    finally:
        for task in (one, other):
            task.cancel()
        await asyncio.gather(one, other, return_exceptions=True)
    for task in (one, other):
        if not task.cancelled() and (error := task.exception()) is not None:
            raise error
    return one.result(), other.result()
