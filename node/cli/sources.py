"""Where a visitor's command finds chain and content: named on the command line, or a node's own."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import click

from node.cli.options import ENDPOINTS_VARIABLE, Command, warn_of_secrets

if TYPE_CHECKING:
    from node.keys.secrets import SecretUrl


def rpcs_option(used: str = "several are compared with each other") -> Callable[[Command], Command]:
    """`--rpc URL`, as often as wanted, as argument `rpcs`; `used` says in its help what for."""
    return click.option(
        "--rpc",
        "rpcs",
        multiple=True,
        envvar=ENDPOINTS_VARIABLE,
        callback=warn_of_secrets,
        help=f"JSON-RPC URL of the chain; {used}. One with a key in it: in {ENDPOINTS_VARIABLE}.",
    )


def contents_option(used: str = "several are asked in turn") -> Callable[[Command], Command]:
    """`--content PLACE`, as often as wanted, as argument `contents`; `used` says in its help what for."""
    return click.option(
        "--content",
        "contents",
        multiple=True,
        callback=warn_of_secrets,
        help=f"A node's page or another IPFS gateway, a folder of blocks, or a CAR; {used}.",
    )


@dataclass(frozen=True)
class Where:
    """Where chain and content are to be had."""

    endpoints: list[SecretUrl]
    gateways: list[SecretUrl]
    folders: list[Path]
    pipelines: Path | None = None


def where_to_look(
    rpcs: Sequence[str], contents: Sequence[str], config_path: Path, *, content_needed: bool = True
) -> Where:
    """Return where to ask, from the command line, or from the node's configuration where there is one.

    Raises:
        click.UsageError: neither says enough; the text says what to name.
        PatinaError: the configuration cannot be used.
    """
    named = as_named(rpcs, contents)
    endpoints, gateways, folders = named.endpoints, named.gateways, named.folders
    if (endpoints and (contents or not content_needed)) or not config_path.is_file():
        if not endpoints or (content_needed and not contents):
            content = " and a node's page or a folder of blocks with --content" if content_needed else ""
            raise click.UsageError(f"name the chain's JSON-RPC URL with --rpc{content}, or run this in a node's folder")
        return named

    from node.config import load

    config = load(config_path, check_files=False)
    if not contents:
        folders = [config.node.directory, config.path.parent]  # its blocks, and the folder of its recipes
        gateways = list(config.content.peers)
    pipelines = config.render.pipelines
    return Where(
        endpoints or list(config.chain.endpoints), gateways, folders, pipelines if pipelines.is_dir() else None
    )


def as_named(rpcs: Sequence[str], contents: Sequence[str]) -> Where:
    """Return what the command line alone names; UsageError for what is neither URL nor folder nor file."""
    from node.config.schema import HTTP
    from node.config.values import fault_of_url
    from node.keys.secrets import SecretUrl

    for rpc in rpcs:
        if fault := fault_of_url(rpc, HTTP):
            raise click.UsageError(f"--rpc: {fault}")
    gateways, folders = [], []
    for content in contents:
        if "://" not in content and Path(content).exists():
            folders.append(Path(content))
        elif fault := fault_of_url(content, HTTP):
            raise click.UsageError(f"--content: {fault}, and no folder or file of this machine either")
        else:
            gateways.append(SecretUrl(content))
    return Where([SecretUrl(rpc) for rpc in rpcs], gateways, folders)


def address_of(text: str) -> str:
    """Return a collection's address as it was given.

    Raises:
        click.UsageError: it is none.
    """
    from node.keys.address import fault_of_address

    if wrong := fault_of_address(text):
        raise click.UsageError(f"COLLECTION: {wrong[0]}; {wrong[1]}")
    return text
