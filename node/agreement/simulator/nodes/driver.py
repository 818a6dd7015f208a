"""One simulated node: carries out the machine's effects as the daemon does, and may die at every step of it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import Final, TypeAlias

from node.agreement.effects import (
    Attest,
    Broadcast,
    Compare,
    Dropped,
    Effect,
    Remember,
    Render,
    RoundDone,
    RoundKey,
    Transmit,
    ViewChanged,
)
from node.agreement.machine import Machine
from node.agreement.memory import Memory
from node.agreement.messages import Attestation, Commit, Message, Observation, Prepare, Timeout
from node.agreement.report import statement_digest
from node.agreement.simulator.byzantine.honest import Honest
from node.agreement.simulator.checks.watch import Watch
from node.agreement.simulator.nodes.disk import Disk
from node.agreement.simulator.nodes.studio import Studio
from node.agreement.simulator.story import describe
from node.agreement.simulator.world.chain import BLOCKS
from node.agreement.simulator.world.clock import NodeClock
from node.agreement.simulator.world.truth import measured
from node.agreement.simulator.world.world import World
from node.errors import EquivocationError, JournalError
from node.rounds.transmit import turn

STAGE_MS: Final = 1_500
"""How long a sender waits for the one before it."""
AGAIN_MS: Final = 1_000
"""When a step that was refused is tried again."""

MachineFactory: TypeAlias = Callable[..., Machine]
Send: TypeAlias = Callable[[Transmit], None]


class Crash(Exception):  # noqa: N818 - an event of the simulation, not an error
    """The node's process is gone from this instruction on."""


class SimulatedNode:
    """A process that comes and goes, and the disk that stays. `send(report)` puts a transaction into the mempool."""

    def __init__(
        self, world: World, watch: Watch, behaviour: Honest, make: MachineFactory, send: Send, disk: Disk
    ) -> None:
        scenario = world.scenario
        self.index = behaviour.index
        self.behaviour = behaviour
        self.honest = not behaviour.byzantine
        self.machine: Machine | None = None
        self.drops: Counter[str] = Counter()
        self.points = 0
        self.highest_view = 0
        self._world = world
        self._watch = watch
        self._make = make
        self._send = send
        self._brokers = world.brokers
        self._config = world.keys.committee.config_digest
        self._disk = disk
        self._drift = world.rng.randint(-scenario.skew, scenario.skew)
        self._clock = NodeClock(world.events, 0, 0)
        self._crash_at = frozenset(point for node, point in scenario.crash_at if node == self.index)
        self._studio = Studio(world, self.index, behaviour, self.step)
        self._life = 0
        self._frozen_until = 0
        self._ticking_at = -1
        self._landed: dict[int, int] = {}
        self._refused: set[RoundKey] = set()
        self._kept: set[bytes] = set()

    # -- life and death ------------------------------------------------------------------------------------------

    def start(self) -> None:
        """Begin a life: the process knows nothing but what the journal holds, and its clock begins anywhere."""
        if self.machine is not None:
            return
        self._life += 1
        self._ticking_at = -1
        self._tell("starts")
        self._disk.open()
        self._clock = NodeClock(self._world.events, self._world.rng.randrange(1 << 40), self._drift)
        self.machine = self._make(
            self._world.keys.committee,
            self.index,
            self._world.keys.verify,
            self._world.scenario.timing,
            self.behaviour.seal,
            self._world.keys.recover,
        )
        for row in self._disk.journal.rounds.unfinished():
            self._begin(RoundKey(row.feed, row.checkpoint))

    def _die(self) -> None:
        self._tell("dies")
        self._world.troubles["crashes"] += 1
        self._disk.kill()
        self._studio.clear()
        self._landed.clear()
        self._kept.clear()
        self.machine = None
        self._life += 1
        self._world.events.after(self._world.rng.randint(1, self._world.scenario.down), self.start)

    def _dies_here(self) -> bool:
        if not self.honest:
            return False
        self.points += 1
        return self.points in self._crash_at or self._world.chance(self._world.scenario.crash)

    def _point(self) -> None:
        """The process may end here."""
        if self._dies_here():
            raise Crash

    def freeze(self, until: int) -> None:
        """The process stands still: what reaches it waits."""
        self._tell("stands still")
        self._frozen_until = until

    def fill(self, full: bool) -> None:
        """The disk takes no writes any more, or does again."""
        self._tell("finds its disk full" if full else "has room on its disk again")
        self._disk.fill(full)

    def close(self) -> None:
        """The run is over."""
        self._disk.close()

    def step(self, life: int, what: Callable[[Machine, int], list[Effect]]) -> None:
        """Let the machine of this life (0: whichever runs) take a step, and carry out what comes of it."""
        machine = self.machine
        if machine is None or life not in (0, self._life):
            return
        if self._frozen_until > self._world.events.now:
            self._world.events.at(self._frozen_until, self.step, self._life, what)
            return
        self._follow(machine, what(machine, self._clock.now()))

    def _follow(self, machine: Machine, effects: list[Effect]) -> None:
        """Carry out effects, and see when the machine is due next; the process may die of it."""
        try:
            self._carry_out(machine, effects)
        except Crash:
            self._die()
            return
        finally:
            self._refused.clear()
        self._schedule(machine)

    def _schedule(self, machine: Machine) -> None:
        due = machine.due()
        if due is None:
            return
        at = max(self._clock.when(due), self._world.now + 1)
        if not self._world.now < self._ticking_at <= at:
            self._ticking_at = at
            self._world.events.at(at, self._tick, self._life, at)

    def _tick(self, life: int, scheduled: int) -> None:
        if life == self._life and scheduled == self._ticking_at:
            self._ticking_at = -1
            self.step(life, _tick)

    def _tell(self, what: str) -> None:
        if self._world.tell is not None:
            self._world.tell(self._world.now, self.index, what)

    # -- what reaches it -----------------------------------------------------------------------------------------

    def see(self, key: RoundKey) -> None:
        """The node's chain has a final checkpoint with a trigger; the journal keeps it until the round is over."""
        if self._keep(lambda: self._open(key)):
            self._begin(key)
        else:
            # It catches up on the checkpoints that it missed.
            self._world.events.after(AGAIN_MS, self.see, key)

    def _open(self, key: RoundKey) -> None:
        trigger = measured(self._world.scenario.seed, self.index, *key)
        self._disk.journal.rounds.open(*key, trigger.block_hash, trigger.answer, trigger.signals, "crossing")

    def _keep(self, write: Callable[[], object]) -> bool:
        """Write what the keepers write; False where the process is down, dies of it, or its disk is full."""
        if self.machine is None:
            return False
        if self._dies_here():
            self._die()
            return False
        try:
            write()
        except JournalError:
            self._world.troubles["refused writes"] += 1
            return False
        if self._dies_here():
            self._die()
            return False
        return True

    def _begin(self, key: RoundKey) -> None:
        if self.machine is None:
            return
        journal = self._disk.journal
        row = journal.rounds.get(*key)
        if row is None or row.state != "open":
            return
        trigger = self.behaviour.measure(measured(self._world.scenario.seed, self.index, *key))
        attested = journal.attestations.digests(self._config, *key)
        memory = journal.promises.of(self._config, *key)

        def begin(machine: Machine, now: int) -> list[Effect]:
            effects = machine.begin(trigger, now, attested, *([] if memory is None else [memory]))
            if self.honest:
                self._watch.begun(self.index, key)
            return effects

        self.step(0, begin)

    def landed(self, key: RoundKey) -> None:
        """The node's chain shows a report."""

        def finish() -> None:
            self._disk.journal.rounds.finish(*key, "landed")
            self._disk.journal.rounds.finish_until(*key)

        if not self._keep(finish):
            self._world.events.after(AGAIN_MS, self.landed, key)
            return
        self._kept.clear()
        self._landed[key.feed] = max(key.checkpoint, self._landed.get(key.feed, 0))
        self.step(0, lambda machine, now: machine.landed(*key, now))

    def settled(self, feed: int) -> int:
        """The checkpoint before which the feed's rounds are long over here."""
        return self._landed.get(feed, 0) - 10 * BLOCKS

    def hear(self, raw: bytes) -> None:
        """Bytes from the network."""
        machine = self.machine
        if machine is None:
            return
        opened = self._world.keys.verify(raw)
        if opened is None:
            self.drops["bad_signature"] += 1
            return
        if not self.honest:
            if not self.behaviour.listens(opened):
                return
            for answer in self.behaviour.react(opened):
                self._brokers.publish(self.index, answer)
        if self._frozen_until > self._world.events.now:
            self._world.events.at(
                self._frozen_until, self.step, self._life, lambda machine, now: machine.receive(opened, now)
            )
            return
        effects = machine.receive(opened, self._clock.now())
        if not effects:
            # Only another member's observation may make the machine due earlier without another effect.
            if type(opened.message) is Observation and opened.sender != self.index:
                self._schedule(machine)
        elif len(effects) == 1 and type(effects[0]) is Dropped:
            self.drops[effects[0].reason] += 1
        else:
            self._follow(machine, effects)

    # -- what it does --------------------------------------------------------------------------------------------

    def _carry_out(self, machine: Machine, effects: list[Effect]) -> None:
        """As the daemon does: in order, what signing brings before the rest, nothing of a round after a refusal."""
        for effect in effects:
            if isinstance(effect, Dropped):
                self.drops[effect.reason] += 1
                continue
            if effect.key in self._refused:
                continue
            if self._world.tell is not None:
                self._tell(describe(effect))
            if isinstance(effect, Broadcast):
                self._point()
                self._publish(effect)
            elif isinstance(effect, Remember):
                self._remember(machine, effect)
            elif isinstance(effect, Attest):
                self._attest(machine, effect)
            elif isinstance(effect, Render):
                self._studio.render(self._life, effect)
            elif isinstance(effect, Compare):
                self._studio.compare(self._life, effect)
            elif isinstance(effect, Transmit):
                self._point()
                self._transmit(effect)
            elif isinstance(effect, ViewChanged):
                self.highest_view = max(self.highest_view, effect.view)
                if self.honest:
                    self._watch.entered(effect.key, effect.view)
            elif isinstance(effect, RoundDone):
                self._over(effect)

    def _publish(self, effect: Broadcast) -> None:
        if self.honest:
            # Said again in the same life, the same bytes break no promise that they did not break the first time.
            if effect.raw not in self._kept:
                self._must_be_kept(effect.message)
                self._watch.released(self.index, effect.message)
                self._kept.add(effect.raw)
            self._brokers.publish(self.index, effect.raw)
            return
        for peer in range(self._world.scenario.nodes):
            for raw in self.behaviour.outgoing(effect.message, effect.raw, peer):
                self._brokers.carry(self.index, peer, raw)

    def _must_be_kept(self, message: Message) -> None:
        """Whatever binds this node is on its disk before it leaves."""
        journal, place = self._disk.journal, (self._config, message.feed, message.checkpoint)
        kept = True
        if isinstance(message, Attestation):
            row = journal.attestations.get(*place, message.view)
            kept = row is not None and row.digest == statement_digest(
                self._world.keys.committee.domain, message.statement
            )
        elif isinstance(message, (Prepare, Commit, Timeout)):
            memory = journal.promises.of(*place) or Memory()
            if isinstance(message, Prepare):
                kept = (memory.prepared_view, memory.prepared_digest) == (message.view, message.digest)
            elif isinstance(message, Commit):
                kept = memory.lock_view >= message.view
            else:
                kept = memory.left >= message.view and memory.lock_view >= message.locked_view
        if not kept:
            self._watch.fail(f"honest node {self.index} says what its journal does not hold: {message}")

    def _write(self, machine: Machine, key: RoundKey, what: Callable[[], object]) -> bool:
        """Let the journal write; False where it cannot. The process may die before, within and after."""
        self._point()
        torn = self._dies_here()
        if torn:
            self._disk.kill_before_commit()
        try:
            what()
        except EquivocationError as error:
            # The journal is the last resort: a machine that honours its memory never needs it.
            if self.honest:
                self._watch.fail(f"node {self.index} was about to break a promise: {error}")
            return False
        except JournalError:
            if torn:
                raise Crash from None
            self._give_up(machine, key)
            return False
        if torn:
            raise Crash
        self._point()
        return True

    def _give_up(self, machine: Machine, key: RoundKey) -> None:
        self._world.troubles["refused writes"] += 1
        self._carry_out(machine, machine.forget(key))
        self._refused.add(key)
        self._world.events.after(AGAIN_MS, self._begin, key)

    def _remember(self, machine: Machine, effect: Remember) -> None:
        promises = self._disk.journal.promises
        self._write(machine, effect.key, lambda: promises.remember(self._config, *effect.key, effect.memory))

    def _attest(self, machine: Machine, effect: Attest) -> None:
        journal, content = self._disk.journal, repr(effect.report).encode()
        if not self._write(
            machine, effect.key, lambda: journal.attest(self._config, *effect.key, effect.view, effect.digest, content)
        ):
            return
        signature = self.behaviour.signature(effect.digest)
        self._point()
        self._carry_out(machine, machine.attested(effect.key, effect.view, effect.digest, signature, self._clock.now()))

    def _transmit(self, effect: Transmit) -> None:
        if not self.honest:
            return
        self._watch.certified(effect)
        wait = STAGE_MS * turn(effect.digest, self.index, self._world.scenario.nodes)
        self._world.events.after(wait, self._submit, self._life, effect)

    def _submit(self, life: int, effect: Transmit) -> None:
        feed, checkpoint = effect.key
        if life == self._life and checkpoint > self._landed.get(feed, 0):
            self._tell(f"sends the report of feed {feed}, checkpoint {checkpoint}")
            self._send(effect)

    def _over(self, effect: RoundDone) -> None:
        if effect.landed:
            return
        try:
            self._disk.journal.rounds.finish(*effect.key, "abandoned")
        except JournalError:
            self._world.troubles["refused writes"] += 1


def _tick(machine: Machine, now: int) -> list[Effect]:
    return machine.tick(now)
