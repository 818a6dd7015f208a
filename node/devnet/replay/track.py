"""One history to replay and the policy of its feed, checked before anything starts."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from fractions import Fraction
from math import floor
from typing import TYPE_CHECKING

from node.errors import ReplayError

if TYPE_CHECKING:
    from node.devnet.history import History

WAD = 10**18
MAX_THRESHOLDS = 15
MAX_WINDOW = 63
MAX_HYSTERESIS = 1 << 64
MAX_TEXT = 40


@dataclass(frozen=True)
class Track:
    """A history with the policy of its feed: `thresholds` ascending and `hysteresis` in wads, `window` in rows."""

    title: str
    history: History
    thresholds: tuple[int, ...]
    window: int
    hysteresis: int

    def __post_init__(self) -> None:
        rows = len(self.history.rows)
        if self.window % 2 == 0 or not 1 <= self.window <= MAX_WINDOW:
            raise ReplayError(f"window {self.window}: give an odd number from 1 to {MAX_WINDOW}")
        if not 0 <= self.hysteresis < MAX_HYSTERESIS:
            raise ReplayError("hysteresis: give a percentage from 0% up to 1000%")
        if rows < self.window:
            raise ReplayError(f"{self.history.name}: {rows} rows are fewer than a window of {self.window}")


@dataclass(frozen=True)
class Crossing:
    """A band change that a history must bring about: at which row (from 0), with which answer (wad)."""

    row: int
    answer: int
    previous_band: int
    band: int


def percentages(text: str) -> tuple[int, ...]:
    """Return ascending thresholds (wads) from text such as `-1%,1%,2%`.

    Raises:
        ReplayError: a part that is no percentage, the same one twice, or more than the oracle takes.
    """
    found = tuple(percentage(part) for part in text.split(","))
    if len(set(found)) < len(found) or len(found) > MAX_THRESHOLDS:
        raise ReplayError(f"thresholds {text!r}: give up to {MAX_THRESHOLDS}, each once")
    return tuple(sorted(found))


def percentage(text: str) -> int:
    """Return a wad from text such as `0.1%`.

    Raises:
        ReplayError: it is not a percentage between -100% and 1000%, or finer than a wad.
    """
    stripped = text.strip()
    try:
        # No exponents: 1E-999999999 is short to write and endless to reckon with.
        plain = len(stripped) <= MAX_TEXT and "e" not in stripped.lower()
        value = Decimal(stripped.removesuffix("%")) if plain else Decimal("NaN")
    except InvalidOperation:
        value = Decimal("NaN")
    if not stripped.endswith("%") or not value.is_finite() or not -100 < value <= 1000:
        raise ReplayError(f"{stripped!r} is not a percentage: write it like -1% or 0.25%, above -100% and up to 1000%")
    wad = Fraction(value) * WAD / 100
    if wad.denominator != 1:
        raise ReplayError(f"{stripped!r} has more than 16 decimals, which is finer than the contracts reckon")
    return int(wad)


def expected_crossings(track: Track, lead: int = 0) -> list[Crossing]:
    """Return what a faithful network must do with a history, by exact fractions and one threshold at a time.

    `lead` is how many checkpoints passed at the first row's price between the feed's opening and that row.

    On purpose not the nodes' own code: a replay that compared the nodes with themselves would prove nothing.
    """
    rows = [row.price for row in track.history.rows]
    prices, basis = [rows[0]] * lead + rows, rows[0]
    band = sum(threshold <= 0 for threshold in track.thresholds)
    found = []
    for row in range(track.window - 1, len(prices)):
        middle = sorted(prices[row - track.window + 1 : row + 1])[track.window // 2]
        answer = floor((Fraction(middle, basis) - 1) * WAD)
        before = band
        while band < len(track.thresholds) and answer - track.thresholds[band] >= track.hysteresis:
            band += 1
        while band > 0 and track.thresholds[band - 1] - answer > track.hysteresis:
            band -= 1
        if band != before:
            found.append(Crossing(row - lead, answer, before, band))
    return found


def demo_tracks(rows: int | None = None) -> list[Track]:
    """Return the two histories that come with Patina, or only their first `rows`.

    The thresholds of the second one would be crossed by a wick of 3.5 % in a single row, if it were believed.
    """
    from dataclasses import replace
    from importlib.resources import as_file, files

    from node.devnet.history import read_history

    found = []
    for title, name, thresholds in (
        ("Falconx Credit", "pareto-falconx-2025-2026.csv", "1%,2%,3%,4%,5%"),
        ("Bitcoin Liquidity", "yieldbasis-cbbtc-2025-10-10.csv", "-3%,-2%,-1%,1%"),
    ):
        with as_file(files("node.devnet") / "histories" / name) as path:
            history = read_history(path)
        history = replace(history, rows=history.rows[:rows])
        found.append(Track(title, history, percentages(thresholds), 3, percentage("0.1%")))
    return found
