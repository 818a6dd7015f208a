"""`/metrics` for Prometheus, behind the operator's guard or on an address of its own."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aiohttp import web

from node.web.security import add_security_headers

if TYPE_CHECKING:
    from node.metrics.exposition import Exposition
    from node.web.doors import Doors
    from node.web.guard import Guard

PATH = "/metrics"


def add_metrics(app: web.Application, exposition: Exposition, guard: Guard | None) -> None:
    """Mount `/metrics`; with a guard, for the operator alone: figures of the account and of endpoints are among it."""

    async def metrics(request: web.Request) -> web.Response:
        if guard is not None:
            guard.admit(request)
        body, kind = exposition.text(request.headers.get("Accept", ""))
        return web.Response(body=body, headers={"Content-Type": kind, "Cache-Control": "no-store"})

    app.router.add_get(PATH, metrics)


def create_metrics_app(exposition: Exposition, doors: Doors) -> web.Application:
    """An application that has nothing but `/metrics`, for an address of its own, behind `doors` as the pages are."""
    app = web.Application(client_max_size=1024, middlewares=[doors.middleware])
    app.on_response_prepare.append(add_security_headers)
    add_metrics(app, exposition, None)
    return app
