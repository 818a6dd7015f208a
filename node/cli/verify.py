"""`patina verify`: one token, from chain data and content alone, trusting nobody."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from node.cli.options import config_option, json_option
from node.cli.progress import Bar
from node.cli.sources import Where, address_of, contents_option, rpcs_option, where_to_look

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from node.render.reading import AnyRecipe
    from node.verify.repaint import Paint
    from node.verify.sheet import Step
    from node.verify.verification import Verification

ENGINES = ("auto", "numpy", "torch", "cuda")


@click.command()
@click.argument("collection")
@click.argument("token", type=click.IntRange(1, 2**256 - 1))
@rpcs_option()
@contents_option("several are asked in turn, and none is trusted")
@click.option(
    "--engine",
    type=click.Choice(ENGINES),
    default="auto",
    show_default=True,
    help="What renders again; all draw the same bytes.",
)
@click.option(
    "--pipelines",
    type=click.Path(path_type=Path, file_okay=False, exists=True),
    help="Folder of diffusers pipelines, for artworks of other models.",
)
@config_option
@json_option
def verify(
    collection: str,
    token: int,
    *,
    rpcs: tuple[str, ...],
    contents: tuple[str, ...],
    engine: str,
    pipelines: Path | None,
    config_path: Path,
    as_json: bool,
) -> None:
    """Verify TOKEN of COLLECTION from chain data and content alone, and render it again.

    Follows the artwork back from its tokenURI to the signatures under it, block by block and hash by hash, renders
    it again and compares. Without --rpc and --content, the endpoints and blocks of this folder's node are used.
    Exit status 0 only if every step is ok, 1 if one failed or could not be taken.
    """
    import asyncio

    from node.verify.repaint import painter
    from node.verify.sheet import Verdict

    where = where_to_look(rpcs, contents, config_path)
    address = address_of(collection)
    watch = _ignore if as_json else show_step
    with Bar("verifying") as bar:
        paint = _told(bar, painter(engine, pipelines or where.pipelines))
        done = asyncio.run(_verify(where, address, token, paint, watch))
    if as_json:
        click.echo(json.dumps(describe(done), indent=2))
    else:
        show_verdict(done)
    if done.sheet.verdict is not Verdict.VERIFIED:
        raise SystemExit(1)


def _told(bar: Bar, paint: Paint) -> Paint:
    """Paint as ever, and say so: it is what takes long."""

    def painted(recipe: AnyRecipe, seed: bytes, band: int, signals: Sequence[int]) -> NDArray[np.uint8]:
        bar.tell("verifying: painting it again")
        try:
            return paint(recipe, seed, band, signals)
        finally:
            bar.tell("verifying")

    return painted


async def _verify(where: Where, collection: str, token: int, paint: Paint, watch: Any) -> Verification:
    import aiohttp

    from node.chain.endpoints.pool import RpcPool
    from node.verify.blocks import Blocks, CarFile, Folder, Gateway
    from node.verify.sheet import Sheet
    from node.verify.verification import Verification

    async with RpcPool(where.endpoints) as pool, aiohttp.ClientSession() as session:
        folders = [CarFile(one) if one.is_file() else Folder(one) for one in where.folders if one.exists()]
        blocks = Blocks([*folders, *(Gateway(session, url) for url in where.gateways)])
        verification = Verification(pool, blocks, collection, token, paint, Sheet(watch))
        await verification.run()
        return verification


def _ignore(_: Step) -> None:
    pass


def show_step(step: Step) -> None:
    """Print a step on a line of its own."""
    from node.verify.sheet import Status

    colour = {Status.OK: "green", Status.FAILED: "red", Status.UNCHECKED: "yellow"}[step.status]
    status = click.style(f"{step.status:<12}", fg=colour, bold=step.status is not Status.OK)
    click.echo(f"{status}{step.name:<12}{_printable(step.detail)}")


def show_verdict(done: Verification) -> None:
    """Print what all steps come to, in one sentence."""
    from node.verify.sheet import Status, Verdict

    steps = done.sheet.steps
    failed = [step.name for step in steps if step.status is Status.FAILED]
    missed = [step.name for step in steps if step.status is Status.UNCHECKED and not step.optional]
    if done.sheet.verdict is Verdict.VERIFIED:
        landed = done.landed
        what = f"what a quorum signed for checkpoint {landed.checkpoint}" if landed else "its edition's placeholder"
        click.secho(f"Verified: token {done.token} shows {what}.", bold=True)
    elif failed:
        click.secho(f"NOT what it should be: {', '.join(failed)} failed.", fg="red", bold=True)
    else:
        click.secho(f"Not verified: {', '.join(missed)} could not be checked.", fg="yellow", bold=True)


def describe(done: Verification) -> dict[str, Any]:
    """Return a verification as JSON says it."""
    facts, landed = done.facts, done.landed
    document: dict[str, Any] = {
        "collection": done.collection,
        "token": str(done.token),
        "verdict": str(done.sheet.verdict),
        "steps": [
            {"name": step.name, "status": str(step.status), "detail": step.detail, "optional": step.optional}
            for step in done.sheet.steps
        ],
    }
    if facts is not None:
        document |= {"chain_id": facts.chain_id, "block": facts.block.number, "token_uri": facts.uri}
    if landed is not None:
        document |= {
            "feed": landed.feed,
            "checkpoint": landed.checkpoint,
            "band": landed.band,
            "content_root": "0x" + landed.content_root.hex(),
            "transaction": "0x" + landed.tx_hash.hex(),
        }
    return document


def _printable(text: str) -> str:
    """Text from elsewhere, without anything that a terminal would obey."""
    return "".join(letter if letter.isprintable() else "?" for letter in text)
