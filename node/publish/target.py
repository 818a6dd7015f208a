"""What a place to publish to is: it takes parcels, lets go of roots, and says how it is."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable
from dataclasses import dataclass
from typing import Protocol

from node.content.cid import Cid
from node.errors import PatinaError


class TargetError(PatinaError):
    """A publishing target that did not do what was asked of it."""


class AwayError(TargetError):
    """Nothing can be published there at present: it is out of reach, fails, or does not take our token."""


class RefusedError(TargetError):
    """It does not take this one parcel; others it may."""


@dataclass(frozen=True, slots=True)
class Parcel:
    """What is published together: the DAGs under `roots`, an edition's content root first.

    `pieces` makes the bytes of their CAR anew each time; `name` is what the pin is called where pins have names.
    """

    roots: tuple[Cid, ...]
    blocks: int
    size: int
    name: str
    pieces: Callable[[], AsyncGenerator[bytes, None]]


@dataclass(frozen=True, slots=True)
class Examined:
    """What a target says of itself, when asked without being given anything."""

    version: str
    detail: str


class Target(Protocol):
    """A place to publish to. Every method raises AwayError or RefusedError, never another error of its own."""

    @property
    def name(self) -> str:
        """What it is called; may be shown to anyone."""

    @property
    def kind(self) -> str:
        """As in the configuration: "kubo" or "pinning"."""

    async def publish(self, parcel: Parcel) -> bool:
        """Bring a parcel; True once the target itself says that it keeps it, False while it is still at it."""

    async def withdraw(self, root: Cid) -> None:
        """Have a root unpinned; one that is not pinned is fine."""

    async def examine(self) -> Examined:
        """Whether it can be reached and takes the token; nothing is left behind there."""
