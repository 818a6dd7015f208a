"""The frame around every page: its head, the masthead with the way to the other pages, and the footer."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from html import escape
from typing import Final

from aiohttp import web

from node.web.assets import asset, load, respond

MOTTO: Final = "Living artworks that change with a vault's performance, kept honest by a network of nodes."

_ORDER: Final = ("/", "/network", "/verify", "/operator")
"""How the navigation is ordered, whichever part brings its pages first."""

_HEAD: Final = """<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="dark light">
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
  <p class="pulse" id="pulse" role="status" data-state="waiting"><span class="pulse-dot" aria-hidden="true"></span>"""
_PULSE: Final = '<span id="pulse-text">Opening</span></p>\n</header>'

_COLOPHON: Final = """<footer class="colophon">
  <p>Every picture is rendered by each node of the network alone.
  It hangs only once a quorum has signed the same bytes.</p>
  <p><a href="/api/editions">Editions as JSON</a> <a href="/api/status">This node's figures</a></p>
</footer>"""


@dataclass(frozen=True, slots=True)
class About:
    """What a page says of itself to those who link to it; `image` is a path on this server, or empty."""

    title: str = "Patina"
    description: str = MOTTO
    image: str = ""


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

    A page's file is a whole document with `<!--head-->`, `<!--masthead-->` and `<!--colophon-->` where its frame goes.
    """

    origin: str = ""
    _ways: list[_Way] = field(default_factory=list)
    _files: dict[str, str] = field(
        default_factory=lambda: {name: found.body.decode() for name, found in load().items() if name.endswith(".html")}
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
    ) -> None:
        """Serve `file` at `path`, and name it `label` in the navigation of whoever is `allowed` (None: everyone).

        Whoever is not allowed gets 403. `about` gives title and preview; None from it is answered by 404.
        `under` is the page of the navigation that this one belongs to, its own path by default; `policy` is a
        Content-Security-Policy in place of the one that every page has, and `marks` are names of <meta> elements that
        tell its script what this node allows.
        """
        if label:
            self._ways.append(_Way(path, label, allowed))
            self._ways.sort(key=lambda way: _ORDER.index(way.path) if way.path in _ORDER else len(_ORDER))

        async def serve(request: web.Request) -> web.Response:
            if allowed is not None and not allowed(request):
                raise web.HTTPForbidden(text="this page is for the operator of the node\n")
            shown = (
                About(f"{label} · Patina" if label and path != "/" else "Patina") if about is None else about(request)
            )
            head = "".join(_meta("name", mark, "yes") + "\n" for mark in marks)
            body = self._framed(request, file, under or path, shown or About("Not here · Patina"), head)
            response = respond(request, asset(body.encode(), "text/html"))
            if shown is None:
                response.set_status(404)
            if policy:
                response.headers["Content-Security-Policy"] = policy
            return response

        app.router.add_get(path, serve)

    def _framed(self, request: web.Request, file: str, here: str, about: About, head: str) -> str:
        ways = [way for way in self._ways if way.allowed is None or way.allowed(request)]
        masthead = _MASTHEAD.format(mark=_MARK, ways=_links(ways, here)) + _PULSE
        parts = {"head": f"{_HEAD}\n{head}{self._preview(request, about)}", "masthead": masthead, "colophon": _COLOPHON}
        text = self._files[file]
        for name, part in parts.items():
            text = text.replace(f"<!--{name}-->", part, 1)
        return text

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
