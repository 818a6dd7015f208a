"""Putting a model in its place: all or nothing, whatever is cut off and wherever."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest

from node.errors import RenderError
from node.render.train import card, release


def names(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()}


@pytest.fixture
def model(tmp_path: Path) -> Path:
    """A place where an older model lies."""
    place = tmp_path / "place" / "model"
    place.mkdir(parents=True)
    (place / "old.bin").write_bytes(b"old")
    return place


def test_put__an_older_model_there__replaced_whole(folder: Path, model: Path, facts: dict[str, Any]) -> None:
    release.put(folder, model, facts)
    assert names(model) == {"unet", "normal.bin", "card.json", "README.md"}
    assert card.files(model) == card.files(folder)
    assert names(model.parent) == {"model"}


def test_put__nothing_there__made(folder: Path, tmp_path: Path, facts: dict[str, Any]) -> None:
    release.put(folder, tmp_path / "model", facts)
    assert card.current(tmp_path / "model", None)


def test_put__private_files__readable_by_everyone(folder: Path, model: Path, facts: dict[str, Any]) -> None:
    (folder / "normal.bin").chmod(0o600)
    release.put(folder, model, facts)
    assert (model / "normal.bin").stat().st_mode & 0o777 == 0o644
    assert (model / "unet").stat().st_mode & 0o777 == 0o755


@pytest.mark.parametrize("call", ["copytree", "write", "rename to old", "rename to model"])
def test_put__cut_off_anywhere__the_old_model_is_still_whole(
    folder: Path, model: Path, facts: dict[str, Any], monkeypatch: pytest.MonkeyPatch, call: str
) -> None:
    rename = Path.rename

    def broken(*_: object) -> None:
        raise OSError("no space left")

    def renamed(path: Path, target: Path) -> Path:
        if (path if call == "rename to old" else target) == model and not path.name.endswith(".old"):
            raise OSError("no space left")
        return rename(path, target)

    if call == "copytree":
        monkeypatch.setattr(shutil, "copytree", broken)
    elif call == "write":
        monkeypatch.setattr(card, "write", broken)
    else:
        monkeypatch.setattr(Path, "rename", renamed)
    with pytest.raises(RenderError, match="no space left"):
        release.put(folder, model, facts)
    assert names(model) == {"old.bin"}
    assert names(model.parent) == {"model"}
    monkeypatch.undo()
    release.put(folder, model, facts)
    assert card.current(model, None)


def test_put__killed_between_the_two_renames__the_next_call_begins_with_the_old_model(
    folder: Path, model: Path, facts: dict[str, Any]
) -> None:
    model.rename(model.with_name(".model.old"))
    with pytest.raises(RenderError):
        release.put(folder / "missing", model, facts)
    assert names(model) == {"old.bin"}
    assert names(model.parent) == {"model"}


def test_put__killed_after_the_renames__the_next_call_takes_the_old_model_away(
    folder: Path, model: Path, facts: dict[str, Any]
) -> None:
    shutil.copytree(model, model.with_name(".model.old"))
    release.put(folder, model, facts)
    assert names(model.parent) == {"model"}


def test_describe__files_that_were_changed__refused(folder: Path, model: Path, facts: dict[str, Any]) -> None:
    release.put(folder, model, facts)
    (model / "normal.bin").write_bytes(b"other")
    with pytest.raises(RenderError, match=r"not those of card\.json"):
        release.describe(model)


def test_describe__new_figures__in_the_card_and_the_rest_as_it_was(
    folder: Path, model: Path, facts: dict[str, Any], figures: dict[str, Any]
) -> None:
    release.put(folder, model, {key: value for key, value in facts.items() if key != "figures"})
    assert release.describe(model, figures) is None
    assert card.facts(model) == facts
    release.describe(model)
    assert card.facts(model) == facts
