"""Where commands that need no running node find chain and content: as they are told, or in a node's folder."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import click

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
    async def sources(self) -> AsyncIterator[Sources]:
        """What blocks are taken from. Raises ContentError for a file that is no CAR."""
        import aiohttp

        from node.export.gather import Sources
        from node.verify.blocks import CarFile, Folder, Gateway, Source

        async with aiohttp.ClientSession() as session:
            found: list[Source] = [CarFile(path) if path.is_file() else Folder(path) for path in self.paths]
            yield Sources([*found, *(Gateway(session, url) for url in self.gateways)])

    @asynccontextmanager
    async def chain(self, collection: str) -> AsyncIterator[Chain]:
        """The chain on which a collection stands, with the oracle that it names. Raises ChainError."""
        from node.chain.client import Chain
        from node.chain.pool import RpcPool
        from node.keys.address import fault_of_address
        from node.verify.facts import oracle_of

        if wrong := fault_of_address(collection):
            raise click.UsageError(f"COLLECTION: {wrong[0]}; {wrong[1]}")
        if not self.endpoints:
            raise click.UsageError(
                "name the chain's JSON-RPC URL with --rpc, or run this in a node's folder, or name a content root"
            )
        async with RpcPool(self.endpoints) as pool:
            yield Chain(pool, await oracle_of(pool, collection))


def places(rpcs: Sequence[str], contents: Sequence[str], config_path: Path) -> Places:
    """What the options say, and where they are silent this folder's node. Raises ConfigError, UsageError."""
    from node.config.schema import HTTP
    from node.config.values import fault_of_url
    from node.keys.secrets import SecretUrl

    for rpc in rpcs:
        if fault := fault_of_url(rpc, HTTP):
            raise click.UsageError(f"--rpc: {fault}")
    gateways, paths = [], []
    for content in contents:
        if "://" not in content and Path(content).exists():
            paths.append(Path(content))
        elif fault := fault_of_url(content, HTTP):
            raise click.UsageError(f"--content: {fault}, and no folder or file of this machine either")
        else:
            gateways.append(SecretUrl(content))
    endpoints = [SecretUrl(rpc) for rpc in rpcs]
    if (endpoints and contents) or not config_path.is_file():
        if not contents:
            raise click.UsageError(
                "name a node's page, a folder of blocks or a CAR with --content, or run this in a node's folder"
            )
        return Places(endpoints, gateways, paths)

    from node.config import load

    config = load(config_path, check_files=False)
    if not contents:
        own = [config.node.directory, config.path.parent]  # its blocks, and the folder of its recipes
        paths = [path for path in own if path.is_dir()]
        gateways = list(config.content.peers)
    return Places(endpoints or list(config.chain.endpoints), gateways, paths)
