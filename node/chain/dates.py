"""When blocks were: from headers that the node reads anyhow, and a few that are asked for."""

from __future__ import annotations

from bisect import bisect_left, insort
from collections.abc import Awaitable, Callable, Sequence

from node.chain.types import Block
from node.errors import ChainError

HELD = 20_000
"""Blocks whose times are held, the newest ones: two small integers each."""
APART = 12
"""Between known times, at most one part in so many of a history goes unasked."""


class Dates:
    """Times of blocks in seconds since 1970. What lies between two known ones is drawn between them."""

    def __init__(self) -> None:
        self._times: dict[int, int] = {}
        self._numbers: list[int] = []

    def learn(self, block: Block) -> None:
        """Hold a header's time; that of another block at its height is replaced."""
        if block.number not in self._times:
            insort(self._numbers, block.number)
        self._times[block.number] = block.timestamp
        if len(self._numbers) > HELD:
            del self._times[self._numbers.pop(0)]

    def knows(self, number: int) -> bool:
        """Whether this block's own time is held."""
        return number in self._times

    def of(self, number: int) -> tuple[int, bool]:
        """A block's time, and whether it is only about that; (0, False) where not even that is known."""
        if number in self._times:
            return self._times[number], False
        at = bisect_left(self._numbers, number)
        if at in (0, len(self._numbers)):
            return 0, False
        before, after = self._numbers[at - 1], self._numbers[at]
        share = (number - before) / (after - before)
        return round(self._times[before] + share * (self._times[after] - self._times[before])), True

    async def ask(self, numbers: Sequence[int], block: Callable[[int], Awaitable[Block]], most: int) -> int:
        """Ask for the headers of blocks not known, at most so many, and return how many were asked for.

        A header that cannot be had is no fault: its time stays unknown.
        """
        wanted = [number for number in numbers if number not in self._times][:most]
        for number in wanted:
            try:
                self.learn(await block(number))
            except ChainError:
                break
        return len(wanted)

    def gaps(self, numbers: Sequence[int]) -> list[int]:
        """Of ascending blocks, those to ask for so that no time between them is far from a known one."""
        if not numbers:
            return []
        found, widest = {numbers[0], numbers[-1]}, max(1, (numbers[-1] - numbers[0]) // APART)
        last = numbers[0]
        for at, number in enumerate(numbers[1:], 1):
            if number in self._times:
                last = number
            elif number - last > widest:
                found.add(numbers[at - 1])
                last = numbers[at - 1]
        return sorted(number for number in found if number not in self._times)
