"""The sheet on which a verification notes its steps, and the verdict that they come to."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Self

from node.chain.failures import UnavailableError, state_gone
from node.errors import ChainError, PatinaError


class Status(StrEnum):
    """How a step came out."""

    OK = "ok"
    FAILED = "FAILED"
    UNCHECKED = "not checked"


class Verdict(StrEnum):
    """What all steps come to."""

    VERIFIED = "verified"
    REFUTED = "refuted"
    UNDECIDED = "undecided"


class UntoldError(PatinaError):
    """Something that a step needs could not be had: the step is neither right nor wrong."""


@dataclass(frozen=True, slots=True)
class Step:
    """One step: `optional` ones may stay unchecked in a verification that succeeds."""

    name: str
    status: Status
    detail: str
    optional: bool = False


class OpenStep:
    """A step that is being taken, as a context; it is ok, with `detail`, unless something is raised inside.

    `UntoldError` and a chain that cannot be read leave it unchecked, anything else that Patina raises on purpose
    fails it. Nothing of that goes on to the caller.
    """

    def __init__(self, name: str, optional: bool, done: Callable[[Step], None]) -> None:
        self.detail = ""
        self._name, self._optional, self._done = name, optional, done

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> bool:
        if error is None:
            outcome = Status.OK, self.detail
        elif isinstance(error, UntoldError):
            outcome = Status.UNCHECKED, str(error)
        elif isinstance(error, ChainError):
            outcome = _of_the_chain(error)
        elif isinstance(error, PatinaError):
            outcome = Status.FAILED, str(error)
        else:
            return False
        self._done(Step(self._name, *outcome, self._optional))
        return True


@dataclass
class Sheet:
    """Steps in order; `watch` hears of each as soon as it is decided."""

    watch: Callable[[Step], None] = lambda _: None
    steps: list[Step] = field(default_factory=list)

    def step(self, name: str, *, optional: bool = False) -> OpenStep:
        """Take a step, in a `with` statement."""
        return OpenStep(name, optional, self._add)

    def skip(self, name: str, why: str, *, optional: bool = False) -> None:
        """A step that cannot be taken."""
        self._add(Step(name, Status.UNCHECKED, why, optional))

    def ok(self, *names: str) -> bool:
        """Whether all these steps were taken and are ok."""
        return set(names) <= {step.name for step in self.steps if step.status is Status.OK}

    @property
    def verdict(self) -> Verdict:
        """Refuted by any failed step; verified when all others are ok, but for optional ones."""
        if any(step.status is Status.FAILED for step in self.steps):
            return Verdict.REFUTED
        open_ones = [step for step in self.steps if step.status is Status.UNCHECKED and not step.optional]
        return Verdict.UNDECIDED if open_ones or not self.steps else Verdict.VERIFIED

    def _add(self, step: Step) -> None:
        self.steps.append(step)
        self.watch(step)


def _of_the_chain(error: ChainError) -> tuple[Status, str]:
    if state_gone(error):
        return Status.UNCHECKED, f"no endpoint keeps what this needs, name one with history (an archive): {error}"
    if isinstance(error, UnavailableError) or "no endpoint answers" in str(error):
        return Status.UNCHECKED, str(error)
    return Status.FAILED, str(error)
