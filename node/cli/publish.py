"""`patina publish`: an edition brought to publishing targets by hand, and how far a node's own publishing is."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from node.cli.lazy import Group
from node.cli.options import config_option, json_option, warn_of_secrets
from node.cli.sources import contents_option, rpcs_option

if TYPE_CHECKING:
    from node.cli.places import Places
    from node.publish.target import Target


class _EditionGroup(Group):
    """A group whose first argument may be an edition: what is no command's name is handed to `edition`."""

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        if args and args[0] not in self.commands and not args[0].startswith("-"):
            args = ["edition", *args]
        return super().resolve_command(ctx, args)


@click.group(cls=_EditionGroup)
def publish() -> None:
    """Bring an edition to IPFS nodes and pinning services.

    A node does this by itself for what lands, wherever its configuration has [[content.publish]]: patina publish status
    says how far it is. By hand: patina publish EDITION, which means patina publish edition EDITION.
    """


@publish.command()
@click.argument("edition")
@click.option("--to", "names", multiple=True, help="Only to the configured place of this name; may be repeated.")
@click.option(
    "--kubo",
    callback=warn_of_secrets,
    help="HTTP RPC of an IPFS node, such as http://127.0.0.1:5001; no configuration is needed.",
)
@click.option("--token-file", type=click.Path(path_type=Path), help="File with the token for --kubo, mode 0600.")
@click.option("--username", help="With it, the token is this user's password (HTTP Basic).")
@click.option("--all-roots", is_flag=True, help="Everything that the edition ever showed, not only what it shows now.")
@rpcs_option("COLLECTION/NUMBER is looked up there")
@contents_option()
@config_option
@json_option
def edition(
    edition: str,
    *,
    names: tuple[str, ...],
    kubo: str | None,
    token_file: Path | None,
    username: str | None,
    all_roots: bool,
    rpcs: tuple[str, ...],
    contents: tuple[str, ...],
    config_path: Path,
    as_json: bool,
) -> None:
    """Bring EDITION to every configured place, or to one IPFS node, and wait until it is pinned there.

    EDITION is COLLECTION/NUMBER, looked up on chain, or a content root, as for patina export. What a place has already
    is not sent again. Exit status 1 if one of them did not take it.
    """
    import asyncio

    from node.cli.places import places
    from node.cli.progress import Bar

    targets = _targets(names, kubo, token_file, username, config_path)
    where = places(rpcs, contents, config_path)
    with Bar("publishing") as bar:
        done = asyncio.run(_publish(where, bar.step, edition, targets, history=all_roots))
    if as_json:
        click.echo(json.dumps(done, indent=2))
    else:
        for root in done["roots"]:
            click.echo(f"{root['cid']}  {root['label']}")
        for each in done["targets"]:
            click.secho(f"{each['name']}: {each['said']}", fg="green" if each["pinned"] else "red")
    if not all(each["pinned"] or each["pending"] for each in done["targets"]):
        raise SystemExit(1)


@publish.command()
@config_option
@json_option
def status(config_path: Path, *, as_json: bool) -> None:
    """Show how far this node's publishing is: the places, and what each of them has yet to take.

    Asks the node that runs with this configuration; where none does, reads its journal.
    """
    from node.cli.status import fetch, reachable, token_for
    from node.config import load
    from node.errors import PatinaError

    config = load(config_path, check_files=False)
    try:
        figures, _ = fetch(f"http://{reachable(config.web.host)}:{config.web.port}", token_for(config))
        found = figures.get("publishing")
    except PatinaError:
        found = None
    told = found if isinstance(found, dict) else _of_journal(config)
    if as_json:
        click.echo(json.dumps(told, indent=2))
    else:
        show(told)


def _targets(
    names: tuple[str, ...], kubo: str | None, token_file: Path | None, username: str | None, config_path: Path
) -> list[Target]:
    from node.config import load
    from node.config.schema import HTTP
    from node.config.values import fault_of_url
    from node.errors import ConfigError
    from node.keys.secrets import SecretUrl, read_secret
    from node.publish.kubo import Kubo
    from node.publish.link import Link
    from node.publish.open import name_of, open_target

    if kubo is not None:
        if fault := fault_of_url(kubo, HTTP):
            raise click.UsageError(f"--kubo: {fault}")
        url = SecretUrl(kubo)
        token = None if token_file is None else read_secret(token_file)
        return [Kubo(Link(str(url), url, token=token, username=username))]
    if token_file is not None or username is not None:
        raise click.UsageError("--token-file and --username belong to --kubo; configured places name their own")
    if not config_path.is_file():
        raise click.UsageError("name an IPFS node with --kubo, or run this in the folder of a node that publishes")
    config = load(config_path, check_files=False)
    known = {name_of(each): each for each in config.content.publish}
    if unknown := [name for name in names if name not in known]:
        raise ConfigError(
            f"--to: {unknown[0]} is none of the places in [[content.publish]]: {', '.join(known) or 'none'}"
        )
    if not known:
        raise ConfigError("content.publish: names no place; add [[content.publish]], or give --kubo")
    return [open_target(config, each) for name, each in known.items() if not names or name in names]


async def _publish(
    where: Places, watch: Callable[[], None], edition: str, targets: list[Target], *, history: bool
) -> dict[str, Any]:
    import asyncio

    from node.cli.export import find
    from node.export.parcel import pack

    async with where.sources(watch) as sources:
        labelled = await find(where, sources, edition, history=history)
        parcel = await pack(sources, [cid for _, cid in labelled], edition)
        told = await asyncio.gather(*(_bring(target, parcel) for target in targets))
        return {
            "roots": [{"cid": str(cid), "label": label} for label, cid in labelled],
            "blocks": parcel.blocks,
            "targets": list(told),
        }


async def _bring(target: Target, parcel: Any) -> dict[str, Any]:
    from node.publish.target import TargetError

    try:
        took = await target.publish(parcel)
    except TargetError as error:
        said, took, pending = str(error).removeprefix(f"{target.name}: "), False, False
    else:
        pending = not took
        said = f"pinned, {parcel.blocks} blocks" if took else "told to pin it, and is still fetching it"
    return {"name": target.name, "kind": target.kind, "pinned": took, "pending": pending, "said": said}


def _of_journal(config: Any) -> dict[str, Any]:
    from node.journal import Journal
    from node.publish.open import name_of

    with Journal(config.node.directory, read_only=True) as journal:
        counts = journal.publications.counts()
    targets = []
    for each in config.content.publish:
        known = counts.get(name_of(each), {})
        targets.append(
            {"name": name_of(each), "kind": each.kind} | {key: known.get(key, 0) for key in ("waiting", "published")}
        )
    return {"behind": max((each["waiting"] for each in targets), default=0), "targets": targets, "running": False}


def show(told: dict[str, Any]) -> None:
    """Print how far publishing is, for a person."""
    from node.errors import PatinaError, printable

    try:
        if told.get("running") is False:
            click.echo("the node does not answer; its journal says:")
        if not told["targets"]:
            click.echo("nothing is published anywhere: add [[content.publish]] to the configuration")
        for each in told["targets"]:
            name, error = printable(str(each["name"])), printable(str(each.get("error") or ""))
            waiting = int(each["waiting"])
            click.secho(
                f"{name} ({printable(str(each['kind']))}): {int(each['published'])} published, {waiting} waiting",
                fg="yellow" if waiting or error else "green",
            )
            if error:
                click.echo(f"  tried {int(each['failures'])} times: {error}")
            if each.get("sending"):
                click.echo(f"  sending {printable(str(each['sending']))}")
    except (LookupError, TypeError, ValueError, AttributeError):
        raise PatinaError("the node gives other figures: is it of another version than this patina?") from None
