"""Where commands that need no running node find chain and content: as they are told, or in a node's folder."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import click

from node.cli.sources import address_of, as_named, where_to_look

if TYPE_CHECKING:
    from node.chain.client import Chain
    from node.export.gather import Sources
    from node.keys.secrets import SecretUrl


@dataclass(frozen=True)
class Places:
    """Endpoints of the chain, and sources of content in the order in which they are asked."""

    endpoints: Sequence[SecretUrl]
    gateways: Sequence[SecretUrl]
    paths: Sequence[Path]

    @asynccontextmanager
    async def sources(self, watch: Callable[[], None] = lambda: None) -> AsyncIterator[Sources]:
        """What blocks are taken from; `watch` is called for each that is found.

        Raises ContentError for a file that is no CAR.
        """
        import aiohttp

        from node.export.gather import Sources
        from node.verify.blocks import CarFile, Folder, Gateway, Source

        async with aiohttp.ClientSession() as session:
            found: list[Source] = [CarFile(path) if path.is_file() else Folder(path) for path in self.paths]
            yield Sources([*found, *(Gateway(session, url) for url in self.gateways)], watch)

    @asynccontextmanager
    async def chain(self, collection: str) -> AsyncIterator[Chain]:
        """The chain on which a collection stands, with the oracle that it names. Raises ChainError."""
        from node.chain.client import Chain
        from node.chain.endpoints.pool import RpcPool
        from node.verify.facts import oracle_of

        address_of(collection)
        if not self.endpoints:
            raise click.UsageError(
                "name the chain's JSON-RPC URL with --rpc, or run this in a node's folder, or name a content root"
            )
        async with RpcPool(self.endpoints) as pool:
            yield Chain(pool, await oracle_of(pool, collection))


def places(rpcs: Sequence[str], contents: Sequence[str], config_path: Path) -> Places:
    """What the options say, and where they are silent this folder's node. Raises ConfigError, UsageError."""
    if contents and not rpcs and not config_path.is_file():
        found = as_named(rpcs, contents)  # a content root needs no chain
    elif not contents and not config_path.is_file():
        raise click.UsageError(
            "name a node's page, a folder of blocks or a CAR with --content, or run this in a node's folder"
        )
    else:
        found = where_to_look(rpcs, contents, config_path)
    return Places(found.endpoints, found.gateways, [path for path in found.folders if path.exists()])
