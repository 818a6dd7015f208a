"""The renders of one round: one at a time, and none twice."""

from __future__ import annotations

from node.agreement.effects import CancelRender, Effect, Render, Trigger
from node.agreement.evidence import Inputs


class Painting:
    """Keeps the content root of every inputs that this node has rendered, and which render is under way."""

    def __init__(self, trigger: Trigger) -> None:
        self._key = trigger.key
        self._block_hash = trigger.block_hash
        self._roots: dict[Inputs, bytes] = {}
        self._took: dict[Inputs, int] = {}
        self._running: tuple[int, Inputs] | None = None
        self._since = 0

    @property
    def view(self) -> int | None:
        """The view in which the render under way was asked for; None without one."""
        return None if self._running is None else self._running[0]

    def root(self, inputs: Inputs) -> bytes | None:
        """What this node rendered of these inputs, if it has."""
        return self._roots.get(inputs)

    def took(self, inputs: Inputs) -> int:
        """How long the render of these inputs took, in milliseconds."""
        return self._took[inputs]

    def ask(self, view: int, inputs: Inputs, now: int) -> list[Effect]:
        """Have inputs rendered: a render of the same goes on, one of others is cancelled."""
        if self._running is not None and self._running[1] == inputs:
            return []
        effects = self.cancel()
        if inputs in self._roots:
            return effects
        self._running, self._since = (view, inputs), now
        return [*effects, Render(self._key, view, self._block_hash, inputs.answer, inputs.signals)]

    def done(self, view: int, root: bytes, now: int) -> Inputs | None:
        """The render asked for in `view` is done; None if it is not the one under way."""
        if self._running is None or self._running[0] != view:
            return None
        inputs, self._running = self._running[1], None
        self._roots[inputs], self._took[inputs] = root, now - self._since
        return inputs

    def failed(self, view: int) -> None:
        """The render asked for in `view` came to nothing."""
        if self.view == view:
            self._running = None

    def cancel(self) -> list[Effect]:
        """Let go of the render under way."""
        running, self._running = self._running, None
        return [] if running is None else [CancelRender(self._key, running[0])]
