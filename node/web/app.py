"""The web application: page, interface, live updates and content gateway in one place."""

from __future__ import annotations

from aiohttp import web

from node.content.gateway import add_gateway
from node.content.store import BlockStore
from node.web.api import add_api
from node.web.assets import add_assets
from node.web.doors import Doors
from node.web.events import HEARTBEAT_S, MAX_STREAMS, EventStreams, Moving
from node.web.explanation import Facts, add_explanations
from node.web.gallery_pages import add_gallery_pages
from node.web.guard import Guard, whose
from node.web.network import NetworkSource, add_network
from node.web.operator import OperatorPages, OperatorSource
from node.web.security import add_security_headers
from node.web.site import Site
from node.web.source import GallerySource
from node.web.thumbnails import add_thumbnails


def create_app(
    source: GallerySource,
    store: BlockStore,
    *,
    heartbeat_s: float = HEARTBEAT_S,
    max_streams: int = MAX_STREAMS,
    public_url: str = "",
    visitor_rpc: bool = False,
    network: NetworkSource | None = None,
    operator: OperatorSource | None = None,
    guard: Guard | None = None,
    doors: Doors | None = None,
    facts: Facts | None = None,
) -> web.Application:
    """The application, ready for an `AppRunner`; it reads `source` and `store` and changes neither.

    No route takes a body, and none but GET and HEAD is answered. `public_url` is the address under which visitors
    reach the pages; with `visitor_rpc`, the page that verifies may ask the chain at an endpoint that they name.
    `network` and `operator` bring pages of their own; `guard` decides who reads what is the operator's (without one:
    this machine alone), and `doors` what visitors may have. `facts` tells why artworks look as they do.

        runner = web.AppRunner(create_app(source, store), access_log=None)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 8080).start()
    """
    guard, doors = guard or Guard(), doors or Doors()
    app = web.Application(client_max_size=1024, middlewares=[doors.middleware])
    app.on_response_prepare.append(add_security_headers)
    moving: dict[str, Moving] = {"revision": source}
    if network is not None:
        moving["network"] = network
        add_network(app, network)
    if operator is not None:
        OperatorPages(operator, guard).mount(app)
    events = EventStreams(moving, heartbeat_s, max_streams, lambda: source.readiness().ready)
    app.router.add_get("/api/events", events.serve, allow_head=False)
    app.on_shutdown.append(events.close)
    if facts is not None:
        add_explanations(app, facts, lambda: source.revision)
    editions = add_api(app, source, guard)
    add_gateway(app, store, whose)
    add_thumbnails(app, store, editions.shows)
    add_assets(app)
    site = Site(public_url.rstrip("/"))
    add_gallery_pages(app, site, editions, visitor_rpc=visitor_rpc)
    if network is not None:
        site.page(app, "/network", "network.html", "Network")
    if operator is not None:
        site.page(app, "/operator", "operator.html", "Operator", allowed=guard.reachable)
    site.lost(app)
    return app
