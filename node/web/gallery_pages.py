"""The pages of the gallery: its walls, a token's life, and the page that verifies a token in the browser."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from aiohttp import web

from node.chain.types import TOKENS_PER_EDITION
from node.web.api import EditionsApi
from node.web.firsts import mood_of, stage, walls
from node.web.security import PAGE_POLICY
from node.web.site import MOTTO, About, Site
from node.web.source import EditionView

ENDPOINT_POLICY: Final = PAGE_POLICY.replace(
    "connect-src 'self'", "connect-src 'self' https: http://127.0.0.1:* http://localhost:*"
)
"""For the page that verifies, where its visitors may name an endpoint of their own to ask the chain."""
_NO_TOKEN: Final = (
    "No such token here",
    "No edition of this node has such a token. It may not be minted yet, or belong to a feed that another node serves.",
)
_TOKEN: Final = r"{collection:0x[0-9a-fA-F]{40}}/{token:\d{1,78}}"  # noqa: S105 - a path


def add_gallery_pages(app: web.Application, site: Site, editions: EditionsApi, *, visitor_rpc: bool) -> None:
    """Mount `/`, `/token/...` and `/verify`; the last may reach foreign endpoints only with `visitor_rpc`."""

    def gallery(request: web.Request) -> About:
        views = editions.views()
        cover = next((view.tokens[0].image for view in views if view.history and view.tokens), "")
        # Which editions an address chooses is for the script to say.
        return About("Patina", MOTTO, cover, "" if request.query else walls(views))

    def token(request: web.Request) -> About | None:
        found = _look_up(editions, request)
        return None if found is None else replace(_about(*found), first=stage(*found))

    def verified(request: web.Request) -> About | None:
        found = _look_up(editions, request)
        if found is None:
            return None
        about = _about(*found)
        return About(f"Verify {about.title}", "What this picture is proven by, step by step.", about.image)

    policy, marks = (ENDPOINT_POLICY, ["visitor-rpc"]) if visitor_rpc else ("", [])
    site.page(app, "/", "index.html", "Gallery", about=gallery)
    site.page(app, f"/token/{_TOKEN}", "token.html", about=token, under="/", absent=_NO_TOKEN)
    site.page(app, "/verify", "verify.html", "Verify", policy=policy, marks=marks)
    at = f"/verify/{_TOKEN}"
    site.page(app, at, "verify.html", about=verified, under="/verify", policy=policy, marks=marks, absent=_NO_TOKEN)


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
    times = len(view.history)
    mood, painted = mood_of(view), f"painted {times} time{'s' if times > 1 else ''}"
    text = f"{mood[:1].upper()}{mood[1:]}, band {view.band + 1} of {view.bands}, {painted}."
    return About(f"{shown.name} · Patina", f"{text} {view.description}".strip(), shown.image)
