"""One publishing target's line of work: what is due there, one thing after another, tried again until it took."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import structlog

from node.backoff import Backoff
from node.content.cid import DAG_PB, Cid, directory_cid
from node.errors import ContentError, PatinaError
from node.publish.parcels import IncompleteError, pack
from node.publish.target import AwayError

if TYPE_CHECKING:
    from node.content.store import BlockStore
    from node.journal import PublicationRow
    from node.journal.publications import Publications
    from node.publish.target import Target

RETRY: Final = Backoff(first=2.0, cap=900.0)
"""Between attempts at a target that is away, or at a root that it did not take."""
PENDING: Final = Backoff(first=10.0, cap=600.0)
"""Between looks at a root that a target is still fetching, or whose blocks are not all here yet."""

log = structlog.get_logger("publish")


@dataclass(frozen=True, slots=True)
class State:
    """How one target stands, for status pages; no secrets in it.

    `failures` in a row, of the target or of the root that it refused most often, and the last `error`; roots `waiting`
    to be taken, `unwanted` (to be unpinned) and `published`; `taken` since the start; `sending`: a CID, or "".
    """

    name: str
    kind: str
    reachable: bool
    error: str
    failures: int
    waiting: int
    unwanted: int
    published: int
    taken: int
    sending: str


@dataclass
class _Trial:
    """How often a root was tried in vain, when it is tried next (clock), and what was said."""

    count: int = 0
    at: float = 0.0
    said: str = ""
    lacking: bool = False
    """Whether blocks were missing here."""


class Line:
    """Works for one target alone, so that no other waits for it. What it is doing is in the journal; how often it
    tried is not: after a restart everything that is due is tried at once."""

    def __init__(
        self,
        target: Target,
        rows: Publications,
        store: BlockStore,
        name: Callable[[PublicationRow], str],
        *,
        retry: Backoff = RETRY,
        pending: Backoff = PENDING,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.target = target
        self._rows = rows
        self._store = store
        self._name = name
        self._retry, self._pending, self._clock = retry, pending, clock
        self._trials: dict[bytes, _Trial] = {}
        self._away = _Trial()
        self._changed = asyncio.Event()
        self._doing = ""
        self._taken = 0

    def wake(self) -> None:
        """Look again what is due."""
        self._changed.set()

    def arrived(self, root: bytes) -> None:
        """Try a root at once whose blocks were not all here."""
        if (trial := self._trials.get(root)) is not None and trial.lacking:
            del self._trials[root]
            self.wake()

    async def run(self) -> None:
        """Do what is due until cancelled; nothing that goes wrong ends it."""
        while True:
            self._changed.clear()
            again: float | None
            try:
                again = await self.look()
            except PatinaError as error:
                # The journal takes nothing: what took effect there is found out when it is tried again.
                log.warning("publishing interrupted", target=self.target.name, error=str(error))
                again = self._clock() + self._retry.delay(4)
            except Exception:
                log.exception("publishing interrupted", target=self.target.name)
                again = self._clock() + self._retry.delay(6)
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(None if again is None else max(0.0, again - self._clock())):
                    await self._changed.wait()

    async def look(self) -> float | None:
        """Do what is due now, newest first; return when to look again, None while nothing is left."""
        while True:
            due = self._rows.due(self.target.name)
            self._trials = {row.root: self._trials[row.root] for row in due if row.root in self._trials}
            if not due:
                return None
            times = {row.root: self._trials[row.root].at if row.root in self._trials else 0.0 for row in due}
            soonest = max(self._away.at, min(times.values()))
            if soonest > self._clock():
                return soonest
            await self._do(next(row for row in due if times[row.root] <= self._clock()))

    async def _do(self, row: PublicationRow) -> None:
        self._doing = directory_cid(row.root)
        try:
            took = await self._publish(row)
        except AwayError as error:
            self._away.at = self._clock() + self._retry.delay(self._away.count)
            if not self._away.count:
                log.warning("publishing target away", target=self.target.name, error=str(error))
            self._away.count, self._away.said = self._away.count + 1, str(error)
        except ContentError as error:
            lacking = isinstance(error, IncompleteError)
            self._wait(row, self._pending if lacking else self._retry, str(error), lacking=lacking)
        except PatinaError as error:
            self._reached()
            if row.root not in self._trials:
                log.warning("artworks not taken", target=self.target.name, root=self._doing, error=str(error))
            self._wait(row, self._retry, str(error))
        else:
            self._reached()
            if not took:
                self._wait(row, self._pending, "the target is still fetching it")
        finally:
            self._doing = ""

    async def _publish(self, row: PublicationRow) -> bool:
        """Bring or unpin one root and note it; False where the target is still at it."""
        root = Cid(DAG_PB, row.root)
        if row.state == "unwanted":
            await self.target.withdraw(root)
            self._rows.mark(row, "gone")
            log.info("artworks unpinned", target=self.target.name, root=self._doing)
            return True
        parcel = await asyncio.to_thread(pack, self._store, row.root, self._name(row))
        if not await self.target.publish(parcel):
            return False
        self._rows.mark(row, "published")
        self._taken += 1
        log.info("artworks published", target=self.target.name, root=self._doing, blocks=parcel.blocks)
        return True

    def _wait(self, row: PublicationRow, backoff: Backoff, said: str, *, lacking: bool = False) -> None:
        trial = self._trials.setdefault(row.root, _Trial())
        trial.at = self._clock() + backoff.delay(trial.count)
        trial.count, trial.said, trial.lacking = trial.count + 1, said, lacking

    def _reached(self) -> None:
        if self._away.count:
            log.info("publishing target is back", target=self.target.name)
        self._away = _Trial()

    def state(self, counts: Mapping[str, int]) -> State:
        """How this target stands; `counts`: its rows in each state."""
        stuck = max(self._trials.values(), key=lambda trial: trial.count, default=_Trial())
        return State(
            name=self.target.name,
            kind=self.target.kind,
            reachable=not self._away.count,
            error=self._away.said or stuck.said,
            failures=self._away.count or stuck.count,
            waiting=counts.get("waiting", 0),
            unwanted=counts.get("unwanted", 0),
            published=counts.get("published", 0),
            taken=self._taken,
            sending=self._doing,
        )
