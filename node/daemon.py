"""Runs one node: everything it consists of, in one task group, until it is told to stop."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import AsyncIterator, Callable, Coroutine, Sequence
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

import structlog

from node.errors import ChainError, JournalUnwritableError, PatinaError
from node.metrics.service import open_metrics
from node.notices.lookout import Lookout
from node.systemd import supervised
from node.together import both
from node.web.source import Readiness

if TYPE_CHECKING:
    from node.chain.types import Block, Feed, Landed
    from node.config import Config
    from node.keeper import Keeper
    from node.metrics.service import Metrics
    from node.pages.gallery import Gallery
    from node.parts import Ask, Parts

log = structlog.get_logger("daemon")


class Daemon:
    """One node's main loop: follow the head, keep the feeds, show the gallery."""

    def __init__(self, config: Config, parts: Parts, keepers: Sequence[Keeper], gallery: Gallery) -> None:
        self._config = config
        self._parts = parts
        self._keepers = keepers
        self._gallery = gallery
        self._shown: list[Feed] = []
        self._changed = asyncio.Event()
        self._resumed = False
        parts.landings.undo(self._resume_again)

    def _resume_again(self, _: Landed) -> None:
        # Rounds that an undone report had ended are open in the journal.
        self._resumed = False

    async def run(self) -> None:
        """Work until cancelled."""
        parts = self._parts
        metrics = open_metrics(parts, self._config.web)
        async with asyncio.TaskGroup() as group:
            group.create_task(parts.terms.run())
            group.create_task(parts.sender.run())
            group.create_task(parts.duty.run())
            group.create_task(parts.wakeup.run())
            group.create_task(parts.collector.run())
            group.create_task(parts.publisher.run())
            group.create_task(parts.disk.run())
            group.create_task(parts.notices.run())
            group.create_task(Lookout(parts).run())
            group.create_task(self.follow())
            group.create_task(self._show())
            if metrics is not None:
                group.create_task(metrics.run())
            if self._config.web.enabled:
                group.create_task(self._serve(metrics))

    async def _serve(self, metrics: Metrics | None) -> None:
        from node.pages.service import Pages

        await Pages(self._config, self._parts, self._gallery, lambda: self._shown, metrics).run()

    async def follow(self) -> None:
        """Follow head and final block by polling, so that a silent endpoint is asked again rather than trusted."""
        parts, last = self._parts, (b"", b"")
        while True:
            try:
                final, head = await both(parts.chain.finalized(), parts.chain.head())
                if parts.health.journal_error:
                    parts.journal.counters.add("journal failures")  # a write shows whether it takes them again
                    parts.health.journal_ok()
                    log.info("journal written again")
                if (final.hash, head.hash) != last or parts.landings.unsure:
                    feeds, _ = await both(self._feeds(final), self._look(final, head))
                    if not self._resumed:
                        for keeper in self._keepers:
                            await keeper.resume(feeds)
                        self._resumed = True
                    for keeper in self._keepers:
                        await keeper.final_head(final, feeds)
                    await parts.terms.handled()
                    self._shown = feeds
                    parts.standings.note(feeds)
                    self._changed.set()
                    last = (final.hash, head.hash)
                parts.health.chain_ok(final, head)
            except ChainError as error:
                parts.health.chain_failed(str(error))
                log.warning("chain not read, trying again", error=str(error), remedy="patina check --only endpoints")
            except JournalUnwritableError as error:
                # Nothing of this look is stored, and nothing that binds leaves: the next look does it all again.
                parts.health.journal_failed(str(error))
                log.error("journal not written, trying again", error=str(error))
            await parts.wakeup.wait(self._config.chain.poll_ms / 1000)

    async def _show(self) -> None:
        """Bring the gallery up to date after each head, beside the node's work and never in its way."""
        while True:
            await self._changed.wait()
            self._changed.clear()
            try:
                await self._gallery.refresh(self._shown, self._parts.landings.of)
            except Exception as error:
                # What a page shows must not stop a node that signs.
                log.error(
                    "gallery not brought up to date", error=str(error), exc_info=not isinstance(error, PatinaError)
                )

    async def _look(self, final: Block, head: Block) -> None:
        """See who sits in the committee, and then what landed: a report is judged by the committee that signed it."""
        await self._parts.terms.look(final)
        await self._parts.landings.update(final, head)

    async def _feeds(self, final: Block) -> list[Feed]:
        """Return the served feeds."""
        serve = self._config.feeds.serve
        return [feed for feed in await self._parts.chain.feeds(final) if serve == "all" or feed.id in serve]


@asynccontextmanager
async def stop_on_signals() -> AsyncIterator[asyncio.Event]:
    """Turn SIGTERM and SIGINT into an event for as long as the block runs."""
    loop, stop = asyncio.get_running_loop(), asyncio.Event()
    signals = (signal.SIGTERM, signal.SIGINT)
    for number in signals:
        loop.add_signal_handler(number, stop.set)
    try:
        yield stop
    finally:
        for number in signals:
            loop.remove_signal_handler(number)


async def run_node(
    config: Config, ask: Ask | None = None, beside: Callable[[Parts], Coroutine[Any, Any, None]] | None = None
) -> None:
    """Run a node until SIGTERM or SIGINT, then shut everything down in order.

    `beside` runs next to the node, for whoever watches; what becomes of it is nothing to the node.

    Raises:
        PatinaError: the node cannot start, or must not go on.
    """
    from node.keeper import NodeContext, find_keepers, judge
    from node.pages.gallery import Gallery
    from node.parts import build_parts
    from node.status.figures import reasons, status

    async with stop_on_signals() as stop, build_parts(config, ask) as parts:
        terms = parts.terms
        keepers = find_keepers(
            NodeContext(
                config,
                parts.chain,
                parts.journal,
                parts.landings,
                terms,
                parts.studio,
                parts.sender,
                terms.takes_part,
                parts.duty.paying.unpaid,
            )
        )
        gallery = Gallery(
            parts.chain,
            config.chain.id,
            parts.journal,
            parts.recipes,
            judge(keepers).answers,
            lambda: status(parts),
            lambda: Readiness.of(reasons(parts)),
        )
        work = asyncio.create_task(Daemon(config, parts, keepers, gallery).run())
        stopping = asyncio.create_task(stop.wait())
        shown = [] if beside is None else [asyncio.create_task(beside(parts))]
        try:
            async with supervised():
                await asyncio.wait({work, stopping}, return_when=asyncio.FIRST_COMPLETED)
            if not work.done():
                log.info("stopping")
        finally:
            for task in (work, stopping, *shown):
                task.cancel()
            await asyncio.gather(work, stopping, *shown, return_exceptions=True)
        if not work.cancelled() and (error := work.exception()) is not None:
            raise first_error(error)


def first_error(error: BaseException) -> BaseException:
    """Return the first plain error inside nested exception groups."""
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    return error
