"""Answers compressed for whoever takes that: each body once, however many ask for it."""

from __future__ import annotations

import gzip
from functools import lru_cache
from typing import Final

from aiohttp import web

WORTH: Final = 4_096
"""Bytes from which on an answer is compressed: histories shrink to a fifth."""
HELD: Final = 64
"""Compressed bodies that are held, the latest ones."""


def packed(request: web.Request, response: web.Response) -> web.Response:
    """The response, compressed if it is long and the visitor takes that.

    Compressing takes the processor longer than all else that an answer needs, and the node signs with the same one.
    """
    body = response.body
    if not isinstance(body, bytes) or len(body) < WORTH:
        return response
    response.headers["Vary"] = "Accept-Encoding"
    if takes_gzip(request.headers.get("Accept-Encoding", "")):
        response.body = _gzip(body)
        response.headers["Content-Encoding"] = "gzip"
    return response


@lru_cache(maxsize=HELD)
def _gzip(body: bytes) -> bytes:
    return gzip.compress(body, 6, mtime=0)


def takes_gzip(accepted: str) -> bool:
    """Whether an Accept-Encoding header names gzip, and does not rule it out (RFC 9110, section 12.5.3)."""
    for one in accepted.lower().split(","):
        name, _, quality = one.partition(";")
        if name.strip() == "gzip":
            return quality.replace(" ", "") not in ("q=0", "q=0.0", "q=0.00", "q=0.000")
    return False
