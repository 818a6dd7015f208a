"""The frame around every page: its head, the masthead with the way to the other pages, and the footer."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from html import escape
from typing import Final

from aiohttp import web

from node.web.assets import asset, load, respond, versioned
from node.web.packing import packed

MOTTO: Final = "Living artworks that change with a vault's performance, kept honest by a network of nodes."

_ORDER: Final = ("/", "/network", "/verify", "/operator")
"""How the navigation is ordered, whichever part brings its pages first."""

_HEAD: Final = """<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="dark light">
<meta name="theme-color" media="(prefers-color-scheme: light)" content="#f5f2ec">
<meta name="theme-color" content="#131211">
<link rel="icon" href="/static/icon.svg" type="image/svg+xml">
<link rel="stylesheet" href="/static/site.css">"""

_MARK: Final = (
    '<svg viewBox="0 0 32 32" width="26" height="26" aria-hidden="true">'
    '<circle cx="16" cy="16" r="12.5" fill="none" stroke="currentColor" stroke-width="1.5"/>'
    '<path d="M4 19c5-6 9-6 12-3s7 4 12-2" fill="none" stroke="currentColor" stroke-width="1.5"/></svg>'
)
_MASTHEAD: Final = """<a class="skip" href="#main">Skip to the content</a>
<header class="masthead">
  <a class="wordmark" href="/">{mark}<span>Patina</span></a>
  <nav class="ways" aria-label="Pages"><ul>{ways}</ul></nav>
  <p class="pulse" id="pulse" role="status" data-state="still"><span class="pulse-dot" aria-hidden="true"></span>"""
_PULSE: Final = '<span id="pulse-text"></span></p>\n</header>\n<p class="notice" id="notice" role="status" hidden></p>'

_ABSENT: Final = "Not here", "Nothing is served at this address. It may be mistyped, or belong to another node's pages."
_NOT_YOURS: Final = (
    "The operator's page",
    "This page is for the operator of the node. Open it on the node's own machine, through an SSH tunnel, or with the "
    "token that web.operator_token_file names.",
)
_FOR_PROGRAMS: Final = "/ipfs", "/small", "/static"
"""What programs ask for and not people: nothing below these is answered with a page."""
_BACK: Final = '<p><a class="button" href="/">To the gallery</a></p>'
_PLACE: Final = re.compile("<!--(head|masthead|colophon|first)-->")
_COLOPHON: Final = """<footer class="colophon">
  <p>Every picture is rendered by each node of the network alone.
  It hangs only once a quorum has signed the same bytes.</p>
  <p><a href="/api/editions">Editions as JSON</a> <a href="/api/status">This node's figures</a></p>
</footer>"""


@dataclass(frozen=True, slots=True)
class About:
    """What a page says of itself to those who link to it; `image` is a path on this server, or empty.

    `first` is markup that stands on the page before its script runs, and stays where none does.
    """

    title: str = "Patina"
    description: str = MOTTO
    image: str = ""
    first: str = ""


@dataclass(frozen=True, slots=True)
class _Way:
    path: str
    label: str
    allowed: Callable[[web.Request], bool] | None


@dataclass(slots=True)
class Site:
    """All pages of a node. `origin` is the address that visitors reach it under; empty: what they asked for.

        site = Site()
        site.page(app, "/network", "network.html", "Network")

    A page's file is a whole document with `<!--head-->`, `<!--masthead-->` and `<!--colophon-->` where its frame goes,
    and `<!--first-->` where it shows what there is to see before its script runs.
    """

    origin: str = ""
    _ways: list[_Way] = field(default_factory=list)
    _files: dict[str, str] = field(
        default_factory=lambda: {
            name: versioned(found.body.decode().replace("<!--head-->", _HEAD + "\n<!--head-->\n<!--modules-->"))
            for name, found in load().items()
            if name.endswith(".html")
        }
    )

    def page(
        self,
        app: web.Application,
        path: str,
        file: str,
        label: str = "",
        *,
        allowed: Callable[[web.Request], bool] | None = None,
        about: Callable[[web.Request], About | None] | None = None,
        under: str = "",
        policy: str = "",
        marks: Sequence[str] = (),
        absent: tuple[str, str] | None = None,
    ) -> None:
        """Serve `file` at `path`, and name it `label` in the navigation of whoever is `allowed` (None: everyone).

        Whoever is not allowed gets 403. `about` gives title and preview; None from it is answered by 404, in the words
        of `absent`: a title and a sentence.
        `under` is the page of the navigation that this one belongs to, its own path by default; `policy` is a
        Content-Security-Policy in place of the one that every page has, and `marks` are names of <meta> elements that
        tell its script what this node allows.
        """
        if label:
            self._ways.append(_Way(path, label, allowed))
            self._ways.sort(key=lambda way: _ORDER.index(way.path) if way.path in _ORDER else len(_ORDER))

        async def serve(request: web.Request) -> web.Response:
            if allowed is not None and not allowed(request):
                return self._told(request, 403, *_NOT_YOURS)
            shown = (
                About(f"{label} · Patina" if label and path != "/" else "Patina") if about is None else about(request)
            )
            if shown is None:
                return self._told(request, 404, *(absent or _ABSENT), under)
            head = "".join(_meta("name", mark, "yes") + "\n" for mark in marks)
            response = respond(request, asset(self._framed(request, file, under or path, shown, head), "text/html"))
            if policy:
                response.headers["Content-Security-Policy"] = policy
            return packed(request, response)

        app.router.add_get(path, serve)

    def lost(self, app: web.Application) -> None:
        """Answer whatever nothing else is served at with a page that leads back, and 404."""

        async def serve(request: web.Request) -> web.Response:
            if request.path.startswith(_FOR_PROGRAMS):
                return web.Response(text=f"{_ABSENT[1]}\n", status=404, headers={"Cache-Control": "no-store"})
            return self._told(request, 404, *_ABSENT)

        app.router.add_get("/{lost:.*}", serve)

    def _told(self, request: web.Request, status: int, title: str, words: str, here: str = "") -> web.Response:
        """A page that says why there is none."""
        first = f'<h1>{escape(title)}</h1>\n  <p class="lead">{escape(words)}</p>\n  {_BACK}'
        body = self._framed(request, "absent.html", here, About(f"{title} · Patina", words, first=first), "")
        headers = {"Cache-Control": "no-store"}
        return web.Response(body=body, status=status, content_type="text/html", charset="utf-8", headers=headers)

    def _framed(self, request: web.Request, file: str, here: str, about: About, head: str) -> bytes:
        ways = [way for way in self._ways if way.allowed is None or way.allowed(request)]
        masthead = _MASTHEAD.format(mark=_MARK, ways=_links(ways, here)) + _PULSE
        parts = {
            "head": f"{head}{self._preview(request, about)}",
            "masthead": masthead,
            "colophon": _COLOPHON,
            "first": about.first,
        }
        # In one go: what one part brings along is no place for another.
        return _PLACE.sub(lambda place: parts[place[1]], self._files[file]).encode()

    def _preview(self, request: web.Request, about: About) -> str:
        # Names and moods are anyone's text, and so is the Host header: all of it is escaped.
        origin = self.origin or f"{request.scheme}://{request.host}"
        tags = [
            f"<title>{escape(about.title)}</title>",
            _meta("name", "description", about.description),
            _meta("property", "og:site_name", "Patina"),
            _meta("property", "og:type", "website"),
            _meta("property", "og:title", about.title),
            _meta("property", "og:description", about.description),
            _meta("property", "og:url", origin + request.path),
            _meta("name", "twitter:card", "summary_large_image" if about.image else "summary"),
        ]
        if about.image:
            tags.append(_meta("property", "og:image", origin + about.image))
            tags.append(_meta("property", "og:image:alt", about.title))
        return "\n".join(tags)


def _meta(kind: str, name: str, content: str) -> str:
    return f'<meta {kind}="{name}" content="{escape(content)}">'


def _links(ways: Sequence[_Way], here: str) -> str:
    return "".join(
        f'<li><a href="{escape(way.path)}"{" aria-current=" + chr(34) + "page" + chr(34) if way.path == here else ""}>'
        f"{escape(way.label)}</a></li>"
        for way in ways
    )
