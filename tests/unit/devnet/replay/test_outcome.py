"""Judging a replay: each kind of fault is found, and a perfect run has none."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rich.console import Console
from rich.table import Table

from node.devnet.replay.outcome import LandedRow, Outcome, compare, stakes, table
from node.devnet.replay.scene import Row
from node.devnet.replay.track import WAD, Crossing, expected_crossings
from tests.unit.devnet.replay.rows import PERCENT, faithful, make_row, make_track

TRACK = make_track([100, 101, 101, 103, 100])
EXPECTED = [Crossing(1, PERCENT, 0, 1), Crossing(3, 3 * PERCENT, 1, 2), Crossing(4, 0, 2, 0)]
PERFECT = faithful(EXPECTED)


def render(outcome: Outcome, shown: Callable[[Outcome], Table] = table) -> str:
    wide = Console(width=250, force_terminal=False)
    with wide.capture() as captured:
        wide.print(shown(outcome))
    return captured.get()


@given(st.lists(st.integers(95, 105), min_size=1, max_size=30))
@settings(max_examples=40)
def test_compare__perfect_run_of_any_history__has_no_fault(prices: list[int]) -> None:
    track = make_track(prices, (-2 * PERCENT, PERCENT, 2 * PERCENT))
    expected = expected_crossings(track)
    assert compare(track, expected, faithful(expected)) == []


@given(st.lists(st.integers(95, 105), min_size=3, max_size=30), st.data())
@settings(max_examples=60)
def test_compare__any_crossing_left_out__is_named(prices: list[int], data: st.DataObject) -> None:
    track = make_track(prices, (-2 * PERCENT, PERCENT, 2 * PERCENT))
    expected = expected_crossings(track)
    if expected:
        lost = data.draw(st.sampled_from(range(len(expected))))
        landed = faithful(expected)
        del landed[lost + 1]
        [fault] = compare(track, expected, landed)
        assert f"row {expected[lost].row + 1}" in fault
        assert "did not land" in fault


def test_expected__of_the_track_below__is_what_the_tests_take_it_for() -> None:
    assert expected_crossings(TRACK) == EXPECTED


FAULTY: dict[str, tuple[list[LandedRow], list[str]]] = {
    "missing": ([*PERFECT[:2], *PERFECT[3:]], ["Tide, row 4: band 2 to 3 did not land"]),
    "wrong answer": (
        [*PERFECT[:2], replace(PERFECT[2], answer=PERFECT[2].answer + 1), PERFECT[3]],
        [f"Tide, row 4: band 2 to 3 at {3 * PERCENT} was expected, 2 to 3 at {3 * PERCENT + 1}"],
    ),
    "wrong band": (
        [*PERFECT[:2], replace(PERFECT[2], previous_band=0), PERFECT[3]],
        [f"Tide, row 4: band 2 to 3 at {3 * PERCENT} was expected, 1 to 3 at {3 * PERCENT}"],
    ),
    "extra": (
        [*PERFECT[:2], make_row(2, previous_band=1, band=0), *PERFECT[2:]],
        ["Tide, row 3: band 2 to 1 landed, nothing was to change", "Tide, row 3: repainted without a crossing"],
    ),
    "late": (
        [PERFECT[0], replace(PERFECT[1], row=2), *PERFECT[2:]],
        [
            "Tide, row 2: band 1 to 2 did not land",
            "Tide, row 3: band 1 to 2 landed, nothing was to change",
            "Tide, row 3: repainted without a crossing",
        ],
    ),
    "repaint": ([*PERFECT[:2], make_row(2, previous_band=1, band=1), *PERFECT[2:]],
                ["Tide, row 3: repainted without a crossing"]),
    "crossing that painted nothing": (
        [*PERFECT[:3], replace(PERFECT[3], token_uri_after=PERFECT[3].token_uri_before)],
        ["Tide, row 5: band 3 to 1 landed and repainted nothing"],
    ),
}  # fmt: skip


@pytest.mark.parametrize(("landed", "faults"), FAULTY.values(), ids=FAULTY)
def test_compare__each_kind_of_fault__is_found_and_nothing_else(landed: list[LandedRow], faults: list[str]) -> None:
    assert compare(TRACK, EXPECTED, landed) == faults


def test_compare__network_that_did_nothing__misses_everything() -> None:
    faults = compare(TRACK, EXPECTED, [])
    assert len(faults) == 4
    assert faults[-1] == "Tide: was never painted"


def test_compare__flat_history__demands_the_first_painting_alone() -> None:
    flat = make_track([100] * 5)
    assert compare(flat, [], [make_row(2)]) == []
    assert compare(flat, [], []) == ["Tide: was never painted"]


def test_compare__wick_believed__is_an_extra_crossing_and_a_repaint() -> None:
    """Incident: a 3.5 % one-sample wick in a real vault."""
    believed = [make_row(0), make_row(3, previous_band=1, band=0), make_row(4, previous_band=0, band=1)]
    assert len(compare(make_track([100] * 6), [], believed)) == 4


def test_compare__report_that_changes_nothing__is_no_fault() -> None:
    heartbeat = replace(make_row(2, previous_band=1, band=1), token_uri_after="x", token_uri_before="x")
    assert compare(TRACK, EXPECTED, [*PERFECT[:2], heartbeat, *PERFECT[2:]]) == []


def test_as_json__wads_beyond_2_to_the_53__travel_as_text() -> None:
    outcome = Outcome((make_row(1, answer=-3 * WAD - 1, previous_band=0, band=1), make_row(2)), ("f",), 7, 12.345)
    document = json.loads(json.dumps(outcome.as_json()))
    assert document["reports"][0]["answer"] == str(-3 * WAD - 1)
    assert [report["crossing"] for report in document["reports"]] == [True, False]
    assert document["reports"][0]["token_uri_before"] == "ipfs://before-1/1000001.json"
    assert document["reports"][0]["signers"] == [0, 1, 2]
    assert (document["faults"], document["checkpoints"], document["seconds"]) == (["f"], 7, 12.3)


def test_table__each_row__shows_what_happened_on_one_line() -> None:
    cid = "bafybeigdyrzt5sfp7udm7hu76uh7y26nf3efuylqabf3oclgtqy55fbzdi"
    row = make_row(1, answer=PERCENT, previous_band=0, band=1, token_uri_after=f"ipfs://{cid}/1000001.json")
    shown = render(Outcome((make_row(0), row), (), 2, 1.0))
    [line] = [line for line in shown.splitlines() if "1 -> 2" in line]
    for part in ("1 Tide", "day 3", "22", "1.00 %", "1 2 3", "77,123", "ipfs://bafybe..5fbzdi/1000001.json"):
        assert part in line
    assert "1 painted" in shown


def test_stakes__seats__count_from_1_as_the_signers_do() -> None:
    nodes = (
        Row("first", 0, 2_000 * WAD, slashed=False, due=3, attended=2, earned=WAD, repaid=0),
        Row("late", None, WAD, slashed=False, due=0, attended=0, earned=0, repaid=0),
        Row("traitor", None, 0, slashed=True, due=0, attended=0, earned=0, repaid=0),
    )
    [first, late, traitor] = [
        [cell.strip() for cell in line.strip("│").split("│")]
        for line in render(Outcome((), (), 1, 1.0, nodes), stakes).splitlines()
        if line.startswith("│")
    ]
    assert first == ["first", "1", "2,000 tokens", "2 of 3 reports", "1.000000", "0.000000"]
    assert late[1:4] == ["waits", "1 tokens", "no report yet"]
    assert traitor[1:4] == ["slashed", "0 tokens", "no report yet"]


@pytest.mark.parametrize("text", ["[/x]", "[red]", "[link=x]"])
def test_table__text_of_a_users_file__is_shown_as_it_is(text: str) -> None:
    assert render(Outcome((make_row(0, title=f"a{text}", label=f"b{text}"),), (), 1, 1.0)).count(text) == 2
