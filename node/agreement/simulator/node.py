"""One simulated node: the machine, its journal, and a driver that may die at every step."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from functools import partial
from typing import TypeAlias

from node.agreement.effects import (
    Attest,
    Broadcast,
    Compare,
    Dropped,
    Effect,
    Render,
    RoundKey,
    Transmit,
    ViewChanged,
)
from node.agreement.machine import Machine
from node.agreement.messages import Attestation
from node.agreement.simulator.behaviours import Honest
from node.agreement.simulator.invariants import Watch
from node.agreement.simulator.world import ABSENT, EDGE, World, alike, own_root, true_root

_PROGRESS_MS = 5_000
"""How often a renderer tells that it gets further."""

MachineFactory: TypeAlias = Callable[..., Machine]


class Crash(Exception):  # noqa: N818 - an event of the simulation, not an error
    """The node's process is gone from this instruction on."""


class SimulatedNode:
    """`publish(peer, raw)` and `transmit(effect)` are the world outside."""

    def __init__(
        self,
        world: World,
        watch: Watch,
        behaviour: Honest,
        make: MachineFactory,
        publish: Callable[[int, bytes], None],
        transmit: Callable[[Transmit], None],
    ) -> None:
        self.index = behaviour.index
        self.behaviour = behaviour
        self.drops: Counter[str] = Counter()
        self.highest_view = 0
        self._world = world
        self._watch = watch
        self._make = make
        self._publish = publish
        self._transmit = transmit
        self._journal: dict[RoundKey, dict[int, bytes]] = {}
        self._wanted: set[RoundKey] = set()
        self._rendered: dict[bytes, tuple[bytes, int, tuple[int, ...]]] = {}
        self._life = 0
        self._machine: Machine | None = None
        self._ticking_at = -1
        self.start()

    # -- life and death ----------------------------------------------------------------------------------------

    def start(self) -> None:
        """Begin a life: the machine knows nothing but what the journal holds."""
        self._life += 1
        self._ticking_at = -1
        self._machine = self._make(
            self._world.keys.committee,
            self.index,
            self._world.keys.verify,
            self._world.scenario.timing,
            self.behaviour.seal,
            self._world.keys.recover,
        )
        for key in sorted(self._wanted):
            self._begin(key)

    def _crash(self) -> None:
        self._machine = None
        self._life += 1
        self._world.at(self._world.now + self._world.rng.randint(1, self._world.scenario.down), self.start)

    def _perhaps_crash(self) -> None:
        if not self.behaviour.byzantine and self._world.chance(self._world.scenario.crash):
            raise Crash

    def _do(self, step: Callable[[Machine, int], list[Effect]]) -> None:
        if self._machine is None:
            return
        try:
            pending = step(self._machine, self._world.now)
            while pending:
                effect, pending = pending[0], pending[1:]
                pending = self._carry_out(self._machine, effect) + pending
        except Crash:
            self._crash()
            return
        due = self._machine.due()
        if due is not None and not self._world.now < self._ticking_at <= due:
            self._ticking_at = max(due, self._world.now + 1)
            self._world.at(self._ticking_at, partial(self._tick, self._life, self._ticking_at))

    def _tick(self, life: int, scheduled: int) -> None:
        if life == self._life and scheduled == self._ticking_at:
            self._ticking_at = -1
            self._do(lambda machine, now: machine.tick(now))

    # -- what reaches it -----------------------------------------------------------------------------------------

    def see(self, feed: int, checkpoint: int) -> None:
        """The node's chain has a final checkpoint with a trigger (kept over restarts)."""
        self._wanted.add(RoundKey(feed, checkpoint))
        self._begin(RoundKey(feed, checkpoint))

    def _begin(self, key: RoundKey) -> None:
        measured = self.behaviour.measure(self._world.measured(self.index, key.feed, key.checkpoint))
        attested = dict(self._journal.get(key, {}))
        self._do(lambda machine, now: machine.begin(measured, now, attested))

    def landed(self, feed: int, checkpoint: int) -> None:
        """The node's chain shows a report."""
        self._wanted = {key for key in self._wanted if key.feed != feed or key.checkpoint > checkpoint}
        self._do(lambda machine, now: machine.landed(feed, checkpoint, now))

    def hear(self, raw: bytes) -> None:
        """Bytes from the network."""
        if self._machine is None:
            return
        opened = self._world.keys.verify(raw)
        if opened is None:
            self.drops["bad_signature"] += 1
            return
        for answer in self.behaviour.react(opened):
            for peer in range(self._world.scenario.nodes):
                self._publish(peer, answer)
        self._do(lambda machine, now: machine.receive(opened, now))

    # -- what it does --------------------------------------------------------------------------------------------

    def _carry_out(self, machine: Machine, effect: Effect) -> list[Effect]:
        if isinstance(effect, Broadcast):
            self._perhaps_crash()
            if isinstance(effect.message, Attestation) and not self.behaviour.byzantine:
                self._watch.released(self.index, effect.message)
            for peer in range(self._world.scenario.nodes):
                for raw in self.behaviour.outgoing(effect.message, effect.raw, peer):
                    self._publish(peer, raw)
        elif isinstance(effect, Render):
            self._render(effect)
        elif isinstance(effect, Compare):
            self._compare(effect)
        elif isinstance(effect, Attest):
            return self._attest(machine, effect)
        elif isinstance(effect, Transmit):
            self._perhaps_crash()
            if not self.behaviour.byzantine:
                self._watch.certified(effect)
                self._transmit(effect)
        elif isinstance(effect, Dropped):
            self.drops[effect.reason] += 1
        elif isinstance(effect, ViewChanged):
            self.highest_view = max(self.highest_view, effect.view)
        return []

    def _render(self, effect: Render) -> None:
        life = self._life
        failed = self._world.chance(self._world.scenario.render_failure)
        inputs, tolerant = (effect.block_hash, effect.answer, effect.signals), self._world.scenario.tolerant
        root = self.behaviour.root(own_root(self.index, *inputs) if tolerant else true_root(*inputs))
        self._rendered[root] = inputs

        def done() -> None:
            if life != self._life:
                return
            if failed:
                self._do(lambda machine, now: machine.render_failed(effect.key, effect.view, now))
            else:
                self._do(lambda machine, now: machine.rendered(effect.key, effect.view, root, now, tolerant=tolerant))

        takes = self._world.rng.randint(0, self._world.scenario.render)
        for told in range(_PROGRESS_MS, takes, _PROGRESS_MS):
            self._world.at(self._world.now + told, partial(self._progress, life, effect))
        self._world.at(self._world.now + takes, done)

    def _progress(self, life: int, effect: Render) -> None:
        if life == self._life:
            self._do(lambda machine, now: machine.progressed(effect.key, effect.view, now))

    def _compare(self, effect: Compare) -> None:
        if effect.root.startswith(ABSENT):
            return  # tried again for ever
        life, inputs = self._life, self._rendered[effect.own]
        fits = alike(effect.root, *inputs)
        like = self.behaviour.byzantine or fits or (effect.root.startswith(EDGE) and self.index % 2 == 0)

        def done() -> None:
            if life == self._life:
                self._do(lambda machine, now: machine.compared(effect.key, effect.view, effect.root, like, now))

        self._world.at(self._world.now + self._world.rng.randint(0, self._world.scenario.render), done)

    def _attest(self, machine: Machine, effect: Attest) -> list[Effect]:
        self._perhaps_crash()
        before = self._journal.setdefault(effect.key, {}).setdefault(effect.view, effect.digest)
        if before != effect.digest:
            # The journal would refuse; a machine that honours its journal never asks.
            self._watch.fail(f"node {self.index} was about to sign a second report in {effect.key}")
        self._perhaps_crash()
        signature = self.behaviour.signature(effect.digest)
        return machine.attested(effect.key, effect.view, effect.digest, signature, self._world.now)
