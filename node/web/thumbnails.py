"""Small pictures for walls, strips and plots: the pixels of the artworks averaged, made once and only a few at a time.

An artwork of 512 pixels is 200 KB, and a page may show fifty of them the size of a thumb. What a page shows large, and
what is verified, are always the artwork's own bytes.
"""

from __future__ import annotations

import asyncio
import io
import time
from collections import OrderedDict
from collections.abc import Callable
from typing import Final

from aiohttp import web

from node.content.cid import parse
from node.content.dag import read, resolve
from node.content.gateway import IMMUTABLE
from node.content.store import BlockStore
from node.errors import ContentError

STRIP: Final = 128
"""Pixels of a side in strips, films and on plots."""
WALL: Final = 256
"""Pixels of a side on a wall."""
HELD: Final = 16 << 20
"""Bytes of small pictures that are held, those asked for last."""
WAITING: Final = 96
"""Small pictures that may wait to be made; whoever asks for more of them is sent to the artworks themselves."""
LARGEST: Final = 4_096 * 4_096
"""Pixels of an artwork that is made smaller."""
_PATH: Final = rf"/small/{{width:{STRIP}|{WALL}}}/{{cid:[a-z2-7]+}}/{{path:[\w-]+(?:/[\w-]+)*\.png}}"

Key = tuple[str, str, str]


def small(path: str, width: int) -> str:
    """Where the artwork at a content path is to be had with `width` pixels a side; the path itself if it is no PNG."""
    if not path.startswith("/ipfs/") or not path.endswith(".png"):
        return path
    return f"/small/{width}/{path.removeprefix('/ipfs/')}"


class Thumbnails:
    """Serves `/small/<width>/<cid>/<path>`: only of artworks that pages show, so that nobody chooses what is decoded.

    One is made at a time, and after each this rests as long as it took: a node that signs has the rest of the
    processor.
    """

    def __init__(self, store: BlockStore, shows: Callable[[str], bool]) -> None:
        """`shows`: whether a content root is one of an edition's, by its CID."""
        self._store = store
        self._shows = shows
        self._held: OrderedDict[Key, bytes] = OrderedDict()
        self._bytes = 0
        self._waiting = 0
        self._turn = asyncio.Lock()

    async def serve(self, request: web.Request) -> web.Response:
        """A small PNG, or the way to the artwork itself where no page shows it, or none can be made now."""
        key = request.match_info["width"], request.match_info["cid"], request.match_info["path"]
        body = self._held.get(key)
        if body is None:
            body = await self._made(key) if self._shows(key[1]) else b""
        else:
            self._held.move_to_end(key)
        if not body:
            raise web.HTTPFound(f"/ipfs/{key[1]}/{key[2]}", headers={"Cache-Control": "no-store"})
        return web.Response(body=body, content_type="image/png", headers={"Cache-Control": IMMUTABLE})

    async def _made(self, key: Key) -> bytes:
        """The small picture; nothing where it cannot be made, or not now."""
        if self._waiting >= WAITING:
            return b""
        self._waiting += 1
        try:
            async with self._turn:
                known = self._held.get(key)
                if known is not None:
                    return known
                began = time.monotonic()
                try:
                    body = await asyncio.to_thread(_made, self._store, *key)
                except ContentError:
                    return b""  # not here yet: the artwork's own path says so, and is asked again
                self._hold(key, body)
                await asyncio.sleep(time.monotonic() - began)
                return body
        finally:
            self._waiting -= 1

    def _hold(self, key: Key, body: bytes) -> None:
        self._held[key] = body
        self._bytes += len(body)
        while self._bytes > HELD:
            self._bytes -= len(self._held.popitem(last=False)[1])


def add_thumbnails(app: web.Application, store: BlockStore, shows: Callable[[str], bool]) -> None:
    """Serve them, GET and HEAD."""
    app.router.add_get(_PATH, Thumbnails(store, shows).serve)


def _made(store: BlockStore, width: str, cid: str, path: str) -> bytes:
    artwork = read(store, resolve(store, parse(cid), path.split("/")))
    return reduced(artwork, int(width))


def reduced(artwork: bytes, width: int) -> bytes:
    """A PNG with its pixels averaged over squares, the shorter side `width` or a little more; the artwork itself where
    it is not at least twice as large, nothing where it is no PNG or too large."""
    from PIL import Image

    try:
        with Image.open(io.BytesIO(artwork), formats=["PNG"]) as image:
            by = min(image.size) // width
            if image.width * image.height > LARGEST:
                return b""
            if by < 2:
                return artwork
            out = io.BytesIO()
            image.convert("RGBA" if "A" in image.getbands() else "RGB").reduce(by).save(out, "PNG")
            return out.getvalue()
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError):
        return b""
