"""What is said to lead out of a band is what leads out of it by the nodes' own rule."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from keepers.policy import next_band
from node.chain.types import Policy
from node.explain.bands import between, exits, number
from tests.unit.paper import PERCENT, POLICY


@st.composite
def policies(draw: st.DrawFn) -> Policy:
    edges = draw(st.lists(st.integers(-50, 50), min_size=0, max_size=6, unique=True))
    return replace(POLICY, thresholds=tuple(sorted(edges)), hysteresis=draw(st.integers(0, 12)))


@given(policies(), st.integers(-80, 80), st.data())
def test_exits__by_the_nodes_own_rule__lead_out_and_nothing_before_does(
    policy: Policy, answer: int, data: st.DataObject
) -> None:
    band = data.draw(st.integers(0, len(policy.thresholds)))
    for way in exits(policy, band, answer):
        at, inside = (way.at, way.at - 1) if way.up else (way.at - 1, way.at)
        after = next_band(at, band, policy.thresholds, policy.hysteresis)
        assert after > band if way.up else after < band
        stays = next_band(inside, band, policy.thresholds, policy.hysteresis)
        assert stays <= band if way.up else stays >= band
        assert way.distance == (way.at - answer if way.up else answer - way.at)


@given(policies(), st.integers(-80, 80))
def test_exits__nearest_first(policy: Policy, answer: int) -> None:
    found = [one.distance for one in exits(policy, len(policy.thresholds) // 2, answer)]
    assert found == sorted(found)


def test_between__each_band__names_its_edges() -> None:
    edges = (-PERCENT, PERCENT)
    assert [between(edges, band) for band in range(3)] == [
        "everything below -1 %",
        "from -1 % up to +1 %",
        "everything from +1 % up",
    ]
    assert between((), 0) == "the only band there is"
    assert number(POLICY, 0) == "band 1 of 3"
