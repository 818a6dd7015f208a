"""What a check of a deployment found: one line for each thing that was looked at, with a verdict and a remedy."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final

from node.chain.failures import DisagreementError, RpcError, UnavailableError, UnwitnessedError, state_gone
from node.errors import ChainError, RevertError

_UNTOLD: Final = (DisagreementError, RpcError, UnavailableError, UnwitnessedError)
"""Endpoints that cannot or will not say, or not the same: nothing is known about the contract."""


class Verdict(StrEnum):
    """How one thing stands."""

    OK = "ok"
    WRONG = "WRONG"
    UNKNOWN = "not checked"


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at: `subject` is a contract of the file, or "chain" or "software".

    `detail` is what was found; `remedy` what to do, empty where nothing has to be done.
    """

    subject: str
    what: str
    verdict: Verdict
    detail: str
    remedy: str = ""


@dataclass
class Findings:
    """Findings in the order in which they were made; `watch` hears of each at once."""

    watch: Callable[[Finding], None] = lambda _: None
    found: list[Finding] = field(default_factory=list)

    def judge(self, subject: str, what: str, holds: bool, detail: str, remedy: str) -> bool:
        """Note something that holds or not; the remedy is kept only where it does not. Returns `holds`."""
        verdict = Verdict.OK if holds else Verdict.WRONG
        self._add(Finding(subject, what, verdict, detail, "" if holds else remedy))
        return holds

    def unknown(self, subject: str, what: str, why: str, remedy: str) -> None:
        """Note something that could not be looked at."""
        self._add(Finding(subject, what, Verdict.UNKNOWN, why, remedy))

    def asking(self, subject: str, what: str, remedy: str) -> Asking:
        """Where a question to the chain ends without an answer, note that, and go on after the `with` statement."""
        return Asking(self, subject, what, remedy)

    @property
    def hold(self) -> bool:
        """Whether everything was looked at and is as it has to be."""
        return bool(self.found) and all(one.verdict is Verdict.OK for one in self.found)

    def _add(self, finding: Finding) -> None:
        self.found.append(finding)
        self.watch(finding)


@dataclass(frozen=True, slots=True)
class Asking:
    """A question to the chain: what a contract refuses or answers askew is wrong, what nobody can tell not checked."""

    findings: Findings
    subject: str
    what: str
    remedy: str

    def __enter__(self) -> None:
        pass

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> bool:
        if isinstance(error, RevertError):
            told = f"the contract refuses to say: {error}"
            self.findings.judge(self.subject, self.what, False, told, self.remedy)
        elif not isinstance(error, ChainError):
            return False
        elif state_gone(error):
            why, remedy = "no endpoint keeps the block that this needs", "name one with all blocks (an archive)"
            self.findings.unknown(self.subject, self.what, why, remedy)
        elif isinstance(error, _UNTOLD) or "no endpoint answers" in str(error):
            remedy = "try again, or name another endpoint with --rpc"
            self.findings.unknown(self.subject, self.what, str(error), remedy)
        else:
            self.findings.judge(self.subject, self.what, False, str(error), self.remedy)
        return True
