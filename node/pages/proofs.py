"""A landed report as the pages hand it out: with all that it takes to check it elsewhere."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

from node.agreement.report import typed_data
from node.web.source import ProofView

if TYPE_CHECKING:
    from node.chain.types import Edition, FullReport, Policy
    from node.journal.configurations import Configurations


def proof_view(known: Configurations, edition: Edition, policy: Policy, full: FullReport) -> ProofView:
    """The report behind one repaint of an edition. Its committee is named where this node ever saw it in force."""
    landed, domain = full.landed, full.domain
    committee = known.committee(domain.config_digest, domain.chain_id, domain.oracle)
    message: dict[str, Any] | None = None if full.report is None else typed_data(domain, full.report)["message"]
    road: Literal["report", "votes", "relayed"] = "votes" if full.by_vote else "relayed" if full.relayed else "report"
    return ProofView(
        chain_id=domain.chain_id,
        oracle=domain.oracle,
        collection=edition.collection,
        edition=edition.id,
        feed=landed.feed,
        checkpoint=landed.checkpoint,
        config_digest=_hex(domain.config_digest),
        report_digest=_hex(landed.report_digest),
        answer=str(landed.answer),
        previous_band=landed.previous_band,
        band=landed.band,
        content_root=_hex(landed.content_root),
        signers=str(landed.signers),
        tx=_hex(landed.tx_hash),
        block=landed.block_number,
        transmitter=landed.transmitter,
        road=road,
        thresholds=[str(threshold) for threshold in policy.thresholds],
        hysteresis=str(policy.hysteresis),
        message=message,
        signatures=[_hex(signature) for signature in full.signatures],
        members=[] if committee is None else list(committee.signers),
        transport_keys=[] if committee is None else [_hex(key) for key in committee.transport_keys],
    )


def _hex(raw: bytes) -> str:
    return "0x" + raw.hex()
