"""`patina recipe`: check a recipe, name a pipeline folder, and measure how far a pipeline's renders are apart."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from node.cli.margins import show, teller
from node.cli.options import json_option

if TYPE_CHECKING:
    from node.render.reading import AnyRecipe

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
    from node.render.tolerance.margins import measure

    chosen = [index.to_bytes(1, "big") + bytes(31) for index in range(1, seeds + 1)]
    show(measure(found, pipelines, chosen, device, teller(as_json=as_json)), as_json=as_json)


def _read(path: Path) -> AnyRecipe:
    from node.errors import RenderError
    from node.render.reading import read_recipe

    try:
        return read_recipe(path.read_bytes())
    except OSError as error:
        raise RenderError(f"{path} cannot be read: {error.strerror}") from error
