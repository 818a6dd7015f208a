"""`patina render`: any recipe, seed, band and signals as a PNG file."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from node.cli.progress import Bar

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from node.render.reading import AnyRecipe

ENGINES = ("auto", "numpy", "torch", "cuda")
WAD = 10**18
MOST_TOKENS = 8
DEFAULT_BANDS = 8
Callback = Callable[[click.Context, click.Parameter, str], Any]
Command = TypeVar("Command", bound=Callable[..., Any])
_AMOUNT = re.compile(r"([+-]?)(\d{1,6})(?:\.(\d{1,16}))?(%?)")


def amount(low: int, high: int) -> Callback:
    """Reads a signal: `1%`, `-2.5%` or a fraction such as `0.01`, as a signed wad from `low` to `high`."""

    def read_amount(_: click.Context, __: click.Parameter, value: str) -> int:
        match = _AMOUNT.fullmatch(value.strip())
        if match is None:
            raise click.BadParameter(f"{value!r} is no amount such as 1%, -2.5% or 0.01")
        sign, whole, places, percent = match.groups()
        unit = WAD // 100 if percent else WAD
        wad = int(whole) * unit + int((places or "0").ljust(16, "0")) * unit // 10**16
        wad = -wad if sign == "-" else wad
        if not low <= wad <= high:
            raise click.BadParameter(f"{value} is not from {100 * low // WAD}% to {100 * high // WAD}%")
        return wad

    return read_amount


def signal(name: str, low: int, meaning: str) -> Callable[[Command], Command]:
    """An option for a signal from `low` (wad) to 100%."""
    return click.option(name, metavar="AMOUNT", callback=amount(low, WAD), default="0", show_default=True, help=meaning)


def seed_bytes(_: click.Context, __: click.Parameter, value: str) -> bytes:
    """Reads 32 bytes in hexadecimal; any other text stands for its sha2-256."""
    import hashlib

    if not value.lower().startswith("0x"):
        return hashlib.sha256(value.encode()).digest()
    if not re.fullmatch(r"[0-9a-fA-F]{64}", value[2:]):
        raise click.BadParameter("a seed is 0x and 64 hexadecimal digits, or any other text")
    return bytes.fromhex(value[2:])


@click.command()
@click.argument("recipe", required=False, type=click.Path(path_type=Path, dir_okay=False, exists=True))
@click.option(
    "--seed",
    metavar="SEED",
    callback=seed_bytes,
    default="patina",
    show_default=True,
    help="32 bytes as 0x..., or any text.",
)
@click.option("--band", type=click.IntRange(min=1), help="Band, 1 the lowest; by default the one in the middle.")
@signal("--volatility", 0, "How restless, such as 1%.")
@signal("--drawdown", 0, "How far below its highest.")
@signal("--flow", -WAD, "What flows in, or, -2%, out.")
@click.option("--strip", is_flag=True, help="All bands side by side: one place in all its weathers.")
@click.option(
    "--sheet", type=click.IntRange(1, MOST_TOKENS), help="So many tokens below each other, all bands, at half size."
)
@click.option("--engine", type=click.Choice(ENGINES), default="auto", show_default=True, help="What draws.")
@click.option(
    "--pipelines",
    type=click.Path(path_type=Path, file_okay=False, exists=True),
    help="Folder of diffusers pipelines, for recipes that name one.",
)
@click.option(
    "-o", "--out", type=click.Path(path_type=Path, dir_okay=False), default=Path("patina.png"), show_default=True,
    help="The PNG file to write.",
)  # fmt: skip
def render(
    recipe: Path | None,
    *,
    seed: bytes,
    band: int | None,
    volatility: int,
    drawdown: int,
    flow: int,
    strip: bool,
    sheet: int | None,
    engine: str,
    pipelines: Path | None,
    out: Path,
) -> None:
    """Draw RECIPE, a JSON file, in a band and under signals, to a PNG file.

    Without RECIPE a recipe with all moods is drawn. The same recipe, seed, band and signals give the same bytes on
    every machine and every engine.
    """
    from node.errors import RenderError
    from node.render.png import encode
    from node.verify.repaint import painter

    if out.suffix.lower() not in ("", ".png"):
        raise click.UsageError(f"--out: what is written is a PNG, not {out.suffix}")
    if strip and sheet is not None:
        raise click.UsageError("--strip and --sheet are two pictures: choose one")
    if band is not None and (strip or sheet is not None):
        raise click.UsageError("--band is for one picture: --strip and --sheet show all bands")
    if not out.parent.is_dir():
        raise click.UsageError(f"--out: there is no folder {out.parent}")
    wanted = read(recipe)
    bands = len(wanted.classes)
    if band is not None and band > bands:
        raise click.UsageError(f"--band: {wanted.name!r} has bands 1 to {bands}")
    paint = painter(engine, pipelines)
    signals = (volatility, drawdown, flow)
    if strip or sheet is not None:
        pixels = _sheet(wanted, paint, _seeds(seed, sheet or 1), signals, half=sheet is not None)
    else:
        with Bar("drawing"):
            pixels = paint(wanted, seed, bands // 2 if band is None else band - 1, signals)
    png = encode(pixels)
    try:
        out.write_bytes(png)
    except OSError as error:
        raise RenderError(f"{out} cannot be written: {error.strerror}") from error
    height, width, _ = pixels.shape
    click.echo(f"{out}: {width} x {height} pixels, {len(png)} bytes, recipe 0x{wanted.digest.hex()}")


def read(path: Path | None) -> AnyRecipe:
    """The recipe in a file, or the one that shows every mood.

    Raises RenderError for what is no recipe.
    """
    from node.render.recipe import Recipe

    if path is None:
        return Recipe.for_bands(DEFAULT_BANDS, "Patina")
    from node.render.reading import read_recipe_file

    return read_recipe_file(path)


def _seeds(first: bytes, count: int) -> list[bytes]:
    """The first seed as it was given, the others made of it."""
    import hashlib

    return [first, *(hashlib.sha256(first + bytes([number])).digest() for number in range(1, count))]


def _sheet(
    recipe: AnyRecipe, paint: Any, seeds: Sequence[bytes], signals: tuple[int, int, int], *, half: bool
) -> NDArray[np.uint8]:
    """All bands from left to right, a seed a row."""
    from node.render.contact import below, beside, halved

    rows, count = [], len(recipe.classes)
    with Bar("drawing", len(seeds) * count, "pictures") as bar:
        for seed in seeds:
            pictures = []
            for band in range(count):
                picture = paint(recipe, seed, band, signals)
                pictures.append(halved(picture) if half else picture)
                bar.step()
            rows.append(beside(pictures))
    return below(rows)
