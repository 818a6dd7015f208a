"""Every kind of chaos there is, by name."""

from tests.integration.chaos.scenario import Scenario
from tests.integration.chaos.scenarios import brokers, copies, disk, endpoints, kills, reorgs, silence

_MODULES = (kills, brokers, silence, endpoints, reorgs, disk, copies)
SCENARIOS: dict[str, Scenario] = {module.SCENARIO.name: module.SCENARIO for module in _MODULES}
