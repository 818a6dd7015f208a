"""The gallery's interface for programs: editions as JSON, health, and status."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import msgspec
from aiohttp import web

from node.web import parts
from node.web.packing import packed
from node.web.source import EditionView, GallerySource

if TYPE_CHECKING:
    from node.web.guard import Guard

_encode: Final = msgspec.json.Encoder().encode


class EditionSummary(msgspec.Struct, frozen=True):
    """An edition as the list shows it. `version` changes exactly when the edition's full view does.

    `mood` names its band, empty where the recipe names none; `cover` is its first token's picture.
    """

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
    mood: str = ""
    cover: str = ""
    repaints: int = 0


class EditionList(msgspec.Struct, frozen=True):
    """All editions at one revision of the source."""

    revision: int
    editions: list[EditionSummary]


@dataclass(frozen=True, slots=True)
class _Snapshot:
    revision: int
    listing: bytes
    views: dict[tuple[str, int], tuple[bytes, str]]
    shown: dict[tuple[str, int], EditionView]
    walls: dict[tuple[str, int], bytes]
    roots: frozenset[str]


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
        held, key = self._found(request)
        return _json(request, *held.views[key])

    async def wall(self, request: web.Request) -> web.Response:
        """GET .../wall: the edition with its first tokens; the same shape at a fraction of the size."""
        held, key = self._found(request)
        if key not in held.walls:
            held.walls[key] = _encode(parts.wall(held.shown[key]))
        return _json(request, held.walls[key], "w" + held.views[key][1])

    async def tokens(self, request: web.Request) -> web.Response:
        """GET .../tokens?from=N: a page of tokens from place N on, 0 being the first."""
        held, key = self._found(request)
        first = request.query.get("from", "0")
        if not (first.isascii() and first.isdigit() and len(first) < 10):
            raise web.HTTPBadRequest(text='{"error":"from: not a place"}', content_type="application/json")
        return _json(request, _encode(parts.tokens(held.shown[key], int(first))), f"t{first}-{held.views[key][1]}")

    async def token(self, request: web.Request) -> web.Response:
        """GET .../tokens/{token}: one token with its life, and its neighbours."""
        held, key = self._found(request)
        token = request.match_info["token"]
        found = parts.life(held.shown[key], token, _explanation(request, key, token))
        if found is None:
            raise _not_found("no such token")
        return _json(request, _encode(found), f"l{token}-{held.views[key][1]}")

    async def report(self, request: web.Request) -> web.Response:
        """GET .../reports/{checkpoint}: the report of a repaint, with all that it takes to check it."""
        _, (collection, edition) = self._found(request)
        found = self._source.proof(collection, edition, int(request.match_info["checkpoint"]))
        if found is None:
            raise _not_found("no such report")
        body = _encode(found)
        return _json(request, body, _version(body))

    def view(self, collection: str, edition: int) -> EditionView | None:
        """One edition as it is shown; None where there is none."""
        return self._snapshot().shown.get((collection.lower(), edition))

    def views(self) -> Sequence[EditionView]:
        """All editions as they are shown, in their order."""
        return list(self._snapshot().shown.values())

    def shows(self, root: str) -> bool:
        """Whether a content root, by its CID, is or was an edition's."""
        return root in self._snapshot().roots

    def _found(self, request: web.Request) -> tuple[_Snapshot, tuple[str, int]]:
        number = request.match_info["edition"]
        key = (request.match_info["collection"].lower(), int(number) if len(number) < 80 else -1)
        held = self._snapshot()
        if key not in held.views:
            raise _not_found("no such edition")
        return held, key

    def _snapshot(self) -> _Snapshot:
        revision = self._source.revision
        if self._held is None or self._held.revision != revision:
            self._held = _take(revision, self._source)
        return self._held


def _take(revision: int, source: GallerySource) -> _Snapshot:
    views: dict[tuple[str, int], tuple[bytes, str]] = {}
    shown: dict[tuple[str, int], EditionView] = {}
    summaries = []
    for view in source.editions():
        body = _encode(view)
        version = _version(body)
        views[view.collection.lower(), view.edition] = body, version
        shown[view.collection.lower(), view.edition] = view
        summaries.append(_summary(view, version))
    roots = frozenset(repaint.root for view in shown.values() for repaint in view.history)
    return _Snapshot(revision, _encode(EditionList(revision, summaries)), views, shown, {}, roots)


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
        mood=view.moods[view.band] if view.band < len(view.moods) else "",
        cover=view.tokens[0].image if view.tokens else "",
        repaints=len(view.history),
    )


def add_api(app: web.Application, source: GallerySource, guard: Guard) -> EditionsApi:
    """Mount the editions, `/api/status`, `/livez` and `/readyz`; return what the pages look editions up in.

    Who is not the operator is told of the network, and whether this node is ready; not which seat is this node's, nor
    what ails it: leaders take turns that everybody can work out, and an address is all that it takes to hinder one.
    """
    editions = EditionsApi(source)

    async def status(request: web.Request) -> web.Response:
        figures = msgspec.to_builtins(source.status())
        if not guard.allowed(request):
            figures = public(figures) | {"ready": source.readiness().ready}
        return _json(request, _encode(figures))

    async def livez(_request: web.Request) -> web.Response:
        return web.Response(text="ok\n", headers={"Cache-Control": "no-store"})

    async def readyz(request: web.Request) -> web.Response:
        readiness = source.readiness()
        told = readiness if guard.allowed(request) else {"ready": readiness.ready}
        return _json(request, _encode(told), status=200 if readiness.ready else 503)

    async def unknown(_request: web.Request) -> web.Response:
        raise _not_found("no such resource")

    app.router.add_get("/api/editions", editions.editions)
    one = r"/api/editions/{collection}/{edition:\d+}"
    app.router.add_get(one, editions.edition)
    app.router.add_get(one + "/wall", editions.wall)
    app.router.add_get(one + "/tokens", editions.tokens)
    app.router.add_get(one + r"/tokens/{token:\d{1,78}}", editions.token)
    app.router.add_get(one + r"/reports/{checkpoint:\d{1,18}}", editions.report)
    app.router.add_get("/api/status", status)
    app.router.add_get("/livez", livez)
    app.router.add_get("/readyz", readyz)
    app.router.add_get("/api/{rest:.*}", unknown)
    return editions


_PUBLIC: Final = ("oracle", "config_digest", "committee", "quorum")
_PUBLIC_CHAIN: Final = ("id", "final", "head")


def public(figures: dict[str, Any]) -> dict[str, Any]:
    """What of a node's figures is everybody's: what anyone could read from the chain, and how far this node has."""
    chain = figures.get("chain")
    told: dict[str, Any] = {name: figures[name] for name in _PUBLIC if name in figures}
    if isinstance(chain, dict):
        told["chain"] = {name: chain.get(name) for name in _PUBLIC_CHAIN}
    return told


def _explanation(request: web.Request, key: tuple[str, int], token: str) -> str:
    """Where the token's story in words is to be had: of the part that tells it, where it is mounted."""
    told = request.app.router.named_resources().get("explanation")
    return "" if told is None else f"/api/editions/{key[0]}/{key[1]}/tokens/{token}/explanation"


def _version(body: bytes) -> str:
    return hashlib.sha256(body).hexdigest()[:16]


def _json(request: web.Request, body: bytes, version: str = "", status: int = 200) -> web.Response:
    headers = {"Cache-Control": "no-cache" if version else "no-store"}
    if version:
        headers["ETag"] = f'"{version}"'
        if request.headers.get("If-None-Match") == headers["ETag"]:
            return web.Response(status=304, headers=headers)
    response = web.Response(body=body, status=status, content_type="application/json", headers=headers)
    return packed(request, response)


def _not_found(text: str) -> web.HTTPNotFound:
    return web.HTTPNotFound(text=_encode({"error": text}).decode(), content_type="application/json")
