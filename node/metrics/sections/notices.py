"""What the operator is told: which troubles stand, and whether notices reach their targets."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from node.metrics.definition import Sample, gauge
from node.notices.kinds import KINDS

if TYPE_CHECKING:
    from node.parts import Parts

TROUBLE = gauge(
    "patina_trouble",
    "1 for each trouble that the operator was told of and that is not over, 0 for all others.",
    "code",
)
WAITING = gauge("patina_notices_waiting", "Notices that the target, named as configured, has yet to take.", "target")
FAILING = gauge("patina_notice_failures", "Attempts in a row that the target has not taken.", "target")


def read(parts: Parts) -> Iterator[Sample]:
    """Return the section's values."""
    found: dict[str, Any] = parts.notices.status()
    standing = {each["code"] for each in found["standing"]}
    yield from (TROUBLE.at(code in standing, code) for code in KINDS)
    for target in found["targets"]:
        yield WAITING.at(target["waiting"], target["name"])
        yield FAILING.at(target["failures"], target["name"])


METRICS = (TROUBLE, WAITING, FAILING)
