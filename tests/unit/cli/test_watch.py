"""Playing a replay at a terminal: folders, progress, the closing table or JSON, and the exit status."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from node.cli import watch
from node.cli.watch import MARK, Watcher, play, prepare
from node.devnet.replay.outcome import Outcome
from node.devnet.replay.runner import Progress
from node.errors import ReplayError
from tests.unit.devnet.replay.rows import PERCENT, make_row

CROSSING = make_row(4, previous_band=0, band=1, answer=PERCENT)


@pytest.mark.parametrize("exists", [False, True])
def test_prepare__new_or_empty_folder__is_marked_as_a_replays(tmp_path: Path, exists: bool) -> None:
    folder = tmp_path / "deep" / "work"
    if exists:
        folder.mkdir(parents=True)
    assert prepare(folder, replace=False) == folder
    assert [path.name for path in folder.iterdir()] == [MARK]


@pytest.mark.parametrize("replace", [False, True])
def test_prepare__folder_with_something_else__is_never_touched(tmp_path: Path, replace: bool) -> None:
    (tmp_path / "thesis.txt").write_text("mine")
    with pytest.raises(ReplayError, match="is taken"):
        prepare(tmp_path, replace=replace)
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.txt"]


@pytest.mark.parametrize("replace", [False, True])
def test_prepare__a_file_of_that_name__is_never_touched(tmp_path: Path, replace: bool) -> None:
    (tmp_path / "demo").write_text("mine")
    with pytest.raises(ReplayError, match="is taken"):
        prepare(tmp_path / "demo", replace=replace)
    assert (tmp_path / "demo").read_text() == "mine"


def test_prepare__folder_of_an_earlier_replay__is_replaced_only_where_that_is_wanted(tmp_path: Path) -> None:
    prepare(tmp_path / "demo", replace=True)
    (tmp_path / "demo" / "old").mkdir()
    with pytest.raises(ReplayError, match="is taken"):
        prepare(tmp_path / "demo", replace=False)
    assert (tmp_path / "demo" / "old").exists()
    prepare(tmp_path / "demo", replace=True)
    assert not (tmp_path / "demo" / "old").exists()


def test_prepare__folder_that_cannot_be_made__says_why(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(ReplayError, match="file/work"):
        prepare(tmp_path / "file" / "work", replace=False)


def test_prepare__link_to_an_earlier_replay__is_not_followed_into_deleting(tmp_path: Path) -> None:
    prepare(tmp_path / "real", replace=False)
    (tmp_path / "real" / "old").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "real")
    with pytest.raises(ReplayError, match="is taken"):
        prepare(tmp_path / "link", replace=True)
    assert (tmp_path / "real" / "old").exists()


def test_progress__goes_to_standard_error__a_line_for_each_landing_and_each_tenth(
    capsys: pytest.CaptureFixture[str],
) -> None:
    watcher = Watcher(as_json=True)
    watcher(Progress("starting"))
    for row in range(1, 41):
        watcher(Progress("replaying", row, 40))
    watcher(Progress("landed", 5, 40, CROSSING))
    watcher(Progress("landed", 1, 40, make_row(0, band=1, previous_band=1)))
    watcher.close()
    out, err = capsys.readouterr()
    lines = [" ".join(line.split()) for line in err.splitlines() if line.strip()]
    assert out == ""
    assert lines[0] == "starting"
    assert lines[1:11] == [f"{row} of 40 checkpoints" for row in range(4, 41, 4)]
    assert lines[11:] == [
        "day 6 Tide: band 1 -> 2 at 1.00 %, block 52",
        "day 2 Tide: first painting in band 2 at 0.00 %, block 12",
    ]


@pytest.mark.parametrize("text", ["[/x]", "[red]", "[/]"])
def test_progress__text_of_a_users_file__is_shown_as_it_is(text: str, capsys: pytest.CaptureFixture[str]) -> None:
    watcher = Watcher(as_json=False)
    row = make_row(1, title=f"a{text}", label=f"b{text}")
    watcher(Progress("landed", 1, 2, row))
    watcher(Progress(f"c{text}"))
    watcher.result(Outcome((row,), (f"d{text}",), 2, 1.0), Path(f"/e{text}"), "")
    out, err = capsys.readouterr()
    assert out.count(text) == 2
    assert err.count(text) == 5


def test_result__json__is_all_there_is_on_standard_output(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    Watcher(as_json=True).result(Outcome((CROSSING,), ("a fault",), 9, 3.21), tmp_path, "")
    out, err = capsys.readouterr()
    document = json.loads(out)
    assert set(document) == {"reports", "faults", "checkpoints", "seconds", "folder"}
    assert document["folder"] == str(tmp_path)
    assert document["reports"][0]["answer"] == str(PERCENT)
    assert "NOT as the histories demand" in err
    assert "not as it must be: a fault" in err


def test_result__table__is_on_standard_output_with_every_column(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    Watcher(as_json=False).result(Outcome((CROSSING,), (), 9, 3.2), tmp_path, "http://127.0.0.1:1")
    out, err = capsys.readouterr()
    for heading in ("feed", "when", "block", "answer", "band", "signers", "gas", "tokenURI before", "tokenURI after"):
        assert heading in out
    assert "everything landed as the histories demand" in err
    assert "http://127.0.0.1:1" in err
    assert "artworks" in err


@pytest.mark.parametrize(
    ("outcome", "status"),
    [(Outcome((), (), 1, 1.0), None), (Outcome((), ("a fault",), 1, 1.0), 1), (None, 130)],
    ids=["faithful", "faulty", "stopped"],
)
def test_play__exit_status__says_whether_all_is_as_it_must_be(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, outcome: Outcome | None, status: int | None
) -> None:
    async def finished(*_: Any, **__: Any) -> Outcome | None:
        return outcome

    monkeypatch.setattr(watch, "_until_stopped", finished)
    settings: dict[str, Any] = {"nodes": 4, "tokens": 6, "serve": False, "as_json": True}
    if status is None:
        play([], tmp_path / "work", **settings)
    else:
        with pytest.raises(SystemExit) as caught:
            play([], tmp_path / "work", **settings)
        assert caught.value.code == status
    assert (tmp_path / "work" / MARK).is_file()


def test_play__no_folder_named__makes_one_here(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    async def finished(*_: Any, **__: Any) -> Outcome:
        return Outcome((), (), 1, 1.0)

    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(watch, "_until_stopped", finished)
    play([], None, nodes=4, tokens=6, serve=False, as_json=True)
    [made] = tmp_path.iterdir()
    assert made.name.startswith("patina-replay-")
