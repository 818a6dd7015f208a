"""Copying paintings out of blocks: every file of every repaint, under names that any file system takes."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from node.content import edition
from node.content.cid import directory_cid
from node.content.edition import EditionSpec, build
from node.content.store import BlockStore
from node.devnet.replay.artworks import export, slug
from node.devnet.replay.outcome import LandedRow
from node.errors import ContentError
from tests.unit.devnet.replay.rows import make_row

PNG = b"\x89PNG\r\n\x1a\n"


def paint(store: BlockStore, band: int, tokens: int = 2) -> str:
    seeds = tuple(bytes([number % 251]) * 32 for number in range(tokens))
    spec = EditionSpec(
        31337, "0x" + "22" * 20, "Tide", "", 1, 1, 30, b"b" * 32, band, 3, "storm", (("flow", 1),),
        b"r" * 32, b"m" * 32, seeds,
    )  # fmt: skip
    return directory_cid(build(store, spec, [PNG + bytes([band])] * tokens))


def row(number: int, before: str, after: str, **changes: object) -> LandedRow:
    uris = {"token_uri_before": f"ipfs://{before}/1000001.json", "token_uri_after": f"ipfs://{after}/1000001.json"}
    return make_row(number, **uris, **changes)


def test_export__each_repaint__becomes_a_folder_with_all_its_files(tmp_path: Path) -> None:
    store = BlockStore(tmp_path / "blocks")
    first, second = paint(store, 0), paint(store, 1)
    rows = [
        row(0, "placeholder", first),
        row(4, first, first, band=0),  # a report that painted nothing
        row(7, first, second, band=1, label="2025-10-10 12:00"),
    ]
    assert export(tmp_path / "blocks", rows, tmp_path / "out") == 8
    found = sorted(str(path.relative_to(tmp_path / "out")) for path in (tmp_path / "out").rglob("*") if path.is_file())
    names = ["1000001.json", "1000001.png", "1000002.json", "1000002.png"]
    assert found == [
        f"1-Tide/{folder}/{name}" for folder in ("0001-day-2-band-0", "0008-2025-10-10-12-00-band-1") for name in names
    ]
    assert (tmp_path / "out" / "1-Tide" / "0008-2025-10-10-12-00-band-1" / "1000002.png").read_bytes() == PNG + b"\x01"


def test_export__edition_in_nested_folders__keeps_them(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(edition, "SHARD", 2)  # as above 1,000 tokens, without that many files
    root = paint(BlockStore(tmp_path / "blocks"), 0, 3)
    assert export(tmp_path / "blocks", [row(0, "x", root)], tmp_path / "out") == 6
    assert (tmp_path / "out" / "1-Tide" / "0001-day-2-band-0" / "1" / "1000003.png").is_file()


def test_export__painting_that_is_not_whole__is_a_content_error(tmp_path: Path) -> None:
    root = paint(BlockStore(tmp_path / "blocks"), 0)
    next(path for path in (tmp_path / "blocks").rglob("*") if path.is_file()).unlink()
    with pytest.raises(ContentError):
        export(tmp_path / "blocks", [row(0, "x", root)], tmp_path / "out")


def test_export__nothing_landed__writes_nothing(tmp_path: Path) -> None:
    assert export(tmp_path / "blocks", [], tmp_path / "out") == 0


@given(st.text(max_size=30))
def test_slug__any_text__is_one_plain_name(text: str) -> None:
    name = slug(text)
    assert name
    assert name.strip("-.") == name
    assert not set(name) & set('/\\:*?"<>| \0\n')
    assert slug(name) == name


@pytest.mark.parametrize("text", ["", "..", "/", "-.-"])
def test_slug__nothing_left__has_a_name_all_the_same(text: str) -> None:
    assert slug(text) == "feed"
