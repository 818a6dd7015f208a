"""The error that ends a run: which promise was broken, and what replays it."""

from __future__ import annotations

from node.agreement.simulator.scenario import Scenario
from node.errors import AgreementError


class InvariantError(AgreementError):
    """A simulated run broke a promise; the text names the command that replays it, and the scenario."""

    def __init__(self, scenario: Scenario, now: int, what: str) -> None:
        self.scenario = scenario
        self.what = what
        self.now = now
        super().__init__(f"at {now} ms: {what}\nreplay it: {scenario.command}\n{scenario}")

    def __reduce__(self) -> tuple[type[InvariantError], tuple[Scenario, int, str]]:
        # As it comes back from another process.
        return InvariantError, (self.scenario, self.now, self.what)
