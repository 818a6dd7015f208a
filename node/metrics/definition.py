"""What a metric is: its name, kind, meaning and labels, and one value of it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Literal, NamedTuple

from node.durations import Durations

Kind = Literal["gauge", "counter", "histogram"]
WEI = 10**18
"""Wei in one ether: metrics count in base units that people read, and lose digits that no alert needs."""


class Sample(NamedTuple):
    """One value under its labels' values."""

    metric: Metric
    labels: tuple[str, ...]
    value: float | Durations


@dataclass(frozen=True, slots=True)
class Metric:
    """Named as https://prometheus.io/docs/practices/naming asks: base units, counters end in `_total`.

    Values of `labels` come from lists that this program or the node's configuration bounds: never from messages, never
    from a chain.
    """

    name: str
    kind: Kind
    meaning: str
    labels: tuple[str, ...] = ()

    def at(self, value: float | Durations, *labels: str) -> Sample:
        """Return a value of this metric. Raises ValueError for other labels than it has."""
        if len(labels) != len(self.labels):
            raise ValueError(f"{self.name} has the labels {self.labels}")
        return Sample(self, labels, value)

    def known(self, value: float | None, *labels: str) -> Iterable[Sample]:
        """Return the value if there is one."""
        return () if value is None else (self.at(value, *labels),)

    def each(self, values: Mapping[str, float], names: Iterable[str], *labels: str) -> Iterable[Sample]:
        """Return a value for each of the names, 0 where nothing was counted; the name is the last label's value."""
        return [self.at(values.get(name, 0), *labels, name) for name in names]


def gauge(name: str, meaning: str, *labels: str) -> Metric:
    """A number that goes up and down."""
    return Metric(name, "gauge", meaning, labels)


def counter(name: str, meaning: str, *labels: str) -> Metric:
    """A number that only grows, from the node's start on."""
    return Metric(name, "counter", meaning, labels)


def histogram(name: str, meaning: str, *labels: str) -> Metric:
    """Durations by size."""
    return Metric(name, "histogram", meaning, labels)
