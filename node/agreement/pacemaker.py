"""The view a round is in: when to ask to leave it, and who else does.

A node asks by a Timeout, which speaks for every view up to its own. f+1 of them hold one honest node's, so the
others join; a quorum of them carries everyone to the next view, and shown in a proposal they prove that it was entered.
"""

from __future__ import annotations

from node.agreement.committee import Committee
from node.agreement.effects import Timing
from node.agreement.lock import Certified, justified
from node.agreement.messages import MAX_VIEW, Opened, Timeout

_NONE = -1
_MAX_DOUBLINGS = 16


class Pacemaker:
    """Views of one round. Times are the driver's milliseconds."""

    def __init__(self, committee: Committee, timing: Timing, view: int, now: int) -> None:
        self._committee = committee
        self._timing = timing
        self.view = view
        self.wanted = view - 1
        """The highest view that this node has asked to leave; -1 if none."""
        self._timeouts: dict[int, tuple[Timeout, bytes]] = {}
        self.deadline = now + self._patience()
        self._limit = self.deadline
        """When a comparison must be over, however it gets further."""

    def _patience(self) -> int:
        doubled = self._timing.view_ms << min(self.view, _MAX_DOUBLINGS)
        return min(doubled, max(self._timing.view_max_ms, self._timing.view_ms))

    def enter(self, view: int, now: int) -> None:
        """Go to a later view, and start its timer."""
        self.view = view
        self.wanted = max(self.wanted, view - 1)
        self.deadline = now + self._patience()

    def allow_render(self, now: int) -> None:
        """A proposal was accepted, or its render gets further: rendering takes longer than agreeing."""
        self.deadline = max(self.deadline, now + self._timing.render_ms)

    def allow_comparison(self, now: int, took: int) -> None:
        """The leader's artwork is here to be looked at: all of it within what this node's own took, and `render_ms`."""
        self._limit = now + took + self._timing.render_ms
        self.allow_render(now)

    def allow_picture(self, now: int) -> None:
        """A picture of the leader's passed. Whoever doles out an edition's pictures is given no more for it."""
        self.deadline = max(self.deadline, min(now + self._timing.render_ms, self._limit))

    def allow_leader(self, now: int, took: int) -> None:
        """This node's render took so long: its leader may need twice that, and its artwork has to travel."""
        self.deadline = max(self.deadline, now + took + self._patience())

    def allow_signatures(self, now: int) -> None:
        """A render is done: however long it took, the signatures need their time to come together."""
        self.deadline = max(self.deadline, now + self._patience())

    def expired(self, now: int) -> bool:
        """The view's time is up, this node has not said so yet, and there is a view to go to."""
        return now >= self.deadline and self.wanted < self.view < MAX_VIEW

    def note(self, sender: int, timeout: Timeout, raw: bytes) -> bool:
        """Remember a member's Timeout; False if it had asked for as much before."""
        known = self._timeouts.get(sender)
        if known is not None and known[0].view >= timeout.view:
            return False
        self._timeouts[sender] = (timeout, raw)
        return True

    def _wanted_by(self, count: int) -> int:
        """The highest view that at least `count` members want to leave; -1 if none."""
        views = sorted((timeout.view for timeout, _ in self._timeouts.values()), reverse=True)
        return views[count - 1] if len(views) >= count else _NONE

    def joinable(self) -> int:
        """The highest view that at least one honest member wants to leave; -1 if none."""
        return self._wanted_by(self._committee.f + 1)

    def certified(self) -> int:
        """The highest view that a quorum wants to leave; -1 if none."""
        return self._wanted_by(self._committee.quorum)

    def certificate(self, view: int, lock: Certified | None) -> tuple[bytes, ...] | None:
        """The raw Timeouts that let `view` be entered with this lock's report, or with a free choice without one.

        View 0 needs none. None while they are missing; one that names a lock which is not at hand does not count.
        """
        if view == 0:
            return ()
        found = sorted(
            (sender, raw) for sender, (timeout, raw) in self._timeouts.items() if justified(timeout, view, lock)
        )
        if len(found) < self._committee.quorum:
            return None
        return tuple(raw for _, raw in found[: self._committee.quorum])

    def count(self) -> int:
        """How many members want to leave the present view."""
        return sum(timeout.view >= self.view for timeout, _ in self._timeouts.values())

    def learn(self, timeouts: list[Opened]) -> None:
        """Take over a proposal's certificate."""
        for opened in timeouts:
            if isinstance(opened.message, Timeout):
                self.note(opened.sender, opened.message, opened.raw)
