"""Publishing: what each target has taken, and what it has yet to take."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from node.metrics.definition import Sample, counter, gauge

if TYPE_CHECKING:
    from node.parts import Parts

REACHABLE = gauge("patina_publishing_reachable", "1 unless the publishing target was away when last asked.", "target")
WAITING = gauge("patina_publishing_waiting", "Artworks that the publishing target has yet to take.", "target")
FAILURES = gauge(
    "patina_publishing_failures", "Failures in a row: of the target, or of the artwork that it refused most.", "target"
)
TAKEN = counter("patina_publishing_taken_total", "Artworks that the publishing target has taken.", "target")


def read(parts: Parts) -> Iterator[Sample]:
    """Return the section's values."""
    for told in parts.publisher.states():
        yield REACHABLE.at(told.reachable, told.name)
        yield WAITING.at(told.waiting, told.name)
        yield FAILURES.at(told.failures, told.name)
        yield TAKEN.at(told.taken, told.name)


METRICS = (REACHABLE, WAITING, FAILURES, TAKEN)
