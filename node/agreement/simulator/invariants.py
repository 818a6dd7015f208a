"""What must hold in every run, checked at every step that could break it."""

from __future__ import annotations

from node.agreement.effects import RoundKey, Transmit
from node.agreement.median import median
from node.agreement.messages import Attestation
from node.agreement.report import report_digest
from node.agreement.simulator.scenario import Scenario
from node.agreement.simulator.world import EDGE, NOISE, World, alike, true_root
from node.errors import AgreementError


class InvariantError(AgreementError):
    """A simulated run broke a promise; the text names the scenario that replays it."""

    def __init__(self, scenario: Scenario, now: int, what: str) -> None:
        super().__init__(
            f"seed {scenario.seed} with {scenario.nodes} nodes and {scenario.rounds} rounds, at {now} ms: {what}\n"
            f"{scenario}"
        )


class Watch:
    """Sees what honest nodes release and what reaches the chain."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._released: dict[tuple[int, RoundKey, int], bytes] = {}
        self._certified: dict[RoundKey, set[bytes]] = {}

    def fail(self, what: str) -> None:
        """End the run."""
        raise InvariantError(self._world.scenario, self._world.now, what)

    def released(self, index: int, attestation: Attestation) -> None:
        """An honest node's signature left it: never two reports for one (feed, checkpoint, view)."""
        key = RoundKey(attestation.feed, attestation.checkpoint)
        before = self._released.setdefault((index, key, attestation.view), attestation.digest)
        if before != attestation.digest:
            self.fail(f"honest node {index} equivocated in {key}, view {attestation.view}")

    def certified(self, transmit: Transmit) -> None:
        """A quorum's report: what the contract checks, and what it cannot check."""
        committee, keys, report = self._world.keys.committee, self._world.keys, transmit.report
        members = committee.members(transmit.signers)
        if len(members) != committee.quorum or len(transmit.signatures) != 64 * len(members):
            self.fail(f"{transmit.key}: not exactly a quorum of signatures")
        digest = report_digest(committee.domain, report)
        for place, member in enumerate(members):
            signature = transmit.signatures[64 * place : 64 * place + 64]
            if keys.recover(digest, signature) != committee.signers[member]:
                self.fail(f"{transmit.key}: a signature in the wrong place")
        if list(report.observations) != sorted(report.observations) or len(committee.members(report.observers)) != len(
            report.observations
        ):
            self.fail(f"{transmit.key}: observations unsorted, or not as many as observers")
        true = self._world.truth(report.feed, report.checkpoint)
        answer = median(report.observations)
        if report.block_hash != true.block_hash or abs(answer - true.answer) > NOISE:
            self.fail(f"{transmit.key}: answer {answer} outside the honest ones around {true.answer}")
        if any(abs(a - b) > NOISE for a, b in zip(report.signals, true.signals, strict=True)):
            self.fail(f"{transmit.key}: a signal outside the honest ones")
        if not self._true(report.content_root, report.block_hash, answer, report.signals):
            self.fail(f"{transmit.key}: a false content root")
        self._certified.setdefault(transmit.key, set()).add(digest)

    def _true(self, root: bytes, block_hash: bytes, answer: int, signals: tuple[int, ...]) -> bool:
        if not self._world.scenario.tolerant:
            return root == true_root(block_hash, answer, signals)
        # At the edge of the tolerance an honest node found it like its own; beyond it none does.
        return root.startswith(EDGE) or alike(root, block_hash, answer, signals)

    def rivals(self) -> int:
        """Rounds in which quorums signed several reports (of different views): the chain takes the first."""
        return sum(len(digests) > 1 for digests in self._certified.values())
