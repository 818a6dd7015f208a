"""The pages of the gallery: its walls, a token's life, and the page that verifies a token in the browser."""

from __future__ import annotations

from typing import Final

from aiohttp import web

from node.chain.types import TOKENS_PER_EDITION
from node.web.api import EditionsApi
from node.web.security import PAGE_POLICY
from node.web.site import About, Site
from node.web.source import EditionView

ENDPOINT_POLICY: Final = PAGE_POLICY.replace(
    "connect-src 'self'", "connect-src 'self' https: http://127.0.0.1:* http://localhost:*"
)
"""For the page that verifies, where its visitors may name an endpoint of their own to ask the chain."""
_TOKEN: Final = r"{collection:0x[0-9a-fA-F]{40}}/{token:\d{1,78}}"  # noqa: S105 - a path


def add_gallery_pages(app: web.Application, site: Site, editions: EditionsApi, *, visitor_rpc: bool) -> None:
    """Mount `/`, `/token/...` and `/verify`; the last may reach foreign endpoints only with `visitor_rpc`."""

    def token(request: web.Request) -> About | None:
        found = _look_up(editions, request)
        return None if found is None else _about(*found)

    def verified(request: web.Request) -> About | None:
        found = _look_up(editions, request)
        return None if found is None else About(f"Verify {_about(*found).title}", "What this picture is proven by.")

    policy, marks = (ENDPOINT_POLICY, ["visitor-rpc"]) if visitor_rpc else ("", [])
    site.page(app, "/", "index.html", "Gallery")
    site.page(app, f"/token/{_TOKEN}", "token.html", about=token, under="/")
    site.page(app, "/verify", "verify.html", "Verify", policy=policy, marks=marks)
    site.page(app, f"/verify/{_TOKEN}", "verify.html", about=verified, under="/verify", policy=policy, marks=marks)


def _look_up(editions: EditionsApi, request: web.Request) -> tuple[EditionView, int] | None:
    """The token that the address names, as its edition's view and its place there."""
    number = int(request.match_info["token"])
    view = editions.view(request.match_info["collection"], number // TOKENS_PER_EDITION)
    place = number % TOKENS_PER_EDITION - 1
    if view is None or not 0 <= place < len(view.tokens) or view.tokens[place].id != str(number):
        return None
    return view, place


def _about(view: EditionView, place: int) -> About:
    shown = view.tokens[place]
    if not view.history:
        return About(f"{shown.name} · Patina", "Not painted yet: it waits for its reveal and the first report.")
    mood = view.moods[view.band] if view.band < len(view.moods) else f"Band {view.band + 1}"
    times = len(view.history)
    text = f"{mood}, band {view.band + 1} of {view.bands}, painted {times} time{'s' if times > 1 else ''}."
    return About(f"{shown.name} · Patina", f"{text} {view.description}".strip(), shown.image)
