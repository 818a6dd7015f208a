"""`patina recipe`: check a recipe, name a pipeline folder, and measure how far a pipeline's renders are apart."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import click

from node.cli.lazy import Group
from node.cli.margins import show, teller
from node.cli.options import json_option
from node.cli.progress import Bar

if TYPE_CHECKING:
    from node.render.reading import AnyRecipe

_FILE = click.Path(path_type=Path, dir_okay=False, exists=True)
_FOLDER = click.Path(path_type=Path, file_okay=False, exists=True)


@click.group(cls=Group)
def recipe() -> None:
    """Check recipes, name pipelines, and measure what a recipe may tolerate."""


@recipe.command()
@click.argument("name")
@click.option("--bands", type=click.IntRange(1, 16), default=6, show_default=True, help="Thresholds, and one more.")
def new(*, name: str, bands: int) -> None:
    """Print a recipe to start from.

    NAME is the title of its edition. It is for the model that ships, with the moods spread over the bands.
    """
    from node.render.recipe import Recipe

    click.echo(json.dumps(json.loads(Recipe.for_bands(bands, name).canonical), indent=2))


@recipe.command()
@click.argument("recipe_file", metavar="RECIPE", type=_FILE)
def check(*, recipe_file: Path) -> None:
    """Say what is wrong with a recipe.

    Or else what its edition names on chain, and whether this build can draw it. RECIPE is a JSON file.
    """
    from node.render import model_digest
    from node.render.recipe import Recipe

    found = _read(recipe_file)
    kind = "exact" if isinstance(found, Recipe) else f"agrees by tolerance, PSNR of {found.psnr_floor} dB or more"
    bands = len(found.classes)
    click.echo(f"{found.name}: {bands} band{'s' if bands > 1 else ''}, {kind}")
    click.echo(f"recipe 0x{found.digest.hex()}")
    click.echo(f"model  0x{found.model.hex()}")
    if isinstance(found, Recipe) and found.model != model_digest():
        click.echo(f"This build cannot draw it: its own model is 0x{model_digest().hex()}.")


@recipe.command()
@click.argument("folder", metavar="FOLDER", type=_FOLDER)
def digest(*, folder: Path) -> None:
    """Print the digest of a pipeline.

    FOLDER is a diffusers pipeline; recipes name it by this digest.
    """
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
    """Measure a pipeline and recommend a floor.

    Shows how far renders of RECIPE's pipeline are apart. Draws the band in the middle: as it comes, with other
    kernels, in other precisions, and with small cheats.
    """
    from node.errors import RenderError
    from node.render.tolerance.recipe import PipelineRecipe

    found = _read(recipe_file)
    if not isinstance(found, PipelineRecipe):
        raise RenderError(f"{recipe_file}: an exact recipe has no margins")
    from node.render.tolerance.margins import measure

    chosen = [index.to_bytes(1, "big") + bytes(31) for index in range(1, seeds + 1)]
    with Bar("measuring"):
        rows = measure(found, pipelines, chosen, device, teller(as_json=as_json))
    show(rows, as_json=as_json)


def _read(path: Path) -> AnyRecipe:
    from node.render.reading import read_recipe_file

    return read_recipe_file(path)
