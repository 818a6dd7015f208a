"""`patina export`: what it takes, what it writes, and what it says is missing."""

from __future__ import annotations

import io
import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from node.cli import main
from node.content.car import CarReader
from node.content.cid import directory_cid, raw_cid, sha256
from node.content.edition import EditionSpec, build, build_placeholder
from node.content.store import BlockStore

RECIPE = b'{"a":"recipe"}'


def patina(*arguments: str) -> Result:
    return CliRunner().invoke(main, ["export", *arguments])


@pytest.fixture
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> BlockStore:
    monkeypatch.setattr("os.fsync", lambda _: None)
    return BlockStore(tmp_path / "blocks")


def painted(store: BlockStore, tokens: int = 3) -> str:
    spec = EditionSpec(
        31337, "0x5FbDB2315678afecb367f032d93F642f64180aa3", "Tide", "", 1, 1, 300, b"\2" * 32, 0, 2, "Still",
        (("volatility", 1),), store.put(RECIPE), b"\4" * 32, tuple(bytes([n]) * 32 for n in range(1, tokens + 1)),
    )  # fmt: skip
    return directory_cid(build(store, spec, [b"\x89PNG\r\n\x1a\n" + bytes([n]) for n in range(tokens)]))


def blocks(path: Path) -> tuple[list[str], list[str]]:
    with path.open("rb") as file:
        car = CarReader(file)
        return [str(root) for root in car.roots], [str(cid) for cid, _ in car]


def test_export__content_root__a_car_with_its_recipe_and_roots_told(store: BlockStore, tmp_path: Path) -> None:
    root = painted(store)
    done = patina(root, "--content", str(store.path), "--car", str(tmp_path / "e.car"))
    assert done.exit_code == 0, done.output
    roots, found = blocks(tmp_path / "e.car")
    assert roots == [root, raw_cid(sha256(RECIPE))]
    assert (found[0], len(found)) == (root, 1 + 2 * 3 + 1)
    assert [line.split()[0] for line in done.output.splitlines()[:2]] == roots
    assert "e.car: 8 blocks" in done.output
    first = (tmp_path / "e.car").read_bytes()
    for name in (f"ipfs://{root}/1000001.json", f"/ipfs/{root}"):
        assert patina(name, "--content", str(tmp_path / "e.car"), "--car", str(tmp_path / "again.car")).exit_code == 0
        assert (tmp_path / "again.car").read_bytes() == first


def test_export__to_the_output__bytes_alone_there(store: BlockStore, tmp_path: Path) -> None:
    root = painted(store)
    done = patina(root, "--content", str(store.path), "--car", "-")
    assert done.exit_code == 0
    assert str(CarReader(io.BytesIO(done.stdout_bytes)).roots[0]) == root
    assert root in done.stderr


def test_export__token__its_own_blocks_and_the_way_to_them(store: BlockStore, tmp_path: Path) -> None:
    root = painted(store)
    done = patina(root, "--content", str(store.path), "--token", "1000002", "--car", str(tmp_path / "t"), "--json")
    assert json.loads(done.output)["car"]["count"] == len(blocks(tmp_path / "t")[1]) == 4
    for token in ("1000004", "2000001", "1"):
        failed = patina(root, "--content", str(store.path), "--token", token, "--car", str(tmp_path / "x"))
        assert failed.exit_code == 1
        assert f"token {token} is not under" in failed.output
    assert not (tmp_path / "x").exists()


def test_export__token_of_an_edition_above_a_thousand__found_in_its_folder(store: BlockStore, tmp_path: Path) -> None:
    root = directory_cid(build_placeholder(store, "Tide", "", 1, 1_001))
    done = patina(root, "--content", str(store.path), "--token", "1001001", "--folder", str(tmp_path / "out"))
    assert done.exit_code == 0, done.output
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["1001001.json", "placeholder.svg"]


def test_export__folder__plain_files_and_nothing_of_what_failed(store: BlockStore, tmp_path: Path) -> None:
    root = painted(store)
    out = tmp_path / "out"
    assert patina(root, "--content", str(store.path), "--folder", str(out)).exit_code == 0
    assert (out / "1000002.png").read_bytes() == b"\x89PNG\r\n\x1a\n\1"
    assert (out / "recipe.json").read_bytes() == RECIPE
    assert len(list(out.iterdir())) == 7
    assert "not an empty folder" in patina(root, "--content", str(store.path), "--folder", str(out)).output
    _remove(store, b"\x89PNG\r\n\x1a\n\2")
    failed = patina(root, "--content", str(store.path), "--folder", str(tmp_path / "other"))
    assert (failed.exit_code, (tmp_path / "other").exists()) == (1, False)
    assert [path.name for path in tmp_path.iterdir() if path.name.startswith(".")] == []


def _remove(store: BlockStore, block: bytes) -> str:
    [path] = store.path.rglob(raw_cid(sha256(block)))
    path.unlink()
    return path.name


def test_export__blocks_missing_or_forged__named_and_no_file_left(store: BlockStore, tmp_path: Path) -> None:
    root = painted(store)
    gone = _remove(store, b"\x89PNG\r\n\x1a\n\2")
    [forged] = store.path.rglob(raw_cid(sha256(b"\x89PNG\r\n\x1a\n\1")))
    forged.write_bytes(b"forged")
    (tmp_path / "e.car").write_bytes(b"an older export")
    failed = patina(root, "--content", str(store.path), "--car", str(tmp_path / "e.car"))
    assert failed.exit_code == 1
    assert "2 blocks are missing" in failed.output
    assert gone in failed.output
    assert forged.name in failed.output
    assert (tmp_path / "e.car").read_bytes() == b"an older export"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["blocks", "e.car"]


def test_export__recipe_missing__said_so_and_left_out_where_wanted(store: BlockStore, tmp_path: Path) -> None:
    root = painted(store)
    _remove(store, RECIPE)
    failed = patina(root, "--content", str(store.path), "--car", str(tmp_path / "e.car"))
    assert failed.exit_code == 1
    assert "the recipe is missing" in failed.output
    assert "--without-recipe" in failed.output
    done = patina(root, "--content", str(store.path), "--car", str(tmp_path / "e.car"), "--without-recipe")
    assert (done.exit_code, blocks(tmp_path / "e.car")[0]) == (0, [root])


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ([], "EDITION"),
        (["x"], "--car"),
        (["x", "--car", "y"], "--content"),
        (["x", "--car", "y", "--content", "nowhere"], "--content: "),
        (["x", "--car", "y", "--content", "."], "is no edition"),
        ([raw_cid(bytes(32)), "--car", "y", "--content", "."], "is a file, not an edition"),
        (["0x12/1", "--car", "y", "--content", "."], "is no edition"),
        (["0x" + "1" * 40 + "/1", "--car", "y", "--content", "."], "--rpc"),
        ([directory_cid(bytes(32)), "--car", "y", "--content", ".", "--all-roots"], "has no history"),
        ([directory_cid(bytes(32)), "--car", "y", "--content", ".", "--all-roots", "--token", "1"], "exclude"),
        ([directory_cid(bytes(32)), "--car", "y", "--content", "."], "does not have it"),
        ([directory_cid(bytes(32)), "--car", "y", "--content", "page"], "not a whole CAR"),
    ],
)
def test_export__unusable_arguments__says_what_to_do(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, arguments: list[str], said: str
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "page").write_text("<html>")
    done = patina(*arguments)
    assert done.exit_code in (1, 2)
    assert said in done.output
    assert not (tmp_path / "y").exists()
