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
    "configuration": 15,
    "keys": 60,
    "journal": 120,
    "endpoints": 120,
    "clock": 60,
    "contracts": 120,
    "stake": 90,
    "brokers": 45,
    "machine": 30,
    "renderer": 600,
    "content": 45,
    "web": 20,
    "notices": 15,
}


def check_of(subject: str) -> Check:
    """The check of a subject, imported now."""
    found: Check = import_module(f"node.preflight.{subject}").check
    return found
