"""The pages' own files, read once from the package and served from memory."""

from __future__ import annotations

import gzip
import hashlib
import re
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Final

from aiohttp import web

from node.web.packing import WORTH, takes_gzip

_TYPES: Final = {
    "html": "text/html",
    "css": "text/css",
    "js": "text/javascript",
    "svg": "image/svg+xml",
}
_IMMUTABLE: Final = "public, max-age=31536000, immutable"
_IMPORT: Final = re.compile(r'from "\./([\w.-]+\.js)"')
_LINK: Final = re.compile(r'(?<=")/static/(?=[\w.-]+")')
_ENTRY: Final = re.compile(r'<script type="module" src="/static/([\w.-]+)"')


@dataclass(frozen=True, slots=True)
class Asset:
    """A file as it is sent: its bytes, its type, and the tag that changes exactly when they do; `packed` by gzip."""

    body: bytes
    content_type: str
    etag: str
    packed: bytes = b""


def add_assets(app: web.Application) -> None:
    """Serve the pages' files under `/static/`, by name: no path reaches the disk. Pages are `Site`'s.

    Pages name them under `/static/<version>/`, where they never change, so that a browser asks for each of them once;
    after an upgrade the pages name others. Without a version they are for whoever wants to read them.
    """
    assets = {name: one for name, one in load().items() if one.content_type != "text/html"}

    async def static(request: web.Request) -> web.Response:
        found = assets.get(request.match_info["name"])
        # An older version's page gets none of these files: two versions are never mixed.
        if found is None or request.match_info.get("version", version()) != version():
            raise web.HTTPNotFound(text="no such file\n")
        return respond(request, found, lasting="version" in request.match_info)

    async def icon(request: web.Request) -> web.Response:
        return respond(request, assets["icon.svg"])

    app.router.add_get("/static/{version:[0-9a-f]{12}}/{name}", static)
    app.router.add_get("/static/{name}", static)
    app.router.add_get("/favicon.ico", icon)  # what a browser asks for beside anything that is no page


@cache
def load() -> dict[str, Asset]:
    """Every file of the package's folder `static`, by its name."""
    found = {}
    for file in (files("node.web") / "static").iterdir():
        content_type = _TYPES.get(file.name.rpartition(".")[2])
        if content_type is not None:
            found[file.name] = _packed(asset(file.read_bytes(), content_type))
    return found


@cache
def version() -> str:
    """What names all the files as they are, together."""
    total = hashlib.sha256()
    for name, one in sorted(load().items()):
        total.update(f"{name} {one.etag}\n".encode())
    return total.hexdigest()[:12]


def versioned(markup: str) -> str:
    """A page's markup with its files named under their version, and its modules asked for before they are imported.

    A module names what it imports only once it is there: on a slow line each storey of imports costs a round trip.
    """
    entry = _ENTRY.search(markup)
    ahead = "" if entry is None else "".join(f'<link rel="modulepreload" href="{one}">\n' for one in modules(entry[1]))
    return _LINK.sub(f"/static/{version()}/", markup.replace("<!--modules-->", ahead, 1))


def modules(name: str) -> list[str]:
    """The paths of all modules that a script imports, itself left out; those that it names itself come first."""
    found = [name]
    for one in found:
        found += [each for each in _IMPORT.findall(load()[one].body.decode()) if each not in found]
    return [f"/static/{one}" for one in found[1:]]


def asset(body: bytes, content_type: str) -> Asset:
    """These bytes, to be sent as this type."""
    return Asset(body, content_type, f'"{hashlib.sha256(body).hexdigest()[:32]}"')


def respond(request: web.Request, asset: Asset, *, lasting: bool = False) -> web.Response:
    """The file, or 304 to whoever has it; unless it is `lasting`, it is asked for anew each time."""
    headers = {"ETag": asset.etag, "Cache-Control": _IMMUTABLE if lasting else "no-cache"}
    if asset.packed:
        headers["Vary"] = "Accept-Encoding"
    if request.headers.get("If-None-Match") == asset.etag:
        return web.Response(status=304, headers=headers)
    body = asset.body
    if asset.packed and takes_gzip(request.headers.get("Accept-Encoding", "")):
        body = asset.packed
        headers["Content-Encoding"] = "gzip"
    return web.Response(body=body, content_type=asset.content_type, charset="utf-8", headers=headers)


def _packed(one: Asset) -> Asset:
    if len(one.body) < WORTH // 4 or one.content_type == "text/html":
        return one
    return Asset(one.body, one.content_type, one.etag, gzip.compress(one.body, 9, mtime=0))
