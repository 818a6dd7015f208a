"""What a check finds: one line for each thing that was looked at, with a verdict, and a remedy where one is needed."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from enum import StrEnum

from node.errors import ChainError, PatinaError
from node.preflight.catalogue import CATALOGUE


class UnknownError(PatinaError):
    """What a check needs cannot be had; the text says why, and which other line tells more."""


class Verdict(StrEnum):
    """How one thing stands; these words are part of the JSON."""

    OK = "ok"
    WARNING = "warning"
    FAULT = "fault"
    SKIPPED = "not checked"


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at.

    `code` is stable (`node.preflight.catalogue`), `about` names the one of several (an endpoint, a broker), `detail`
    is what was found, and `remedy` what to do, empty where nothing has to be done.
    """

    subject: str
    code: str
    verdict: Verdict
    detail: str
    remedy: str = ""
    about: str = ""


@dataclass
class Notes:
    """The findings of one subject, in the order in which they were made. A code's subject is its first part."""

    subject: str
    found: list[Finding] = field(default_factory=list)

    def ok(self, code: str, detail: str, about: str = "") -> None:
        """Note something that is as it has to be."""
        self._add(code, Verdict.OK, detail, "", about)

    def warn(self, code: str, detail: str, about: str = "", remedy: str = "") -> None:
        """Note something that the node works with, and that somebody should look at."""
        self._add(code, Verdict.WARNING, detail, remedy, about)

    def fault(self, code: str, detail: str, about: str = "", remedy: str = "") -> None:
        """Note something that keeps the node from its work, or makes it dangerous."""
        self._add(code, Verdict.FAULT, detail, remedy, about)

    def judge(self, code: str, holds: bool, detail: str, about: str = "", remedy: str = "") -> bool:
        """Note something that is well, or else a fault; returns `holds`."""
        (self.ok(code, detail, about) if holds else self.fault(code, detail, about, remedy))
        return holds

    def skip(self, code: str, why: str, about: str = "") -> None:
        """Note something that was not looked at, and why."""
        self._add(code, Verdict.SKIPPED, why, "", about)

    @contextmanager
    def needing(self, code: str, about: str = "") -> Iterator[None]:
        """Where what the block needs cannot be had, note `code` as not checked, and go on after it."""
        try:
            yield
        except UnknownError as error:
            self.skip(code, str(error), about)
        except ChainError as error:
            self.skip(code, f"the chain does not answer: {error}", about)

    def _add(self, code: str, verdict: Verdict, detail: str, remedy: str, about: str) -> None:
        wanted = verdict in (Verdict.WARNING, Verdict.FAULT)
        self.found.append(
            Finding(self.subject, code, verdict, detail, (remedy or CATALOGUE[code].remedy) if wanted else "", about)
        )


@dataclass(frozen=True, slots=True)
class Score:
    """How a check came out: each finding counts once, those that were not looked at apart."""

    ok: int
    warnings: int
    faults: int
    skipped: int

    @classmethod
    def of(cls, found: Sequence[Finding]) -> Score:
        """Count findings."""
        count = Counter(one.verdict for one in found)
        return cls(count[Verdict.OK], count[Verdict.WARNING], count[Verdict.FAULT], count[Verdict.SKIPPED])

    @property
    def checked(self) -> int:
        """How many things were looked at."""
        return self.ok + self.warnings + self.faults

    @property
    def ready(self) -> bool:
        """Whether nothing is at fault, and anything was looked at at all."""
        return not self.faults and self.checked > 0

    def __str__(self) -> str:
        told = [f"{self.ok} of {self.checked} ok"]
        told += [f"{self.warnings} warning{'s' if self.warnings > 1 else ''}"] if self.warnings else []
        told += [f"{self.faults} fault{'s' if self.faults > 1 else ''}"] if self.faults else []
        told += [f"{self.skipped} not checked"] if self.skipped else []
        return ", ".join(told)
