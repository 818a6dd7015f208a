"""The gallery's interface for programs: editions as JSON, health, and status."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import Final

import msgspec
from aiohttp import web

from node.web.source import EditionView, GallerySource

_encode: Final = msgspec.json.Encoder().encode


class EditionSummary(msgspec.Struct, frozen=True):
    """An edition as the list shows it. `version` changes exactly when the edition's full view does."""

    collection: str
    edition: int
    name: str
    artist: str
    state: str
    band: int
    bands: int
    tokens: int
    version: str
    href: str


class EditionList(msgspec.Struct, frozen=True):
    """All editions at one revision of the source."""

    revision: int
    editions: list[EditionSummary]


@dataclass(frozen=True, slots=True)
class _Snapshot:
    revision: int
    listing: bytes
    views: dict[tuple[str, int], tuple[bytes, str]]


class EditionsApi:
    """Editions as JSON, encoded once for each revision of the source however many visitors ask."""

    def __init__(self, source: GallerySource) -> None:
        self._source = source
        self._held: _Snapshot | None = None

    async def editions(self, request: web.Request) -> web.Response:
        """GET /api/editions: the list, without histories."""
        held = self._snapshot()
        return _json(request, held.listing, f"r{held.revision}-{_version(held.listing)}")

    async def edition(self, request: web.Request) -> web.Response:
        """GET /api/editions/{collection}/{edition}: one edition in full; the address in any case."""
        number = request.match_info["edition"]
        key = (request.match_info["collection"].lower(), int(number) if len(number) < 80 else -1)
        found = self._snapshot().views.get(key)
        if found is None:
            raise _not_found("no such edition")
        return _json(request, *found)

    def _snapshot(self) -> _Snapshot:
        revision = self._source.revision
        if self._held is None or self._held.revision != revision:
            self._held = _take(revision, self._source)
        return self._held


def _take(revision: int, source: GallerySource) -> _Snapshot:
    views: dict[tuple[str, int], tuple[bytes, str]] = {}
    summaries = []
    for view in source.editions():
        body = _encode(view)
        version = _version(body)
        views[view.collection.lower(), view.edition] = body, version
        summaries.append(_summary(view, version))
    return _Snapshot(revision, _encode(EditionList(revision, summaries)), views)


def _summary(view: EditionView, version: str) -> EditionSummary:
    return EditionSummary(
        collection=view.collection,
        edition=view.edition,
        name=view.name,
        artist=view.artist,
        state=view.state,
        band=view.band,
        bands=view.bands,
        tokens=len(view.tokens),
        version=version,
        href=f"/api/editions/{view.collection}/{view.edition}",
    )


def add_api(app: web.Application, source: GallerySource) -> None:
    """Mount the editions, `/api/status`, `/livez` and `/readyz`."""
    editions = EditionsApi(source)

    async def status(request: web.Request) -> web.Response:
        return _json(request, _encode(source.status()))

    async def livez(_request: web.Request) -> web.Response:
        return web.Response(text="ok\n", headers={"Cache-Control": "no-store"})

    async def readyz(request: web.Request) -> web.Response:
        readiness = source.readiness()
        return _json(request, _encode(readiness), status=200 if readiness.ready else 503)

    async def unknown(_request: web.Request) -> web.Response:
        raise _not_found("no such resource")

    app.router.add_get("/api/editions", editions.editions)
    app.router.add_get(r"/api/editions/{collection}/{edition:\d+}", editions.edition)
    app.router.add_get("/api/status", status)
    app.router.add_get("/livez", livez)
    app.router.add_get("/readyz", readyz)
    app.router.add_get("/api/{rest:.*}", unknown)


def _version(body: bytes) -> str:
    return hashlib.sha256(body).hexdigest()[:16]


def _json(request: web.Request, body: bytes, version: str = "", status: int = 200) -> web.Response:
    headers = {"Cache-Control": "no-cache" if version else "no-store"}
    if version:
        headers["ETag"] = f'"{version}"'
        if request.headers.get("If-None-Match") == headers["ETag"]:
            return web.Response(status=304, headers=headers)
    return web.Response(body=body, status=status, content_type="application/json", headers=headers)


def _not_found(text: str) -> web.HTTPNotFound:
    return web.HTTPNotFound(text=_encode({"error": text}).decode(), content_type="application/json")
