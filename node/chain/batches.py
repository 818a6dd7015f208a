"""Many contracts' calls in few requests, so that one that fails or burns gas takes nobody else's answers along."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Hashable, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import cast

from node.chain.calls import Call
from node.errors import ChainError


class Missing(Enum):
    """Why there is no answer."""

    FAILED = "the request failed as a whole"
    DISPUTED = "endpoints differ"


@dataclass(frozen=True, slots=True)
class Unit:
    """Calls that make sense only together; `key` is what is remembered of them."""

    key: Hashable
    calls: tuple[Call, ...]


Results = tuple[bytes | None, ...]
"""What a unit's calls returned; None for a call that reverted."""
AskUnits = Callable[[Sequence[Unit]], Awaitable[Sequence[Results | Missing]]]
"""One request for some units."""

_MEMORY = 32
"""For how many rounds a unit that disturbed others is asked apart from them."""
_ALONE = 16
"""How many disturbing units are asked in one round, in turns where there are more."""
_TOGETHER = 1_000
"""The most units of one request: providers bound the gas and the bytes of a call."""
_REQUESTS = 256
"""The most requests of one round: beyond them it is the endpoint, or an attack, and nothing is believed."""


class Batches:
    """Rounds over the same units: one request for all that behave, one more for each that does not.

    Multicall3 forwards 63/64 of the remaining gas to each call (EIP-150), so one contract that burns gas leaves
    none to those after it, or to Multicall3 itself. What a request answered is therefore believed only where no
    call in it failed; else its units are asked again in smaller requests, down to single ones. A unit that fails
    even alone is asked alone for the next rounds; where none does, the requests that worked are kept apart.
    """

    def __init__(self) -> None:
        self._round = 0
        self._apart: dict[Hashable, int] = {}
        self._groups: dict[Hashable, tuple[int, int]] = {}
        self._named = 0
        self._left = 0

    async def gather(self, units: Sequence[Unit], ask: AskUnits) -> list[Results | None]:
        """Return each unit's results, or None for one that could not be had.

        Raises ChainError when endpoints differ about every unit, or when it takes too many requests.
        """
        self._round += 1
        self._left = _REQUESTS
        answers: list[Results | Missing] = [Missing.FAILED] * len(units)
        apart: list[int] = []
        groups: dict[int, list[int]] = {}
        for index, unit in enumerate(units):
            if self._apart.get(unit.key, 0) >= self._round:
                apart.append(index)
                continue
            number, until = self._groups.get(unit.key, (0, 0))
            groups.setdefault(number if until >= self._round else 0, []).append(index)
        for group in groups.values():
            for first in range(0, len(group), _TOGETHER):
                await self._solve(units, group[first : first + _TOGETHER], ask, answers)
        turn = self._round * _ALONE % len(apart) if len(apart) > _ALONE else 0
        for index in (apart[turn:] + apart[:turn])[:_ALONE]:
            await self._solve(units, [index], ask, answers)
        if units and all(answer is Missing.DISPUTED for answer in answers):
            raise ChainError("endpoints disagree about the chain: nothing is signed on either's word")
        return [None if isinstance(answer, Missing) else answer for answer in answers]

    async def _solve(
        self, units: Sequence[Unit], group: list[int], ask: AskUnits, answers: list[Results | Missing]
    ) -> None:
        worked: list[list[int]] = []
        offended = False
        todo = [group]
        while todo:
            some = todo.pop()
            if not self._left:
                raise ChainError(f"{_REQUESTS} requests did not suffice to read {len(units)} contracts apart")
            self._left -= 1
            found = await ask([units[index] for index in some])
            good = [index for index, answer in zip(some, found, strict=True) if _whole(answer)]
            if len(good) < len(some) and len(some) > 1:
                bad = [index for index in some if index not in set(good)]
                half = len(some) // 2
                todo += [bad, good] if good else [some[half:], some[:half]]
                continue
            for index, answer in zip(some, found, strict=True):
                answers[index] = answer
            if good:
                worked.append(some)
            else:
                offended = True
                self._apart[units[some[0]].key] = self._round + _MEMORY
        if not offended and len(worked) > 1:
            for part in worked:
                self._named += 1
                for index in part:
                    self._groups[units[index].key] = self._named, self._round + _MEMORY


def _whole(answer: Results | Missing) -> bool:
    return not isinstance(answer, Missing) and None not in cast("tuple[object, ...]", answer)
