"""Watches one run: every promise, at every step that could break it."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import NoReturn

from node.agreement.effects import RoundKey, Transmit
from node.agreement.machine import Machine
from node.agreement.messages import Message
from node.agreement.simulator.checks import memory
from node.agreement.simulator.checks.failure import InvariantError
from node.agreement.simulator.checks.liveness import Liveness
from node.agreement.simulator.checks.safety import Safety
from node.agreement.simulator.world.world import World


class Watch:
    """Safety, liveness and memory of the honest nodes."""

    def __init__(self, world: World, honest: Collection[int]) -> None:
        self._world = world
        self._safety = Safety(world, self.fail, world.scenario.nodes - len(honest))
        self._liveness = Liveness(world, self.fail, honest)
        self._bound = memory.bound(world.scenario.nodes, world.scenario.feeds)
        self.heaviest = 0

    @property
    def longest(self) -> int:
        """The most views that a calm round took."""
        return self._liveness.longest

    def fail(self, what: str) -> NoReturn:
        """End the run."""
        if self._world.tell is not None:
            self._world.tell(self._world.now, -1, f"BROKEN: {what}")
        raise InvariantError(self._world.scenario, self._world.now, what)

    def begun(self, index: int, key: RoundKey) -> None:
        """An honest node takes part in a round."""
        self._liveness.begun(index, key)

    def released(self, index: int, message: Message) -> None:
        """An honest node's message is about to leave it."""
        self._safety.released(index, message)

    def certified(self, transmit: Transmit) -> None:
        """An honest node holds a quorum's signatures."""
        self._safety.certified(transmit)
        self._liveness.certified(transmit.key, transmit.view)

    def entered(self, key: RoundKey, view: int) -> None:
        """An honest node is in another view."""
        self._liveness.entered(key, view)

    def calm(self, open_views: Mapping[RoundKey, list[int]]) -> None:
        """Nothing fails any more, and every honest node is up."""
        self._liveness.calm(open_views)

    def weigh(self, index: int, machine: Machine) -> None:
        """See how much an honest node keeps."""
        weight = memory.weigh(machine)
        self.heaviest = max(self.heaviest, weight)
        if weight > self._bound:
            self.fail(f"node {index} keeps {weight} bytes, more than {self._bound}")

    def forget(self, feed: int, before: int) -> None:
        """The feed's rounds before this checkpoint are over for good."""
        self._safety.forget(feed, before)
        self._liveness.forget(feed, before)
