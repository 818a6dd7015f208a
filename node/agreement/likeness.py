"""Agreement by tolerance within one round: what leaders offered, and what this node's own renders bear out."""

from __future__ import annotations

from typing import NamedTuple

from node.agreement import reasons
from node.agreement.evidence import Inputs
from node.agreement.messages import Artwork, Opened


class Comparison(NamedTuple):
    """A leader's root of a view, held against this node's own render of the same inputs."""

    view: int
    inputs: Inputs
    root: bytes


class Likeness:
    """Keeps the first artwork that each view's leader offered, and one verdict for each root."""

    def __init__(self) -> None:
        self._offers: dict[int, tuple[Artwork, bytes]] = {}
        self._verdicts: dict[tuple[Inputs, bytes], bool] = {}
        self._tolerant: set[Inputs] = set()
        self.running: Comparison | None = None

    def rendered(self, inputs: Inputs) -> None:
        """This node's render of these inputs is one of many that count as the same."""
        self._tolerant.add(inputs)

    def concerns(self, inputs: Inputs) -> bool:
        """Whether a report of these inputs carries the leader's root instead of this node's own."""
        return inputs in self._tolerant

    def offer(self, artwork: Artwork, opened: Opened) -> str | None:
        """Keep what a view's leader offers; the reason if it is not kept."""
        known = self._offers.get(artwork.view)
        if known is not None:
            return reasons.REPEATED if known[0] == artwork else reasons.CONFLICTING
        self._offers[artwork.view] = (artwork, opened.raw)
        return None

    def offered(self, view: int) -> tuple[Artwork, bytes] | None:
        """What the view's leader offered first, and its raw envelope."""
        return self._offers.get(view)

    def enter(self, view: int) -> None:
        """Earlier views are left: nothing of theirs will be signed."""
        self._offers = {at: offer for at, offer in self._offers.items() if at >= view}

    def begin(self, comparison: Comparison) -> bool:
        """Note what is compared; False if it is under way."""
        begun, self.running = self.running != comparison, comparison
        return begun

    def judge(self, view: int, root: bytes, alike: bool) -> bool:
        """Note the verdict of the comparison under way; False if it was about something else."""
        running = self.running
        if running is None or (running.view, running.root) != (view, root):
            return False
        self._verdicts[running.inputs, root] = alike
        self.running = None
        return True

    def verdict(self, inputs: Inputs, root: bytes, own: bytes) -> bool | None:
        """Whether a leader's root is borne out; None before the comparison. The same root needs none."""
        return True if root == own else self._verdicts.get((inputs, root))
