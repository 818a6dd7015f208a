"""Every section with its reader, and every metric that there is."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from node.metrics.definition import Metric, Sample, counter, gauge, histogram
from node.metrics.sections import agreement, art, brokers, chain, money, node, notices, publishing, storage

if TYPE_CHECKING:
    from node.parts import Parts

Read = Callable[["Parts"], Iterator[Sample]]


@dataclass(frozen=True)
class Section:
    """Some metrics about one thing; `title` heads them in the documentation."""

    name: str
    title: str
    read: Read
    metrics: tuple[Metric, ...]


LOOP: Final = histogram(
    "patina_event_loop_delay_seconds", "How late the node's event loop came back to a task that slept for a second."
)
SCRAPES: Final = counter("patina_scrapes_total", "Times that these metrics were read.")
SCRAPE_SECONDS: Final = gauge("patina_scrape_seconds", "Seconds that the last reading took.")
ERRORS: Final = counter(
    "patina_scrape_errors_total", "Sections of these metrics that could not be read, by section.", "section"
)


def _none(_: Parts) -> Iterator[Sample]:
    yield from ()


SECTIONS: Final = (
    Section("node", "The node", node.read, node.METRICS),
    Section("chain", "The chain", chain.read, chain.METRICS),
    Section("brokers", "Brokers", brokers.read, brokers.METRICS),
    Section("agreement", "Rounds and reports", agreement.read, agreement.METRICS),
    Section("money", "Transactions, balance and stake", money.read, money.METRICS),
    Section("art", "Feeds and artworks", art.read, art.METRICS),
    Section("publishing", "Publishing", publishing.read, publishing.METRICS),
    Section("storage", "Journal, content and disk", storage.read, storage.METRICS),
    Section("notices", "Troubles and notices", notices.read, notices.METRICS),
    Section("process", "The process", _none, (LOOP, SCRAPES, SCRAPE_SECONDS, ERRORS)),
)
CATALOG: Final[dict[str, Metric]] = {metric.name: metric for section in SECTIONS for metric in section.metrics}
"""Every metric of the node's own by its name; those of the Python process come from prometheus_client."""
