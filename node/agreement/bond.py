"""What this node may bind itself to in one round: every rule that safety rests on, in one place."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from node.agreement import reasons
from node.agreement.effects import Attest, Dropped, Effect, Remember, RoundKey
from node.agreement.lock import Certified
from node.agreement.memory import Memory
from node.agreement.messages import NO_DIGEST, NO_LOCK, Commit, Timeout, encode
from node.agreement.report import Report


class Bond:
    """Holds the memory and the highest lock. Whatever it allows comes with the Remember that must go before it.

    One Prepare a view, and none in a view that the node asked to leave; a Commit only under the lock of a view that
    it did not ask to leave; a signature only over what a quorum's Commits of one view decided, and over no second
    report of the round in any view; all three only for reports that its own render bears out; and every Timeout names
    the highest lock. `attested` holds the digests signed in earlier lives, by the reports' views.
    """

    def __init__(
        self, key: RoundKey, index: int, attested: Mapping[int, bytes], memory: Memory, lock: Certified | None
    ) -> None:
        self._key = key
        self._index = index
        self._attested = dict(attested)
        self._memory = memory
        self._borne_out: set[bytes] = set()
        self._asked: dict[bytes, Report] = {}
        self.lock = lock

    @property
    def view(self) -> int:
        """The highest view that the node is known to have entered."""
        held = self._memory
        return max(0, held.left, held.prepared_view, held.lock_view, *self._attested)

    @property
    def left(self) -> int:
        """The highest view that the node asked to leave; -1 if none."""
        return self._memory.left

    @property
    def prepared(self) -> int:
        """The latest view in which the node bound itself to a report; -1 if none."""
        return max(self._memory.prepared_view, *self._attested, NO_LOCK)

    @property
    def signing(self) -> bool:
        """Whether a report was given to be signed in this life."""
        return bool(self._asked)

    def asked(self, digest: bytes) -> Report | None:
        """The report of this digest, if it was given to be signed in this life."""
        return self._asked.get(digest)

    def holds(self, view: int, digest: bytes) -> bool:
        """Whether the node prepared this report in this view."""
        return (self._memory.prepared_view, self._memory.prepared_digest) == (view, digest)

    def _remember(self, memory: Memory) -> list[Effect]:
        if memory == self._memory:
            return []
        self._memory = memory
        return [Remember(self._key, memory)]

    def prepare(self, view: int, digest: bytes) -> list[Effect] | None:
        """Bind the node to a report that its own render bears out, for this view; None if it may not."""
        self._borne_out.add(digest)
        held = self._memory
        if view <= held.left or view < held.prepared_view:
            return None
        if view == held.prepared_view and digest != held.prepared_digest:
            return None
        if self._attested and digest not in self._attested.values():
            return None
        return self._remember(replace(held, prepared_view=view, prepared_digest=digest))

    def hold(self, lock: Certified) -> list[Effect]:
        """Keep a lock if it is the highest."""
        if self.lock is not None and lock.view <= self.lock.view:
            return []
        self.lock = lock
        return self._remember(replace(self._memory, lock_view=lock.view, lock=encode(lock.lock)))

    def commit(self) -> Commit | None:
        """The Commit to the lock, whose Remember went before; None where the node may not give it."""
        lock = self.lock
        if lock is None or lock.view <= self._memory.left or lock.digest not in self._borne_out:
            return None
        return Commit(*self._key, lock.view, lock.digest)

    def attest(self, report: Report, digest: bytes) -> list[Effect]:
        """Have a decided report signed, if the node may and has not yet."""
        if digest not in self._borne_out or digest in self._asked:
            return []
        if any(signed != digest for signed in self._attested.values()):
            return [Dropped(self._index, reasons.ALREADY_ATTESTED)]
        self._attested[report.view] = digest
        self._asked[digest] = report
        return [Attest(self._key, report.view, report, digest)]

    def leave(self, view: int) -> tuple[list[Effect], Timeout]:
        """Give up every view up to this one, and say which lock is held."""
        effects = self._remember(replace(self._memory, left=max(self._memory.left, view)))
        locked = (NO_LOCK, NO_DIGEST) if self.lock is None else (self.lock.view, self.lock.digest)
        return effects, Timeout(*self._key, view, *locked)
