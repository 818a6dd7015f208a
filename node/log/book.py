"""The last lines of the log, redacted as it is, for the operator's page."""

from __future__ import annotations

import json
from collections import deque
from typing import Any, Final

from node.keys.redaction import redactor

LINES: Final = 500
"""Lines that are kept."""
LONGEST: Final = 8_192
"""Characters of a line that are kept whole; of a longer one (a traceback) what matters most is."""
LEVELS: Final = ("debug", "info", "warning", "error", "critical")
_HEAD: Final = ("timestamp", "level", "logger", "event", "exception")


class Logbook:
    """A ring of log lines, each one JSON object: `timestamp`, `level`, `logger`, `event` and the line's own fields.

    `node.log.lines` adds each line once its secrets are masked. What became a secret only later is masked on reading.
    """

    def __init__(self, lines: int = LINES) -> None:
        self._lines: deque[str] = deque(maxlen=lines)
        self._written = 0

    def add(self, line: str) -> None:
        """Keep a redacted line; one that is too long is cut."""
        self._lines.append(line if len(line) <= LONGEST else _cut(line))
        self._written += 1

    def last(self, count: int = LINES, level: str = "debug") -> list[dict[str, Any]]:
        """Return the newest lines of at least this level, the oldest of them first."""
        wanted = LEVELS[LEVELS.index(level) :]
        found: list[dict[str, Any]] = []
        for line in reversed(self._lines):
            if len(found) >= count:
                break
            entry = _read(redactor.redact(line))
            if entry.get("level") in wanted:
                found.append(entry)
        return found[::-1]

    def since(self, seen: int) -> tuple[int, list[dict[str, Any]]]:
        """Return how many lines were ever added, and those after the first `seen` that are still kept, in order."""
        written, lines = self._written, list(self._lines)
        new = min(max(written - seen, 0), len(lines))
        return written, [_read(redactor.redact(line)) for line in lines[len(lines) - new :]]

    def clear(self) -> None:
        """Forget every line."""
        self._lines.clear()


def _read(line: str) -> dict[str, Any]:
    try:
        entry = json.loads(line)
    except ValueError:
        entry = None  # a number that was masked leaves no JSON
    return entry if isinstance(entry, dict) else {"level": "info", "event": line}


def _cut(line: str) -> str:
    entry = _read(line)
    return json.dumps({name: str(entry[name])[: LONGEST // 4] for name in _HEAD if name in entry})


#: The process's own, as the redactor is.
logbook = Logbook()
