"""Many nodes of the protocol on a virtual clock and network, all of it decided by one seed."""

from node.agreement.simulator.checks.failure import InvariantError
from node.agreement.simulator.draw import drawn
from node.agreement.simulator.run import Outcome, simulate
from node.agreement.simulator.scenario import Scenario

__all__ = ["InvariantError", "Outcome", "Scenario", "drawn", "simulate"]
