"""Security headers on every answer of the web application."""

from __future__ import annotations

from typing import Final

from aiohttp import web

PAGE_POLICY: Final = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "img-src 'self'",
        "connect-src 'self'",
        "base-uri 'none'",
        "form-action 'none'",
        "frame-ancestors 'none'",
        # No string becomes markup or code: names on chain are anyone's.
        "require-trusted-types-for 'script'",
        "trusted-types 'none'",
    )
)
"""The page may load what this server sends, and nothing else; nothing inline runs (CSP level 3)."""

HEADERS: Final = {
    "Content-Security-Policy": PAGE_POLICY,
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    # The server's software and version are nobody's business.
    "Server": "patina",
}
"""What every answer carries, unless its route has said otherwise."""


async def add_security_headers(_request: web.Request, response: web.StreamResponse) -> None:
    """An `on_response_prepare` signal; headers that a route has set itself (the gateway's) stand."""
    for name, value in HEADERS.items():
        response.headers.setdefault(name, value)
    response.headers["Server"] = HEADERS["Server"]
