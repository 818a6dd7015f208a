"""Whom of the committee this node hears: what tells a network that carries messages from one that swallows them."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar

from node.agreement.committee import Committee
from node.agreement.messages import Opened

Raw = TypeVar("Raw")


class Hearing:
    """When each other member was last heard, on a clock that runs only while this node has something to say.

    Silence is the longest time of that clock in which fewer others were heard than this node needs for a quorum. So

    - where nobody has anything to say there is no silence, however long it lasts;
    - f Byzantine members alone cannot end it, being too few, nor bring it about while messages between honest members
      arrive, for those are a quorum;
    - a broker cannot end it but with messages that members have signed, of rounds that are not over.

    Who replays such messages, or delivers those of just enough members, can hide that it swallows the rest: that is
    what `node.voting.patience` has another limit for.
    """

    def __init__(self, committee: Committee, own: int, clock: Callable[[], float] = time.monotonic) -> None:
        self._own = own
        self._needed = committee.quorum - 1
        self._heard = [0.0] * committee.n
        self._last: list[float | None] = [None] * committee.n
        self._clock = clock
        self._waited = 0.0
        self._since: float | None = None

    def await_others(self, something: bool) -> None:
        """Say whether this node has something to say now, and others therefore as well."""
        now = self._clock()
        if self._since is not None:
            self._waited += now - self._since
        self._since = now if something else None

    def heard(self, sender: int) -> None:
        """Note a verified message of a member."""
        self._heard[sender] = self._now()
        self._last[sender] = self._clock()

    def ago(self) -> list[float | None]:
        """Seconds since each member was last heard, whether anything was awaited or not; None for never."""
        now = self._clock()
        return [None if at is None else now - at for at in self._last]

    def noting(self, open_envelope: Callable[[Raw], Opened]) -> Callable[[Raw], Opened]:
        """Return `open_envelope`, made to note the sender of everything that it opens."""

        def open_noted(raw: Raw) -> Opened:
            opened = open_envelope(raw)
            self.heard(opened.sender)
            return opened

        return open_noted

    def silent_for(self) -> float:
        """Seconds of having something to say in which too few others were heard for a quorum."""
        if self._needed == 0:
            return 0.0
        others = sorted((at for member, at in enumerate(self._heard) if member != self._own), reverse=True)
        return self._now() - others[self._needed - 1]

    def _now(self) -> float:
        return self._waited + (0.0 if self._since is None else self._clock() - self._since)
