"""The pages' own files, read once from the package and served from memory."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from importlib.resources import files
from typing import Final

from aiohttp import web

_TYPES: Final = {
    "html": "text/html",
    "css": "text/css",
    "js": "text/javascript",
    "svg": "image/svg+xml",
}


@dataclass(frozen=True, slots=True)
class Asset:
    """A file as it is sent: its bytes, its type, and the tag that changes exactly when they do."""

    body: bytes
    content_type: str
    etag: str


def add_assets(app: web.Application) -> None:
    """Serve the pages' files under `/static/`, by name: no path reaches the disk. Pages are `Site`'s."""
    assets = {name: asset for name, asset in load().items() if asset.content_type != "text/html"}

    async def static(request: web.Request) -> web.Response:
        asset = assets.get(request.match_info["name"])
        if asset is None:
            raise web.HTTPNotFound(text="no such file\n")
        return respond(request, asset)

    app.router.add_get("/static/{name}", static)


def load() -> dict[str, Asset]:
    """Every file of the package's folder `static`, by its name."""
    found = {}
    for file in (files("node.web") / "static").iterdir():
        content_type = _TYPES.get(file.name.rpartition(".")[2])
        if content_type is not None:
            found[file.name] = asset(file.read_bytes(), content_type)
    return found


def asset(body: bytes, content_type: str) -> Asset:
    """These bytes, to be sent as this type."""
    return Asset(body, content_type, f'"{hashlib.sha256(body).hexdigest()[:32]}"')


def respond(request: web.Request, asset: Asset) -> web.Response:
    """The file, or 304 to whoever has it: asked for anew each time, so that an upgrade never mixes two versions."""
    headers = {"ETag": asset.etag, "Cache-Control": "no-cache"}
    if request.headers.get("If-None-Match") == asset.etag:
        return web.Response(status=304, headers=headers)
    return web.Response(body=asset.body, content_type=asset.content_type, charset="utf-8", headers=headers)
