"""Every kind of chaos there is, by name."""

from tests.integration.chaos.scenario import Scenario
from tests.integration.chaos.scenarios import brokers, copies, disk, endpoints, kills, reorgs, silence

_ALL = (
    kills.SCENARIO,
    brokers.SCENARIO,
    silence.SCENARIO,
    endpoints.SCENARIO,
    reorgs.SCENARIO,
    disk.SCENARIO,
    disk.QUOTA,
    copies.SCENARIO,
)
SCENARIOS: dict[str, Scenario] = {scenario.name: scenario for scenario in _ALL}
