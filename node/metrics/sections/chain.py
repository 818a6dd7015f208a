"""The chain as the node sees it: blocks, endpoints, what they disagree about, and this machine's clock."""

from __future__ import annotations

import statistics
from collections.abc import Iterator
from typing import TYPE_CHECKING

from node.metrics.definition import Sample, counter, gauge, histogram

if TYPE_CHECKING:
    from node.parts import Parts

FINAL = gauge("patina_chain_final_block", "Number of the newest final block that the node has seen.")
FINAL_TIME = gauge("patina_chain_final_block_timestamp_seconds", "Unix time of that block, as the chain has it.")
UNMOVED = gauge("patina_chain_final_block_unmoved_seconds", "Seconds since the final block last became a newer one.")
HEAD = gauge("patina_chain_head_block", "Number of the newest block that the node has seen.")
UP = gauge("patina_chain_endpoint_up", "1 while the endpoint answers well and is not behind the others.", "endpoint")
LAG = gauge("patina_chain_endpoint_lag_blocks", "Blocks by which the endpoint's head is behind the others.", "endpoint")
OPEN = gauge(
    "patina_chain_endpoint_circuit_open",
    "1 while the endpoint's circuit breaker is open or half-open: it is asked last, and one request at a time.",
    "endpoint",
)
OPENED = counter(
    "patina_chain_endpoint_circuit_opened_total", "Times that the endpoint's circuit breaker was opened.", "endpoint"
)
REQUESTS = counter("patina_chain_endpoint_requests_total", "Requests made to the endpoint.", "endpoint")
FAILURES = counter(
    "patina_chain_endpoint_failures_total",
    "Failures of the endpoint: no answer, no usable one, or one that most others contradicted.",
    "endpoint",
)
LIMITED = counter(
    "patina_chain_endpoint_limited_total",
    "Requests that the endpoint refused: it was asked too often.",
    "endpoint",
)
WAITED = counter(
    "patina_chain_endpoint_waited_total", "Requests held back by this node's own limit for the endpoint.", "endpoint"
)
TOOK = histogram("patina_chain_endpoint_request_seconds", "How long requests to the endpoint took.", "endpoint")
FAILED_OVER = counter("patina_chain_failed_over_total", "Questions that another endpoint than the first had to answer.")
COMPARED = counter(
    "patina_chain_comparisons_total",
    "Comparisons of endpoints that went badly: no majority (disagreements), one against the others (outvoted), or too "
    "few that answer (unwitnessed).",
    "outcome",
)
WEBSOCKETS = gauge("patina_chain_websockets_connected", "WebSockets that announce new blocks at present.")
CLOCK = gauge(
    "patina_clock_offset_seconds",
    "Seconds by which this machine's clock is ahead of the endpoints' (the median of their answers' dates; good to "
    "about a second).",
)
OUTCOMES = ("disagreements", "outvoted", "unwitnessed")


def read(parts: Parts) -> Iterator[Sample]:
    """Return the section's values."""
    health, pool = parts.health, parts.chain.pool
    if health.final is not None:
        yield FINAL.at(health.final.number)
        yield FINAL_TIME.at(health.final.timestamp)
    if health.head is not None:
        yield HEAD.at(health.head.number)
    yield UNMOVED.at(health.unmoved_s)
    for one, status in zip(pool.endpoints, pool.status(), strict=True):
        yield UP.at(not status.fault, one.name)
        yield LAG.at(one.lag, one.name)
        yield OPEN.at(status.circuit != "closed", one.name)
        yield OPENED.at(status.opened, one.name)
        yield REQUESTS.at(status.requests, one.name)
        yield FAILURES.at(status.failures, one.name)
        yield LIMITED.at(status.limited, one.name)
        yield WAITED.at(status.waited, one.name)
        yield TOOK.at(one.took, one.name)
    yield FAILED_OVER.at(pool.counters["failed_over"])
    yield from COMPARED.each(pool.counters, OUTCOMES)
    yield WEBSOCKETS.at(parts.wakeup.connected)
    offsets = [one.clock_offset for one in pool.endpoints if one.clock_offset is not None]
    if offsets:
        yield CLOCK.at(statistics.median(offsets))


METRICS = (
    FINAL,
    FINAL_TIME,
    UNMOVED,
    HEAD,
    UP,
    LAG,
    OPEN,
    OPENED,
    REQUESTS,
    FAILURES,
    LIMITED,
    WAITED,
    TOOK,
    FAILED_OVER,
    COMPARED,
    WEBSOCKETS,
    CLOCK,
)
