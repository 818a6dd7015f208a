"""The subjects of a check in the order in which they are told, and how long each may take."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from importlib import import_module
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from node.preflight.facts import Facts
    from node.preflight.finding import Notes

Check = Callable[["Facts", "Notes"], Awaitable[None]]

#: subject -> seconds after which it counts as hung. Its module in this package has the same name.
SUBJECTS: Final[dict[str, float]] = {
    "configuration": 60,
    "keys": 120,
    "journal": 120,
    "endpoints": 120,
    "clock": 120,
    "contracts": 120,
    "stake": 120,
    "brokers": 120,
    "machine": 60,
    "renderer": 600,
    "content": 60,
    "web": 60,
    "notices": 60,
}


def check_of(subject: str) -> Check:
    """The check of a subject, imported now."""
    found: Check = import_module(f"node.preflight.{subject}").check
    return found
