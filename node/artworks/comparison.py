"""Holds the artworks that a leader painted against one's own, where recipes agree by tolerance.

A leader's directory counts as one's own painting when every picture in it is within the recipe's stated distance of
one's own, and everything else in it, to the byte, is what one would write about those pictures oneself.

A difference is evidence of nothing: floats differ between machines, and the odd one may be this one.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

import structlog

from node.content.cid import DAG_PB, RAW, Cid, directory_cid
from node.content.dag import read
from node.content.edition import EditionSpec, build, token_path
from node.content.store import BlockStore
from node.content.unixfs import CHUNK, decode, links
from node.errors import ContentError, RenderError

if TYPE_CHECKING:
    from node.artworks.peers import Peers
    from node.render.tolerance.recipe import PipelineRecipe

log = structlog.get_logger("comparison")


class UnlikeError(ContentError):
    """A leader's artwork is not what this node painted; the text says where they part."""


class Comparison:
    """Compares leaders' artworks of one edition with this node's own."""

    def __init__(self, peers: Peers, store: BlockStore) -> None:
        self._peers = peers
        self._store = store

    async def hold(
        self,
        recipe: PipelineRecipe,
        spec: EditionSpec,
        own: Sequence[bytes],
        root: bytes,
        on_image: Callable[[], None] | None = None,
    ) -> None:
        """Fetch everything under a leader's root and hold it against `own`, the PNGs painted here for `spec`.

        All of it is in the store afterwards, so that whoever signs the root also serves it. The first picture that
        differs too much ends it, so a false leader costs one. `on_image` is called after each that does not.

        Raises:
            UnlikeError: it is something else than what was painted here.
            ContentError: something under it is to be had nowhere now.
        """
        if not any(root):
            raise UnlikeError("it leaves the artworks as they are")
        folder = await self._links(Cid(DAG_PB, root))
        shards: dict[str, dict[str, Cid]] = {}
        images = []
        for index, mine in enumerate(own, 1):
            *shard, name = token_path(spec.edition, index, len(own), "png").split("/")
            entries = folder
            if shard:
                if shard[0] not in shards:
                    shards[shard[0]] = await self._links(_entry(folder, shard[0]))
                entries = shards[shard[0]]
            image = await self._image(_entry(entries, name), largest(recipe))
            await asyncio.to_thread(_compare, recipe, name, mine, image)
            images.append(image)
            if on_image is not None:
                on_image()
        again = await asyncio.to_thread(build, self._store, spec, images)
        if again != root:
            raise UnlikeError(
                f"its pictures pass, and what it says about them does not: with them this node writes "
                f"{directory_cid(again)}"
            )

    async def _links(self, cid: Cid) -> dict[str, Cid]:
        """The entries of a directory."""
        if cid.codec != DAG_PB:
            raise UnlikeError(f"{cid} is no directory")
        block = await self._peers.block(cid.digest)
        try:
            return {link.name: link.cid for link in links(block)}
        except ContentError as error:
            raise UnlikeError(f"{cid} is no directory: {error}") from None

    async def _image(self, cid: Cid, limit: int) -> bytes:
        """The bytes of a file, of which at most `limit` are fetched."""
        block = await self._peers.block(cid.digest)
        if cid.codec == RAW:
            return block
        try:
            node = decode(block)
        except ContentError as error:
            raise UnlikeError(f"{cid} is no picture: {error}") from None
        if node.kind != "file" or len(node.links) > limit // CHUNK + 1 or sum(node.sizes) > limit:
            raise UnlikeError(f"{cid} is no file of at most {limit} bytes")
        for link in node.links:
            await self._peers.block(link.cid.digest)
        try:
            return await asyncio.to_thread(read, self._store, cid)
        except ContentError as error:
            raise UnlikeError(f"{cid} is no picture: {error}") from None


def largest(recipe: PipelineRecipe) -> int:
    """The most bytes that one of the recipe's pictures may have as a file."""
    from node.render.tolerance.picture import largest_file

    return largest_file(recipe.width, recipe.height)


def _entry(entries: dict[str, Cid], name: str) -> Cid:
    if name not in entries:
        raise UnlikeError(f"{name} is not in it")
    return entries[name]


def _compare(recipe: PipelineRecipe, name: str, own: bytes, theirs: bytes) -> None:
    """UnlikeError unless a picture is within the recipe's distance of one's own."""
    from node.render.tolerance.distance import alike, psnr, squared_error
    from node.render.tolerance.picture import open_picture

    if own == theirs:
        return
    mine = open_picture(own, recipe.width, recipe.height)
    try:
        other = open_picture(theirs, recipe.width, recipe.height)
    except RenderError as error:
        raise UnlikeError(f"{name}: {error}") from None
    if not alike(mine, other, recipe.floor):
        distance = psnr(squared_error(mine, other), mine.size)
        raise UnlikeError(f"{name}: PSNR {distance:.2f} dB, the recipe asks for {recipe.psnr_floor}")
