"""`patina explain`: why an artwork looks as it does, in words."""

from __future__ import annotations

import json
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING

import click
from click.core import ParameterSource

from node.cli.options import config_option, json_option
from node.cli.sources import Where, address_of, contents_option, rpcs_option, where_to_look
from node.errors import ConfigError, PatinaError

if TYPE_CHECKING:
    from node.chain.client import Chain
    from node.chain.endpoints.pool import RpcPool
    from node.config import Config
    from node.explain.memory import JournalMemory
    from node.explain.views import Subject

WIDTH = 80


@click.command()
@click.argument("token", type=click.IntRange(1, 2**256 - 1))
@click.option("--collection", help="The token's collection; by default the one that this folder's node keeps.")
@rpcs_option("for whoever runs no node")
@contents_option("there the artwork's title and moods are known")
@click.option("--history", "with_history", is_flag=True, help="Tell its whole life too: every report there was.")
@config_option
@json_option
def explain(
    token: int,
    *,
    collection: str | None,
    rpcs: tuple[str, ...],
    contents: tuple[str, ...],
    with_history: bool,
    config_path: Path,
    as_json: bool,
) -> None:
    """Tell in words why TOKEN looks as it does.

    Which vault it follows and how that stood, in which band, who measured, painted and signed it, what the vault's
    ups and downs did to the picture, what its seed decided, and what will change it next. In a node's folder its
    journal and content answer most of it; elsewhere name --rpc and --collection, and --content where you can. What is
    told is read, not proven: `patina verify` proves it. Exit status 1 where there is no such token.
    """
    import asyncio

    from node.cli.db import quiet
    from node.explain.document import document

    if collection is not None:
        address_of(collection)
    context = click.get_current_context()
    if config_path.is_file() and context.get_parameter_source("rpcs") is ParameterSource.ENVIRONMENT:
        rpcs = ()  # the node's own configuration reads that variable too
    where = where_to_look(rpcs, contents, config_path, content_needed=False)
    quiet()
    subject = asyncio.run(_gather(where, _config(rpcs, config_path), collection, token, whole=with_history))
    if as_json:
        told = document(subject)
        if not with_history:
            told.pop("history")
            told.pop("history_complete")
        click.echo(json.dumps(told, indent=2, ensure_ascii=False))
    else:
        show(subject, with_history=with_history)


def _config(rpcs: tuple[str, ...], config_path: Path) -> Config | None:
    """This folder's node, where it is the one that is asked."""
    if rpcs or not config_path.is_file():
        return None
    from node.config import load

    return load(config_path, check_files=False)


async def _gather(where: Where, config: Config | None, collection: str | None, token: int, *, whole: bool) -> Subject:
    import aiohttp

    from node.chain.client import Chain
    from node.chain.endpoints.pool import RpcPool
    from node.explain.gather import Gathering
    from node.explain.views import check_token, edition_of
    from node.verify.blocks import Blocks, CarFile, Folder, Gateway
    from node.verify.facts import oracle_of

    number = edition_of(token)
    async with RpcPool(where.endpoints) as pool, aiohttp.ClientSession() as session:
        folders = [CarFile(one) if one.is_file() else Folder(one) for one in where.folders if one.exists()]
        blocks = Blocks([*folders, *(Gateway(session, url) for url in where.gateways)])
        with ExitStack() as stack:
            memory: JournalMemory | None = None
            if config is not None:
                chain = _chain(pool, config)
                memory = _memory(config, stack)
                collection = collection or await _only_collection(chain, number)
            elif collection is None:
                raise click.UsageError("name the token's collection with --collection")
            else:
                chain = Chain(pool, await oracle_of(pool, collection))
            found = await Gathering(chain, blocks, memory).edition(collection, number, whole=whole, token=token)
        check_token(found.edition, token)
        return found


def _chain(pool: RpcPool, config: Config) -> Chain:
    from node.chain.client import Chain

    return Chain(
        pool,
        config.chain.oracle,
        chain_id=config.chain.id,
        finality=config.chain.finality,
        multicall=config.chain.multicall,
    )


def _memory(config: Config, stack: ExitStack) -> JournalMemory | None:
    """This node's journal, where it is there and of this schema; else everything is asked of the chain."""
    from node.errors import JournalError
    from node.explain.memory import JournalMemory
    from node.journal import Journal

    if not (config.node.directory / "journal.db").exists():
        return None
    try:
        journal = stack.enter_context(Journal(config.node.directory, read_only=True))
        if journal.identity is None:
            return None
    except JournalError:
        return None
    return JournalMemory(journal, config.chain.id, config.chain.oracle)


async def _only_collection(chain: Chain, edition: int) -> str:
    """The collection that has this edition, among those that the oracle's feeds name.

    Raises:
        PatinaError: there is none, or more than one.
    """
    from node.chain.types import NOBODY

    feeds = [feed for feed in await chain.feeds() if feed.collection != NOBODY]
    found = sorted({feed.collection for feed in feeds if feed.edition == edition})
    if not found:
        raise PatinaError(f"no feed of this oracle paints an edition {edition}: is the token's id right?")
    if len(found) > 1:
        raise ConfigError(
            f"several collections have an edition {edition}: name one with --collection: {', '.join(found)}"
        )
    return found[0]


def show(subject: Subject, *, with_history: bool) -> None:
    """Print the story for a person."""
    from node.explain.numbers import stopped
    from node.explain.story import headline, tell

    click.secho(_wrapped(stopped(headline(subject))), bold=True)
    for section in tell(subject):
        click.echo()
        click.secho(section.title, fg="cyan")
        for one in section.sentences:
            click.echo(_wrapped(one, "  "))
    if with_history:
        _show_history(subject)
    elif subject.state == "painted":
        click.echo()
        click.echo(f"Its whole life: --history. The proof: patina verify {subject.edition.collection} {subject.token}")


def _show_history(subject: Subject) -> None:
    from node.explain.numbers import date, sentence
    from node.explain.story import history

    click.echo()
    click.secho("Its life", fg="cyan")
    rows = history(subject)
    if not rows:
        click.echo("  No report has landed yet.")
    elif not subject.whole:
        click.echo("  Earlier reports were not found.")
    for one, said in rows:
        of = f" of {one.committee}" if one.committee else ""
        when = date(one.time)
        click.echo(f"  {f'block {one.landed.block_number:,}':<16}{when + '  ' if when else ''}{one.signed}{of} signed")
        click.echo(_wrapped(sentence(said), "    "))


def _wrapped(text: str, indent: str = "") -> str:
    import textwrap

    return textwrap.fill(text, WIDTH, initial_indent=indent, subsequent_indent=indent, break_long_words=False,
                         break_on_hyphens=False)  # fmt: skip
