"""A node's metrics in Prometheus' own text format."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING

import structlog
from prometheus_client import CollectorRegistry
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily
from prometheus_client.exposition import choose_encoder
from prometheus_client.gc_collector import GCCollector
from prometheus_client.process_collector import ProcessCollector
from prometheus_client.registry import Collector

from node.durations import Durations
from node.metrics.catalog import CATALOG, ERRORS, LOOP, SCRAPE_SECONDS, SCRAPES, SECTIONS, Section
from node.metrics.definition import Metric, Sample

if TYPE_CHECKING:
    from node.parts import Parts

HELD_S = 1.0
"""Seconds for which one reading serves everyone who asks: however many ask, the node reads once."""
LOOP_S = (0.01, 0.03, 0.1, 0.3, 1.0, 3.0, 10.0)

Family = GaugeMetricFamily | CounterMetricFamily | HistogramMetricFamily

log = structlog.get_logger("metrics")


class Exposition:
    """Reads every section when asked, each on its own: one that fails is counted, and keeps no other from being told.

    Nothing here waits: what is told is what the parts hold at that moment.
    """

    def __init__(
        self,
        parts: Parts,
        sections: Iterable[Section] = SECTIONS,
        *,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._parts = parts
        self._sections = tuple(sections)
        self._clock = clock
        self._registry = CollectorRegistry(auto_describe=False)
        self._registry.register(_Node(self))
        # Collectors of this process, in this registry alone: nothing is registered globally by importing anything.
        ProcessCollector(registry=self._registry)
        GCCollector(registry=self._registry)
        self._held: dict[str, tuple[float, bytes]] = {}
        self._scrapes = 0
        self._seconds = 0.0
        self._errors: Counter[str] = Counter()
        self._said: set[str] = set()
        self.loop = Durations(LOOP_S)
        """How late the event loop was; whoever watches it counts here."""

    def text(self, accept: str = "") -> tuple[bytes, str]:
        """Return the metrics and their content type, in the format that an Accept header asks for."""
        encode, kind = choose_encoder(accept)
        now = self._clock()
        held = self._held.get(kind)
        if held is None or now - held[0] >= HELD_S:
            self._scrapes += 1
            held = self._held[kind] = (now, encode(self._registry))
            self._seconds = self._clock() - now
        return held[1], kind

    def families(self) -> Iterator[Family]:
        """Return every metric with its values: one without any is named all the same."""
        families = {name: _family(metric) for name, metric in CATALOG.items()}
        for section in self._sections:
            # All of a section or nothing: half of one would show sums that are none.
            for sample in self._read(section):
                _add(families[sample.metric.name], sample)
        for sample in self._own():
            _add(families[sample.metric.name], sample)
        yield from families.values()

    def _read(self, section: Section) -> list[Sample]:
        try:
            found = list(section.read(self._parts))
        except Exception as error:
            # Whatever it is: who looks at a node must never be what stops it.
            self._errors[section.name] += 1
            if section.name not in self._said:
                self._said.add(section.name)
                log.error("metrics not read", section=section.name, error=str(error), exc_info=True)
            return []
        self._said.discard(section.name)
        return found

    def _own(self) -> Iterator[Sample]:
        yield LOOP.at(self.loop)
        yield SCRAPES.at(self._scrapes)
        yield SCRAPE_SECONDS.at(self._seconds)
        yield from ERRORS.each(self._errors, [section.name for section in self._sections])


class _Node(Collector):
    def __init__(self, exposition: Exposition) -> None:
        self._exposition = exposition

    def collect(self) -> Iterable[Family]:
        return self._exposition.families()


def _family(metric: Metric) -> Family:
    if metric.kind == "gauge":
        return GaugeMetricFamily(metric.name, metric.meaning, labels=metric.labels)
    if metric.kind == "counter":
        return CounterMetricFamily(metric.name, metric.meaning, labels=metric.labels)
    return HistogramMetricFamily(metric.name, metric.meaning, labels=metric.labels)


def _add(family: Family, sample: Sample) -> None:
    if isinstance(family, HistogramMetricFamily):
        taken = sample.value
        if not isinstance(taken, Durations):
            raise TypeError(f"{sample.metric.name} is a histogram")
        names = [*(f"{bound:g}" for bound in taken.bounds), "+Inf"]
        buckets = [(name, float(count)) for name, count in zip(names, taken.cumulative(), strict=True)]
        family.add_metric(sample.labels, buckets, taken.seconds)
    elif isinstance(sample.value, Durations):
        raise TypeError(f"{sample.metric.name} is no histogram")
    else:
        family.add_metric(sample.labels, float(sample.value))
