"""Everything that a node serves over HTTP, from its parts to the open port."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from importlib.metadata import version
from typing import TYPE_CHECKING, Final

import structlog

from node.config import operator_token
from node.errors import ConfigError, PatinaError
from node.network.board import Board
from node.pages.overview import Overview
from node.pages.storyteller import Storyteller
from node.web.app import create_app
from node.web.doors import Doors
from node.web.guard import Guard

if TYPE_CHECKING:
    from aiohttp import web

    from node.chain.types import Feed, FullReport, Landed
    from node.config import Config
    from node.metrics.service import Metrics
    from node.pages.gallery import Gallery
    from node.parts import Parts

LOOK_S: Final = 1.5
"""Seconds between two looks at the network: rounds get further between two blocks."""

log = structlog.get_logger("web")


class Pages:
    """Gallery, network and operator's page; what they show must not stop a node that signs."""

    def __init__(
        self,
        config: Config,
        parts: Parts,
        gallery: Gallery,
        feeds: Callable[[], Sequence[Feed]],
        metrics: Metrics | None = None,
    ) -> None:
        """`feeds` tells the served feeds as they stand.

        Raises:
            KeyFileError: the operator's token cannot be read.
        """
        self._config = config
        self._parts = parts
        self._feeds = feeds
        self._gallery = gallery
        self._metrics = metrics
        self._doors = Doors()
        self._guard = guard_of(config)
        self._board = Board(parts, self._proof)
        self._overview = Overview(parts, self._doors, version=version("patina"))
        self._storyteller = Storyteller(parts, gallery)
        self._said = ""
        self.bound: int | None = None
        """The port once it is open."""

    async def run(self) -> None:
        """Serve until cancelled.

        Raises:
            ConfigError: the port cannot be opened.
        """
        async with asyncio.TaskGroup() as group:
            group.create_task(self._look())
            group.create_task(self._serve())

    async def _look(self) -> None:
        while True:
            try:
                await self._board.refresh(self._feeds())
                self._said = ""
            except Exception as error:
                if self._said != repr(error):
                    self._said = repr(error)
                    known = isinstance(error, PatinaError)
                    log.error("network page not brought up to date", error=str(error), exc_info=not known)
            await asyncio.sleep(LOOK_S)

    async def _serve(self) -> None:
        from aiohttp import web

        runner = web.AppRunner(self._app(), access_log=None, shutdown_timeout=1)
        await runner.setup()
        try:
            host, port = self._config.web.host, self._config.web.port
            try:
                await self._doors.site(runner, host, port).start()
            except OSError as error:
                raise ConfigError(f"web.host, web.port: cannot listen on {host}:{port} ({error.strerror})") from error
            self.bound = int(runner.addresses[0][1])
            log.info("web pages served", url=f"http://{host}:{self.bound}")
            await asyncio.Event().wait()
        finally:
            await runner.cleanup()

    async def _proof(self, landed: Landed) -> FullReport:
        """A report's proof: of one that repainted something the gallery keeps it anyway."""
        if any(landed.content_root):
            return await self._gallery.full(landed)
        return await self._parts.chain.report(landed.feed, landed.checkpoint, landed)

    def _app(self) -> web.Application:
        chosen = self._config.web
        app = create_app(
            self._gallery,
            self._parts.store,
            public_url=chosen.public_url or "",
            visitor_rpc=chosen.visitor_rpc,
            network=self._board,
            operator=self._overview,
            guard=self._guard,
            doors=self._doors,
            facts=self._storyteller.facts,
        )
        if self._metrics is not None:
            self._metrics.mount(app, self._guard)
        return app


def guard_of(config: Config) -> Guard:
    """Who passes for the operator, as the configuration says.

    Where `public_url` tells that a proxy brings visitors, an address of this machine says nothing: nginx from 1.29.7 on
    shows by no trace that it is one, unless it is told to.

    Raises:
        KeyFileError: the operator's token cannot be read.
    """
    token = operator_token(config)
    if config.web.public_url is not None and token is None:
        log.warning(
            "nobody sees the operator's page: with web.public_url this machine needs the token as well; name a file "
            "with one in web.operator_token_file"
        )
    return Guard(token, local=config.web.operator_local and config.web.public_url is None)
