"""What a round asks of whoever paints: agreed inputs to one content root, or to a root and what it resembles."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Protocol, runtime_checkable


@dataclass(frozen=True)
class Likeness:
    """A painting that other nodes' paintings only resemble: `root` is 32 bytes.

    `alike(root)` says whether another node's painting, fetched by its root, is within the recipe's tolerance of this
    one; it raises ContentError for as long as that painting is to be had nowhere.
    """

    root: bytes
    alike: Callable[[bytes], Awaitable[bool]]


Paint = Callable[[int, Sequence[int]], Awaitable[bytes | Likeness]]
"""From the agreed answer (wad) and signals (wads) to a content root of 32 bytes, the same on every node, or to a
likeness where recipes agree by tolerance; a root of zeros leaves artworks unchanged."""


@runtime_checkable
class Alone(Protocol):
    """A `Paint` that also says what one node can vouch for by itself, when it has nobody to agree with."""

    async def alone(self, answer: int, signals: Sequence[int]) -> bytes | None:
        """Return the content root that every node gets alone; zeros where artworks stay as they are.

        None where one node alone has nothing to report.
        """
