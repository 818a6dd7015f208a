"""Blocks from sources that nobody trusts: what does not hash to its name is refused, and the next source asked."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Final, Protocol

from node.content.car import CarReader
from node.content.cid import DAG_PB, RAW, Cid, raw_cid, sha256
from node.content.store import BlockStore, MissingBlockError
from node.content.unixfs import MAX_BLOCK, Node, decode
from node.errors import ContentError
from node.keys.secrets import SecretUrl, mask_url

if TYPE_CHECKING:
    import aiohttp

MAX_FILE: Final = 64 << 20
"""Bytes of a file that are fetched."""
MAX_BLOCKS: Final = 512
"""Blocks that are fetched in one verification; a token needs about five."""
SECONDS: Final = 30.0
"""How long one source may take over one block."""


class Source(Protocol):
    """Where blocks may be had. `name` may be shown to anyone."""

    @property
    def name(self) -> str:
        """What it is called."""

    async def offer(self, digest: bytes) -> tuple[bytes | None, str]:
        """What it says the block is (at most MAX_BLOCK bytes), or None and why not."""


class Folder:
    """Blocks in a folder of this machine: a node's own folder, or its blocks."""

    def __init__(self, path: Path) -> None:
        """Raises ContentError if there is no such folder."""
        inside = [path / "state" / "blocks", path / "blocks", path]
        self._recipes = path / "recipes"
        where = next((folder for folder in inside if folder.is_dir()), None)
        if where is None:
            raise ContentError(f"{path} is no folder")
        self.name = str(path)
        self._store = BlockStore(where, MAX_BLOCK)

    async def offer(self, digest: bytes) -> tuple[bytes | None, str]:
        """The block, or None and why not."""
        return await asyncio.to_thread(self._find, digest)

    def _find(self, digest: bytes) -> tuple[bytes | None, str]:
        try:
            return self._store.get(digest), ""
        except MissingBlockError as error:
            fault = "has other bytes under its name" if "damaged" in str(error) else "does not have it"
        # A node keeps the recipes that it was given as files.
        for file in sorted(self._recipes.glob("*.json"))[:MAX_BLOCKS]:
            with suppress(OSError), file.open("rb") as opened:
                if sha256(recipe := opened.read(MAX_BLOCK)) == digest:
                    return recipe, ""
        return None, fault


class CarFile:
    """Blocks in a CAR on this machine, read once from end to end and checked, and found again by where they stand."""

    def __init__(self, path: Path) -> None:
        """Raises ContentError if it is no CAR, or damaged."""
        self.name = str(path)
        self._path = path
        self._places: dict[bytes, tuple[int, int]] = {}
        try:
            with path.open("rb") as file:
                car = CarReader(file)
                for cid, block in car:
                    self._places.setdefault(cid.digest, (car.at - len(block), len(block)))
        except OSError as error:
            raise ContentError(f"{path} cannot be read ({error.strerror})") from None
        except ContentError as error:
            raise ContentError(f"{path} is not a whole CAR: {error}") from None

    async def offer(self, digest: bytes) -> tuple[bytes | None, str]:
        """The block, or None and why not."""
        if digest not in self._places:
            return None, "does not have it"
        return await asyncio.to_thread(self._read, *self._places[digest])

    def _read(self, at: int, size: int) -> tuple[bytes | None, str]:
        try:
            with self._path.open("rb") as file:
                file.seek(at)
                return file.read(size), ""
        except OSError as error:
            return None, f"cannot be read ({error.strerror})"


class Gateway:
    """Blocks from a node's pages or any other IPFS gateway."""

    def __init__(self, session: aiohttp.ClientSession, url: SecretUrl) -> None:
        self.name = mask_url(url.reveal())
        self._session = session
        self._base = url.reveal().rstrip("/").removesuffix("/ipfs")

    async def offer(self, digest: bytes) -> tuple[bytes | None, str]:
        """The block, or None and why not."""
        import aiohttp

        # The raw form of a block is the same under every codec, so the raw CID names it.
        url = f"{self._base}/ipfs/{raw_cid(digest)}?format=raw"
        timeout = aiohttp.ClientTimeout(total=SECONDS)
        block = bytearray()
        try:
            async with self._session.get(url, allow_redirects=False, timeout=timeout) as response:
                if response.status == 404:
                    return None, "does not have it"
                if response.status != 200:
                    return None, f"answered HTTP {response.status}"
                async for piece in response.content.iter_any():
                    block += piece
                    if len(block) > MAX_BLOCK:
                        return None, f"offered more than {MAX_BLOCK} bytes"
        except TimeoutError:
            return None, f"gave no answer in {SECONDS:g} s"
        except (aiohttp.ClientError, OSError, ValueError) as error:
            return None, f"cannot be reached ({type(error).__name__})"
        return bytes(block), ""


class Blocks:
    """Blocks by digest, each checked, from several sources in order; those that were fetched are kept in memory."""

    def __init__(self, sources: Sequence[Source]) -> None:
        self._sources = sources
        self._held: dict[bytes, bytes] = {}

    async def block(self, digest: bytes) -> bytes:
        """The block with this 32-byte sha2-256 digest.

        Raises ContentError, with what every source said, where none has it; or for too many of them.
        """
        if digest in self._held:
            return self._held[digest]
        if len(self._held) >= MAX_BLOCKS:
            raise ContentError(f"more than {MAX_BLOCKS} blocks for one token")
        said = []
        for source in self._sources:
            block, why = await source.offer(digest)
            if block is not None and sha256(block) == digest:
                self._held[digest] = block
                return block
            said.append(f"{source.name} {why or 'offered bytes that do not hash to it'}")
        raise ContentError(f"block {raw_cid(digest)}: {'; '.join(said) or 'there is no source to ask'}")

    async def entries(self, cid: Cid) -> dict[str, Cid]:
        """A directory's entries by name; ContentError if `cid` is none."""
        node = await self._node(cid)
        if node.kind != "directory":
            raise ContentError(f"{cid} is a file, not a directory")
        return {link.name: link.cid for link in node.links}

    async def file(self, cid: Cid, largest: int = MAX_FILE) -> bytes:
        """The bytes of a file of at most `largest` bytes, put together from its pieces."""
        if cid.codec == RAW:
            content = await self.block(cid.digest)
            if len(content) > largest:
                raise ContentError(f"{cid} has {len(content)} bytes; at most {largest} are read")
            return content
        node = await self._node(cid)
        if node.kind != "file" or sum(node.sizes) > largest:
            raise ContentError(f"{cid} is not a file of at most {largest} bytes")
        pieces = []
        for link, size in zip(node.links, node.sizes, strict=True):
            piece = await self.block(link.cid.digest)
            if link.cid.codec != RAW or len(piece) != size:
                raise ContentError(f"{cid} has a piece that is not what it claims")
            pieces.append(piece)
        return b"".join(pieces)

    async def _node(self, cid: Cid) -> Node:
        if cid.codec != DAG_PB:
            raise ContentError(f"{cid} is plain bytes, not a node with links")
        return decode(await self.block(cid.digest))
