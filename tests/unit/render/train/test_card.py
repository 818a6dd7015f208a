"""The model card: what it tells, and that nothing but its facts and the files beside it decide it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from node.errors import RenderError
from node.render.train import card
from node.render.train.floors import rows


def front_matter(text: str) -> dict[str, str]:
    head, _, _ = text.removeprefix("---\n").partition("\n---\n")
    return dict(line.split(": ", 1) for line in head.splitlines() if ": " in line)


def test_text__all_facts__every_one_is_told(facts: dict[str, Any]) -> None:
    text = card.text({**facts, "digest": "ab" * 32})
    assert front_matter(text) == {
        "license": "apache-2.0",
        "library_name": "diffusers",
        "pipeline_tag": "unconditional-image-generation",
        "inference": "false",
    }
    for told in (
        "3,200 generated pictures of 512 x 512 px",
        "4.81 million parameters",
        "| 2,200 | 0.0412 | 30.2 dB | 90 min |",
        "| 10,000 | 0.1987 |  | 2.5 h |",
        f"Model digest: `{'ab' * 32}`",
        "| 36.1 dB | 35.0 dB |",
        "60 tokens",
        "| flourishing | 0 | 0 | 0 | 0 | 0 | 0 | 0 | 60 |",
    ):
        assert told in text
    for file in facts["files"].values():
        assert file["sha256"] in text
    for row in rows(facts["figures"]):
        assert f"| {row.name} | {row.shown(row.value)} |" in text


def test_text__every_table__as_many_cells_in_every_line(facts: dict[str, Any]) -> None:
    tables = [block for block in card.text(facts).split("\n\n") if block.startswith("|")]
    assert len(tables) == 4
    for table in tables:
        assert len({line.count("|") for line in table.strip().splitlines()}) == 1


def test_text__no_figures__says_how_to_measure(facts: dict[str, Any]) -> None:
    del facts["figures"]
    assert "not measured yet: `patina model evaluate --write`" in card.text(facts)


def test_text__figures_of_other_weights__not_shown(facts: dict[str, Any]) -> None:
    facts["files"]["normal.bin"]["sha256"] = "0" * 64
    text = card.text(facts)
    assert "not measured yet" in text
    assert "36.1 dB" not in text


def test_write__facts__read_back_and_the_card_beside_them(folder: Path, facts: dict[str, Any]) -> None:
    card.write(folder, facts)
    assert card.facts(folder) == facts
    assert (folder / "README.md").read_text() == card.text(facts)
    assert not list(folder.rglob("*.tmp"))


def test_write__facts_that_lack_something__refused_and_nothing_written(folder: Path, facts: dict[str, Any]) -> None:
    del facts["parameters"]
    with pytest.raises(RenderError, match="parameters"):
        card.write(folder, facts)
    assert not (folder / "README.md").exists()
    assert not (folder / "card.json").exists()


@pytest.mark.parametrize("content", [None, "{", "\xff"])
def test_facts__missing_or_broken__says_what_writes_them(folder: Path, content: str | None) -> None:
    if content is not None:
        (folder / "card.json").write_text(content, encoding="latin-1")
    with pytest.raises(RenderError, match=r"card\.json: cannot be read .*patina model export"):
        card.facts(folder)


def test_files__a_model__its_files_without_the_card(folder: Path, facts: dict[str, Any]) -> None:
    before = card.files(folder)
    card.write(folder, facts)
    assert card.files(folder) == before
    assert list(before) == ["normal.bin", "unet/config.json"]
    assert before["normal.bin"]["bytes"] == 256


def test_files__an_empty_folder__says_what_makes_a_model(tmp_path: Path) -> None:
    with pytest.raises(RenderError, match="patina model quantise"):
        card.files(tmp_path)


def test_fingerprint__any_byte_of_any_file__another(folder: Path) -> None:
    before = card.fingerprint(card.files(folder))
    (folder / "normal.bin").write_bytes(bytes(256))
    assert card.fingerprint(card.files(folder)) != before


def test_current__as_written__yes(folder: Path, facts: dict[str, Any]) -> None:
    card.write(folder, {**facts, "digest": "ab"})
    assert card.current(folder, "ab")


def test_current__edited_by_hand_or_of_other_files_or_another_digest__no(folder: Path, facts: dict[str, Any]) -> None:
    card.write(folder, {**facts, "digest": "ab"})
    assert not card.current(folder, "cd")
    written = (folder / "README.md").read_text()
    (folder / "README.md").write_text(written.replace("36.1 dB", "46.1 dB"))
    assert not card.current(folder, "ab")
    (folder / "README.md").write_text(written)
    (folder / "normal.bin").write_bytes(b"other")
    assert not card.current(folder, "ab")


def test_current__facts_that_were_changed__no(folder: Path, facts: dict[str, Any]) -> None:
    card.write(folder, facts)
    changed = card.facts(folder)
    changed["figures"]["fidelity"]["worst"] = 99.0
    (folder / "card.json").write_text(json.dumps(changed))
    assert not card.current(folder, None)
