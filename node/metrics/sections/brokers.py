"""The brokers: which are connected, what passes over each, and what is thrown away."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Final

from node.agreement import reasons
from node.gossip.limits import OVER_LIMIT
from node.metrics.definition import Sample, counter, gauge

if TYPE_CHECKING:
    from node.parts import Parts

REFUSED: Final = (
    reasons.OVERSIZED,
    reasons.MALFORMED,
    reasons.FOREIGN,
    reasons.UNKNOWN_SENDER,
    reasons.BAD_SIGNATURE,
    reasons.STALE,
    OVER_LIMIT,
)
"""Why an envelope is dropped before anything in it is believed."""
LOST: Final = ("incoming_overflow", "outgoing_overflow")
"""Why a message of this node, or one that it did not get to read, is dropped."""

CONFIGURED = gauge("patina_brokers_configured", "Brokers in the configuration.")
CONNECTED = gauge(
    "patina_broker_connected",
    "1 while what the node publishes at the broker comes back; absent on standby, when no broker is needed.",
    "broker",
)
SILENT = gauge("patina_brokers_silent_seconds", "Seconds since any broker was connected; 0 while one is.")
MESSAGES = counter("patina_broker_messages_total", "Messages over the broker, received or sent.", "broker", "direction")
DROPPED = counter(
    "patina_broker_dropped_total",
    "Messages of the broker or for it that were dropped, by reason.",
    "broker",
    "reason",
)
RECONNECTS = counter("patina_broker_reconnects_total", "Times that a connection to the broker was lost.", "broker")
PAUSES = counter(
    "patina_broker_pauses_total", "Times that the node stopped reading from the broker for a moment.", "broker"
)


def read(parts: Parts) -> Iterator[Sample]:
    """Return the section's values."""
    term = parts.terms.current
    yield CONFIGURED.at(len(parts.config.gossip.brokers))
    yield SILENT.at(0 if term is None else term.gossip.silent_for())
    for link in () if term is None else term.gossip.links:
        yield CONNECTED.at(link.connected, link.settings.name)
    for broker, counted in parts.terms.tally().brokers.items():
        yield from MESSAGES.each(counted, ("received", "sent"), broker)
        yield from DROPPED.each(counted, (*REFUSED, *LOST), broker)
        yield RECONNECTS.at(counted["reconnects"], broker)
        yield PAUSES.at(counted["paused"], broker)


METRICS = (CONFIGURED, CONNECTED, SILENT, MESSAGES, DROPPED, RECONNECTS, PAUSES)
