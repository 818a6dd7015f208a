"""What a model is held to: every figure of an evaluation as a row, with its floor where it has one."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

#: Where a model stands in an evaluation, what that is called, its unit or form, and the least it may be.
_ROWS: Final[tuple[tuple[str, str, str, float | None], ...]] = (
    ("fidelity.worst", "float against integer, worst picture", "dB", 35.0),
    ("fidelity.median", "float against integer, median picture", "dB", None),
    ("classifier.model", "mood read by a small classifier", "share", 0.95),
    ("classifier.training", "the same, of held-back training pictures", "share", None),
    ("diversity.pixels.ratio", "Vendi score by pixels, over the training set's", "ratio", 0.8),
    ("diversity.features.ratio", "Vendi score by features, over the training set's", "ratio", 0.8),
    ("composition.found", "token found again in another mood", "share", 0.95),
    ("composition.same", "shapes of one token in two moods, correlation", "ratio", None),
    ("composition.other", "shapes of two tokens, correlation", "ratio", None),
    ("crispness.laplacian.ratio", "variance of the Laplacian, over the training set's", "ratio", None),
    ("crispness.fine.ratio", "share of fine detail, over the training set's", "ratio", None),
)


@dataclass(frozen=True)
class Row:
    """One figure: `floor` is None where there is none, and `value` None where it was not measured."""

    name: str
    value: float | None
    unit: str
    floor: float | None

    @property
    def held(self) -> bool:
        """Whether the floor is held; a figure that is held to one but was not measured misses it."""
        return self.floor is None or (self.value is not None and self.value >= self.floor)

    def shown(self, value: float | None) -> str:
        """A value in the row's unit."""
        if value is None:
            return "not measured"
        if self.unit == "share":
            return f"{100 * value:.1f} %"
        return f"{value:.1f} dB" if self.unit == "dB" else f"{value:.2f}"


def rows(figures: Mapping[str, Any]) -> list[Row]:
    """The rows of an evaluation, in the order in which they are shown."""
    return [Row(name, _at(figures, path), unit, floor) for path, name, unit, floor in _ROWS]


def missed(figures: Mapping[str, Any]) -> list[Row]:
    """The rows whose floor is not held."""
    return [row for row in rows(figures) if not row.held]


def _at(figures: Mapping[str, Any], path: str) -> float | None:
    found: Any = figures
    for key in path.split("."):
        found = found.get(key) if isinstance(found, Mapping) else None
    return None if found is None else float(found)
