"""What fuzzing tried and what came of it, a line a test: an interrupted night goes on where it was."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path

import pytest
from hypothesis import settings

import node

_PASSING = re.compile(r"(\d+) passing")
"""How hypothesis's statistics begin to say how many examples of a phase were valid and passed."""


@dataclass(frozen=True, slots=True)
class Entry:
    """A test that was run: `asked` and `passed` are examples, `sources` what the tree was."""

    test: str
    asked: int
    passed: int
    seconds: float
    verdict: str
    sources: str


def digest_of_sources() -> str:
    """What may change a verdict: the product, and what feeds it."""
    root, found = Path(node.__file__).parent, hashlib.sha256()
    for path in sorted([*root.rglob("*.py"), *Path(__file__).parent.glob("*.py")]):
        found.update(path.read_bytes())
    return found.hexdigest()[:16]


class Ledger:
    """Entries in a file, one JSON object a line, the latest of a test last."""

    def __init__(self, path: Path, sources: str) -> None:
        self._path = path
        self._sources = sources
        lines = path.read_text().splitlines() if path.exists() else []
        self._entries = {entry.test: entry for entry in (Entry(**json.loads(line)) for line in lines)}

    def note(self, test: str, asked: int, passed: int, seconds: float, verdict: str) -> None:
        """Keep what came of a test."""
        entry = self._entries[test] = Entry(test, asked, passed, round(seconds, 1), verdict, self._sources)
        self._path.parent.mkdir(parents=True, exist_ok=True)
        with self._path.open("a") as file:
            file.write(json.dumps(asdict(entry)) + "\n")

    def done(self, test: str, asked: int) -> bool:
        """Whether the test has passed with as many examples on these very sources."""
        entry = self._entries.get(test)
        return (
            entry is not None and (entry.verdict, entry.sources) == ("passed", self._sources) and entry.asked >= asked
        )

    def table(self, tests: Iterable[str]) -> list[str]:
        """All that is known of these tests: examples that passed, seconds, verdict."""
        lines = []
        for test in sorted(tests):
            entry, name = self._entries.get(test), test.partition("tests/fuzz/")[2] or test
            if entry is None:
                lines.append(f"{'-':>9} {'-':>8}  {'not run':<9} {name}")
                continue
            stale = "" if entry.sources == self._sources else "  (sources have changed since)"
            lines.append(f"{entry.passed:>9,} {entry.seconds:>8,.0f}  {entry.verdict:<9} {name}{stale}")
        return lines


class Bookkeeper:
    """The plugin of a fuzzing run: skips what is done, notes the rest, and prints the table at the end."""

    def __init__(self, ledger: Ledger, writes: bool) -> None:
        self._ledger = ledger
        self._writes = writes
        self._seen: set[str] = set()

    def pytest_runtest_setup(self, item: pytest.Item) -> None:
        """Go on with what is not done: skipped, not deselected, so that every worker collects the same."""
        if self._ledger.done(item.nodeid, settings().max_examples):
            pytest.skip("done")

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_makereport(self, item: pytest.Item):
        """Let the report say how many examples were run: it may be made in a worker, and is noted elsewhere."""
        report = yield
        told = getattr(item, "hypothesis_statistics", None)
        if told is not None:
            report.user_properties.append(("passed", sum(map(int, _PASSING.findall(told)))))
            report.user_properties.append(("asked", settings().max_examples))
        return report

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Note a test that was run with examples."""
        if not self._writes:
            return
        told = dict(report.user_properties)
        if report.when == "call" and "asked" in told:
            self._ledger.note(
                report.nodeid, int(str(told["asked"])), int(str(told["passed"])), report.duration, report.outcome
            )
        if "asked" in told or report.skipped:
            self._seen.add(report.nodeid)

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        """Print what is known of every test of this run."""
        terminalreporter.section("fuzzing: examples that passed, seconds, verdict")
        for line in self._ledger.table(self._seen):
            terminalreporter.write_line(line)
