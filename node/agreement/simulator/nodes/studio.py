"""A node's renderer: takes its time, may fail, and holds others' artworks against its own."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from node.agreement.effects import Compare, Effect, Render
from node.agreement.machine import Machine
from node.agreement.simulator.byzantine.honest import Honest
from node.agreement.simulator.world.truth import ABSENT, EDGE, alike, own_root, true_root
from node.agreement.simulator.world.world import World

PROGRESS_MS: Final = 5_000
"""How often a renderer tells that it gets further."""

_Inputs = tuple[bytes, int, tuple[int, ...]]


class Studio:
    """Results go back through `step(life, what)`, to the life that asked for them only."""

    def __init__(
        self,
        world: World,
        index: int,
        behaviour: Honest,
        step: Callable[[int, Callable[[Machine, int], list[Effect]]], None],
    ) -> None:
        self._world = world
        self._index = index
        self._behaviour = behaviour
        self._step = step
        self._rendered: dict[bytes, _Inputs] = {}

    def clear(self) -> None:
        """The process is gone, and all that it held in memory."""
        self._rendered.clear()

    def render(self, life: int, effect: Render) -> None:
        """Render inputs, and tell how it goes."""
        world, scenario = self._world, self._world.scenario
        inputs = (effect.block_hash, effect.answer, effect.signals)
        takes = world.rng.randint(0, scenario.render)
        for told in range(PROGRESS_MS, takes, PROGRESS_MS):
            world.events.after(
                told, self._step, life, lambda machine, now: machine.progressed(effect.key, effect.view, now)
            )
        if world.chance(scenario.render_failure):
            world.troubles["failed renders"] += 1
            world.events.after(
                takes, self._step, life, lambda machine, now: machine.render_failed(effect.key, effect.view, now)
            )
            return
        root = self._behaviour.root(own_root(self._index, *inputs) if scenario.tolerant else true_root(*inputs))
        self._rendered[root] = inputs
        world.events.after(
            takes,
            self._step,
            life,
            lambda machine, now: machine.rendered(effect.key, effect.view, root, now, tolerant=scenario.tolerant),
        )

    def compare(self, life: int, effect: Compare) -> None:
        """Fetch a leader's artwork and hold it against one's own; what is to be had nowhere is tried for ever."""
        if effect.root.startswith(ABSENT):
            return
        like = (
            self._behaviour.byzantine
            or alike(effect.root, *self._rendered[effect.own])
            or (effect.root.startswith(EDGE) and self._index % 2 == 0)
        )
        self._world.events.after(
            self._world.rng.randint(0, self._world.scenario.render),
            self._step,
            life,
            lambda machine, now: machine.compared(effect.key, effect.view, effect.root, like, now),
        )
