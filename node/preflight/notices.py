"""Looks at the targets of notices, as far as the configuration tells; nothing is sent."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from node.preflight.facts import Facts
    from node.preflight.finding import Notes


async def check(facts: Facts, notes: Notes) -> None:
    """Note whether somebody would hear of trouble."""
    facts.config  # noqa: B018 - raises where there is none
    notes.skip("notices.targets", "none is configured")
