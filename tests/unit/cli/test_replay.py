"""`patina replay` and `patina demo`: what is refused before anything starts, and what is handed on."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from node.cli import main, watch
from node.devnet.replay.track import Track

PERCENT = 10**16
GOOD = "date,share_price\n2025-01-01,1.00\n2025-01-02,1.01\n2025-01-03,1.02\n"


@pytest.fixture
def played(monkeypatch: pytest.MonkeyPatch) -> list[dict[str, Any]]:
    """What would have been played: nothing is started."""
    found: list[dict[str, Any]] = []

    def note(tracks: list[Track], folder: Path | None, **settings: Any) -> None:
        found.append({"tracks": tracks, "folder": folder, **settings})

    monkeypatch.setattr(watch, "play", note)
    return found


@pytest.fixture
def history(tmp_path: Path) -> Path:
    (tmp_path / "my.csv").write_text(GOOD)
    return tmp_path / "my.csv"


def replay(*arguments: object) -> Result:
    return CliRunner().invoke(main, ["replay", *map(str, arguments)])


def test_replay__plain__plays_the_file_with_the_policy_given(history: Path, played: list[dict[str, Any]]) -> None:
    result = replay(history, "--thresholds=-1%,1%,2%", "--window", "3", "--hysteresis", "0.1%", "--json")
    assert result.exit_code == 0, result.output
    [call] = played
    [track] = call["tracks"]
    assert (track.title, track.thresholds) == ("my", (-PERCENT, PERCENT, 2 * PERCENT))
    assert (track.window, track.hysteresis, len(track.history.rows)) == (3, PERCENT // 10, 3)
    assert (call["nodes"], call["tokens"], call["serve"], call["as_json"], call["folder"]) == (4, 6, False, True, None)
    assert "replace" not in call


BAD_ROWS = {
    "letters": ("2025-01-04,abc", "line 5: share price 'abc' is not a decimal"),
    "zero": ("2025-01-04,0", "line 5: share price is zero"),
    "negative": ("2025-01-04,-1", "line 5"),
    "too few": ("2025-01-04", "line 5"),
    "too many": ("2025-01-04,1,2", "line 5"),
    "quote": ('2025-01-04,"1', "line 5"),
    "too fine": ("2025-01-04,1.0000000000000000001", "line 5"),
}


@pytest.mark.parametrize(("line", "text"), BAD_ROWS.values(), ids=BAD_ROWS)
def test_replay__bad_row__is_refused_with_its_line_before_anything_starts(
    history: Path, played: list[dict[str, Any]], line: str, text: str
) -> None:
    history.write_text(f"{GOOD}{line}\n2025-01-05,1.03\n")
    result = replay(history, "--thresholds=1%")
    assert result.exit_code == 1
    assert text in result.stderr
    assert result.stderr.startswith("patina: ")
    assert (result.stdout, played) == ("", [])


@pytest.mark.parametrize(
    "thresholds",
    ["", "1", "1%,1%", "x%", "1%,,2%", "-100%", "1001%", ",".join(f"{number}%" for number in range(1, 17))],
)
def test_replay__bad_thresholds__are_refused(history: Path, played: list[dict[str, Any]], thresholds: str) -> None:
    result = replay(history, f"--thresholds={thresholds}")
    assert result.exit_code == 1
    assert result.stderr.startswith("patina: ")
    assert played == []


@pytest.mark.parametrize(
    ("option", "text"),
    [
        ("--window=2", "odd number"),
        ("--window=0", "odd number"),
        ("--window=-3", "odd number"),
        ("--window=65", "odd number"),
        ("--window=5", "fewer than a window"),
        ("--hysteresis=1", "is not a percentage"),
        ("--hysteresis=-1%", "hysteresis"),
    ],
)
def test_replay__policy_that_no_feed_can_have__is_refused(
    history: Path, played: list[dict[str, Any]], option: str, text: str
) -> None:
    result = replay(history, "--thresholds=1%", option)
    assert result.exit_code == 1
    assert text in result.stderr
    assert played == []


@pytest.mark.parametrize("option", ["--window=x", "--nodes=0", "--nodes=32", "--tokens=0", "--tokens=101", "--what"])
def test_replay__impossible_option__is_a_usage_error(history: Path, played: list[dict[str, Any]], option: str) -> None:
    assert replay(history, "--thresholds=1%", option).exit_code == 2
    assert played == []


def test_replay__no_thresholds__is_a_usage_error(history: Path, played: list[dict[str, Any]]) -> None:
    assert replay(history).exit_code == 2
    assert played == []


@pytest.mark.parametrize("content", [b"", b"share_price\n", b"price\n1\n2\n3\n", b"\xff\xfe\x00", b"share_price\n1\n"])
def test_replay__no_history__is_refused(history: Path, played: list[dict[str, Any]], content: bytes) -> None:
    history.write_bytes(content)
    result = replay(history, "--thresholds=1%")
    assert result.exit_code == 1
    assert str(history) in result.stderr
    assert played == []


def test_replay__no_such_file__says_so(tmp_path: Path, played: list[dict[str, Any]]) -> None:
    result = replay(tmp_path / "none.csv", "--thresholds=1%")
    assert result.exit_code == 1
    assert "cannot be read" in result.stderr


def test_replay__file_with_an_odd_name__has_a_title_that_a_recipe_can_carry(
    tmp_path: Path, played: list[dict[str, Any]]
) -> None:
    from node.devnet.replay.moods import recipe_for
    from node.render.recipe import Recipe

    path = tmp_path / ("tab\there\u202e " + "x" * 60 + ".csv")
    path.write_text(GOOD)
    result = replay(path, "--thresholds=1%")
    assert result.exit_code == 0, result.output
    title = played[0]["tracks"][0].title
    recipe = recipe_for(title, (PERCENT,))
    assert Recipe.from_json(recipe.canonical).name == title


def test_replay__folder_that_is_taken__is_left_alone(history: Path, tmp_path: Path) -> None:
    (tmp_path / "work").mkdir()
    (tmp_path / "work" / "thesis.txt").write_text("mine")
    result = replay(history, "--thresholds=1%", "--folder", tmp_path / "work")
    assert result.exit_code == 1
    assert "is taken" in result.stderr
    assert (tmp_path / "work" / "thesis.txt").read_text() == "mine"


def test_demo__once__plays_both_histories_with_four_nodes_and_ends(played: list[dict[str, Any]]) -> None:
    result = CliRunner().invoke(main, ["demo", "--once", "--rows", "9", "--json"])
    assert result.exit_code == 0, result.output
    [call] = played
    assert [len(track.history.rows) for track in call["tracks"]] == [9, 9]
    assert call["tracks"][0].thresholds == tuple(number * PERCENT for number in range(1, 6))
    assert (call["nodes"], call["tokens"], call["serve"], call["as_json"]) == (4, 6, False, True)
    assert (call["folder"], call["replace"]) == (Path("demo"), True)


def test_demo__plain__keeps_the_gallery_up_over_whole_histories(played: list[dict[str, Any]]) -> None:
    assert CliRunner().invoke(main, ["demo"]).exit_code == 0
    assert played[0]["serve"] is True
    assert all(len(track.history.rows) > 20 for track in played[0]["tracks"])


def test_demo__fewer_rows_than_a_window__is_a_usage_error(played: list[dict[str, Any]]) -> None:
    assert CliRunner().invoke(main, ["demo", "--rows", "2"]).exit_code == 2
    assert played == []


def test_demo__folder_that_is_taken__is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "thesis.txt").write_text("mine")
    result = CliRunner().invoke(main, ["demo", "--once", "--rows", "3", "--folder", str(tmp_path)])
    assert result.exit_code == 1
    assert "is taken" in result.stderr
    assert (tmp_path / "thesis.txt").exists()
