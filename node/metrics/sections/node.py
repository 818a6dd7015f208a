"""What the node is, whether it is ready, and why not."""

from __future__ import annotations

import platform
from collections.abc import Iterator
from importlib.metadata import version
from typing import TYPE_CHECKING

from node.metrics.definition import Sample, gauge
from node.status.figures import reasons
from node.status.reasons import REASONS

if TYPE_CHECKING:
    from node.parts import Parts

BUILD = gauge("patina_build_info", "1; the labels say which program runs.", "version", "python")
IDENTITY = gauge(
    "patina_node_info",
    "1; the labels say who this node is, and under which configuration of which oracle it works.",
    "address",
    "chain_id",
    "oracle",
    "config_digest",
)
READY = gauge("patina_ready", "1 while nothing keeps the node from its work, as /readyz says.")
NOT_READY = gauge("patina_not_ready", "1 for each readiness code that /readyz gives, 0 for all others.", "reason")
SEATED = gauge("patina_seated", "1 while the node has a seat in the committee in force, 0 on standby.")
COMMITTEE = gauge("patina_committee_members", "Members of the committee in force.")
QUORUM = gauge("patina_committee_quorum", "Signatures that a report of that committee needs.")


def read(parts: Parts) -> Iterator[Sample]:
    """Return the section's values."""
    committee = parts.terms.committee()
    digest = "" if committee is None else "0x" + committee.config_digest.hex()
    yield BUILD.at(1, version("patina"), platform.python_version())
    yield IDENTITY.at(1, parts.address, str(parts.chain_id), parts.chain.oracle, digest)
    found = set(reasons(parts))
    yield READY.at(not found)
    yield from (NOT_READY.at(code in found, code) for code in REASONS)
    yield SEATED.at(parts.terms.current is not None)
    yield COMMITTEE.at(0 if committee is None else committee.n)
    yield QUORUM.at(0 if committee is None else committee.quorum)


METRICS = (BUILD, IDENTITY, READY, NOT_READY, SEATED, COMMITTEE, QUORUM)
