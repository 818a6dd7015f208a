"""`patina export`: an edition as a CAR or as plain files, for anybody."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from node.cli.options import config_option, json_option
from node.cli.sources import contents_option, rpcs_option

if TYPE_CHECKING:
    from node.cli.places import Places
    from node.content.cid import Cid
    from node.export.files import Written
    from node.export.gather import Sources
    from node.export.which import Wanted

RECIPE = "recipe"
"""The label of a root that is the recipe."""


@click.command()
@click.argument("edition")
@click.option(
    "--car", type=click.Path(path_type=Path, dir_okay=False, allow_dash=True), help="CAR to write; - is the output."
)
@click.option(
    "--folder", type=click.Path(path_type=Path, file_okay=False), help="Folder of plain files to write; new or empty."
)
@click.option("--token", type=click.IntRange(1, 2**63 - 1), help="Only this token: its metadata and picture.")
@click.option("--all-roots", is_flag=True, help="Everything that the edition ever showed, not only what it shows now.")
@click.option("--without-recipe", is_flag=True, help="Leave out the recipe, without which nobody can paint it again.")
@rpcs_option("COLLECTION/NUMBER is looked up there")
@contents_option()
@config_option
@json_option
def export(
    edition: str,
    *,
    car: Path | None,
    folder: Path | None,
    token: int | None,
    all_roots: bool,
    without_recipe: bool,
    rpcs: tuple[str, ...],
    contents: tuple[str, ...],
    config_path: Path,
    as_json: bool,
) -> None:
    """Write EDITION as a CAR that other IPFS tools read, or as plain files.

    EDITION is COLLECTION/NUMBER, looked up on chain, or a content root: its CID (bafybei...), an ipfs:// URL, or the
    32 bytes in hex. Without --rpc and --content, the endpoints and blocks of this folder's node are used. Every block
    is checked against its CID wherever it comes from; equal content gives equal bytes.
    """
    import asyncio

    from node.cli.places import places
    from node.cli.progress import Bar

    if car is None and folder is None:
        raise click.UsageError("name a file with --car, or a folder with --folder")
    if all_roots and token is not None:
        raise click.UsageError("--token and --all-roots exclude each other: a token is exported as it is shown now")
    to_stdout = car is not None and str(car) == "-"
    if to_stdout and sys.stdout.isatty():
        raise click.UsageError("--car - writes bytes that are not for a terminal: hand them on with a pipe")
    where = places(rpcs, contents, config_path)
    with Bar("exporting") as bar:
        done = asyncio.run(
            _export(where, bar.step, edition, car, folder, token, history=all_roots, bare=without_recipe)
        )
    if as_json:
        click.echo(json.dumps(done, indent=2), err=to_stdout)
        return
    for root in done["roots"]:
        click.echo(f"{root['cid']}  {root['label']}", err=to_stdout)
    for kind, what in (("car", "blocks"), ("folder", "files")):
        if (written := done.get(kind)) is not None:
            click.echo(f"{written['path']}: {written['count']} {what}, {written['bytes']} bytes", err=to_stdout)


async def _export(
    where: Places,
    watch: Callable[[], None],
    edition: str,
    car: Path | None,
    folder: Path | None,
    token: int | None,
    *,
    history: bool,
    bare: bool,
) -> dict[str, Any]:
    from node.content.walk import Walk
    from node.export.files import write_car, write_folder
    from node.export.which import token_of

    async with where.sources(watch) as sources:
        labelled = await find(where, sources, edition, token, history=history, bare=bare)
        cids = [cid for _, cid in labelled]
        recipes = [(label, cid) for label, cid in labelled if label == RECIPE]
        done: dict[str, Any] = {"roots": [{"cid": str(cid), "label": label} for label, cid in labelled]}
        part = None if token is None else await token_of(sources, cids[0], token)
        if car is not None:
            walk = Walk(cids)
            if part is not None:
                files = [cid for _, cid in (*part.files, *recipes)]
                walk = Walk(files, alone=part.directories)
            target = None if str(car) == "-" else car
            done["car"] = _told(car, await write_car(target, sys.stdout.buffer, sources, cids, walk))
        if folder is not None:
            editions = [cid for label, cid in labelled if label != RECIPE]
            tree = [("" if len(editions) == 1 else str(cid), cid) for cid in editions]
            if part is not None:
                tree = list(part.files)
            tree += [("recipe.json", cid) for _, cid in recipes]
            done["folder"] = _told(folder, await write_folder(folder, sources, tree))
        return done


async def find(
    where: Places, sources: Sources, edition: str, token: int | None = None, *, history: bool, bare: bool = False
) -> list[tuple[str, Cid]]:
    """The roots that an edition's name stands for, each with a label: what it shows now first, its recipe last.

    Raises ContentError where there is none of that name, or its recipe is missing; `bare` leaves the recipe out.
    """
    from node.errors import ContentError
    from node.export.which import recipe_of

    wanted = await _wanted(where, edition, history=history)
    roots = list(wanted.roots)
    recipe = None if bare else (wanted.recipe or await recipe_of(sources, roots[0][1], token))
    if recipe is None:
        return roots
    try:
        await sources.block(recipe)
    except ContentError as error:
        raise ContentError(f"the recipe is missing, {error}; patina export --without-recipe leaves it out") from None
    return [*roots, (RECIPE, recipe)]


async def _wanted(where: Places, edition: str, *, history: bool) -> Wanted:
    from node.content.cid import Cid
    from node.errors import ContentError
    from node.export.which import Wanted, on_chain, read_name

    named = read_name(edition)
    if isinstance(named, Cid):
        if history:
            raise ContentError("--all-roots: a content root has no history; name the edition as COLLECTION/NUMBER")
        return Wanted((("content root", named),))
    async with where.chain(named.collection) as chain:
        return await on_chain(chain, named, history=history)


def _told(path: Path, written: Written) -> dict[str, Any]:
    told: dict[str, Any] = {"path": str(path), "count": written.count, "bytes": written.size}
    return told | ({"sha256": written.sha256} if written.sha256 else {})
