"""Seeded virtual networks: whatever they do, the promises hold; and a broken machine is found out."""

from __future__ import annotations

import pytest

from node.agreement.machine import Machine
from node.agreement.messages import Opened, decode
from node.agreement.round import Round
from node.agreement.simulator import InvariantError, Scenario, drawn, simulate
from node.agreement.simulator.byzantine import BEHAVIOURS
from node.agreement.simulator.world.keys import ToyKeys

BATCH = 50


@pytest.mark.parametrize("first", range(0, 300, BATCH))
def test_simulate__mixed_troubles__promises_hold(first: int) -> None:
    landed = 0
    for seed in range(first, first + BATCH):
        landed += simulate(drawn(seed)).landed
    assert landed >= BATCH


@pytest.mark.parametrize("behaviour", sorted(BEHAVIOURS))
@pytest.mark.parametrize("nodes", [4, 7])
def test_simulate__f_byzantine_of_one_kind__every_round_lands(behaviour: str, nodes: int) -> None:
    false = tuple((index, behaviour) for index in range((nodes - 1) // 3))
    for seed in range(3):
        outcome = simulate(Scenario(seed, nodes=nodes, rounds=4, loss=0.05, delay=200, behaviours=false))
        assert outcome.landed == 4


def test_simulate__no_faults__one_view_and_few_messages() -> None:
    outcome = simulate(Scenario(1, nodes=7, rounds=5))
    assert outcome.landed == 5
    assert outcome.highest_view == 0
    assert outcome.rivals == 0
    # Per round: 7 observations, 1 proposal, 7 attestations to 7 nodes, and a few repetitions until it lands.
    assert outcome.messages <= 5 * 7 * (7 + 1 + 7) * 5


def test_simulate__31_nodes_10_byzantine__lands() -> None:
    kinds = sorted(BEHAVIOURS)
    false = tuple((index, kinds[index]) for index in range(10))
    assert simulate(Scenario(5, nodes=31, rounds=1, loss=0.02, behaviours=false)).landed == 1


def test_simulate__same_seed__the_same_run() -> None:
    assert simulate(drawn(16)) == simulate(drawn(16))


class Forgetful(Machine):
    """Begins every round as if its journal were empty."""

    def begin(self, trigger, now, attested=None):
        return super().begin(trigger, now, {})


def runs(scenarios, make=Machine) -> None:
    for scenario in scenarios:
        simulate(scenario, make)


def test_incident__honest_crash_looks_like_equivocation__machine_without_its_journal_is_found_out() -> None:
    with pytest.raises(InvariantError, match=r"seed \d+ with .*second report"):
        runs(map(Scenario.drawn, range(300)), Forgetful)


def test_incident__leader_forges_observations__machine_that_does_not_verify_them_is_found_out(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def credulous(self: ToyKeys, raw: bytes) -> Opened | None:
        return Opened(raw[0], decode(raw[17:]), raw)

    scenarios = [Scenario(seed, rounds=3, behaviours=((seed % 4, "forger"),)) for seed in range(30)]
    runs(scenarios)
    monkeypatch.setattr(ToyKeys, "verify", credulous)
    with pytest.raises(InvariantError, match="outside the honest ones"):
        runs(scenarios)


def test_simulate__nobody_leaves_a_view__found_out_as_not_live(monkeypatch: pytest.MonkeyPatch) -> None:
    scenarios = [
        Scenario(seed, rounds=2, behaviours=((seed % 4, "silentleader"),), patience=60_000) for seed in range(8)
    ]
    runs(scenarios)
    monkeypatch.setattr(Round, "_follow_timeouts", lambda self, now: [])
    with pytest.raises(InvariantError, match="not live"):
        runs(scenarios)
