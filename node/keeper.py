"""What a keeper is, what the node gives it, and how keepers are found."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from importlib.metadata import entry_points
from typing import TYPE_CHECKING, Protocol, runtime_checkable

from node.errors import ConfigError

if TYPE_CHECKING:
    from node.agreement.effects import Trigger
    from node.artworks.paint import Paint
    from node.artworks.studio import Studio
    from node.chain.client import Chain
    from node.chain.sending.sender import Sender
    from node.chain.types import Block, Feed, Sample
    from node.config import Config
    from node.journal import Journal
    from node.rounds.landings import Landings

GROUP = "patina.keepers"
"""The entry point group in which an installed package offers keepers."""


class Rounds(Protocol):
    """The node's side of agreement, as far as a keeper needs it."""

    async def begin(self, trigger: Trigger, paint: Paint) -> None:
        """Enter a round; a round that is already open goes on as it was."""

    def in_flight(self, feed: int) -> int | None:
        """Return the newest checkpoint of the feed's open rounds, or None."""


async def _all_pay(_: Sequence[int]) -> set[int]:
    return set()


@dataclass(frozen=True)
class NodeContext:
    """What the node lends to its keepers."""

    config: Config
    chain: Chain
    journal: Journal
    landings: Landings
    rounds: Rounds
    studio: Studio
    sender: Sender
    takes_part: Callable[[int], bool] = lambda _: True
    """Whether the node has a seat in the committee that reports of a checkpoint; without one it samples, and begins
    no rounds."""
    unpaid: Callable[[Sequence[int]], Awaitable[set[int]]] = _all_pay
    """Those feeds whose rounds the node does not begin because they do not pay; asked before anything is rendered."""


class Keeper(Protocol):
    """One duty of the node. Its methods are called one after another, never at the same time, and also while the node
    has no seat."""

    async def resume(self, feeds: Sequence[Feed]) -> None:
        """Take up what a stopped node left open, or what a landed report had ended that a reorganisation took back.

        Called before the first head, and again where it is needed: what goes on already, goes on.
        """

    async def final_head(self, head: Block, feeds: Sequence[Feed]) -> None:
        """Handle all that is final at `head` and was not handled yet."""


@runtime_checkable
class Judge(Protocol):
    """A keeper that also says what feeds come to, for whoever shows them."""

    def answers(self, feed: Feed, samples: Sequence[Sample]) -> Sequence[int | None]:
        """Return the answer (wad) at each of a feed's samples, oldest first; None where history is too short."""


def find_keepers(context: NodeContext) -> list[Keeper]:
    """Build every installed keeper, in the order of their names.

    Raises:
        ConfigError: none is installed, so that the node would have nothing to do.
    """
    found = sorted(entry_points(group=GROUP), key=lambda point: point.name)
    if not found:
        raise ConfigError(f"no keeper is installed (entry point group {GROUP!r}): reinstall the patina package")
    return [point.load()(context) for point in found]


def judge(keepers: Sequence[Keeper]) -> Judge:
    """Return the first keeper that judges feeds.

    Raises:
        ConfigError: none does.
    """
    for keeper in keepers:
        if isinstance(keeper, Judge):
            return keeper
    raise ConfigError("no installed keeper judges feeds: reinstall the patina package")
