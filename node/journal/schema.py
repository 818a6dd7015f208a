"""The journal's tables, as migrations that are applied in order and never edited once released."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from node.errors import JournalError

if TYPE_CHECKING:
    from sqlite_utils import Database
    from sqlite_utils.migrations import Migrations

# Integers that may pass 64 bits (wads, uint256, fees in wei) are TEXT in decimal: SQLite would turn them
# into floats. Tables whose rows other rows are judged by are STRICT-like through CHECKs on blob lengths.
FIRST = """
CREATE TABLE meta (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;

CREATE TABLE samples (
  feed INTEGER NOT NULL, checkpoint INTEGER NOT NULL, block_hash BLOB NOT NULL CHECK (length(block_hash) = 32),
  share_price TEXT NOT NULL, total_assets TEXT NOT NULL, total_supply TEXT NOT NULL,
  band INTEGER NOT NULL, reported_checkpoint INTEGER NOT NULL,
  PRIMARY KEY (feed, checkpoint)) WITHOUT ROWID;

CREATE TABLE cursors (name TEXT PRIMARY KEY, checkpoint INTEGER NOT NULL) WITHOUT ROWID;

CREATE TABLE rounds (
  feed INTEGER NOT NULL, checkpoint INTEGER NOT NULL, block_hash BLOB NOT NULL CHECK (length(block_hash) = 32),
  answer TEXT NOT NULL, signals TEXT NOT NULL, reason TEXT NOT NULL,
  state TEXT NOT NULL CHECK (state IN ('open', 'landed', 'abandoned')),
  PRIMARY KEY (feed, checkpoint)) WITHOUT ROWID;
CREATE INDEX rounds_by_state ON rounds (state, checkpoint);

CREATE TABLE attestations (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  config BLOB NOT NULL CHECK (length(config) = 32), feed INTEGER NOT NULL, checkpoint INTEGER NOT NULL,
  view INTEGER NOT NULL, digest BLOB NOT NULL CHECK (length(digest) = 32), report BLOB NOT NULL,
  UNIQUE (config, feed, checkpoint, view));

CREATE TABLE transactions (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  key TEXT NOT NULL UNIQUE, sender TEXT NOT NULL, recipient TEXT NOT NULL, calldata BLOB NOT NULL,
  value TEXT NOT NULL, gas INTEGER NOT NULL, nonce INTEGER,
  state TEXT NOT NULL CHECK (state IN ('queued', 'sent', 'mined', 'final', 'cancelled')),
  tx_hash BLOB, block_number INTEGER, block_hash BLOB, succeeded INTEGER, note TEXT NOT NULL DEFAULT '',
  UNIQUE (sender, nonce));
CREATE INDEX transactions_by_state ON transactions (state, id);

CREATE TABLE attempts (
  tx_hash BLOB PRIMARY KEY CHECK (length(tx_hash) = 32),
  transaction_id INTEGER NOT NULL REFERENCES transactions (id),
  raw BLOB NOT NULL, max_fee TEXT NOT NULL, priority_fee TEXT NOT NULL, empty INTEGER NOT NULL);
CREATE INDEX attempts_by_transaction ON attempts (transaction_id);

CREATE TABLE reports (
  feed INTEGER NOT NULL, checkpoint INTEGER NOT NULL, config_digest BLOB NOT NULL, report_digest BLOB NOT NULL,
  answer TEXT NOT NULL, previous_band INTEGER NOT NULL, band INTEGER NOT NULL, content_root BLOB NOT NULL,
  signers INTEGER NOT NULL, transmitter TEXT NOT NULL, block_number INTEGER NOT NULL, block_hash BLOB NOT NULL,
  tx_hash BLOB NOT NULL, log_index INTEGER NOT NULL,
  PRIMARY KEY (feed, checkpoint)) WITHOUT ROWID;

CREATE TABLE artworks (
  collection TEXT NOT NULL, edition INTEGER NOT NULL, checkpoint INTEGER NOT NULL,
  root BLOB NOT NULL CHECK (length(root) = 32),
  PRIMARY KEY (collection, edition, checkpoint)) WITHOUT ROWID;

CREATE TABLE counters (name TEXT PRIMARY KEY, value INTEGER NOT NULL) WITHOUT ROWID;
"""

PICTURES = """
CREATE TABLE pictures (
  key BLOB PRIMARY KEY CHECK (length(key) = 32), cid BLOB NOT NULL CHECK (length(cid) = 36),
  feed INTEGER NOT NULL, checkpoint INTEGER NOT NULL) WITHOUT ROWID;
CREATE INDEX pictures_by_round ON pictures (feed, checkpoint);
CREATE INDEX pictures_by_age ON pictures (checkpoint)
"""

PROMISES = """
CREATE TABLE promises (
  config BLOB NOT NULL CHECK (length(config) = 32), feed INTEGER NOT NULL, checkpoint INTEGER NOT NULL,
  left_view INTEGER NOT NULL, prepared_view INTEGER NOT NULL,
  prepared_digest BLOB NOT NULL CHECK (length(prepared_digest) = 32),
  lock_view INTEGER NOT NULL, lock BLOB NOT NULL,
  PRIMARY KEY (config, feed, checkpoint)) WITHOUT ROWID
"""

# What keeps this key from signing, besides what it has signed: rounds that are closed to it, landed reports that
# name it and that it does not know, and its votes on chain.
PROTECTION = """
CREATE TABLE closed (
  config BLOB NOT NULL CHECK (length(config) = 32), feed INTEGER NOT NULL, checkpoint INTEGER NOT NULL,
  PRIMARY KEY (config, feed, checkpoint)) WITHOUT ROWID;

CREATE TABLE doubts (
  config BLOB NOT NULL CHECK (length(config) = 32), feed INTEGER NOT NULL, checkpoint INTEGER NOT NULL,
  digest BLOB NOT NULL CHECK (length(digest) = 32), block_number INTEGER NOT NULL,
  PRIMARY KEY (config, feed, checkpoint, digest)) WITHOUT ROWID;

CREATE TABLE votes (
  config BLOB NOT NULL CHECK (length(config) = 32), feed INTEGER NOT NULL, checkpoint INTEGER NOT NULL,
  ballot BLOB NOT NULL CHECK (length(ballot) = 32),
  PRIMARY KEY (config, feed, checkpoint)) WITHOUT ROWID
"""

# Whether an endpoint took a signed attempt: until then its transaction is signed, and not known to be sent.
TAKEN = "ALTER TABLE attempts ADD COLUMN taken INTEGER NOT NULL DEFAULT 0"

# The oracle's configurations: which was in force from which block on, and who sat in them. Zeros: no committee.
CONFIGURATIONS = """
CREATE TABLE spans (
  first_block INTEGER PRIMARY KEY, config BLOB NOT NULL CHECK (length(config) = 32));

CREATE TABLE committees (
  config BLOB PRIMARY KEY CHECK (length(config) = 32), signers TEXT NOT NULL,
  transport_keys BLOB NOT NULL CHECK (length(transport_keys) % 32 = 0)) WITHOUT ROWID
"""

# Up to `checkpoint`, itself included, a key signs nothing under a configuration for a feed: what it signed there is
# not kept any more. What is let go of is looked for by feed.
MARKS = """
CREATE TABLE marks (
  config BLOB NOT NULL CHECK (length(config) = 32), feed INTEGER NOT NULL, checkpoint INTEGER NOT NULL,
  PRIMARY KEY (config, feed)) WITHOUT ROWID;
CREATE INDEX attestations_by_feed ON attestations (feed, checkpoint);
CREATE INDEX votes_by_feed ON votes (feed, checkpoint);
CREATE INDEX promises_by_feed ON promises (feed, checkpoint);
CREATE INDEX closed_by_feed ON closed (feed, checkpoint);
CREATE INDEX doubts_by_feed ON doubts (feed, checkpoint)
"""

# The first that a member signed in each view of an open round, and proofs that one signed two reports for one view. A
# proof may be about any feed at all: its numbers may pass 64 bits.
EQUIVOCATIONS = """
CREATE TABLE heard (
  config BLOB NOT NULL CHECK (length(config) = 32), feed INTEGER NOT NULL, checkpoint INTEGER NOT NULL,
  view INTEGER NOT NULL, signer TEXT NOT NULL, statement BLOB NOT NULL CHECK (length(statement) = 256),
  signature BLOB NOT NULL CHECK (length(signature) = 64),
  PRIMARY KEY (config, feed, checkpoint, view, signer)) WITHOUT ROWID;
CREATE INDEX heard_by_feed ON heard (feed, checkpoint);

CREATE TABLE evidence (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  config BLOB NOT NULL CHECK (length(config) = 32), feed TEXT NOT NULL, checkpoint TEXT NOT NULL,
  view INTEGER NOT NULL, signer TEXT NOT NULL,
  first BLOB NOT NULL CHECK (length(first) = 256), first_signature BLOB NOT NULL CHECK (length(first_signature) = 64),
  second BLOB NOT NULL CHECK (length(second) = 256),
  second_signature BLOB NOT NULL CHECK (length(second_signature) = 64),
  state TEXT NOT NULL CHECK (state IN ('found', 'sent', 'over')), note TEXT NOT NULL,
  UNIQUE (config, signer, feed, checkpoint, view))
"""

# Artworks that landed, and how far each publishing target is with them. The target's name, no URL.
PUBLICATIONS = """
CREATE TABLE publications (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  target TEXT NOT NULL, root BLOB NOT NULL CHECK (length(root) = 32), feed INTEGER NOT NULL,
  checkpoint INTEGER NOT NULL, state TEXT NOT NULL CHECK (state IN ('waiting', 'published', 'unwanted', 'gone')),
  UNIQUE (target, root));
CREATE INDEX publications_by_state ON publications (target, state, checkpoint);
CREATE INDEX publications_by_feed ON publications (target, feed, checkpoint)
"""

# What the operator is told, and who has yet to take it: the troubles that stand, and how far events were told.
NOTICES = """
CREATE TABLE notices (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  at INTEGER NOT NULL, code TEXT NOT NULL, level TEXT NOT NULL CHECK (level IN ('info', 'warning', 'critical')),
  phase TEXT NOT NULL CHECK (phase IN ('event', 'begun', 'over')), detail TEXT NOT NULL);

CREATE TABLE undelivered (
  notice INTEGER NOT NULL REFERENCES notices (id), target TEXT NOT NULL,
  PRIMARY KEY (notice, target)) WITHOUT ROWID;

CREATE TABLE troubles (
  code TEXT NOT NULL, subject TEXT NOT NULL, detail TEXT NOT NULL,
  PRIMARY KEY (code, subject)) WITHOUT ROWID;

CREATE TABLE told (name TEXT PRIMARY KEY, until INTEGER NOT NULL) WITHOUT ROWID;
CREATE INDEX reports_by_block ON reports (block_number, log_index)
"""


# When transactions were queued and attempts signed (Unix seconds), and what those that were mined used and paid. What
# is older than this migration keeps NULL: nobody knows.
TIMES = """
ALTER TABLE transactions ADD COLUMN queued_at INTEGER;
ALTER TABLE transactions ADD COLUMN gas_used INTEGER;
ALTER TABLE transactions ADD COLUMN gas_price TEXT;
ALTER TABLE attempts ADD COLUMN signed_at INTEGER
"""


def migrations() -> Migrations:
    """Every migration of the journal, oldest first."""
    from sqlite_utils.migrations import Migrations

    journal = Migrations("journal")

    @journal(name="0001_first")
    def first(db: Database) -> None:
        _execute(db, FIRST)

    @journal(name="0002_pictures")
    def pictures(db: Database) -> None:
        _execute(db, PICTURES)

    @journal(name="0003_promises")
    def promises(db: Database) -> None:
        _execute(db, PROMISES)

    @journal(name="0004_protection")
    def protection(db: Database) -> None:
        _execute(db, PROTECTION)

    @journal(name="0005_taken")
    def taken(db: Database) -> None:
        _execute(db, TAKEN)

    @journal(name="0006_configurations")
    def configurations(db: Database) -> None:
        _execute(db, CONFIGURATIONS)

    @journal(name="0007_marks")
    def marks(db: Database) -> None:
        _execute(db, MARKS)

    @journal(name="0008_equivocations")
    def equivocations(db: Database) -> None:
        _execute(db, EQUIVOCATIONS)

    @journal(name="0009_publications")
    def publications(db: Database) -> None:
        _execute(db, PUBLICATIONS)

    @journal(name="0010_notices")
    def notices(db: Database) -> None:
        _execute(db, NOTICES)

    @journal(name="0011_times")
    def times(db: Database) -> None:
        _execute(db, TIMES)

    return journal


def _execute(db: Database, statements: str) -> None:
    # One by one: sqlite3's executescript would commit the migration's transaction first.
    for statement in statements.split(";"):
        if statement.strip():
            db.execute(statement)


@dataclass(frozen=True, slots=True)
class Standing:
    """Which migrations a journal has behind it and before it, by name, in order."""

    applied: tuple[str, ...]
    pending: tuple[str, ...]

    @property
    def version(self) -> str:
        """The number of the last migration, "0000" for a journal without a table."""
        return max(self.applied, default="0000")[:4]


def standing(db: Database) -> Standing:
    """Return how far a journal's schema is.

    Raises:
        JournalError: a newer version of the node, or another program, has written it.
    """
    steps = migrations()
    known = tuple(step.name for step in steps._migrations)
    # How many steps a journal has behind it stands in its header: one look there instead of a query for each of them.
    (count,) = db.execute("PRAGMA user_version").fetchone()
    if count == len(known):
        return Standing(known, ())
    applied = tuple(step.name for step in steps.applied(db))
    unknown = sorted(set(applied) - set(known))
    if unknown:
        raise JournalError(f"the journal was written by a newer version (it has {unknown[-1]}): upgrade the node")
    if not applied and db.execute("SELECT 1 FROM sqlite_master WHERE name NOT GLOB '_sqlite_*' LIMIT 1").fetchone():
        raise JournalError("the file is a database of another program, not a journal: it is left as it is")
    return Standing(applied, tuple(name for name in known if name not in applied))


def migrate(db: Database) -> None:
    """Bring `db` up to date, each step whole or not at all.

    Raises:
        JournalError: a newer version of the node, or another program, has written it.
    """
    steps = migrations()
    if standing(db).pending:
        steps.apply(db)
    (count,) = db.execute("PRAGMA user_version").fetchone()
    if count != len(steps._migrations):
        db.execute(f"PRAGMA user_version={len(steps._migrations)}")
