"""What the journal lets go of: rows that nobody needs any more, and of old samples all but a few."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from node.journal.safety.protection import Protection
from node.journal.store import Store

KEPT_BLOCKS: Final = 7_200
"""Blocks for which everything about a round is kept after it is over: a day of 12-second blocks, for whoever looks."""
KEPT_REPORTS: Final = 1_000
"""Reports of a feed that are kept; no page reads more."""
KEPT_ROUNDS: Final = 64
"""Rounds of a feed that are kept, whatever became of them; open ones always are."""
KEPT_TRANSACTIONS: Final = 2_000
"""Transactions that are kept after they are over. A key among them is never sent again."""
KEPT_SAMPLES: Final = 512
"""The newest samples of a feed, all of which are kept for its page; more where judging it looks back further."""
MARGIN: Final = 64
"""Samples that are kept beyond those that judging a feed looks back on."""
AT_ONCE: Final = 2_000
"""Samples that one call lets go of at the most: a journal that was never thinned is caught up with in pieces."""

_BINDING: Final = ("attestations", "votes", "promises", "closed")
_CONFIGS: Final = " UNION ".join(
    f"SELECT config FROM {table} WHERE feed = ?1 AND checkpoint <= ?2"  # noqa: S608 - names of our own
    for table in _BINDING
)
# The newest report's block: a feed's reports land in the order of their checkpoints.
_LANDED: Final = "SELECT block_number FROM reports WHERE feed = ? ORDER BY checkpoint DESC LIMIT 1"
_REPORTS: Final = (
    "DELETE FROM reports WHERE feed = ?1 AND checkpoint < "
    "(SELECT checkpoint FROM reports WHERE feed = ?1 ORDER BY checkpoint DESC LIMIT 1 OFFSET ?2)"
)
_ROUNDS: Final = (
    "DELETE FROM rounds WHERE feed = ?1 AND state != 'open' AND checkpoint < "
    "(SELECT checkpoint FROM rounds WHERE feed = ?1 ORDER BY checkpoint DESC LIMIT 1 OFFSET ?2)"
)
_SAMPLES: Final = (
    "DELETE FROM samples WHERE feed = ?1 AND checkpoint IN (SELECT checkpoint FROM samples AS s"
    " WHERE feed = ?1 AND checkpoint >= ?2 AND checkpoint < ?3 AND (checkpoint / ?4) % ?5 != 0 AND NOT EXISTS"
    " (SELECT 1 FROM rounds AS r WHERE r.feed = s.feed AND r.checkpoint = s.checkpoint AND r.state = 'open')"
    " LIMIT ?6)"
)
# The nonce that comes next is one more than the highest, so that one's row stays.
_OVER: Final = (
    "SELECT id FROM transactions AS t WHERE id <= (SELECT max(id) FROM transactions) - ?"
    " AND state IN ('final', 'cancelled')"
    " AND (nonce IS NULL OR nonce < (SELECT max(nonce) FROM transactions AS o WHERE o.sender = t.sender))"
)


class Retention:
    """Each method says how many rows went. What it leaves is bounded by the number of feeds, but for samples, whose
    number grows with the logarithm of a feed's age."""

    def __init__(self, store: Store, protection: Protection) -> None:
        self._store = store
        self._protection = protection

    def settle(self, feeds: Iterable[int], seen: int) -> int:
        """Let go of what bound this node in rounds that final reports ended long ago; `seen` is the last final block
        whose reports are stored and were held against the journal.

        In place of the rows stands a mark for each (configuration, feed), at or below which nothing is signed
        (as EIP-3076 allows with its low watermarks): both become durable together. A mark stays below the block of
        the feed's newest final report. The oracle takes nothing for earlier checkpoints, so no report that lands
        later can be for one at or below it, and no doubt about this journal can be hidden by it. While there is
        doubt, nothing goes.
        """
        if self._protection.doubts():
            return 0
        gone = 0
        with self._store.transaction():
            for feed in feeds:
                gone += self._settle(feed, seen)
        return gone

    def _settle(self, feed: int, seen: int) -> int:
        newest = self._store.row(_LANDED, (feed,))
        if newest is None:
            return 0
        until = min(int(newest["block_number"]) - 1, seen - KEPT_BLOCKS)
        place = (feed, until)
        configs = [row["config"] for row in self._store.rows(_CONFIGS, place)]
        for config in configs:
            self._protection.raise_mark(config, feed, until)
        gone = self._store.execute(_REPORTS, (feed, KEPT_REPORTS - 1))
        if configs:
            # Doubts are among them: those that are left are settled, or nothing would go.
            for table in (*_BINDING, "doubts"):
                sql = f"DELETE FROM {table} WHERE feed = ? AND checkpoint <= ?"  # noqa: S608 - names of our own
                gone += self._store.execute(sql, place)
        return gone

    def thin(self, feed: int, cadence: int, needed: int) -> int:
        """Let go of a feed's samples that are older than what judging it looks back on (`needed` of them), but for
        one in four of the next while, one in eight of a while twice as long before it, and so on: a page shows a
        feed's whole life from them. Those of open rounds stay. Rounds that are over go too.
        """
        dense = max(needed + MARGIN, KEPT_SAMPLES)
        with self._store.transaction():
            gone = self._store.execute(_ROUNDS, (feed, KEPT_ROUNDS - 1))
            edge = self._checkpoint(feed, "DESC", dense - 1)
            first = self._checkpoint(feed, "ASC", 0)
            if edge is None or first is None:
                return gone
            end, span, stride, left = edge, dense * cadence, 4, AT_ONCE
            while end > first and left > 0:
                start = end - span
                went = self._store.execute(_SAMPLES, (feed, start, end, cadence, stride, left))
                gone, left = gone + went, left - went
                end, span, stride = start, span * 2, stride * 2
        return gone

    def _checkpoint(self, feed: int, order: str, place: int) -> int | None:
        sql = f"SELECT checkpoint FROM samples WHERE feed = ? ORDER BY checkpoint {order} LIMIT 1 OFFSET ?"  # noqa: S608
        row = self._store.row(sql, (feed, place))
        return None if row is None else int(row["checkpoint"])

    def transactions(self, keep: int = KEPT_TRANSACTIONS) -> int:
        """Let go of transactions that are over, but for those among the last so many."""
        with self._store.transaction():
            over = [(row["id"],) for row in self._store.rows(_OVER, (keep,))]
            for one in over:
                self._store.execute("DELETE FROM attempts WHERE transaction_id = ?", one)
                self._store.execute("DELETE FROM transactions WHERE id = ?", one)
        return len(over)
