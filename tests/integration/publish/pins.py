"""A server of the IPFS Pinning Service API: pins are asked for, queued, and fetched or not as a test decides."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from aiohttp import web


@dataclass
class Pins:
    """Its pins by request; `becomes` is the state in which new ones stand."""

    token: str = ""
    becomes: str = "queued"
    pins: dict[str, dict[str, Any]] = field(default_factory=dict)
    made: int = 0

    def app(self) -> web.Application:
        app = web.Application()
        app.router.add_get("/psa/pins", self._guard(self._list))
        app.router.add_post("/psa/pins", self._guard(self._add))
        app.router.add_delete("/psa/pins/{request}", self._guard(self._remove))
        return app

    def _guard(self, handler: Any) -> Any:
        async def serve(request: web.Request) -> web.Response:
            if self.token and request.headers.get("Authorization") != f"Bearer {self.token}":
                return failure(401, "UNAUTHORIZED", "access token is missing or invalid")
            found: web.Response = await handler(request)
            return found

        return serve

    async def _list(self, request: web.Request) -> web.Response:
        cids = request.query.get("cid")
        states = request.query.get("status", "pinned").split(",")
        found = [
            one
            for one in self.pins.values()
            if one["status"] in states and (cids is None or one["pin"]["cid"] in cids.split(","))
        ]
        return web.json_response({"count": len(found), "results": found[: int(request.query.get("limit", "10"))]})

    async def _add(self, request: web.Request) -> web.Response:
        pin = await request.json()
        if not isinstance(pin.get("cid"), str) or len(pin.get("name", "")) > 255:
            return failure(400, "BAD_REQUEST", "no such pin")
        self.made += 1
        made = {
            "requestid": f"request/{self.made}",
            "status": self.becomes,
            "created": "2026-01-01T00:00:00Z",
            "pin": pin,
            "delegates": ["/dnsaddr/pins.example"],
            "info": {"status_details": "no provider"} if self.becomes == "failed" else {},
        }
        self.pins[str(made["requestid"])] = made
        return web.json_response(made, status=202)

    async def _remove(self, request: web.Request) -> web.Response:
        gone = self.pins.pop(request.match_info["request"], None)
        return web.Response(status=202) if gone else failure(404, "NOT_FOUND", "no such pin")


def failure(status: int, reason: str, details: str) -> web.Response:
    return web.json_response({"error": {"reason": reason, "details": details}}, status=status)
