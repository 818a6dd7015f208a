"""Why a token looks as it does, as JSON: one route, told once for each edition and revision however many ask."""

from __future__ import annotations

import hashlib
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any, Final

import msgspec
from aiohttp import web

from node.errors import PatinaError

if TYPE_CHECKING:
    from node.explain.views import Subject

Facts = Callable[[str, int], Awaitable["Subject | None"]]
"""An edition's facts, of a collection (in any case) and its number; None where there is no such edition."""
HELD: Final = 512
"""Explanations that are held, those asked for last."""
_PATH: Final = r"/api/editions/{collection}/{edition:\d+}/tokens/{token:\d{1,78}}/explanation"
_encode: Final = msgspec.json.Encoder().encode


def add_explanations(app: web.Application, facts: Facts, revision: Callable[[], int]) -> None:
    """Mount the route; `revision` grows with every change that an explanation could tell of."""
    held: OrderedDict[tuple[int, str, int, int], bytes] = OrderedDict()

    async def explanation(request: web.Request) -> web.Response:
        from node.explain.document import document
        from node.explain.views import check_token, of_token

        number = request.match_info["edition"]
        collection, token = request.match_info["collection"].lower(), int(request.match_info["token"])
        key = (revision(), collection, int(number) if len(number) < 19 else -1, token)
        body = held.get(key)
        if body is None:
            try:
                subject = await facts(collection, key[2])
            except PatinaError:
                raise _answer(
                    web.HTTPServiceUnavailable, "the chain cannot be read now; ask again in a minute"
                ) from None
            if subject is None:
                raise _answer(web.HTTPNotFound, "no such edition")
            try:
                check_token(subject.edition, token)
            except PatinaError:
                raise _answer(web.HTTPNotFound, "no such token") from None
            body = held[key] = _encode(document(of_token(subject, token)))
            while len(held) > HELD:
                held.popitem(last=False)
        else:
            held.move_to_end(key)
        tag = f'"{hashlib.sha256(body).hexdigest()[:16]}"'
        headers = {"Cache-Control": "no-cache", "ETag": tag}
        if request.headers.get("If-None-Match") == tag:
            return web.Response(status=304, headers=headers)
        return web.Response(body=body, content_type="application/json", headers=headers)

    app.router.add_get(_PATH, explanation, name="explanation")


def _answer(kind: Any, text: str) -> Exception:
    found: Exception = kind(text=_encode({"error": text}).decode(), content_type="application/json")
    return found
