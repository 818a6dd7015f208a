"""What forbids this key to sign, beyond what it has signed: closed rounds, a floor, and doubt about the journal."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from node.agreement.memory import Memory
from node.chain.types import Landed
from node.errors import JournalError, RefusalError
from node.journal.safety.trail import Promised, Signed, Trail
from node.journal.store import Store

UNTOLD: Final = -1
"""The floor of a journal that never had one: every checkpoint is above it."""
REMEDY: Final = (
    "stop the node, make sure that no other copy of it runs, and import the missing protection (patina protection "
    "import), or give up the rounds that it may have known (patina protection resolve)"
)

Key = tuple[bytes, int, int]
"""A round: config digest, feed, checkpoint."""
NEVER_LANDED: Final = -1
"""The block number of what no block shows: this machine remembers it."""
RESTORED: Final = -2
"""The block number of what nothing shows: a backup was restored, and what was signed after it is not known."""

_GATE: Final = (
    "SELECT EXISTS (SELECT 1 FROM meta WHERE name = 'retired') AS retired,"
    " EXISTS (SELECT 1 FROM doubts) AS doubted,"
    " (SELECT value FROM meta WHERE name = 'floor') AS floor,"
    " EXISTS (SELECT 1 FROM closed WHERE config = ?1 AND feed = ?2 AND checkpoint = ?3) AS closed,"
    " (SELECT checkpoint FROM marks WHERE config = ?1 AND feed = ?2) AS mark"
)


@dataclass(frozen=True, slots=True)
class Doubt:
    """A landed report that names this node's seat, and that its journal knows neither as signed nor as voted for.

    Or what this machine remembers to have bound the key to, and the journal does not.
    """

    config: bytes
    feed: int
    checkpoint: int
    digest: bytes
    block_number: int


class Protection:
    """The gate in front of everything that binds this node. It only ever closes, but for the operator's word.

    A round is open to this node when its checkpoint is above the floor, it was not closed (by an import, or since the
    oracle takes nothing for it any more), and nothing on chain shows that the journal is older than what this key has
    signed.
    """

    def __init__(self, store: Store) -> None:
        self._store = store
        self._unsettled: tuple[Doubt, ...] = ()
        self._trail: Trail | None = None
        self._forgotten: tuple[Signed | Promised, ...] = ()

    def follow(self, trail: Trail) -> None:
        """Hold the journal against what this machine last bound the key to, and note there what comes."""
        last = trail.read()
        self._trail = trail
        self._forgotten = tuple(one for one in (last.signed, last.promised) if one is not None and self._lacks(one))

    def bound(self, what: Signed | Promised) -> None:
        """Note what was made durable and is about to leave."""
        if self._trail is not None:
            if isinstance(what, Signed):
                self._trail.signed(what)
            else:
                self._trail.promised(what)

    def _lacks(self, one: Signed | Promised) -> bool:
        if self.given_up(one.config, one.feed, one.checkpoint):
            return False
        place = (one.config, one.feed, one.checkpoint)
        if isinstance(one, Signed):
            sql = "SELECT 1 FROM attestations WHERE config = ? AND feed = ? AND checkpoint = ? AND digest = ?"
            return self._store.row(sql, (*place, one.digest)) is None
        row = self._store.row("SELECT * FROM promises WHERE config = ? AND feed = ? AND checkpoint = ?", place)
        if row is None:
            return True
        memory = Memory(row["left_view"], row["prepared_view"], row["prepared_digest"], row["lock_view"], row["lock"])
        return not one.covered_by(Promised.of(*place, memory))

    def check(self, config: bytes, feed: int, checkpoint: int) -> None:
        """Return where this node may bind itself in a round.

        Raises:
            RefusalError: it may not; the text says why and what to do.
        """
        # Asked before everything that binds: one question where all is well.
        found = self._store.rows(_GATE, (config, feed, checkpoint))[0]
        if found["retired"]:
            raise RefusalError("signs nothing: this journal is retired, its key's protection was exported from it")
        if found["doubted"] or self._unsettled or self._forgotten:
            doubts = self.doubts()
            if doubts:
                raise RefusalError(f"signs nothing: {explain(doubts)}; {REMEDY}")
        if found["floor"] is not None and checkpoint <= int(found["floor"]):
            raise RefusalError(
                f"checkpoint {checkpoint}: nothing is signed up to checkpoint {found['floor']}, by resolution"
            )
        if found["mark"] is not None and checkpoint <= found["mark"]:
            raise RefusalError(
                f"feed {feed}, checkpoint {checkpoint}: nothing is signed up to checkpoint {found['mark']}, what was "
                "signed there is not kept any more"
            )
        if found["closed"]:
            raise RefusalError(
                f"feed {feed}, checkpoint {checkpoint}: closed, by a later report of the feed that is final or by an "
                "import that showed another copy of this node in it"
            )

    def given_up(self, config: bytes, feed: int, checkpoint: int) -> bool:
        """Say whether `check` refuses this round for good, whatever becomes of doubts."""
        return (
            self.retired
            or checkpoint <= max(self.floor, self.mark(config, feed))
            or self.closed(config, feed, checkpoint)
        )

    def mark(self, config: bytes, feed: int) -> int:
        """Return the checkpoint up to which, itself included, nothing is signed for a feed; -1 when there is none."""
        row = self._store.row("SELECT checkpoint FROM marks WHERE config = ? AND feed = ?", (config, feed))
        return UNTOLD if row is None else int(row["checkpoint"])

    def marks(self) -> dict[tuple[bytes, int], int]:
        """Every mark by (config, feed)."""
        return {(row["config"], row["feed"]): row["checkpoint"] for row in self._store.rows("SELECT * FROM marks")}

    def raise_mark(self, config: bytes, feed: int, checkpoint: int) -> bool:
        """Sign nothing up to `checkpoint` for a feed, for good; whether that is more than before. It never falls."""
        if checkpoint <= UNTOLD:
            return False
        return bool(
            self._store.execute(
                "INSERT INTO marks VALUES (?, ?, ?) ON CONFLICT (config, feed) DO UPDATE"
                " SET checkpoint = excluded.checkpoint WHERE excluded.checkpoint > checkpoint",
                (config, feed, checkpoint),
            )
        )

    @property
    def floor(self) -> int:
        """The checkpoint up to which, itself included, nothing is signed; -1 when there is none."""
        row = self._store.row("SELECT value FROM meta WHERE name = 'floor'")
        return UNTOLD if row is None else int(row["value"])

    def raise_floor(self, checkpoint: int) -> bool:
        """Sign nothing up to `checkpoint`, for good; whether that is more than before. It never falls."""
        with self._store.transaction():
            if checkpoint <= self.floor:
                return False
            self._store.execute(
                "INSERT INTO meta VALUES ('floor', ?) ON CONFLICT (name) DO UPDATE SET value = excluded.value",
                (str(checkpoint),),
            )
        return True

    @property
    def retired(self) -> bool:
        """Whether this journal never signs again."""
        return self._store.row("SELECT 1 FROM meta WHERE name = 'retired'") is not None

    def retire(self) -> None:
        """Sign nothing with this journal any more, for good."""
        self._store.execute("INSERT INTO meta VALUES ('retired', '') ON CONFLICT (name) DO NOTHING")

    def closed(self, config: bytes, feed: int, checkpoint: int) -> bool:
        """Say whether a round was closed."""
        sql = "SELECT 1 FROM closed WHERE config = ? AND feed = ? AND checkpoint = ?"
        return self._store.row(sql, (config, feed, checkpoint)) is not None

    def all_closed(self) -> Iterator[Key]:
        """Every closed round, by config, feed and checkpoint; see `Store.each`."""
        for row in self._store.each("SELECT * FROM closed ORDER BY config, feed, checkpoint"):
            yield row["config"], row["feed"], row["checkpoint"]

    def close(self, config: bytes, feed: int, checkpoint: int) -> bool:
        """Bind this node to nothing in a round any more; whether it was open."""
        sql = "INSERT INTO closed VALUES (?, ?, ?) ON CONFLICT DO NOTHING"
        return bool(self._store.execute(sql, (config, feed, checkpoint)))

    def over(self, feed: int, block_number: int) -> int:
        """Close the feed's rounds before the block of a final report, and let go of promises that bind no more.

        The oracle takes no report for those checkpoints. Signatures and votes are kept a while longer
        (`Retention.settle`), promises are not: each may hold a lock of many KiB. Returns how many were let go; none
        while there is doubt, for what the journal is held against must not look settled by it.
        """
        if self.doubts():
            return 0
        with self._store.transaction():
            self._store.execute(
                "INSERT INTO closed SELECT config, feed, checkpoint FROM promises WHERE feed = ? AND checkpoint < ?"
                " ON CONFLICT DO NOTHING",
                (feed, block_number),
            )
            return self._store.execute("DELETE FROM promises WHERE feed = ? AND checkpoint < ?", (feed, block_number))

    def knows(self, report: Landed) -> bool:
        """Say whether the journal holds this node's part in a landed report: its signature, or its vote.

        Or held it: a report for a checkpoint up to the mark landed before the mark was set, and was known then.
        """
        if report.checkpoint <= self.mark(report.config_digest, report.feed):
            return True
        named = (report.config_digest, report.feed, report.checkpoint, report.report_digest)
        row = self._store.row(
            "SELECT 1 FROM attestations WHERE config = ? AND feed = ? AND checkpoint = ? AND digest = ?"
            " UNION ALL SELECT 1 FROM votes WHERE config = ? AND feed = ? AND checkpoint = ? AND ballot = ?",
            named + named,
        )
        return row is not None

    def settled(self, report: Landed) -> bool:
        """Note a final report that names this node; True, and a lasting doubt, when the journal does not know it."""
        if self.knows(report):
            return False
        doubt = _doubt(report)
        self._store.execute(
            "INSERT INTO doubts VALUES (?, ?, ?, ?, ?) ON CONFLICT DO NOTHING",
            (doubt.config, doubt.feed, doubt.checkpoint, doubt.digest, doubt.block_number),
        )
        return doubt.checkpoint > self.floor

    def unsettled(self, reports: Sequence[Landed]) -> None:
        """Take the reports that name this node in blocks that are not final, all of them, in place of those before.

        What one of them shows holds for as long as it stands: an endpoint that invents one silences the node no
        longer than it is believed.
        """
        self._unsettled = tuple(_doubt(report) for report in reports if not self.knows(report))

    def doubts(self) -> list[Doubt]:
        """Everything that shows that this journal is older than what its key has signed, oldest first."""
        rows = self._store.rows(
            "SELECT * FROM doubts AS d WHERE checkpoint > ?"
            " AND NOT EXISTS (SELECT 1 FROM attestations AS a WHERE a.config = d.config AND a.feed = d.feed"
            " AND a.checkpoint = d.checkpoint AND a.digest = d.digest)"
            " AND NOT EXISTS (SELECT 1 FROM votes AS v WHERE v.config = d.config AND v.feed = d.feed"
            " AND v.checkpoint = d.checkpoint AND v.ballot = d.digest)"
            " AND NOT EXISTS (SELECT 1 FROM marks AS m WHERE m.config = d.config AND m.feed = d.feed"
            " AND m.checkpoint >= d.checkpoint) ORDER BY checkpoint, feed",
            (self.floor,),
        )
        lasting = [Doubt(**row) for row in rows]
        floor = self.floor
        passing = [one for one in self._unsettled if one.checkpoint > floor and one not in lasting]
        self._forgotten = tuple(one for one in self._forgotten if self._lacks(one))
        remembered = [Doubt(one.config, one.feed, one.checkpoint, bytes(32), NEVER_LANDED) for one in self._forgotten]
        return lasting + passing + remembered

    def distrust(self) -> None:
        """Sign nothing until somebody has said up to which block rounds are given up (`raise_floor`).

        For a journal that was restored while the one that followed it is lost: what was signed in between is unknown.
        """
        with self._store.transaction():
            row = self._store.row(
                "SELECT max(checkpoint) AS newest FROM (SELECT checkpoint FROM attestations UNION ALL"
                " SELECT checkpoint FROM votes UNION ALL SELECT checkpoint FROM promises UNION ALL"
                " SELECT checkpoint FROM marks UNION ALL SELECT checkpoint FROM closed UNION ALL SELECT ?)",
                (self.floor,),
            )
            newest = UNTOLD if row is None else int(row["newest"])
            self._store.execute(
                "INSERT INTO doubts VALUES (?, ?, ?, ?, ?) ON CONFLICT DO NOTHING",
                (bytes(32), 0, newest + 1, bytes(32), RESTORED),
            )

    def adopt(self, doubt: Doubt) -> None:
        """Note a doubt that another copy of this journal has."""
        self._store.execute(
            "INSERT INTO doubts VALUES (?, ?, ?, ?, ?) ON CONFLICT DO NOTHING",
            (doubt.config, doubt.feed, doubt.checkpoint, doubt.digest, doubt.block_number),
        )

    @property
    def signer(self) -> str | None:
        """The address whose protection this journal is; None before the first start."""
        row = self._store.row("SELECT value FROM meta WHERE name = 'signer'")
        return None if row is None else str(row["value"])

    def own(self, signer: str) -> None:
        """Tie the journal to one signing address.

        Raises:
            JournalError: it is another's: what one key has signed says nothing about another key.
        """
        self._store.execute("INSERT INTO meta VALUES ('signer', ?) ON CONFLICT (name) DO NOTHING", (signer,))
        if self.signer != signer:
            raise JournalError(
                f"journal {self._store.path} protects {self.signer}, the configuration's key is {signer}: "
                "give each key its own directory"
            )


def explain(doubts: Sequence[Doubt]) -> str:
    """Say in words what the doubts show."""
    first = doubts[0]
    if first.block_number == NEVER_LANDED:
        return (
            "this journal is older than what its key has signed: this machine remembers that the key took part in "
            f"feed {first.feed}, checkpoint {first.checkpoint}, and the journal does not"
        )
    if first.block_number == RESTORED:
        return (
            "this journal was restored from a backup, and what its key has signed since that backup was made is known "
            "to nobody"
        )
    more = f", and {len(doubts) - 1} more" if len(doubts) > 1 else ""
    return (
        "this journal is older than what its key has signed: the chain holds a report of "
        f"feed {first.feed} for checkpoint {first.checkpoint} (block {first.block_number}{more}) with this node's "
        "signature, and the journal does not"
    )


def _doubt(report: Landed) -> Doubt:
    return Doubt(report.config_digest, report.feed, report.checkpoint, report.report_digest, report.block_number)
