"""The journal: all that a node must still know after kill -9, in one SQLite file."""

from __future__ import annotations

from contextlib import AbstractContextManager
from pathlib import Path
from typing import TYPE_CHECKING, Self

from node.errors import JournalError
from node.journal.attestations import Attestations
from node.journal.configurations import Configurations
from node.journal.equivocations import Equivocations
from node.journal.notices import Notices
from node.journal.pictures import Pictures
from node.journal.promises import Promises
from node.journal.publications import Publications
from node.journal.reports import Artworks, Reports
from node.journal.retention import Retention
from node.journal.rounds import Rounds
from node.journal.safety.protection import Protection
from node.journal.samples import Cursors, Samples
from node.journal.store import Store
from node.journal.transactions import Transactions
from node.journal.votes import Votes

if TYPE_CHECKING:
    from node.chain.types import Landed


class Journal:
    """A node's durable memory, one table a view: `journal.samples`, `.cursors`, `.rounds` and so on.

    >>> with Journal(directory) as journal:
    ...     with journal.transaction():  # a cursor and the effects of getting there, together
    ...         journal.samples.add(samples)
    ...         journal.cursors.set("checkpoints", checkpoint)
    ...     journal.attest(config, feed, checkpoint, view, digest, report)

    Synchronous and single-threaded: SQLite answers in microseconds, a commit is one fsync. No secret is ever
    stored. Every failure is a JournalError.
    """

    def __init__(self, directory: Path, *, read_only: bool = False, store: Store | None = None) -> None:
        """Open `<directory>/journal.db`, creating what is missing.

        Only one process at a time may hold a directory; `read_only` looks at it beside a running node
        (no lock, and every write fails). A `store` that is open already takes the place of the file.
        """
        self._store = Store(directory, read_only=read_only) if store is None else store
        self.samples = Samples(self._store)
        self.cursors = Cursors(self._store)
        self.rounds = Rounds(self._store)
        self.protection = Protection(self._store)
        self.attestations = Attestations(self._store, self.protection)
        self.promises = Promises(self._store, self.protection)
        self.votes = Votes(self._store, self.protection)
        self.transactions = Transactions(self._store)
        self.reports = Reports(self._store)
        self.artworks = Artworks(self._store)
        self.pictures = Pictures(self._store)
        self.configurations = Configurations(self._store)
        self.equivocations = Equivocations(self._store)
        self.publications = Publications(self._store)
        self.notices = Notices(self._store)
        self.counters = Counters(self._store)
        self.retention = Retention(self._store, self.protection)

    @property
    def path(self) -> Path:
        """The database file."""
        return self._store.path

    @property
    def saved(self) -> Path | None:
        """The backup that was made when this journal was opened, because its schema was an older one."""
        return self._store.saved

    def transaction(self) -> AbstractContextManager[None]:
        """All writes of the block, or none of them; durable when the outermost block has ended."""
        return self._store.transaction()

    def attest(self, config: bytes, feed: int, checkpoint: int, view: int, digest: bytes, report: bytes) -> bool:
        """See `Attestations.attest`: on disk when it returns, EquivocationError for a second digest."""
        return self.attestations.attest(config, feed, checkpoint, view, digest, report)

    def settled(self, report: Landed) -> None:
        """Note what a final report has ended: one that is not final may be taken back."""
        self.rounds.finish(report.feed, report.checkpoint, "landed")
        self.rounds.finish_until(report.feed, report.block_number)
        self.protection.over(report.feed, report.block_number)
        self.pictures.forget_before(report.feed, report.checkpoint)

    def bind(self, chain_id: int, oracle: str) -> None:
        """Tie this journal to one chain and oracle; JournalError when it is tied to another.

        Samples and cursors of two chains in one file would be mixed without a trace.
        """
        identity = f"chain {chain_id}, oracle {oracle}"
        self._store.execute("INSERT INTO meta VALUES ('identity', ?) ON CONFLICT (name) DO NOTHING", (identity,))
        if self.identity != identity:
            raise JournalError(
                f"journal {self.path} belongs to {self.identity}, the configuration says {identity}:"
                " give each network its own directory"
            )

    @property
    def identity(self) -> str | None:
        """The chain and oracle that this journal is tied to; None before the first start."""
        row = self._store.row("SELECT value FROM meta WHERE name = 'identity'")
        return None if row is None else str(row["value"])

    def close(self) -> None:
        """Close the file and let the next node in."""
        self._store.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


class Counters:
    """Numbers that should outlive a restart, for status pages and metrics."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def add(self, name: str, amount: int = 1) -> None:
        """Raise a counter."""
        self._store.execute(
            "INSERT INTO counters VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET value = value + excluded.value",
            (name, amount),
        )

    def all(self) -> dict[str, int]:
        """Every counter by name."""
        return {row["name"]: row["value"] for row in self._store.rows("SELECT * FROM counters ORDER BY name")}
