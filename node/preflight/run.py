"""Runs checks side by side: each with its time limit, and one that hangs or fails is told like any other finding."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING

from node.errors import ChainError
from node.preflight.finding import Finding, Notes, UnknownError
from node.preflight.subjects import SUBJECTS, Check, check_of

if TYPE_CHECKING:
    from node.preflight.facts import Facts


async def run(
    facts: Facts,
    subjects: Sequence[str],
    on_done: Callable[[str, Sequence[Finding]], None] = lambda *_: None,
    *,
    limits: Mapping[str, float] = SUBJECTS,
    check_of: Callable[[str], Check] = check_of,
) -> list[Finding]:
    """Every finding of these subjects, in their order; `on_done` hears of each subject as it ends."""
    found: dict[str, Sequence[Finding]] = {}

    async def one(subject: str) -> None:
        found[subject] = await _run(facts, subject, limits[subject], check_of)
        on_done(subject, found[subject])

    try:
        async with asyncio.TaskGroup() as group:
            for subject in subjects:
                group.create_task(one(subject))
    finally:
        await facts.aclose()
    return [finding for subject in subjects for finding in found[subject]]


async def _run(facts: Facts, subject: str, limit: float, check_of: Callable[[str], Check]) -> Sequence[Finding]:
    notes = Notes(subject)
    try:
        async with asyncio.timeout(limit):
            await check_of(subject)(facts, notes)
    except UnknownError as error:
        notes.skip("check.unknown", str(error))
    except ChainError as error:
        notes.skip("check.unknown", f"the chain does not answer: {error}")
    except TimeoutError:
        notes.fault("check.hung", f"did not end within {limit:g} s")
    except Exception as error:
        # Whatever it is: it must not hide what the others find. Its text may be anybody's words.
        notes.fault("check.crashed", f"failed itself: {type(error).__name__}: {error}"[:300])
    return notes.found
