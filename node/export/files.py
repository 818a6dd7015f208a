"""Writes a CAR, or a folder of plain files: whole under its name, or not at all."""

from __future__ import annotations

import asyncio
import hashlib
import os
import secrets
import shutil
from collections.abc import AsyncGenerator, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Final

from node.content.car import header, section_head
from node.content.cid import RAW, Cid
from node.content.dag import MAX_DEPTH
from node.content.unixfs import decode
from node.content.walk import MAX_BLOCKS, Walk
from node.errors import ContentError
from node.export.gather import Sources, in_order


@dataclass(frozen=True, slots=True)
class Written:
    """What was written: blocks (or files), bytes, and the sha2-256 of a CAR's bytes in hex ("" for a folder)."""

    count: int
    size: int
    sha256: str = ""


AMPLIFIED: Final = 16
"""So many times the bytes of its blocks a folder may take: pictures of tokens may be equal, but not all there is."""
ALLOWANCE: Final = 4 << 30
"""Bytes that are written whatever they are made of; the metadata of a million tokens takes 1 GB."""


async def car_stream(sources: Sources, roots: Sequence[Cid], walk: Walk) -> AsyncGenerator[bytes, None]:
    """A CAR's bytes from blocks of any sources; the same as `car_pieces` makes of a store's."""
    yield header(roots)
    async for cid, block in in_order(sources, walk):
        yield section_head(cid, block)
        yield block


async def write_car(path: Path | None, out: BinaryIO, sources: Sources, roots: Sequence[Cid], walk: Walk) -> Written:
    """Write a CAR to `path`, or without one to `out` as it comes.

    Raises ContentError where blocks are missing or the file cannot be written; `path` is then as it was.
    """
    digest, size, pieces = hashlib.sha256(), 0, 0
    with draft_of(path) if path is not None else _as_it_is(out) as file:
        async for piece in car_stream(sources, roots, walk):
            digest.update(piece)
            size, pieces = size + len(piece), pieces + 1
            await asyncio.to_thread(file.write, piece)
    return Written(pieces // 2, size, digest.hexdigest())


async def write_folder(path: Path, sources: Sources, roots: Sequence[tuple[str, Cid]]) -> Written:
    """Write what is under each root to `path`, below the name given for it ("": in `path` itself).

    Raises ContentError where blocks are missing, where `path` is there and not empty, or the disk refuses.
    """
    with _draft_folder(path) as draft:
        tree = _Tree(sources)
        for name, root in roots:
            await tree.write(draft / name if name else draft, root)
    return Written(tree.files, tree.size)


class _Tree:
    """Writes what is under roots as files, and stops where a few blocks would fill the disk by standing everywhere."""

    def __init__(self, sources: Sources) -> None:
        self.files = 0
        self.size = 0
        self._sources = sources
        self._entries = 0
        self._known: set[bytes] = set()
        self._distinct = 0

    async def write(self, where: Path, cid: Cid, depth: int = 0) -> None:
        """`where` names what is under `cid`, directory or file. Names come from decoded directories: one segment."""
        block = await self._block(cid)
        node = None if cid.codec == RAW else decode(block)
        self._entries += 1
        if depth > MAX_DEPTH or self._entries > MAX_BLOCKS:
            raise ContentError(f"{cid}: more than {MAX_DEPTH} folders deep, or more than {MAX_BLOCKS} entries")
        if node is not None and node.kind == "directory":
            _folder(where)
            for link in node.links:
                await self.write(where / link.name, link.cid, depth + 1)
            return
        with where.open("xb") as file:
            self.files += 1
            if node is None:
                self._add(file, block)
            for link in node.links if node is not None else ():
                if link.cid.codec != RAW:
                    raise ContentError(f"{cid} is a file of more than one level")
                self._add(file, await self._block(link.cid))

    async def _block(self, cid: Cid) -> bytes:
        block = await self._sources.block(cid)
        if cid.digest not in self._known:
            self._known.add(cid.digest)
            self._distinct += len(block)
        return block

    def _add(self, file: BinaryIO, block: bytes) -> None:
        self.size += file.write(block)
        if self.size > ALLOWANCE + AMPLIFIED * self._distinct:
            raise ContentError(f"the same {self._distinct} bytes stand there over and over: export a CAR of it instead")


def _folder(where: Path) -> None:
    where.mkdir(exist_ok=True)


@contextmanager
def _draft_folder(path: Path) -> Iterator[Path]:
    """A folder beside `path` that takes its place once the block has ended well; else it is gone."""
    try:
        if path.exists() and (not path.is_dir() or any(path.iterdir())):
            raise ContentError(f"{path}: is there already and not an empty folder; name another")
        draft = path.parent / f".{path.name}.{secrets.token_hex(4)}"
        draft.mkdir(parents=True)
        try:
            yield draft
            if path.exists():
                path.rmdir()
            draft.rename(path)
        except BaseException:
            shutil.rmtree(draft, ignore_errors=True)
            raise
    except OSError as error:
        raise ContentError(f"{path}: cannot be written ({error.strerror})") from None


@contextmanager
def draft_of(path: Path) -> Iterator[BinaryIO]:
    """A file beside `path` that takes its place once the block has ended well, durably; else it is gone."""
    draft = path.parent / f".{path.name}.{secrets.token_hex(4)}"
    try:
        try:
            with draft.open("xb") as file:
                yield file
                file.flush()
                os.fsync(file.fileno())
            draft.replace(path)
        except BaseException:
            draft.unlink(missing_ok=True)
            raise
    except OSError as error:
        raise ContentError(f"{path}: cannot be written ({error.strerror})") from None


@contextmanager
def _as_it_is(out: BinaryIO) -> Iterator[BinaryIO]:
    yield out
    out.flush()
