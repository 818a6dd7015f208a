"""Seeded virtual networks in which every node renders another root: what a leader shows decides, if it is true."""

from __future__ import annotations

from dataclasses import replace

import pytest

from node.agreement.likeness import Likeness
from node.agreement.machine import Machine
from node.agreement.pacemaker import Pacemaker
from node.agreement.simulator import InvariantError, Scenario, drawn, simulate
from node.agreement.simulator.byzantine import BEHAVIOURS
from node.agreement.simulator.world.keys import ToyKeys

BATCH = 30


def led_by(behaviour: str, nodes: int, seed: int, **changes) -> Scenario:
    """The first leaders of the first checkpoint are all of one Byzantine kind."""
    committee = ToyKeys(nodes).committee
    false = tuple((committee.leader(1, 100, view), behaviour) for view in range(committee.f))
    known = {"rounds": 3, "loss": 0.05, "delay": 200, "tolerant": True}
    return Scenario(seed, nodes=nodes, behaviours=false, **(known | changes))


@pytest.mark.parametrize("first", range(0, 60, BATCH))
def test_simulate__mixed_troubles__promises_hold(first: int) -> None:
    landed = 0
    for seed in range(first, first + BATCH):
        landed += simulate(replace(drawn(seed), tolerant=True)).landed
    assert landed >= BATCH


@pytest.mark.parametrize("behaviour", sorted(BEHAVIOURS))
def test_simulate__byzantine_leaders_of_one_kind__every_round_lands_what_is_true(behaviour: str) -> None:
    for nodes, seed in ((4, 0), (7, 1)):
        assert simulate(led_by(behaviour, nodes, seed, rounds=2)).landed == 2


@pytest.mark.parametrize("behaviour", ["painter", "withholder", "hider"])
def test_simulate__leader_whose_artwork_is_false_or_not_to_be_had__is_replaced(behaviour: str) -> None:
    outcome = simulate(led_by(behaviour, 4, 1, rounds=1))
    assert (outcome.landed, outcome.highest_view) == (1, 1)
    assert (outcome.drops["unlike"] > 0) == (behaviour == "painter")


def test_simulate__leader_out_of_tolerance__is_found_unlike_and_left_without_waiting_for_a_timer() -> None:
    scenario = led_by("painter", 4, 1, rounds=1, loss=0.0)
    outcome = simulate(scenario)
    assert outcome.drops["unlike"] >= 3
    assert outcome.virtual_ms < scenario.timing.render_ms


def test_simulate__no_faults__one_view_and_one_artwork_a_round() -> None:
    exact, tolerant = simulate(Scenario(1, nodes=7, rounds=5)), simulate(Scenario(1, nodes=7, rounds=5, tolerant=True))
    assert tolerant.landed == exact.landed == 5
    assert tolerant.highest_view == 0
    assert tolerant.messages < exact.messages * 3


def runs(make=Machine, behaviour: str = "painter") -> None:
    for seed in range(12):
        simulate(led_by(behaviour, 4, seed), make)


def test_incident__leader_shows_a_false_artwork__machine_that_does_not_compare_is_found_out(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    runs()
    monkeypatch.setattr(Likeness, "verdict", lambda self, inputs, root, own: True)
    with pytest.raises(InvariantError, match="a false content root"):
        runs()


def test_incident__leader_shows_two_true_artworks__at_most_one_of_them_lands() -> None:
    """One report per round, whatever is shown to whom: the watch fails a run in which honest nodes sign two."""
    runs(behaviour="twofaced")


def test_simulate__nobody_leaves_a_leader_that_shows_nothing__found_out_as_not_live(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(Pacemaker, "expired", lambda self, now: False)
    with pytest.raises(InvariantError, match="not live"):
        simulate(led_by("withholder", 4, 1, patience=60_000))
