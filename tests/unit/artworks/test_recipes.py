"""Recipes by digest: from the folder first, from peers by content, and never what only looks like one."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

import pytest

from node.artworks.recipes import Recipes
from node.errors import ContentError, RenderError
from node.render.recipe import Recipe

RECIPE = Recipe("Tide", b"\x07" * 32, 4, ("storm", "clear"), (10**16, 10**16, 10**17))


@dataclass
class PaperPeers:
    blocks: dict[bytes, bytes] = field(default_factory=dict)
    asked: int = 0

    async def block(self, digest: bytes) -> bytes:
        self.asked += 1
        if digest not in self.blocks:
            raise ContentError("nobody has it")
        return self.blocks[digest]


def make(folder: Path | None, *documents: bytes) -> tuple[Recipes, PaperPeers]:
    peers = PaperPeers({hashlib.sha256(document).digest(): document for document in documents})
    return Recipes(folder, cast(Any, peers)), peers


async def test_find__in_the_folder__asks_no_peer_and_reads_it_once(tmp_path: Path) -> None:
    (tmp_path / "a.json").write_bytes(RECIPE.canonical)
    recipes, peers = make(tmp_path)
    assert await recipes.find(RECIPE.digest) == RECIPE
    (tmp_path / "a.json").unlink()
    assert await recipes.find(RECIPE.digest) == RECIPE
    assert peers.asked == 0


async def test_find__file_in_any_spelling__is_known_by_its_canonical_digest(tmp_path: Path) -> None:
    (tmp_path / "pretty.json").write_text(json.dumps(json.loads(RECIPE.canonical), indent=4))
    recipes, _ = make(tmp_path)
    assert await recipes.find(RECIPE.digest) == RECIPE


async def test_find__added_after_the_start__is_found(tmp_path: Path) -> None:
    recipes, _ = make(tmp_path)
    with pytest.raises(ContentError):
        await recipes.find(RECIPE.digest)
    (tmp_path / "late.json").write_bytes(RECIPE.canonical)
    assert await recipes.find(RECIPE.digest) == RECIPE


@pytest.mark.parametrize("folder", [None, "absent"])
async def test_find__no_folder__comes_from_a_peer_once(tmp_path: Path, folder: str | None) -> None:
    recipes, peers = make(None if folder is None else tmp_path / folder, RECIPE.canonical)
    assert await recipes.find(RECIPE.digest) == RECIPE
    assert await recipes.find(RECIPE.digest) == RECIPE
    assert peers.asked == 1


async def test_find__nobody_has_it__says_so(tmp_path: Path) -> None:
    recipes, _ = make(tmp_path)
    with pytest.raises(ContentError, match="nobody has it"):
        await recipes.find(b"\x01" * 32)


@pytest.mark.parametrize(
    "document",
    [b"", b"\xff\xfe", b"{}", b"[" * 50_000, b'{"format": 1e999}', b" " + RECIPE.canonical],
    ids=["empty", "no text", "no recipe", "deep", "infinite", "not canonical"],
)
async def test_find__any_bytes_from_a_peer__are_refused_without_a_crash(tmp_path: Path, document: bytes) -> None:
    """Incident: a malformed IPFS document crashes the oracle (lido-oracle#757)."""
    recipes, _ = make(tmp_path, document)
    with pytest.raises(RenderError):
        await recipes.find(hashlib.sha256(document).digest())


@pytest.mark.parametrize("name", ["a-before.json", "z-after.json"])
async def test_find__another_file_is_broken__does_not_stand_in_the_way(tmp_path: Path, name: str) -> None:
    """Incident: a malformed document crashes the oracle (lido-oracle#757): one bad file stops no other edition."""
    (tmp_path / name).write_bytes(b"{ half a rec")
    (tmp_path / f"folder-{name}").mkdir()
    (tmp_path / "m.json").write_bytes(RECIPE.canonical)
    recipes, _ = make(tmp_path)
    assert await recipes.find(RECIPE.digest) == RECIPE
