"""The Prepares of one round, or its Commits, and the quorums among them."""

from __future__ import annotations

from node.agreement import reasons
from node.agreement.messages import Commit, Opened, Prepare

MAX_VIEWS_EACH = 4
"""Ballots kept of one member, those of its latest views."""


class Ballots:
    """Keeps the first ballot of each member and view, as its raw envelope."""

    def __init__(self, members: int, quorum: int) -> None:
        self._quorum = quorum
        self._kept: list[dict[int, tuple[bytes, bytes]]] = [{} for _ in range(members)]

    def add(self, opened: Opened, ballot: Prepare | Commit) -> str | None:
        """Keep a ballot; the reason if it is not kept."""
        mine = self._kept[opened.sender]
        known = mine.get(ballot.view)
        if known is not None:
            return reasons.REPEATED if known[0] == ballot.digest else reasons.CONFLICTING
        mine[ballot.view] = (ballot.digest, opened.raw)
        if len(mine) > MAX_VIEWS_EACH:
            oldest = min(mine)
            del mine[oldest]
            if oldest == ballot.view:
                return reasons.STALE
        return None

    def decided(self, digest: bytes) -> bool:
        """Whether a quorum named this digest in one view, whichever it is."""
        views = {view for mine in self._kept for view, ballot in mine.items() if ballot[0] == digest}
        return any(self.certificate(view, digest) is not None for view in views)

    def certificate(self, view: int, digest: bytes) -> tuple[bytes, ...] | None:
        """The raw envelopes of exactly a quorum in ascending order, or None while there is none."""
        raws = [mine[view][1] for mine in self._kept if mine.get(view, (b"",))[0] == digest]
        return tuple(raws[: self._quorum]) if len(raws) >= self._quorum else None
