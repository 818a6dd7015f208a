"""The node's durable memory: SQLite in WAL mode, one writer per directory."""

from node.journal.attestations import AttestationRow
from node.journal.journal import Journal
from node.journal.publications import PublicationRow, PublicationState
from node.journal.reports import ArtworkRow
from node.journal.rounds import RoundRow, RoundState
from node.journal.transactions import AttemptRow, TransactionRow, TransactionState

__all__ = [
    "ArtworkRow",
    "AttemptRow",
    "AttestationRow",
    "Journal",
    "PublicationRow",
    "PublicationState",
    "RoundRow",
    "RoundState",
    "TransactionRow",
    "TransactionState",
]
