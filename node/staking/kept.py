"""Evidence as the journal keeps it."""

from __future__ import annotations

from node.journal.equivocations import EvidenceRow
from node.staking.evidence import Evidence, Signed, pack_statement, unpack_statement


def row_of(evidence: Evidence) -> EvidenceRow:
    """The evidence as the journal keeps it."""
    return EvidenceRow(
        evidence.config_digest,
        *evidence.place,
        evidence.signer,
        pack_statement(evidence.first.statement),
        evidence.first.signature,
        pack_statement(evidence.second.statement),
        evidence.second.signature,
    )


def evidence_of(row: EvidenceRow, chain_id: int, oracle: str, staking: str | None = None) -> Evidence:
    """The evidence that the journal keeps, of this chain and oracle."""
    first = Signed(unpack_statement(row.first), row.first_signature)
    second = Signed(unpack_statement(row.second), row.second_signature)
    return Evidence(chain_id, oracle, row.config, row.signer, first, second, staking)
