"""Rounds, views, messages and signatures: how the committee comes to its reports."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import TYPE_CHECKING, Final

from node.agreement import reasons
from node.agreement.messages import KINDS
from node.clock import milliseconds
from node.metrics.definition import Sample, counter, gauge, histogram

if TYPE_CHECKING:
    from node.parts import Parts

PHASES: Final = (
    "observing",
    "proposing",
    "rendering",
    "comparing",
    "preparing",
    "committing",
    "attesting",
    "transmitting",
)
KIND_NAMES: Final = tuple(KINDS.values())
DROPS: Final = tuple(
    sorted(value for name, value in vars(reasons).items() if name.isupper() and isinstance(value, str))
)
"""Every reason for which the protocol drops a message."""

OPEN = gauge("patina_rounds_open", "Rounds under way, by the phase that they are in.", "phase")
OLDEST = gauge("patina_round_oldest_seconds", "Seconds since the oldest round under way began; 0 without any.")
OBSERVATIONS = gauge("patina_round_observations", "Observations that rounds under way hold, all of them together.")
ATTESTATIONS = gauge("patina_round_attestations", "Signatures that rounds under way hold, all of them together.")
STALLED = gauge("patina_rounds_stalled", "1 while a round waits for the journal to take writes.")
STARTED = counter("patina_rounds_started_total", "Rounds that this node has entered.")
ENDED = counter("patina_rounds_ended_total", "Rounds that are over: landed, or abandoned for newer ones.", "outcome")
TOOK = histogram("patina_round_seconds", "How long rounds took that landed, from their beginning on this node.")
VIEWS = counter("patina_views_entered_total", "Views entered after a round's first: leaders that had to be replaced.")
HEARD = counter("patina_messages_accepted_total", "Genuine messages of members, by kind.", "kind")
SAID = counter("patina_messages_published_total", "Messages that this node has published, by kind.", "kind")
DROPPED = counter("patina_messages_dropped_total", "Genuine messages that went no further, by reason.", "reason")
REPEATED = counter("patina_messages_repeated_total", "Messages that were announced again: the usual case.")
ATTESTED = counter("patina_attestations_signed_total", "Reports that this node has signed.")
REFUSED = counter("patina_attestations_refused_total", "Signatures refused: they would have contradicted earlier ones.")
UNRENDERED = counter("patina_round_renders_failed_total", "Renders of rounds that failed.")
VOTES = counter("patina_votes_sent_total", "Votes that this node has sent to the chain while gossip was silent.")
SILENT = gauge("patina_members_silent_seconds", "Seconds with something to say in which too few members were heard.")
MEMBER = gauge(
    "patina_member_heard_age_seconds",
    "Seconds since the member, by its index, was last heard; members never heard have none.",
    "member",
)
LANDED = counter(
    "patina_reports_landed_total", "Reports seen to land on chain, by whether the band changed.", "crossing"
)
EQUIVOCATIONS = gauge(
    "patina_equivocations", "Proofs that a member signed two reports for one view, by whose key.", "key"
)


def read(parts: Parts) -> Iterator[Sample]:
    """Return the section's values."""
    terms, now = parts.terms, milliseconds()
    under_way = [each for term in terms.all for each in term.rounds.status()]
    yield from OPEN.each(Counter(each.phase for each in under_way), PHASES)
    yield OLDEST.at(max((now - each.started_at for each in under_way), default=0) / 1000)
    yield OBSERVATIONS.at(sum(each.observations for each in under_way))
    yield ATTESTATIONS.at(sum(each.attestations for each in under_way))
    yield STALLED.at(any(term.rounds.stalled for term in terms.all))
    tally = terms.tally()
    happened = tally.happened
    yield STARTED.at(happened["round started"])
    yield from (ENDED.at(happened[f"round {outcome}"], outcome) for outcome in ("landed", "abandoned"))
    yield TOOK.at(tally.rounds)
    yield VIEWS.at(happened["view entered"])
    yield from (HEARD.at(happened[f"heard {kind}"], kind) for kind in KIND_NAMES)
    yield from (SAID.at(happened[f"said {kind}"], kind) for kind in KIND_NAMES)
    yield from (DROPPED.at(tally.agreement[f"dropped {reason}"], reason) for reason in DROPS)
    yield REPEATED.at(tally.envelopes[reasons.REPEATED])
    yield ATTESTED.at(happened["attested"])
    yield REFUSED.at(happened["refused to sign"])
    yield UNRENDERED.at(happened["render failed"])
    yield VOTES.at(tally.votes)
    term = terms.current
    yield SILENT.at(0 if term is None else term.voter.silent_for())
    ages = () if term is None or term.hearing is None else term.hearing.ago()
    yield from (MEMBER.at(age, str(member)) for member, age in enumerate(ages) if age is not None)
    yield from (LANDED.at(parts.landings.counters[kind], kind) for kind in ("yes", "no"))
    proofs = Counter("own" if row.signer == parts.address else "other" for row in parts.journal.equivocations.all())
    yield from EQUIVOCATIONS.each(proofs, ("own", "other"))


METRICS = (
    OPEN,
    OLDEST,
    OBSERVATIONS,
    ATTESTATIONS,
    STALLED,
    STARTED,
    ENDED,
    TOOK,
    VIEWS,
    HEARD,
    SAID,
    DROPPED,
    REPEATED,
    ATTESTED,
    REFUSED,
    UNRENDERED,
    VOTES,
    SILENT,
    MEMBER,
    LANDED,
    EQUIVOCATIONS,
)
