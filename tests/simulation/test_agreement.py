"""Seeded virtual networks: whatever they do, the promises hold."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import replace

import pytest

from node.agreement.simulator import InvariantError, Scenario, drawn, simulate
from node.agreement.simulator.byzantine import KINDS
from node.agreement.simulator.scenario import Spell
from node.agreement.simulator.world.brokers import Censorship, Outage
from node.agreement.simulator.world.chain import Reorganisation

BATCH = 40
EVERYONE = (0, 1, 2, 3)


@pytest.mark.parametrize("first", range(0, 160, BATCH))
def test_simulate__mixed_troubles__promises_hold(first: int) -> None:
    landed = sum(simulate(drawn(seed)).landed for seed in range(first, first + BATCH))
    assert landed >= BATCH


@pytest.mark.parametrize("nodes", [7, 10])
def test_simulate__larger_committees__promises_hold(nodes: int) -> None:
    landed = sum(simulate(drawn(seed, nodes, 3)).landed for seed in range(500, 506))
    assert landed >= 6


def test_simulate__hundreds_of_rounds_in_one_life__promises_hold_and_nothing_is_left_over() -> None:
    outcome = simulate(Scenario(3, rounds=300, interval=2_000, render=0, stagger=20, loss=0.02, faults_end=600_000))
    assert outcome.landed + outcome.skipped == 300
    assert outcome.landed > 200
    assert outcome.heaviest < 300_000


@pytest.mark.parametrize("behaviour", sorted(KINDS))
def test_simulate__f_byzantine_of_one_kind__every_round_lands(behaviour: str) -> None:
    for nodes, seed in ((4, 0), (7, 1)):
        false = tuple((index, behaviour) for index in range((nodes - 1) // 3))
        outcome = simulate(Scenario(seed, nodes=nodes, rounds=2, loss=0.05, delay=200, behaviours=false))
        assert outcome.landed == 2


def test_simulate__no_faults__one_view_and_few_messages() -> None:
    outcome = simulate(Scenario(1, nodes=7, rounds=5))
    assert outcome.landed == 5
    assert outcome.highest_view == 0
    # Per round: observations, a proposal, Prepares, Commits and signatures to all 7, and a few repetitions.
    assert outcome.messages <= 5 * 7 * (4 * 7 + 1) * 4
    assert +outcome.troubles == {}


def test_simulate__31_nodes_10_byzantine__lands() -> None:
    false = tuple((index, ("silent", "equivocator", "liar")[index % 3]) for index in range(10))
    assert simulate(Scenario(5, nodes=31, rounds=1, render=0, behaviours=false)).landed == 1


# -- replaying -------------------------------------------------------------------------------------------------------


def test_simulate__same_seed__the_same_run_in_any_process() -> None:
    code = "from node.agreement.simulator import *; print(simulate(drawn(16, 7, 2)))"
    runs = [
        subprocess.run(
            [sys.executable, "-c", code],
            capture_output=True,
            check=True,
            text=True,
            env={**os.environ, "PYTHONHASHSEED": salt},
        ).stdout
        for salt in ("1", "2")
    ]
    assert runs[0] == runs[1] == f"{simulate(drawn(16, 7, 2))}\n"


def test_drawn__size_that_the_seed_decides__is_the_same_scenario_when_given() -> None:
    for seed in range(50):
        scenario = drawn(seed)
        assert drawn(seed, scenario.nodes, scenario.rounds) == scenario
        assert scenario.command == f"patina simulate --seed {seed} --nodes {scenario.nodes} --rounds {scenario.rounds}"


# -- each fault by itself --------------------------------------------------------------------------------------------


def test_incident__honest_crash_looks_like_equivocation__a_death_at_every_single_step_breaks_nothing() -> None:
    """The process is killed before, within and after each write, and before everything that leaves it."""
    base = Scenario(2, rounds=1, loss=0.1, delay=400, down=1_500, faults_end=10_000, on_files=True)
    points = simulate(base).points
    assert min(points) > 10
    for node, count in enumerate(points):
        for point in range(1, count + 1):
            outcome = simulate(replace(base, crash_at=((node, point),)))
            assert outcome.landed == 1, (node, point)
            assert outcome.troubles["crashes"] == 1, (node, point)


def test_simulate__all_die_again_and_again__lands_once_they_stay_up() -> None:
    outcome = simulate(Scenario(4, rounds=3, crash=0.1, down=1_000))
    assert outcome.troubles["crashes"] > 20
    assert outcome.landed >= 1


def test_simulate__all_brokers_but_one_are_lost__lands_as_if_nothing_had_happened() -> None:
    lost = (Outage(0, 60_000, (0, 2), EVERYONE),)
    outcome = simulate(Scenario(1, rounds=2, brokers=3, outages=lost))
    assert (outcome.landed, outcome.highest_view) == (2, 0)


def test_simulate__every_broker_is_gone_for_a_while__lands_when_one_is_back() -> None:
    outcome = simulate(Scenario(1, rounds=1, brokers=2, outages=(Outage(0, 20_000, (0, 1), EVERYONE),)))
    assert outcome.landed == 1
    assert outcome.virtual_ms > 20_000


def test_simulate__partition_without_a_quorum_on_either_side__lands_once_it_heals() -> None:
    split = (Outage(0, 30_000, (0,), (0, 1)), Outage(0, 30_000, (1,), (2, 3)))
    outcome = simulate(Scenario(1, rounds=1, brokers=2, outages=split))
    assert outcome.landed == 1
    assert outcome.virtual_ms > 30_000


def test_simulate__network_hides_all_commits_for_a_while__the_report_of_the_lock_lands() -> None:
    hidden = (Censorship(0, 15_000, ("commit",), EVERYONE, 1.0),)
    outcome = simulate(Scenario(1, rounds=1, censorships=hidden))
    assert outcome.landed == 1
    assert outcome.highest_view >= 1


def test_simulate__landed_report_vanishes__is_sent_again_and_nothing_else_lands() -> None:
    outcome = simulate(Scenario(1, rounds=2, reorganisations=(Reorganisation(10_000, 30_000),)))
    assert outcome.troubles["vanished reports"] == 1
    assert outcome.landed == 2


def test_simulate__clocks_a_tenth_fast_and_slow__every_round_lands() -> None:
    assert simulate(Scenario(1, nodes=7, rounds=3, skew=100_000, loss=0.1, delay=500)).landed == 3


def test_simulate__disk_takes_no_writes__the_node_says_nothing_binding_until_it_does() -> None:
    full = tuple(Spell(node, 0, 20_000) for node in EVERYONE[:2])
    outcome = simulate(Scenario(1, rounds=1, disk_full=full))
    assert outcome.troubles["refused writes"] > 0
    assert outcome.landed == 1
    assert outcome.virtual_ms > 20_000


def test_simulate__two_nodes_come_late_and_one_stands_still__lands_once_there_is_a_quorum() -> None:
    asleep, frozen = (Spell(0, 0, 15_000), Spell(1, 0, 25_000)), (Spell(2, 0, 10_000),)
    outcome = simulate(Scenario(1, rounds=1, asleep=asleep, frozen=frozen))
    assert outcome.landed == 1
    assert outcome.virtual_ms > 15_000


def test_incident__broker_floods_and_replays__what_a_machine_keeps_is_bounded() -> None:
    for behaviour in ("flooder", "replayer", "veteran", "recycler"):
        outcome = simulate(Scenario(1, rounds=4, interval=5_000, behaviours=((3, behaviour),)))
        assert outcome.heaviest < 4_000_000
        assert outcome.landed == 4


def test_incident__reports_of_a_former_committee_are_replayed__none_counts() -> None:
    outcome = simulate(Scenario(1, rounds=3, behaviours=((0, "veteran"),)))
    assert outcome.drops["bad_signature"] > 0
    assert outcome.landed == 3


# -- liveness --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("nodes", "f"), [(4, 1), (7, 2), (10, 3)])
def test_simulate__nothing_fails_any_more__takes_no_more_than_one_and_f_views(nodes: int, f: int) -> None:
    most = 0
    for seed in range(4):
        false = tuple((index, "silentleader") for index in range(f))
        most = max(most, simulate(Scenario(seed, nodes=nodes, rounds=3, faults_end=0, behaviours=false)).views)
    assert most <= 1 + f


def test_simulate__nobody_can_ever_agree__is_found_as_not_live_with_the_command_that_replays_it() -> None:
    cut = (Outage(0, 400_000, (0,), EVERYONE),)
    with pytest.raises(InvariantError, match="not live") as found:
        simulate(Scenario(9, rounds=1, outages=cut, faults_end=1_000, patience=10_000))
    assert "patina simulate --seed 9 --nodes 4 --rounds 1" in str(found.value)
