"""Compares what several endpoints say of the same thing, and tells who said what where they differ."""

from __future__ import annotations

from collections import Counter
from collections.abc import Awaitable, Callable, Hashable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Generic, TypeVar, cast

import structlog

from node.chain.failures import (
    DisagreementError,
    MissingError,
    PrunedError,
    RpcError,
    UnavailableError,
    UnwitnessedError,
    state_gone,
)
from node.errors import ChainError, RevertError

if TYPE_CHECKING:
    from node.chain.endpoints.endpoint import Endpoint

Answer = TypeVar("Answer")

log = structlog.get_logger("chain")

_QUIET = 60.0
"""Seconds for which the same disagreement is not told again."""
_TOLD = 256
_CODES = {"disagreements": "endpoints-disagree", "unwitnessed": "too-few-endpoints"}
"""What health says of two of the counters."""


@dataclass(frozen=True, slots=True)
class Refusal:
    """A contract's refusal, as an answer: two endpoints must tell of the same one."""

    error: RevertError

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Refusal) and str(other.error) == str(self.error)

    def __hash__(self) -> int:
        return hash(str(self.error))

    def __str__(self) -> str:
        return str(self.error)


@dataclass(frozen=True, slots=True)
class Hearing(Generic[Answer]):
    """What endpoints answered to one question, and why others did not."""

    answers: list[tuple[Endpoint, Answer | Refusal]]
    faults: list[tuple[Endpoint, ChainError]]

    @property
    def unanimous(self) -> bool:
        """True where nobody says anything else than the first."""
        return all(answer == self.answers[0][1] for _, answer in self.answers)


async def hear(
    question: Callable[[Endpoint], Awaitable[Answer]], endpoint: Endpoint
) -> tuple[Answer | Refusal | None, ChainError | None]:
    """One endpoint's answer, or its fault."""
    try:
        return await question(endpoint), None
    except RevertError as error:
        return Refusal(error), None
    except (RpcError, UnavailableError) as error:
        return None, error


class Witnesses:
    """The rule by which answers are believed.

    Of `configured` endpoints `needed` must say the same, and none of those that were heard anything else; where
    they differ, more than half of the configured ones decide.
    """

    def __init__(self, configured: int, needed: int, counters: Counter[str], clock: Callable[[], float]) -> None:
        self.configured = configured
        self.needed = min(needed, configured)
        self._counters = counters
        self._clock = clock
        self._told: dict[Hashable, float] = {}
        self._at: dict[str, float] = {}

    @property
    def first(self) -> int:
        """How many are asked at first: two are compared wherever two are configured."""
        return max(2, self.needed)

    def enough(self, hearing: Hearing[Any]) -> bool:
        """Whether nobody else need be asked."""
        return len(hearing.answers) >= self.first and hearing.unanimous

    def settle(self, hearing: Hearing[Answer], about: object = "") -> tuple[Answer, list[Endpoint]]:
        """The answer to believe, and the endpoints that said something else.

        Raises UnwitnessedError (PrunedError where the others lack old state), MissingError where one that answered
        lacks what was asked for, DisagreementError, and the RevertError that all agree on.
        """
        self._present(hearing)
        if hearing.unanimous:
            return _spoken(hearing.answers[0][1]), []
        for _, answer in hearing.answers:
            others = [endpoint for endpoint, other in hearing.answers if other != answer]
            if self._majority(len(hearing.answers) - len(others)):
                self._tell("outvoted", about, hearing.answers)
                return _spoken(answer), others
        self._tell("disagreements", about, hearing.answers)
        names = ", ".join(endpoint.name for endpoint, _ in hearing.answers)
        raise DisagreementError(f"endpoints disagree about the chain ({names}): nothing is signed on either's word")

    def settle_each(
        self, hearing: Hearing[Sequence[Answer]], disputed: Answer, about: Sequence[object]
    ) -> Sequence[Answer]:
        """Like `settle` item by item, all lists being equally long: `disputed` stands where no majority agrees."""
        self._present(hearing)
        if hearing.unanimous or any(isinstance(answer, Refusal) for _, answer in hearing.answers):
            return self.settle(hearing)[0]
        endpoints = [endpoint for endpoint, _ in hearing.answers]
        found = []
        lists = [cast("Sequence[Answer]", answer) for _, answer in hearing.answers]
        for place, items in enumerate(zip(*lists, strict=True)):
            agreed = next((item for item in items if self._majority(items.count(item))), None)
            if any(item != items[0] for item in items):
                named = about[place] if place < len(about) else place
                kind = "disagreements" if agreed is None else "outvoted"
                self._tell(kind, named, list(zip(endpoints, items, strict=True)))
            found.append(disputed if agreed is None else agreed)
        return found

    def _majority(self, count: int) -> bool:
        return 2 * count > self.configured

    def _present(self, hearing: Hearing[Any]) -> None:
        """Raise unless enough endpoints answered to believe anything."""
        if not hearing.answers:
            raise summed([error for _, error in hearing.faults])
        heard, pair = len(hearing.answers), min(2, self.configured)
        if not hearing.unanimous or heard >= max(pair, self.needed):
            return
        lacking = next((error for _, error in hearing.faults if isinstance(error, MissingError)), None)
        if lacking is not None:
            self._note("lagging")
            raise lacking
        if heard >= self.needed:
            self._note("believed_alone")
            return
        names = ", ".join(endpoint.name for endpoint, _ in hearing.answers)
        why = "; ".join(str(error) for _, error in hearing.faults) or "no other was asked"
        gone = bool(hearing.faults) and all(state_gone(error) for _, error in hearing.faults)
        self._note("pruned" if gone else "unwitnessed")
        raise (PrunedError if gone else UnwitnessedError)(
            f"only {names} can tell, and {self.needed} of {self.configured} endpoints must say the same "
            f"(chain.witnesses): {why}"
        )

    @property
    def trouble(self) -> list[str]:
        """Short codes of what has kept answers from being believed within the last minute."""
        now = self._clock()
        return [code for kind, code in _CODES.items() if now - self._at.get(kind, -_QUIET) < _QUIET]

    def _note(self, kind: str) -> None:
        self._counters[kind] += 1
        self._at[kind] = self._clock()

    def _tell(self, kind: str, about: object, answers: Sequence[tuple[Endpoint, object]]) -> None:
        """Count a disagreement, and log who says what; the same one again only after a while."""
        self._note(kind)
        said = [f"{endpoint.name} says {endpoint.shown(answer)}" for endpoint, answer in answers]
        key = (kind, str(about), *said)
        now = self._clock()
        if now - self._told.get(key, -_QUIET) < _QUIET:
            return
        if len(self._told) >= _TOLD:
            self._told.clear()
        self._told[key] = now
        log.error("endpoints disagree", about=str(about), said=said, outvoted=kind == "outvoted")


def _spoken(answer: Answer | Refusal) -> Answer:
    if isinstance(answer, Refusal):
        raise answer.error
    return answer


def summed(faults: Sequence[ChainError]) -> ChainError:
    """One error that tells of all."""
    if len(faults) == 1 or all(isinstance(fault, RpcError) for fault in faults):
        return faults[0]
    return ChainError("no endpoint answers: " + "; ".join(str(fault) for fault in faults))
