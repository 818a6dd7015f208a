"""The page's own files, read once from the package and served from memory."""

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
_PAGE: Final = "index.html"


@dataclass(frozen=True, slots=True)
class _Asset:
    body: bytes
    content_type: str
    etag: str


def add_assets(app: web.Application) -> None:
    """Serve the page at `/` and its files under `/static/`, by name: no path reaches the disk."""
    assets = _load()

    async def page(request: web.Request) -> web.Response:
        return _respond(request, assets[_PAGE])

    async def static(request: web.Request) -> web.Response:
        asset = assets.get(request.match_info["name"])
        if asset is None:
            raise web.HTTPNotFound(text="no such file\n")
        return _respond(request, asset)

    app.router.add_get("/", page)
    app.router.add_get("/static/{name}", static)


def _load() -> dict[str, _Asset]:
    found = {}
    for file in (files("node.web") / "static").iterdir():
        content_type = _TYPES.get(file.name.rpartition(".")[2])
        if content_type is not None:
            body = file.read_bytes()
            found[file.name] = _Asset(body, content_type, f'"{hashlib.sha256(body).hexdigest()[:32]}"')
    return found


def _respond(request: web.Request, asset: _Asset) -> web.Response:
    # Asked for anew each time and answered by 304, so that an upgraded node never mixes two versions.
    headers = {"ETag": asset.etag, "Cache-Control": "no-cache"}
    if request.headers.get("If-None-Match") == asset.etag:
        return web.Response(status=304, headers=headers)
    return web.Response(body=asset.body, content_type=asset.content_type, charset="utf-8", headers=headers)
