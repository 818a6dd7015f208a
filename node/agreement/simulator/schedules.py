"""A network that is the adversary: it picks which message reaches whom and when, with no clock to hold it back.

The simulator's worlds are plausible: delays, losses, brokers. Here one round of one feed meets the worst order of
events that a seed can draw: each kind of message with its own odds of getting through, timers that fire at any
moment, crashes, and a Byzantine member that signs whatever may do harm and shows it to whom it likes.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Final

from node.agreement.effects import Attest, Broadcast, Effect, Remember, Render, RoundKey, Timing, Trigger
from node.agreement.lock import Certified, check_lock, justified
from node.agreement.machine import Machine
from node.agreement.memory import Memory
from node.agreement.messages import (
    Artwork,
    Attestation,
    Commit,
    Lock,
    Message,
    Observation,
    Prepare,
    Proposal,
    Timeout,
    kind_of,
)
from node.agreement.simulator.world.keys import ToyKeys
from node.errors import AgreementError

KEY: Final = RoundKey(1, 100)
BLOCK: Final = b"\x0b" * 32
SIGNALS: Final = (1, 2, 3)
_TIMING: Final = Timing(view_ms=1_000, view_max_ms=1_000, render_ms=1_000, grace_ms=0, repeat_ms=1 << 40)


class DisagreementError(AgreementError):
    """Honest members signed different reports of one round."""


@dataclass(frozen=True, slots=True)
class Exploration:
    """What a schedule came to: reports that honest members signed, the highest view, messages delivered, crashes."""

    signed: int
    highest_view: int
    delivered: int
    crashes: int


class _Member:
    """An honest member: its machine, what it has made durable, and what has not reached it yet."""

    def __init__(self, keys: ToyKeys, index: int, make: Callable[..., Machine]) -> None:
        self.keys, self.index, self._make = keys, index, make
        self.memory, self.attested = Memory(), dict[int, bytes]()
        self.signed: set[bytes] = set()
        self.inbox: dict[str, list[bytes]] = {}
        self.now = 0
        self.view = 0
        self.machine = self._fresh()

    def _fresh(self) -> Machine:
        keys, index = self.keys, self.index
        seal = lambda message: keys.seal(index, message)  # noqa: E731 - a closure, as the machine wants it
        return self._make(keys.committee, index, keys.verify, _TIMING, seal, keys.recover)

    def begin(self) -> list[Broadcast]:
        trigger = Trigger(*KEY, BLOCK, 100 + self.index, SIGNALS)
        return self.run(self.machine.begin(trigger, self.now, dict(self.attested), self.memory))

    def restart(self) -> list[Broadcast]:
        """Everything but the journal is gone."""
        self.machine = self._fresh()
        return self.begin()

    def run(self, effects: list[Effect]) -> list[Broadcast]:
        said: list[Broadcast] = []
        queue = list(effects)
        while queue:
            effect = queue.pop(0)
            if isinstance(effect, Remember):
                self.memory = effect.memory
            elif isinstance(effect, Broadcast):
                said.append(effect)
            elif isinstance(effect, Render):
                root = effect.answer.to_bytes(32, "big")
                queue += self.machine.rendered(effect.key, effect.view, root, self.now)
            elif isinstance(effect, Attest):
                self.attested.setdefault(effect.view, effect.digest)
                self.signed.add(effect.digest)
                signature = self.keys.sign(self.index, effect.digest)
                queue += self.machine.attested(effect.key, effect.view, effect.digest, signature, self.now)
        self.view = max([self.view, *(status.view for status in self.machine.rounds())])
        return said


class _Traitor:
    """The Byzantine member: it knows everything that was said, and says what may lead others apart."""

    def __init__(self, keys: ToyKeys, index: int, rng: random.Random) -> None:
        self._keys, self._index, self._rng = keys, index, rng
        self._trigger = Trigger(*KEY, BLOCK, 100 + index, SIGNALS)
        self._said: dict[type, dict[bytes, Message]] = {}
        self._locks: dict[tuple[int, bytes], Certified] = {}
        self._view = 0
        self.learn(keys.seal(index, Observation(*KEY, BLOCK, 100 + index, SIGNALS)))

    def learn(self, raw: bytes) -> None:
        opened = self._keys.verify(raw)
        if opened is None:
            return
        message = opened.message
        self._said.setdefault(type(message), {})[raw] = message
        if isinstance(message, Proposal | Prepare):
            self._view = max(self._view, message.view)
        if isinstance(message, Lock):
            found = check_lock(message, self._trigger, self._keys.committee, self._keys.verify)
            if found is not None:
                self._locks[found.view, found.digest] = found

    def _about(self) -> int:
        """A view near the one that others are in."""
        return max(0, self._view + self._rng.choice((-2, -1, 0, 0, 0, 1)))

    def react(self, message: Message) -> list[bytes]:
        """Help everything on that others begin, as if it had no lock and no memory."""
        if self._rng.random() < 0.4:
            return []
        echoes: list[Message] = []
        if isinstance(message, Timeout):
            echoes.append(Timeout(*KEY, message.view))
        elif isinstance(message, Prepare):
            echoes.append(Prepare(*KEY, message.view, message.digest))
        elif isinstance(message, Commit):
            echoes.append(Commit(*KEY, message.view, message.digest))
        return [self._keys.seal(self._index, echo) for echo in echoes]

    def act(self) -> list[bytes]:
        """Envelopes of its own, to be shown to one member or to all."""
        moves = (self._ballots, self._ballots, self._timeout, self._timeout, self._proposal)
        return [self._keys.seal(self._index, message) for message in self._rng.choice(moves)()]

    def _ballots(self) -> list[Message]:
        """Support for what someone prepared of late, whichever of two it is, or in a view where it does not belong."""
        prepares = [message for message in self._said.get(Prepare, {}).values() if isinstance(message, Prepare)]
        if not prepares:
            return []
        prepare = self._rng.choice(prepares[-6:])
        view = prepare.view if self._rng.random() < 0.8 else self._about()
        said: list[Message] = [Prepare(*KEY, view, prepare.digest), Commit(*KEY, view, prepare.digest)]
        return said[: self._rng.randint(1, 2)]

    def _timeout(self) -> list[Message]:
        claims = [(-1, bytes(32)), (-1, bytes(32)), *self._locks]
        return [Timeout(*KEY, self._about(), *self._rng.choice(claims))]

    def _proposal(self) -> list[Message]:
        view = self._about()
        committee = self._keys.committee
        if committee.leader(*KEY, view) != self._index:
            return []
        lock = self._rng.choice([None, *(lock for lock in self._locks.values() if lock.view < view)])
        timeouts = self._one_each(
            raw
            for raw, message in self._said.get(Timeout, {}).items()
            if isinstance(message, Timeout) and justified(message, view, lock)
        )
        observations = self._one_each(self._said[Observation])
        if lock is not None:
            return [Proposal(*KEY, view, (), timeouts if view else (), lock.lock)]
        return [Proposal(*KEY, view, observations, timeouts if view else ())]

    def _one_each(self, raws: Iterable[bytes]) -> tuple[bytes, ...]:
        """A quorum's worth of envelopes by different members, in their order; this member's own are free."""
        many = list(raws)
        found = {raw[0]: raw for raw in self._rng.sample(many, len(many))}
        chosen = self._rng.sample(sorted(found), min(len(found), self._keys.committee.quorum))
        return tuple(found[sender] for sender in sorted(chosen))


@dataclass(frozen=True, slots=True)
class Play:
    """What the network is up to: how often each kind of message reaches everyone in an act, and who is not heard.

    Where it does not reach everyone it reaches any part of them. In a `narrow` play it reaches one alone, and Commits
    reach nobody before the end.
    """

    name: str
    observation: float
    timeout: float
    lock: float
    proposal: float
    prepare: float
    commit: float
    narrow: bool


# What carries everyone on reaches most; what binds is where members get ahead of each other, and whoever signed is cut
# off from the others, who may try to go another way.
PARTING: Final = Play("schedule", 0.9, 0.8, 0.15, 0.8, 0.5, 0.2, narrow=False)
# One member alone gets to lock, is not heard until another one has, and then is heard again: two reports by turns.
SEESAW: Final = Play("seesaw", 0.9, 0.9, 0.6, 0.9, 0.1, 0.0, narrow=True)


class _Schedule:
    """Acts of one view each: what was said is handed on by kind, to some and not to others, and may come much later."""

    def __init__(self, seed: int, nodes: int, make: Callable[..., Machine], play: Play) -> None:
        self.play = play
        self.rng = random.Random(f"{play.name} {seed} {nodes}")  # noqa: S311 - replayable on purpose
        self.keys = ToyKeys(nodes)
        false = set(self.rng.sample(range(nodes), self.keys.committee.f))
        self.members = [_Member(self.keys, index, make) for index in range(nodes) if index not in false]
        self.traitors = [_Traitor(self.keys, index, self.rng) for index in sorted(false)]
        self.frailty = self.rng.choice((0.0, 0.05, 0.3))
        self.delivered = self.crashes = 0
        self.shunned: set[int] = set()

    def say(self, broadcasts: list[Broadcast]) -> None:
        for broadcast in broadcasts:
            if isinstance(broadcast.message, Artwork | Attestation):
                continue
            self._put(broadcast.raw, self.members)
            for traitor in self.traitors:
                traitor.learn(broadcast.raw)
                self._show(traitor.react(broadcast.message))

    def _put(self, raw: bytes, members: Iterable[_Member]) -> None:
        opened = self.keys.verify(raw)
        if opened is not None:
            for member in members:
                member.inbox.setdefault(kind_of(opened.message), []).append(raw)

    def _show(self, raws: Iterable[bytes]) -> None:
        """What a traitor says is for some only, and for every other traitor."""
        for raw in raws:
            for traitor in self.traitors:
                traitor.learn(raw)
            self._put(raw, [member for member in self.members if self.rng.random() < 0.7])

    def some(self, most: float) -> list[_Member]:
        """Everyone as often as `most` says, else any part of them, or one alone."""
        if self.rng.random() < most:
            return list(self.members)
        return self.rng.sample(self.members, 1 if self.play.narrow else self.rng.randint(0, len(self.members)))

    def ahead(self) -> list[int]:
        """Whom the others are not to hear of for a while."""
        if not self.play.narrow:
            return [member.index for member in self.members if member.signed]
        newest = max(member.memory.lock_view for member in self.members)
        return [member.index for member in self.members if 0 <= newest == member.memory.lock_view]

    def hand_on(self, kind: str, members: Iterable[_Member]) -> None:
        """Deliver what waits of a kind, in any order, now and then not all of it."""
        for member in members:
            inbox = member.inbox.get(kind, [])
            waiting = [raw for raw in inbox if raw[0] not in self.shunned and self.rng.random() < 0.95]
            self.rng.shuffle(waiting)
            for raw in waiting:
                inbox.remove(raw)
                opened = self.keys.verify(raw)
                if opened is not None:
                    self.delivered += 1
                    self.say(member.run(member.machine.receive(opened, member.now)))

    def act(self) -> None:
        for traitor in self.traitors:
            self._show(traitor.act())
        self.shunned = set(self.ahead()) if self.rng.random() < 0.7 else set()
        play = self.play
        for kind, most in (("observation", play.observation), ("timeout", play.timeout), ("lock", play.lock)):
            self.hand_on(kind, self.some(most))
        for member in self.some(0.9):
            self.say(member.run(member.machine.tick(member.now)))
        for kind, most in (("proposal", play.proposal), ("prepare", play.prepare)):
            self.hand_on(kind, self.some(most))
        if not play.narrow:
            self.hand_on("commit", self.some(play.commit))
        for member in self.members:
            if self.rng.random() < self.frailty:
                self.crashes += 1
                self.say(member.restart())
        for member in self.some(0.8):
            member.now += 5_000
            self.say(member.run(member.machine.tick(member.now)))

    def end(self) -> None:
        """What was held back arrives."""
        self.shunned.clear()
        self.hand_on("commit", self.members)

    def signed(self) -> set[bytes]:
        return set[bytes]().union(*(member.signed for member in self.members))


def explore(
    seed: int, nodes: int = 4, acts: int = 12, make: Callable[..., Machine] = Machine, play: Play = PARTING
) -> Exploration:
    """Run one schedule; DisagreementError, naming the seed, if honest members signed two reports of the round."""
    schedule = _Schedule(seed, nodes, make, play)
    for member in schedule.members:
        schedule.say(member.begin())
    for act in range(acts + 1):
        if act < acts:
            schedule.act()
        elif play.narrow:
            schedule.end()
        if len(schedule.signed()) > 1:
            raise DisagreementError(
                f"{play.name} {seed}, {nodes} nodes, act {act}: two reports of one round are signed"
            )
    highest = max(member.view for member in schedule.members)
    return Exploration(len(schedule.signed()), highest, schedule.delivered, schedule.crashes)
