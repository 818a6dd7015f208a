"""Runs chain and broker of a devnet as one process: `python -m node.devnet.serve`, or inside any event loop."""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import signal
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from node.devnet.settings import ChainSettings, DevnetSettings, EmbeddedBrokerSettings
from node.errors import PatinaError

if TYPE_CHECKING:
    from node.devnet.rpc.server import DevnetServer


@dataclass(frozen=True, slots=True)
class Endpoints:
    """Where a running devnet is reached."""

    rpc: str
    broker: str
    chain_id: int


@dataclass(frozen=True, slots=True)
class Devnet:
    """A running chain and broker: where they are reached, and the work that makes the chain's blocks, without end."""

    endpoints: Endpoints
    make_blocks: Callable[[], Awaitable[None]]


async def run_devnet(settings: DevnetSettings, on_ready: Callable[[Endpoints], None] = lambda _: None) -> None:
    """Run chain and broker until cancelled; ``on_ready`` is told once where they listen.

    Raises :class:`PatinaError` if a port cannot be had, or if anvil is asked for and cannot be run.
    """
    async with serve_devnet(settings) as devnet:
        on_ready(devnet.endpoints)
        await devnet.make_blocks()


@contextlib.asynccontextmanager
async def serve_devnet(settings: DevnetSettings) -> AsyncIterator[Devnet]:
    """Chain and broker for as long as the context lasts; errors are those of :func:`run_devnet`."""
    from node.devnet.broker import serve_broker

    async with _chain(settings) as (url, work), serve_broker(settings.broker) as broker:
        yield Devnet(Endpoints(url, broker.url, settings.chain.chain_id), work)


@contextlib.asynccontextmanager
async def _chain(settings: DevnetSettings) -> AsyncIterator[tuple[str, Callable[[], Awaitable[None]]]]:
    """Run the chain that is asked for: its URL, and the work that makes its blocks, which never ends."""
    if settings.anvil:
        from node.devnet.anvil import serve_anvil

        async with serve_anvil(settings.chain, settings.host, settings.port, settings.block_interval) as anvil:
            yield anvil.url, anvil.wait
        return
    from node.devnet.rpc.server import serve_chain

    async with serve_chain(settings.chain, settings.host, settings.port) as embedded:
        yield embedded.url, lambda: _mine(embedded, settings.block_interval)


async def _mine(server: DevnetServer, interval: float) -> None:
    if interval <= 0:
        await asyncio.Event().wait()
    while True:
        await asyncio.sleep(interval)
        await server.run(server.chain.mine)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run until SIGTERM or SIGINT; prints one line of JSON with the endpoints once both listen."""
    settings = _settings(arguments)
    try:
        asyncio.run(_until_signal(settings))
    except PatinaError as error:
        print(error, file=sys.stderr)  # noqa: T201 - what whoever started it reads
        return 1
    return 0


async def _until_signal(settings: DevnetSettings) -> None:
    task = asyncio.current_task()
    assert task is not None  # noqa: S101 - within asyncio.run there is one
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, task.cancel)
    with contextlib.suppress(asyncio.CancelledError):
        await run_devnet(settings, _print)


def _print(endpoints: Endpoints) -> None:
    line = {"rpc": endpoints.rpc, "broker": endpoints.broker, "chain_id": endpoints.chain_id}
    print(json.dumps(line), flush=True)  # noqa: T201 - what a parent process reads


def _settings(arguments: Sequence[str] | None) -> DevnetSettings:
    chain = ChainSettings()
    parser = argparse.ArgumentParser(prog="python -m node.devnet.serve", description=__doc__)
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--rpc-port", type=int, default=0, help="0: any free one")
    parser.add_argument("--broker-port", type=int, default=0, help="0: any free one")
    parser.add_argument("--chain-id", type=int, default=chain.chain_id)
    parser.add_argument("--seed", default=chain.seed.decode(), help="decides accounts and prevrandao")
    parser.add_argument("--finality-depth", type=int, default=chain.finality_depth)
    parser.add_argument("--genesis-time", type=int, default=chain.genesis_time)
    parser.add_argument("--block-interval", type=float, default=0.0, help="seconds between blocks; 0: on demand")
    parser.add_argument("--anvil", action="store_true", help="run Foundry's anvil instead of the embedded chain")
    given = parser.parse_args(arguments)
    return DevnetSettings(
        chain=replace(
            chain,
            chain_id=given.chain_id,
            seed=given.seed.encode(),
            finality_depth=given.finality_depth,
            genesis_time=given.genesis_time,
        ),
        broker=EmbeddedBrokerSettings(host=given.host, port=given.broker_port),
        host=given.host,
        port=given.rpc_port,
        block_interval=given.block_interval,
        anvil=given.anvil,
    )


if __name__ == "__main__":
    sys.exit(main())
