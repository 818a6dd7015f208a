"""Which troubles stand: each begins once it has lasted, and ends once it has been gone for as long."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Final

GAP_MS: Final = 60_000
"""A shorter pause does not make a trouble begin anew."""


@dataclass(frozen=True, slots=True)
class Found:
    """Something that is the case now: `detail` is a sentence with figures; `subject` tells two of a code apart."""

    code: str
    detail: str = ""
    subject: str = ""

    @property
    def key(self) -> str:
        """By which the same trouble is known again."""
        return f"{self.code} {self.subject}".strip()


@dataclass(slots=True)
class _Seen:
    found: Found
    since: int
    last: int
    gone: int | None = None
    """From when on it has been gone, as far as that is known."""


class Troubles:
    """A state machine over looks; times are in ms of one clock that does not step back.

    What stood at the last shutdown stands at the start, so that a restart tells nothing again; whatever of it is gone
    ends after `over_ms` like any other.
    """

    def __init__(self, standing: Iterable[Found], after_ms: int, over_ms: int) -> None:
        """A trouble is told once it has lasted `after_ms`, and told to be over once it is gone for `over_ms`."""
        self._after = after_ms
        self._over = over_ms
        self._pending: dict[str, _Seen] = {}
        self._standing: dict[str, _Seen] = {}
        self._restored = [*standing]

    @property
    def standing(self) -> list[Found]:
        """What was told to have begun and not to be over, the oldest first."""
        return [*self._restored, *(each.found for each in self._standing.values())]

    def look(
        self, found: Mapping[str, Found], now: int, known: Callable[[Found], bool] = lambda _: True
    ) -> tuple[list[Found], list[Found]]:
        """Take what is the case now, by key; return what has begun by that, and what is over.

        `known` says of a trouble that is not in `found` whether that means that it is gone: before a first reading
        nothing is known.
        """
        for each in self._restored:
            self._standing[each.key] = _Seen(each, now, now)
        self._restored = []
        begun = [seen.found for key, each in found.items() if (seen := self._present(key, each, now)) is not None]
        over = []
        for key, seen in [*self._standing.items()]:
            if key in found:
                continue
            if not known(seen.found):
                continue
            seen.gone = now if seen.gone is None else seen.gone
            if now - seen.gone >= self._over:
                over.append(seen.found)
                del self._standing[key]
        gap = min(GAP_MS, self._after)
        self._pending = {key: seen for key, seen in self._pending.items() if now - seen.last <= gap}
        return begun, over

    def _present(self, key: str, found: Found, now: int) -> _Seen | None:
        """Note that a trouble is there; return it if it begins with that."""
        if key in self._standing:
            seen = self._standing[key]
            seen.found, seen.gone = found, None
            return None
        seen = self._pending.setdefault(key, _Seen(found, now, now))
        seen.found, seen.last = found, now
        if now - seen.since < self._after:
            return None
        self._standing[key] = self._pending.pop(key)
        return seen
