"""`patina recipe`: check a recipe, name a pipeline folder, and measure how far a pipeline's renders are apart."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import click

from node.cli.options import json_option

if TYPE_CHECKING:
    from node.render.reading import AnyRecipe
    from node.render.tolerance.margins import Margin

_FILE = click.Path(path_type=Path, dir_okay=False, exists=True)
_FOLDER = click.Path(path_type=Path, file_okay=False, exists=True)


@click.group()
def recipe() -> None:
    """Check recipes, name pipelines, and measure what a recipe may tolerate."""


@recipe.command()
@click.argument("recipe_file", metavar="RECIPE", type=_FILE)
def check(*, recipe_file: Path) -> None:
    """Say what is wrong with RECIPE, a JSON file, or else what its edition names on chain."""
    from node.render.recipe import Recipe

    found = _read(recipe_file)
    kind = "exact" if isinstance(found, Recipe) else f"agrees by tolerance, PSNR of {found.psnr_floor} dB or more"
    click.echo(f"{found.name}: {len(found.classes)} bands, {kind}")
    click.echo(f"recipe 0x{found.digest.hex()}")
    click.echo(f"model  0x{found.model.hex()}")


@recipe.command()
@click.argument("folder", metavar="FOLDER", type=_FOLDER)
def digest(*, folder: Path) -> None:
    """Print the digest of FOLDER, a diffusers pipeline, as a recipe names it."""
    from node.render.tolerance.folder import model_index, pipeline_digest

    name, components = model_index(folder)
    found = pipeline_digest(folder)
    click.echo(f"{name}: {', '.join(sorted(components))}")
    click.echo(found.hex())


@recipe.command()
@click.argument("recipe_file", metavar="RECIPE", type=_FILE)
@click.option("--pipelines", type=_FOLDER, default=Path("pipelines"), show_default=True, help="Folder of pipelines.")
@click.option("--seeds", type=click.IntRange(1, 64), default=4, show_default=True, help="Pictures for each row.")
@click.option(
    "--device", type=click.Choice(("cpu", "cuda")), default="cpu", show_default=True, help="Where to draw them."
)
@json_option
def margins(*, recipe_file: Path, pipelines: Path, seeds: int, device: str, as_json: bool) -> None:
    """Measure how far renders of RECIPE's pipeline are apart, and recommend a floor.

    Draws the band in the middle: as it comes, with other kernels, in other precisions, and with small cheats.
    """
    from node.errors import RenderError
    from node.render.tolerance.recipe import PipelineRecipe

    found = _read(recipe_file)
    if not isinstance(found, PipelineRecipe):
        raise RenderError(f"{recipe_file}: an exact recipe has no margins")
    from node.render.tolerance.margins import measure, recommend

    chosen = [index.to_bytes(1, "big") + bytes(31) for index in range(1, seeds + 1)]
    rows = measure(found, pipelines, chosen, device, None if as_json else _tell)
    floor = recommend(rows)
    if as_json:
        click.echo(json.dumps(_document(rows, floor)))
        return
    click.echo("")
    if floor is None:
        click.echo("No floor separates what must pass from what must not: choose what to let pass.")
    else:
        click.echo(f'A floor that separates them here: "tolerance": {{"psnr_floor_db": "{_spelled(floor)}"}}')


def _read(path: Path) -> AnyRecipe:
    from node.errors import RenderError
    from node.render.reading import read_recipe

    try:
        return read_recipe(path.read_bytes())
    except OSError as error:
        raise RenderError(f"{path} cannot be read: {error.strerror}") from error


def _tell(row: Margin) -> None:
    from node.render.tolerance.margins import decibels

    meant = {True: "must pass", False: "must not", None: "pinned"}[row.honest]
    click.echo(f"{row.name:36} {meant:10} {decibels(row.lowest):>7} to {decibels(row.highest):>7} dB")


def _document(rows: list[Margin], floor: int | None) -> dict[str, object]:
    from node.render.tolerance.margins import decibels

    return {
        "margins": [
            {
                "name": row.name,
                "honest": row.honest,
                "lowest_db": decibels(row.lowest),
                "highest_db": decibels(row.highest),
            }
            for row in rows
        ],
        "psnr_floor_db": None if floor is None else _spelled(floor),
    }


def _spelled(floor: int) -> str:
    from node.render.document import spelled

    return spelled(floor, 2)
