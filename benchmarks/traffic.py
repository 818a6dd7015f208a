"""What a round says over the network: messages and bytes by committee size, of real machines and real envelopes."""

from __future__ import annotations

import math
import sys
from collections import Counter, deque
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from eth_hash.auto import keccak

from node.agreement.committee import Committee
from node.agreement.effects import Attest, Broadcast, Effect, Render, Timing, Transmit, Trigger
from node.agreement.machine import Machine
from node.gossip.envelope import sealer
from node.gossip.verifier import Verifier
from node.keys.signing import LocalSigner

SIZES = (4, 7, 13, 31)
MOST = 2.0
"""Goal: messages over the whole network grow no faster than this power of the number of live nodes."""
WAD = 10**18
SIGNALS = (WAD * 21 // 977, WAD * 4 // 991, -WAD // 1013)
TIMING = Timing()


@dataclass
class Traffic:
    """What was said until every live node held a report to transmit, and in a second of waiting for it to land."""

    n: int
    published: list[int]
    """Messages that each live node published."""
    published_bytes: list[int]
    kinds: Counter[str] = field(default_factory=Counter)
    repeated: int = 0
    repeated_bytes: int = 0

    @property
    def live(self) -> int:
        """How many nodes spoke and listened."""
        return len(self.published)

    @property
    def delivered(self) -> int:
        """Messages over the whole network: each is handed to its broker, and by it to every live node."""
        return sum(self.published) * (self.live + 1)

    @property
    def delivered_bytes(self) -> int:
        """Bytes over the whole network, without what MQTT, TLS and TCP add."""
        return sum(self.published_bytes) * (self.live + 1)


class Network:
    """n machines on one wire that delivers in order and loses nothing; the clock only moves when nobody speaks."""

    def __init__(self, n: int, silent: Sequence[int] = ()) -> None:
        self.signers = [LocalSigner(keccak(b"traffic %d" % index)) for index in range(n)]
        keys = [Ed25519PrivateKey.from_private_bytes(keccak(b"transport %d" % index)) for index in range(n)]
        public = [key.public_key().public_bytes_raw() for key in keys]
        self.committee = Committee(1, "0x" + "ab" * 20, [signer.address for signer in self.signers], public)
        self.live = [index for index in range(n) if index not in silent]
        self.verifiers = {index: Verifier(self.committee) for index in self.live}
        self.machines = {
            index: Machine(
                self.committee, index, self.verifiers[index], TIMING, sealer(keys[index], self.committee, index)
            )
            for index in self.live
        }
        self.now = 0
        self.done: set[int] = set()
        self.said: list[tuple[int, Broadcast]] = []
        self._wire: deque[bytes] = deque()

    def begin(self, trigger: Trigger) -> None:
        """Every live node measured the same."""
        for index, machine in self.machines.items():
            self._carry_out(index, machine.begin(trigger, self.now))
        self._deliver()

    def wait(self, milliseconds: int) -> None:
        """Let so much time pass, in steps of the driver's clock."""
        until = self.now + milliseconds
        while self.now < until:
            self.now = min(until, self.now + 50)
            for index, machine in self.machines.items():
                self._carry_out(index, machine.tick(self.now))
            self._deliver()

    def _deliver(self) -> None:
        while self._wire:
            raw = self._wire.popleft()
            for index, machine in self.machines.items():
                self._carry_out(index, machine.receive(self.verifiers[index].open(raw), self.now))

    def _carry_out(self, index: int, effects: Iterable[Effect]) -> None:
        machine = self.machines[index]
        for effect in effects:
            match effect:
                case Broadcast():
                    self.said.append((index, effect))
                    self._wire.append(effect.raw)
                case Render(key, view):
                    self._carry_out(index, machine.rendered(key, view, keccak(b"root"), self.now))
                case Attest(key, view, _, digest):
                    signature = self.signers[index].sign_digest(digest)
                    self._carry_out(index, machine.attested(key, view, digest, signature, self.now))
                case Transmit():
                    self.done.add(index)
                case _:
                    pass


def measure(n: int, *, leader_silent: bool = False) -> Traffic:
    """One round of `n` nodes; with `leader_silent` the first leader says nothing, and its view is left.

    Raises:
        RuntimeError: the round came to no report.
    """
    feed, checkpoint = 1, 1_000
    seated = Network(n).committee
    silent = [seated.leader(feed, checkpoint, 0)] if leader_silent else []
    network = Network(n, silent)
    network.begin(Trigger(feed, checkpoint, keccak(b"block"), WAD * 31 // 997, SIGNALS))
    # The leader's grace, and with a silent one the first view and its successor's grace.
    for _ in range(2 * TIMING.view_ms // 50):
        if len(network.done) == len(network.live):
            break
        network.wait(50)
    else:
        raise RuntimeError(f"{n} nodes agreed on nothing")
    said = list(network.said)
    network.said.clear()
    network.wait(1_000)
    counts, sizes = [0] * n, [0] * n
    for index, effect in said:
        counts[index] += 1
        sizes[index] += len(effect.raw)
    return Traffic(
        n,
        [counts[index] for index in network.live],
        [sizes[index] for index in network.live],
        Counter(effect.kind for _, effect in said),
        len(network.said),
        sum(len(effect.raw) for _, effect in network.said),
    )


def exponent(sizes: Sequence[int], totals: Sequence[float]) -> float:
    """The power of the size that a total grows by: the slope of a line through the logarithms (least squares)."""
    xs, ys = [math.log(size) for size in sizes], [math.log(total) for total in totals]
    x, y = sum(xs) / len(xs), sum(ys) / len(ys)
    return sum((a - x) * (b - y) for a, b in zip(xs, ys, strict=True)) / sum((a - x) ** 2 for a in xs)


@cache
def rows(sizes: tuple[int, ...] = SIZES) -> list[dict[str, Any]]:
    """A row for each size and case, and one for the growth of each case. Measured once; all of it is exact."""
    found: list[dict[str, Any]] = []
    for case, leader_silent in (("a round", False), ("a round, its first leader silent", True)):
        measured = [measure(n, leader_silent=leader_silent) for n in sizes]
        found += [_row(case, one) for one in measured]
        live = [one.live for one in measured]
        messages = exponent(live, [one.delivered for one in measured])
        size = exponent(live, [one.delivered_bytes for one in measured])
        found.append(
            {
                "what": f"{case}: growth over N",
                "messages_exponent": round(messages, 3),
                "bytes_exponent": round(size, 3),
                "most": MOST,
                "missed": messages > MOST,
            }
        )
    return found


def _row(case: str, one: Traffic) -> dict[str, Any]:
    return {
        "what": case,
        "n": one.n,
        "messages_per_node": round(sum(one.published) / one.live, 2),
        "messages_of_busiest": max(one.published),
        "bytes_per_node": round(sum(one.published_bytes) / one.live),
        "bytes_of_busiest": max(one.published_bytes),
        "network_messages": one.delivered,
        "network_bytes": one.delivered_bytes,
        "kinds": dict(sorted(one.kinds.items())),
        "repeated_per_node_and_second": round(one.repeated / one.live, 2),
        "repeated_bytes_per_node_and_second": round(one.repeated_bytes / one.live),
    }


def main(sizes: tuple[int, ...] = SIZES) -> int:
    """Print the table; 1 if messages grow faster than their goal."""
    heads = ("per node", "bytes", "busiest", "bytes", "network", "bytes", "waiting/s", "bytes")
    lines = [f"{'messages of':34}{'N':>4}" + "".join(f"{head:>12}" for head in heads)]
    missed = False
    for row in rows(sizes):
        if "n" in row:
            values = [value for key, value in row.items() if key not in ("what", "n", "kinds")]
            lines.append(f"{row['what']:34}{row['n']:>4}" + "".join(f"{value:>12,}" for value in values))
        else:
            missed |= row["missed"]
            lines.append(
                f"{row['what']}: messages n^{row['messages_exponent']}, bytes n^{row['bytes_exponent']}"
                f" (goal: messages at most n^{row['most']:g}){'  missed' if row['missed'] else ''}"
            )
    sys.stdout.write("\n".join(lines) + "\n")
    return int(missed)


if __name__ == "__main__":
    sys.exit(main())
