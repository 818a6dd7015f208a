"""Many contracts' calls in few requests, so that one that fails or burns gas takes nobody else's answers along."""

from __future__ import annotations

from collections import deque
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
"""For how many rounds a unit that disturbed others is asked apart from them; longer where their turns take longer."""
_ALONE = 16
"""How many disturbing units are asked in one round, in turns where there are more."""
_TOGETHER = 1_000
"""The most units of one request: providers bound the gas and the bytes of a call."""
_REQUESTS = 256
"""The most requests of one round."""


class Batches:
    """Rounds over the same units: one request for all that behave, one more for each that does not.

    Multicall3 forwards 63/64 of the remaining gas to each call (EIP-150), so one contract that burns gas leaves
    none to those after it, or to Multicall3 itself. What a request answered is therefore believed only where no
    call in it failed; else its units are asked again in smaller requests, down to single ones. A unit that fails
    even alone is asked alone for the next rounds; where none does, the requests that worked are kept apart.

    Where one round's requests do not suffice to find all that fail, those that are left and that were answered, each
    with a failure, are asked alone in later rounds too: a thousand editions that do not exist must not keep the
    existing ones from being read. Where some were not answered at all, it is the endpoint, or an attack that burns
    gas, and nothing is believed.
    """

    def __init__(self) -> None:
        self._round = 0
        self._apart: dict[Hashable, int] = {}
        self._groups: dict[Hashable, tuple[int, int]] = {}
        self._named = 0
        self._left = 0
        self._memory = _MEMORY

    async def gather(self, units: Sequence[Unit], ask: AskUnits) -> list[Results | None]:
        """Return each unit's results, or None for one that could not be had.

        Raises ChainError when endpoints differ about every unit, or when it takes too many requests.
        """
        self._round += 1
        self._memory = _MEMORY
        answers: list[Results | Missing] = [Missing.FAILED] * len(units)
        apart: list[int] = []
        groups: dict[int, list[int]] = {}
        for index, unit in enumerate(units):
            if self._apart.get(unit.key, 0) >= self._round:
                apart.append(index)
                continue
            number, until = self._groups.get(unit.key, (0, 0))
            groups.setdefault(number if until >= self._round else 0, []).append(index)
        self._remember_longer(len(apart))
        turn = self._round * _ALONE % len(apart) if len(apart) > _ALONE else 0
        alone = [[index] for index in (apart[turn:] + apart[:turn])[:_ALONE]]
        together = [
            group[first : first + _TOGETHER] for group in groups.values() for first in range(0, len(group), _TOGETHER)
        ]
        # Those apart last, when an endpoint has shown that it can answer; but they have their requests.
        self._left = _REQUESTS - len(alone)
        await self._solve(units, together, ask, answers)
        self._left = len(alone)
        await self._solve(units, alone, ask, answers)
        if units and all(answer is Missing.DISPUTED for answer in answers):
            raise ChainError("endpoints disagree about the chain: nothing is signed on either's word")
        return [None if isinstance(answer, Missing) else answer for answer in answers]

    async def _solve(
        self, units: Sequence[Unit], groups: list[list[int]], ask: AskUnits, answers: list[Results | Missing]
    ) -> None:
        worked: dict[int, list[list[int]]] = {number: [] for number in range(len(groups))}
        offended: set[int] = set()
        failed: set[int] = set()
        # The largest first, so that whoever only suffered from others is found early, and before all of those where
        # nothing is known to fail: where there are too many to find, the others must have their answers.
        todo, doubtful = deque(enumerate(groups)), deque[tuple[int, list[int]]]()
        while todo or doubtful:
            if not self._left:
                self._give_up(units, [index for _, rest in (*todo, *doubtful) for index in rest], failed)
                break
            self._left -= 1
            origin, some = (todo or doubtful).popleft()
            found = await ask([units[index] for index in some])
            good = [index for index, answer in zip(some, found, strict=True) if _whole(answer)]
            failed.difference_update(some)
            failed.update(
                at for at, one in zip(some, found, strict=True) if not (isinstance(one, Missing) or _whole(one))
            )
            if len(good) < len(some) and len(some) > 1:
                known, half = set(good), len(some) // 2
                bad = [index for index in some if index not in known]
                for part in [good, bad] if good else [some[:half], some[half:]]:
                    (doubtful if failed.issuperset(part) else todo).append((origin, part))
                continue
            for index, answer in zip(some, found, strict=True):
                answers[index] = answer
            if good:
                worked[origin].append(some)
            else:
                offended.add(origin)
                self._apart[units[some[0]].key] = self._round + self._memory
        for origin, parts in worked.items():
            if origin in offended or len(parts) < 2:
                continue
            for part in parts:
                self._named += 1
                for index in part:
                    self._groups[units[index].key] = self._named, self._round + _MEMORY

    def _give_up(self, units: Sequence[Unit], left: Sequence[int], failed: set[int]) -> None:
        """Set those apart that no request of this round is left for.

        Raises ChainError where some of them were not answered: nothing says that they are to blame.
        """
        if not failed.issuperset(left):
            raise ChainError(f"{_REQUESTS} requests did not suffice to read {len(units)} contracts apart")
        apart = {key for key, until in self._apart.items() if until >= self._round} | {units[at].key for at in left}
        self._remember_longer(len(apart))
        self._apart.update(dict.fromkeys(apart, self._round + self._memory))

    def _remember_longer(self, apart: int) -> None:
        """Keep so many units apart until each had its turn twice."""
        self._memory = max(_MEMORY, 2 * (apart // _ALONE + 1))


def _whole(answer: Results | Missing) -> bool:
    return not isinstance(answer, Missing) and None not in cast("tuple[object, ...]", answer)
