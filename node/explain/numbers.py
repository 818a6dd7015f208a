"""Numbers, dates and lists as a person reads them, exactly rounded from integers."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Final

WAD: Final = 10**18
_MOST: Final = 16
"""Decimals of a per cent that a wad has."""
_LAST: Final = 253_402_300_800
"""The year 10000 in Unix seconds: what a block claims beyond is no date."""
_MONTHS: Final = (
    "January", "February", "March", "April", "May", "June",
    "July", "August", "September", "October", "November", "December",
)  # fmt: skip
_WORDS: Final = (
    "no",
    "one",
    "two",
    "three",
    "four",
    "five",
    "six",
    "seven",
    "eight",
    "nine",
    "ten",
    "eleven",
    "twelve",
)


def percent(wad: int, apart_from: Sequence[int] = ()) -> str:
    """A signed wad as per cent, rounded half away from zero, with as many digits as make sense.

    Two decimals below 10 %, one below 1,000 %, else none; more where fewer would show it as 0, or as the same as one of
    `apart_from`, which it is not.
    """
    size = abs(wad) * 100
    places = 2 if size < 10 * WAD else 1 if size < 1_000 * WAD else 0
    while places < _MOST and _misleads(wad, places, apart_from):
        places += 1
    return f"{_rounded(wad, places)} %"


def exact(wad: int) -> str:
    """A signed wad as per cent with exactly the digits that it has: thresholds are read as they were written."""
    text = _rounded(wad, _MOST)
    return f"{text.rstrip('0').rstrip('.')} %"


def signed(wad: int) -> str:
    """`exact` with its sign."""
    return f"+{exact(wad)}" if wad > 0 else exact(wad)


def above(wad: int, apart_from: Sequence[int] = ()) -> str:
    """Growth in words: "2.31 % above", "0.5 % below"; "level with" where there is none."""
    if not wad:
        return "level with"
    return f"{percent(abs(wad), [abs(one) for one in apart_from])} {'above' if wad > 0 else 'below'}"


def plus(wad: int, apart_from: Sequence[int] = ()) -> str:
    """`percent` with its sign: "+2.31 %"."""
    return ("+" if wad > 0 else "") + percent(wad, apart_from)


def _misleads(wad: int, places: int, apart_from: Sequence[int]) -> bool:
    shown = _rounded(wad, places)
    nothing = _rounded(0, places)
    return (wad != 0 and shown.lstrip("-") == nothing) or any(
        one != wad and _rounded(one, places) == shown for one in apart_from
    )


def _rounded(wad: int, places: int) -> str:
    unit = WAD // 100
    size = (abs(wad) * 10**places * 2 + unit) // (2 * unit)
    whole, rest = divmod(size, 10**places)
    sign = "-" if wad < 0 and size else ""
    return f"{sign}{whole:,}" + (f".{rest:0{places}d}" if places else "")


def date(seconds: int | None) -> str:
    """A moment as "3 March 2026, 14:05 UTC"; empty where it is not known."""
    if not seconds or not 0 < seconds < _LAST:
        return ""
    at = datetime.fromtimestamp(seconds, UTC)
    return f"{at.day} {_MONTHS[at.month - 1]} {at.year}, {at:%H:%M} UTC"


def count(many: int, thing: str, things: str = "") -> str:
    """A number with its noun: "one node", "three nodes", "24 nodes"."""
    spelled = _WORDS[many] if 0 <= many < len(_WORDS) else f"{many:,}"
    return f"{spelled} {thing if many == 1 else things or thing + 's'}"


def listed(words: Sequence[str], last: str = "and") -> str:
    """Words as a list: "a, b and c"."""
    if len(words) < 2:
        return "".join(words)
    return f"{', '.join(words[:-1])} {last} {words[-1]}"


def sentence(text: str) -> str:
    """A sentence with a capital first letter and one full stop."""
    return stopped(text[:1].upper() + text[1:])


def stopped(text: str) -> str:
    """Text with one full stop, its first letter as it is: a name may begin with a small one."""
    return text.rstrip(".") + "."
