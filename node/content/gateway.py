"""The HTTP gateway: blocks, files and directories of the store under `/ipfs/<cid>[/path]`."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from typing import Final
from urllib.parse import quote

from aiohttp import web

from node.content.cid import Cid, parse
from node.content.dag import NoEntryError, listing, read, resolve
from node.content.store import BlockStore, MissingBlockError
from node.content.unixfs import Link
from node.errors import ContentError

IMMUTABLE: Final = "public, max-age=29030400, immutable"
"""Content never changes under its CID (Path Gateway Specification, Cache-Control)."""
FOREIGN_POLICY: Final = "default-src 'none'; style-src 'unsafe-inline'; sandbox; frame-ancestors 'none'"
"""Anyone may have made these bytes: opened as a page they run no script and reach no host."""

_PNG: Final = b"\x89PNG\r\n\x1a\n"


@dataclass(frozen=True, slots=True)
class _Answer:
    body: bytes
    content_type: str
    etag: str
    attachment: str = ""


def add_gateway(app: web.Application, store: BlockStore) -> None:
    """Serve the store under `/ipfs/`, GET and HEAD.

    `?format=raw` gives the block itself. 400: not a CID, or malformed blocks; 404: absent or damaged
    on disk. All answers are sandboxed, typed by their bytes (PNG, JSON, SVG, else a download), and
    open to other origins, as content of a public gateway is.
    """

    async def serve(request: web.Request) -> web.StreamResponse:
        wanted = request.query.get("format", "")
        if wanted not in ("", "raw"):
            return _refusal(400, f"format {wanted!r} is not served; the one there is: raw")
        path = [segment for segment in request.match_info["path"].split("/") if segment]
        try:
            answer = await asyncio.to_thread(_answer, store, request.match_info["cid"], path, wanted == "raw")
        except (MissingBlockError, NoEntryError) as error:
            return _refusal(404, str(error))
        except ContentError as error:
            return _refusal(400, str(error))
        response = web.Response(headers=_headers(answer))
        if answer.etag in _etags(request):
            response.set_status(304)
            return response
        response.body = answer.body
        response.content_type = answer.content_type
        if not answer.attachment and answer.content_type != "image/png":
            response.charset = "utf-8"
        return response

    app.router.add_get("/ipfs/{cid}{path:(?:/.*)?}", serve)


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


def _answer(store: BlockStore, cid: str, path: Sequence[str], raw: bool) -> _Answer:
    target = resolve(store, parse(cid), path)
    if raw:
        block = store.get(target.digest)
        return _Answer(block, "application/vnd.ipld.raw", f'"{target}.raw"', f"{target}.bin")
    entries = listing(store, target)
    if entries is not None:
        return _Answer(_index(cid, path, target, entries), "text/html", f'"DirIndex-{target}"')
    content = read(store, target)
    kind = content_type(content)
    download = f"{target}.bin" if kind == "application/octet-stream" else ""
    return _Answer(content, kind, f'"{target}"', download)


def _headers(answer: _Answer) -> dict[str, str]:
    headers = {
        "ETag": answer.etag,
        "Cache-Control": IMMUTABLE,
        "Content-Security-Policy": FOREIGN_POLICY,
        "X-Content-Type-Options": "nosniff",
        "Access-Control-Allow-Origin": "*",
        "Cross-Origin-Resource-Policy": "cross-origin",
    }
    if answer.attachment:
        headers["Content-Disposition"] = f'attachment; filename="{answer.attachment}"'
    return headers


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
