"""Safety: what no message that leaves a node, and no report that reaches the chain, may ever show."""

from __future__ import annotations

from collections.abc import Callable

from node.agreement.effects import RoundKey, Transmit
from node.agreement.median import median
from node.agreement.messages import Attestation, Commit, Message, Observation, Prepare, Timeout
from node.agreement.report import report_digest, statement_digest
from node.agreement.simulator.world.truth import EDGE, NOISE, alike, true_root, truth
from node.agreement.simulator.world.world import World


class Safety:
    """Sees all that honest nodes release, whatever becomes of it on the way."""

    def __init__(self, world: World, fail: Callable[[str], None], byzantine: int) -> None:
        self._world = world
        self._fail = fail
        self._byzantine = byzantine
        self._said: dict[tuple[int, str, RoundKey, int], object] = {}
        self._left: dict[tuple[int, RoundKey], int] = {}
        self._signers: dict[RoundKey, dict[bytes, int]] = {}
        self._signed: dict[RoundKey, bytes] = {}
        self._decided: dict[RoundKey, bytes] = {}

    def released(self, index: int, message: Message) -> None:
        """An honest node's message is about to leave it."""
        if isinstance(message, Attestation):
            digest = statement_digest(self._world.keys.committee.domain, message.statement)
            self._once(index, "sign", message, message.view, digest)
            self._sign(index, _key(message), digest)
        elif isinstance(message, (Prepare, Commit)):
            kind = "prepare" if isinstance(message, Prepare) else "commit"
            left = self._left.get((index, _key(message)), -1)
            # What it said before it asked to leave, it may say again.
            if message.view <= left and (index, kind, _key(message), message.view) not in self._said:
                self._fail(f"honest node {index} can {kind} in view {message.view}, and had asked to leave view {left}")
            self._once(index, kind, message, message.view, message.digest)
        elif isinstance(message, Observation):
            self._once(index, "observe", message, 0, message)
        elif isinstance(message, Timeout):
            place = (index, _key(message))
            self._left[place] = max(message.view, self._left.get(place, -1))

    def _once(self, index: int, kind: str, message: Message, view: int, said: object) -> None:
        key = _key(message)
        before = self._said.setdefault((index, kind, key, view), said)
        if before != said:
            self._fail(f"honest node {index} equivocated: two messages to {kind} in {key}, view {view}")

    def _sign(self, index: int, key: RoundKey, digest: bytes) -> None:
        """Count a signature. Byzantine nodes may have signed anything: every report has theirs, in secret.

        Honest ones sign what was decided, and no two reports are: so not even a single signature is over another.
        """
        committee = self._world.keys.committee
        decided = self._decided.setdefault(key, digest)
        if decided != digest:
            self._fail(f"honest nodes signed two reports of {key}: {decided.hex()[:8]}, {digest.hex()[:8]}")
        by_digest = self._signers.setdefault(key, {})
        signers = by_digest[digest] = by_digest.get(digest, 0) | 1 << index
        if signers.bit_count() + self._byzantine < committee.quorum:
            return
        other = self._signed.setdefault(key, digest)
        if other != digest:
            self._fail(f"two reports of {key} can have a quorum: {other.hex()[:8]} and {digest.hex()[:8]}")

    def certified(self, transmit: Transmit) -> None:
        """A quorum's report: what the contract checks, and what it cannot check."""
        committee, keys, report, key = self._world.keys.committee, self._world.keys, transmit.report, transmit.key
        members = committee.members(transmit.signers)
        if len(members) != committee.quorum or len(transmit.signatures) != 64 * len(members):
            self._fail(f"{key}: not exactly a quorum of signatures")
        digest = report_digest(committee.domain, report)
        for place, member in enumerate(members):
            signature = transmit.signatures[64 * place : 64 * place + 64]
            if signature != keys.sign(member, digest):
                self._fail(f"{key}: a signature that the contract refuses")
        if self._signed.setdefault(key, digest) != digest:
            self._fail(f"two reports of {key} have a quorum: {self._signed[key].hex()[:8]} and {digest.hex()[:8]}")
        observers = committee.members(report.observers)
        if list(report.observations) != sorted(report.observations) or len(observers) != len(report.observations):
            self._fail(f"{key}: observations unsorted, or not as many as observers")
        if len(observers) < committee.quorum:
            self._fail(f"{key}: fewer observers than a quorum")
        self._true(transmit)

    def _true(self, transmit: Transmit) -> None:
        report, key = transmit.report, transmit.key
        true = truth(self._world.scenario.seed, report.feed, report.checkpoint)
        answer = median(report.observations)
        if report.block_hash != true.block_hash or abs(answer - true.answer) > NOISE:
            self._fail(f"{key}: answer {answer} outside the honest ones around {true.answer}")
        if any(abs(a - b) > NOISE for a, b in zip(report.signals, true.signals, strict=True)):
            self._fail(f"{key}: a signal outside the honest ones")
        inputs = (report.block_hash, answer, report.signals)
        root = report.content_root
        if not self._world.scenario.tolerant:
            honest = root == true_root(*inputs)
        else:
            # At the edge of the tolerance an honest node found it like its own; beyond it none does.
            honest = root.startswith(EDGE) or alike(root, *inputs)
        if not honest:
            self._fail(f"{key}: a false content root")

    def forget(self, feed: int, before: int) -> None:
        """Rounds long past need no watching: a run may have any number of them."""
        for key in [key for key in self._signers if key.feed == feed and key.checkpoint < before]:
            del self._signers[key], self._decided[key]
            self._signed.pop(key, None)
        for place in [place for place in self._said if place[2].feed == feed and place[2].checkpoint < before]:
            del self._said[place]
        for left in [left for left in self._left if left[1].feed == feed and left[1].checkpoint < before]:
            del self._left[left]


def _key(message: Message) -> RoundKey:
    return RoundKey(message.feed, message.checkpoint)
