"""Keeps metrics as long as the node runs: what has to be watched for them, and an address of their own if wanted."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import structlog

from node.errors import ConfigError
from node.metrics.watch import watch_loop

if TYPE_CHECKING:
    from aiohttp import web

    from node.config.pages import WebConfig
    from node.metrics.exposition import Exposition
    from node.parts import Parts
    from node.web.guard import Guard

log = structlog.get_logger("metrics")


def open_metrics(parts: Parts, config: WebConfig) -> Metrics | None:
    """Return the node's metrics; None where they are switched off, and then nothing is imported for them."""
    if not config.metrics or not (config.enabled or config.metrics_port is not None):
        return None
    from node.metrics.exposition import Exposition

    return Metrics(Exposition(parts), config.metrics_host, config.metrics_port)


class Metrics:
    """What is told, and where: on the pages' port behind the operator's guard, or on a port of its own."""

    def __init__(self, exposition: Exposition, host: str, port: int | None) -> None:
        self.exposition = exposition
        self.bound: int | None = None
        """The port of its own once it is open."""
        self._host = host
        self._port = port

    def mount(self, app: web.Application, guard: Guard) -> None:
        """Serve from the pages' application, unless there is a port for metrics alone."""
        from node.web.metrics import add_metrics

        if self._port is None:
            add_metrics(app, self.exposition, guard)

    async def run(self) -> None:
        """Watch and serve until cancelled.

        Raises:
            ConfigError: the port cannot be opened.
        """
        async with asyncio.TaskGroup() as group:
            group.create_task(watch_loop(self.exposition.loop))
            if self._port is not None:
                group.create_task(self._serve(self._port))

    async def _serve(self, port: int) -> None:
        from aiohttp import web

        from node.web.doors import Doors
        from node.web.metrics import create_metrics_app

        doors = Doors()
        runner = web.AppRunner(create_metrics_app(self.exposition, doors), access_log=None, shutdown_timeout=1)
        await runner.setup()
        try:
            try:
                await doors.site(runner, self._host, port).start()
            except OSError as error:
                raise ConfigError(
                    f"web.metrics_host, web.metrics_port: cannot listen on {self._host}:{port} ({error.strerror})"
                ) from error
            self.bound = int(runner.addresses[0][1])
            log.info("metrics served", url=f"http://{self._host}:{self.bound}/metrics")
            await asyncio.Event().wait()
        finally:
            await runner.cleanup()
