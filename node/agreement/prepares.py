"""The Prepares of one round, and the quorums among them."""

from __future__ import annotations

from node.agreement import reasons
from node.agreement.messages import Opened, Prepare

MAX_VIEWS_EACH = 4
"""Prepares kept of one member, those of its latest views."""


class Prepares:
    """Keeps the first Prepare of each member and view, as its raw envelope."""

    def __init__(self, members: int, quorum: int) -> None:
        self._quorum = quorum
        self._kept: list[dict[int, tuple[bytes, bytes]]] = [{} for _ in range(members)]

    def add(self, opened: Opened, prepare: Prepare) -> str | None:
        """Keep a Prepare; the reason if it is not kept."""
        mine = self._kept[opened.sender]
        known = mine.get(prepare.view)
        if known is not None:
            return reasons.REPEATED if known[0] == prepare.digest else reasons.CONFLICTING
        mine[prepare.view] = (prepare.digest, opened.raw)
        if len(mine) > MAX_VIEWS_EACH:
            oldest = min(mine)
            del mine[oldest]
            if oldest == prepare.view:
                return reasons.STALE
        return None

    def enter(self, view: int) -> None:
        """Earlier views are left: no lock of theirs is formed here."""
        self._kept = [{at: prepare for at, prepare in mine.items() if at >= view} for mine in self._kept]

    def count(self, view: int, digest: bytes) -> int:
        """How many members prepared this digest in this view."""
        return sum(mine.get(view, (b"",))[0] == digest for mine in self._kept)

    def certificate(self, view: int, digest: bytes) -> tuple[bytes, ...] | None:
        """The raw envelopes of exactly a quorum in ascending order, or None while there is none."""
        raws = [mine[view][1] for mine in self._kept if mine.get(view, (b"",))[0] == digest]
        return tuple(raws[: self._quorum]) if len(raws) >= self._quorum else None
