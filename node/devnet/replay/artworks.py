"""Copies the pictures and metadata of every landed painting out of a node's blocks into plain folders."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from node.content.cid import Cid, parse
from node.content.dag import listing, read
from node.content.store import BlockStore

if TYPE_CHECKING:
    from collections.abc import Sequence

    from node.devnet.replay.outcome import LandedRow


def export(blocks: Path, rows: Sequence[LandedRow], target: Path) -> int:
    """Write each painting's files to `<target>/<feed>/<row>-<label>/` and return how many files were written.

    Raises:
        ContentError: a landed painting is not, or not whole, among the blocks.
    """
    store, written = BlockStore(blocks), 0
    for row in rows:
        if row.token_uri_after == row.token_uri_before:
            continue
        root = parse(row.token_uri_after.removeprefix("ipfs://").split("/")[0])
        folder = target / f"{row.feed}-{slug(row.title)}" / f"{row.row + 1:04d}-{slug(row.label)}-band-{row.band}"
        written += _copy(store, root, folder)
    return written


def slug(text: str) -> str:
    """Return text as a name that every file system takes."""
    return "".join(letter if letter.isalnum() or letter in "-_." else "-" for letter in text).strip("-.") or "feed"


def _copy(store: BlockStore, root: Cid, folder: Path) -> int:
    folder.mkdir(parents=True, exist_ok=True)
    written = 0
    for link in listing(store, root) or ():
        if listing(store, link.cid) is not None:
            written += _copy(store, link.cid, folder / slug(link.name))
        else:
            (folder / slug(link.name)).write_bytes(read(store, link.cid))
            written += 1
    return written
