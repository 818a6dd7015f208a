"""The simulator can fail: whatever bug is planted, it finds it; and without one, the same runs pass."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator

import pytest

from node.agreement.simulator import InvariantError, Scenario, drawn, simulate
from node.agreement.simulator.draw import treacherous
from node.agreement.simulator.world.keys import committee_of
from tests.simulation import plants

Draw = Callable[[], Iterator[Scenario]]


def parted(kind: str, seeds: int, nodes: int = 4) -> Draw:
    """Networks that part who saw from who did not, with Byzantine leaders of one kind."""
    return lambda: (treacherous(random.Random(seed), seed, nodes, 1, kind) for seed in range(seeds))


def mixed(seeds: int) -> Draw:
    """What the command draws."""
    return lambda: (drawn(seed, 4, 2) for seed in range(seeds))


def led_by(kind: str, seeds: int, **changes) -> Draw:
    """The first leaders are all of one Byzantine kind, and nothing else goes wrong."""

    def draw() -> Iterator[Scenario]:
        for seed in range(seeds):
            leader = committee_of(4).leader(1, 100, 0)
            yield Scenario(
                seed, behaviours=((leader, kind),), **({"rounds": 1, "patience": 20_000, "faults_end": 5_000} | changes)
            )

    return draw


FOUND: list[tuple[plants.Plant, Draw, str]] = [
    # The order of journal and network.
    (plants.journal_after_send, parted("amnesiac", 3), "journal does not hold: Attestation"),
    (plants.memory_after_send, parted("amnesiac", 3), "journal does not hold"),
    (plants.nothing_is_kept, parted("amnesiac", 5), "journal does not hold|had asked to leave|equivocated"),
    (plants.lock_is_forgotten, parted("amnesiac", 25), "signed two reports|not live|journal does not hold"),
    (plants.prepare_is_forgotten, mixed(40), "equivocated|journal does not hold"),
    (plants.leaving_is_forgotten, parted("amnesiac", 15), "had asked to leave|journal does not hold"),
    # Quorums and digests.
    (plants.f_plus_one_prepares_lock, parted("equivocator", 30), "not live|signed two reports"),
    (plants.f_plus_one_commits_decide, parted("amnesiac", 20), "signed two reports"),
    (plants.no_view_in_the_digest, mixed(6), "a signature that the contract refuses"),
    # What leaders choose.
    (plants.observations_are_unverified, parted("forger", 30), "outside the honest ones"),
    (plants.choice_is_unchecked, parted("forger", 20), "observers|outside the honest ones|unsorted"),
    (plants.highest_lock_is_not_demanded, parted("amnesiac", 20), "signed two reports"),
    # Locks and views.
    (plants.attests_without_a_lock, mixed(12), "signed two reports"),
    (plants.attests_without_a_decision, parted("amnesiac", 20), "signed two reports"),
    (plants.lock_is_not_declared, parted("amnesiac", 20), "signed two reports"),
    (plants.commits_in_a_view_it_left, parted("amnesiac", 15), "had asked to leave"),
    (plants.prepares_in_a_view_it_left, parted("amnesiac", 10), "break a promise|had asked to leave"),
    (plants.prepares_twice, mixed(60), "equivocated|not live|journal does not hold"),
    # Pictures.
    (plants.artworks_are_not_compared, led_by("painter", 3, tolerant=True), "a false content root"),
    # Liveness and memory.
    (plants.nobody_leaves_a_view, led_by("silentleader", 1), "not live"),
    (plants.timeouts_lead_nowhere, led_by("silentleader", 1), "not live"),
    (plants.waiting_has_no_end, led_by("flooder", 1, rounds=40, interval=3_000), "bytes, more than"),
]


def run_all(draw: Draw) -> None:
    for scenario in draw():
        simulate(scenario)


@pytest.mark.parametrize(("plant", "draw", "promise"), FOUND, ids=lambda part: getattr(part, "__name__", ""))
def test_simulate__planted_bug__is_found(
    plant: plants.Plant, draw: Draw, promise: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    plant(monkeypatch)
    with pytest.raises(InvariantError, match=promise) as found:
        run_all(draw)
    assert "replay it: patina simulate --seed" in str(found.value)


@pytest.mark.parametrize(
    "draw",
    [
        parted("amnesiac", 25),
        parted("equivocator", 30),
        parted("forger", 30),
        mixed(40),
        led_by("painter", 3, tolerant=True),
        led_by("silentleader", 1),
    ],
    ids=["amnesiac", "equivocator", "forger", "mixed", "painter", "silentleader"],
)
def test_simulate__no_bug_planted__the_same_runs_pass(draw: Draw) -> None:
    for scenario in draw():
        assert simulate(scenario).landed >= 1
