"""Every kind of chaos there is, by name."""

from tests.integration.chaos.scenario import Scenario
from tests.integration.chaos.scenarios import brokers, censors, copies, disk, endpoints, kills, logs, reorgs, silence

_ALL = (
    kills.SCENARIO,
    brokers.SCENARIO,
    silence.SCENARIO,
    censors.SCENARIO,
    endpoints.SCENARIO,
    logs.SCENARIO,
    reorgs.SCENARIO,
    disk.SCENARIO,
    disk.QUOTA,
    copies.SCENARIO,
)
SCENARIOS: dict[str, Scenario] = {scenario.name: scenario for scenario in _ALL}
