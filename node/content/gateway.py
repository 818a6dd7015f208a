"""The HTTP gateway: blocks, files, directories and CARs of the store under `/ipfs/<cid>[/path]`."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import aclosing
from dataclasses import dataclass
from html import escape
from typing import Final
from urllib.parse import quote

from aiohttp import web

from node.content.cid import Cid, parse
from node.content.dag import Listings, NoEntryError, read, trace
from node.content.flow import in_portions
from node.content.store import BlockStore, MissingBlockError
from node.content.trustless import PROBE, PROBE_CAR, RAW_TYPE, UnacceptableError, Wish, plan, read_wish
from node.content.unixfs import Link
from node.content.walk import Walk, car_pieces
from node.errors import ContentError

IMMUTABLE: Final = "public, max-age=29030400, immutable"
"""Content never changes under its CID (Path Gateway Specification, Cache-Control)."""
FOREIGN_POLICY: Final = "default-src 'none'; style-src 'unsafe-inline'; sandbox; frame-ancestors 'none'"
"""Anyone may have made these bytes: opened as a page they run no script and reach no host."""
MAX_CARS: Final = 8
"""CARs that are sent at once; whoever asks for another is told to come back."""
EACH: Final = 2
"""CARs that are sent to one visitor at once: one that reads slowly keeps its places for hours."""
READING: Final = 4
"""Requests that are looked up at once, each in a thread; the node's own work needs threads too."""
PATIENCE_S: Final = 60.0
"""How long a receiver may leave a portion of a CAR unread."""

Whose = Callable[[web.Request], str]
"""Which visitor's a request is; empty: this machine's, a proxy's perhaps, which has no share of its own."""

_PNG: Final = b"\x89PNG\r\n\x1a\n"


def _address(request: web.Request) -> str:
    return request.remote or ""


@dataclass(frozen=True, slots=True)
class _Answer:
    path: tuple[Cid, ...]
    body: bytes
    content_type: str
    etag: str
    attachment: str = ""
    walk: Walk | None = None
    ranged: bool = False


class Gateway:
    """Serves a store under `/ipfs/`, GET and HEAD, as files and pages or as blocks and CARs that prove themselves.

    `?format=raw` or `Accept: application/vnd.ipld.raw` gives the block itself, `car` likewise a CAR (`dag-scope`,
    `entity-bytes`, `car-dups`). 400: not a CID, or malformed blocks; 404: absent or damaged on disk; 406: a form that
    is not given; 412: absent, and the request takes nothing else (`only-if-cached`); 503: too many CARs at once. All
    answers are sandboxed, typed by their bytes (PNG, JSON, SVG, else a download), and open to other origins, as content
    of a public gateway is. One range of bytes of a file or a block is given where asked for.
    """

    def __init__(
        self,
        store: BlockStore,
        *,
        max_cars: int = MAX_CARS,
        patience_s: float = PATIENCE_S,
        whose: Whose = _address,
    ) -> None:
        self._store = store
        self._listed = Listings(store)
        self._places = max_cars
        self._patience = patience_s
        self._whose = whose
        self._share: Counter[str] = Counter()
        self._hands = asyncio.Semaphore(READING)

    async def serve(self, request: web.Request) -> web.StreamResponse:
        """Answer one request."""
        cid = request.match_info["cid"]
        path = [segment for segment in request.match_info["path"].split("/") if segment]
        try:
            wish = read_wish(request.query, request.headers.get("Accept", ""))
            if cid == PROBE and not path:
                return _probe(wish)
            async with self._hands:
                answer = await asyncio.to_thread(_answer, self._store, self._listed, cid, path, wish)
        except (MissingBlockError, NoEntryError) as error:
            only = "only-if-cached" in request.headers.get("Cache-Control", "") and isinstance(error, MissingBlockError)
            return _refusal(412 if only else 404, str(error))
        except UnacceptableError as error:
            return _refusal(406, str(error))
        except ContentError as error:
            return _refusal(400, str(error))
        headers = _headers(answer, cid, path, wish)
        if answer.etag.removeprefix("W/") in _etags(request):
            return web.Response(status=304, headers=headers)
        if answer.walk is not None:
            return await self._car(request, answer, answer.walk, headers)
        response = web.Response(headers=headers, content_type=answer.content_type, body=answer.body)
        if not answer.attachment and answer.content_type != "image/png":
            response.charset = "utf-8"
        return _cut(request, response, answer) if answer.ranged else response

    async def _car(
        self, request: web.Request, answer: _Answer, walk: Walk, headers: dict[str, str]
    ) -> web.StreamResponse:
        headers["Content-Type"] = answer.content_type
        if request.method == "HEAD":
            # Not web.Response, which would say that there are 0 bytes.
            headed = web.StreamResponse(headers=headers)
            await headed.prepare(request)
            await headed.write_eof()
            return headed
        who = self._whose(request)
        if not self._places or (who and self._share[who] >= EACH):
            refusal = _refusal(503, "too many CARs are being sent: ask again in a moment")
            refusal.headers["Retry-After"] = "5"
            return refusal
        self._places -= 1
        self._share[who] += 1
        response = web.StreamResponse(headers=headers)
        try:
            await response.prepare(request)
            async with aclosing(in_portions(car_pieces(self._store.get, [answer.path[-1]], walk))) as portions:
                async for portion in portions:
                    async with asyncio.timeout(self._patience):
                        await response.write(portion)
            await response.write_eof()
        except (ContentError, TimeoutError):
            # The status is sent: an incomplete stream says that something is missing (Trustless Gateway, 404).
            if request.transport is not None:
                request.transport.abort()
        finally:
            self._places += 1
            self._share[who] -= 1
            if not self._share[who]:
                del self._share[who]
        return response


def add_gateway(app: web.Application, store: BlockStore, whose: Whose = _address) -> None:
    """Serve the store under `/ipfs/`, GET and HEAD."""
    app.router.add_get("/ipfs/{cid}{path:(?:/.*)?}", Gateway(store, whose=whose).serve)


def content_type(content: bytes) -> str:
    """The type of a file by its first bytes: PNG, JSON object, SVG, else octets."""
    if content.startswith(_PNG):
        return "image/png"
    start = content[:256].lstrip()
    if start.startswith(b"{"):
        return "application/json"
    if start.startswith(b"<svg"):
        return "image/svg+xml"
    return "application/octet-stream"


def _answer(store: BlockStore, listed: Listings, cid: str, path: Sequence[str], wish: Wish) -> _Answer:
    passed = trace(store, parse(cid), path, listed)
    target = passed[-1]
    if wish.form == "raw":
        block = store.get(target.digest)
        return _Answer(passed, block, RAW_TYPE, f'"{target}.raw"', f"{target}.bin", ranged=True)
    if wish.form == "car":
        # The root decides between 404 and a stream.
        store.get(target.digest)
        name = f'W/"{cid}.{target}.{wish.etag}"'
        return _Answer(passed, b"", wish.content_type, name, f"{target}.car", plan(store, passed, wish, listed))
    entries = listed(target)
    if entries is not None:
        return _Answer(passed, _index(cid, path, target, entries), "text/html", f'"DirIndex-{target}"')
    content = read(store, target)
    kind = content_type(content)
    download = f"{target}.bin" if kind == "application/octet-stream" else ""
    return _Answer(passed, content, kind, f'"{target}"', download, ranged=True)


def _headers(answer: _Answer, cid: str, path: Sequence[str], wish: Wish) -> dict[str, str]:
    where = "/".join(("/ipfs", cid, *(quote(segment, safe="") for segment in path)))
    headers = {
        "ETag": answer.etag,
        "Cache-Control": IMMUTABLE,
        "Content-Security-Policy": FOREIGN_POLICY,
        "X-Content-Type-Options": "nosniff",
        "Access-Control-Allow-Origin": "*",
        "Access-Control-Expose-Headers": "Content-Range, X-Ipfs-Path, X-Ipfs-Roots",
        "Cross-Origin-Resource-Policy": "cross-origin",
        "Accept-Ranges": "bytes" if answer.ranged else "none",
        "Vary": "Accept",
        "X-Ipfs-Path": where,
        "X-Ipfs-Roots": ",".join(map(str, answer.path)),
    }
    if wish.form and not wish.explicit:
        headers["Content-Location"] = f"{where}?format={wish.form}"
    if answer.attachment:
        headers["Content-Disposition"] = f'attachment; filename="{answer.attachment}"'
    return headers


def _cut(request: web.Request, response: web.Response, answer: _Answer) -> web.Response:
    """The one range of bytes that was asked for, if any (RFC 9110, section 14); more than one is not answered."""
    size = len(answer.body)
    if "Range" not in request.headers or request.headers.get("If-Range", answer.etag) != answer.etag:
        return response
    try:
        wanted = request.http_range
        first, last, _ = wanted.indices(size)
    except ValueError:
        return response
    if first >= last:
        refusal = _refusal(416, f"there are {size} bytes")
        refusal.headers["Content-Range"] = f"bytes */{size}"
        return refusal
    response.set_status(206)
    response.body = answer.body[first:last]
    response.headers["Content-Range"] = f"bytes {first}-{last - 1}/{size}"
    return response


def _probe(wish: Wish) -> web.Response:
    content_type = wish.content_type if wish.form == "car" else RAW_TYPE
    empty = _Answer((), b"", content_type, f'"{PROBE}.{wish.form or "raw"}"', f"{PROBE}.bin")
    headers = {**_headers(empty, PROBE, (), wish), "X-Ipfs-Roots": PROBE, "Content-Type": content_type}
    return web.Response(headers=headers, body=PROBE_CAR if wish.form == "car" else b"")


def _etags(request: web.Request) -> set[str]:
    return {tag.strip().removeprefix("W/") for tag in request.headers.get("If-None-Match", "").split(",")}


def _refusal(status: int, text: str) -> web.Response:
    # Nothing about a refusal is for ever: the block may arrive later.
    headers = {
        "Cache-Control": "no-store",
        "Content-Security-Policy": FOREIGN_POLICY,
        "X-Content-Type-Options": "nosniff",
    }
    return web.Response(status=status, text=text + "\n", headers=headers)


def _index(cid: str, path: Sequence[str], target: Cid, entries: Sequence[Link]) -> bytes:
    base = "/".join(("/ipfs", cid, *(quote(segment, safe="") for segment in path)))
    rows = "\n".join(
        f'<li><a href="{base}/{escape(quote(entry.name, safe=""))}">{escape(entry.name)}</a> ({entry.tsize})</li>'
        for entry in entries
    )
    page = (
        '<!doctype html><html lang="en"><meta charset="utf-8"><meta name="color-scheme" content="dark light">'
        f"<title>{target}</title><h1>{escape('/'.join(path)) or 'Directory'}</h1><p><code>{target}</code></p>"
        f"<ul>\n{rows}\n</ul></html>\n"
    )
    return page.encode("utf-8")
