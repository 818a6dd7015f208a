"""`patina model`: train, quantise, export, evaluate and describe the model that paints."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from node.cli.lazy import Group
from node.cli.margins import show, teller
from node.cli.options import json_option
from node.cli.progress import Bar, watched

if TYPE_CHECKING:
    from node.render.train.floors import Row

_Command = TypeVar("_Command", bound=Callable[..., Any])
_STAGES = ("dataset", "autoencoder", "latents", "diffusion", "decoder")  # node.render.train.stages imports torch
_STEPS = 20  # as recipes usually ask for
_SHIPPED = Path(__file__).parents[1] / "render" / "model"


def _folder(name: str, default: Path, help: str, shown: str | bool = True) -> Callable[[_Command], _Command]:  # noqa: A002 - as click calls it
    kind = click.Path(path_type=Path, file_okay=False)
    return click.option(f"--{name}", type=kind, default=default, show_default=shown, help=help)


_work = _folder("work", Path(".training"), "Where the training set and the checkpoints lie.")
_model = _folder("model", _SHIPPED, "The model's folder.", "the model that ships")
_device = click.option(
    "--device",
    type=click.Choice(("auto", "cpu", "cuda")),
    default="auto",
    show_default=True,
    help="Where to compute; auto takes a GPU if there is one.",
)
_processes = click.option(
    "--processes", type=click.IntRange(1, 64), default=2, show_default=True, help="Processes or threads to use."
)


def _seed(_: click.Context, __: click.Parameter, value: str) -> str:
    if len(value) > 80 or not value.isprintable():
        raise click.BadParameter("at most 80 printable characters")
    return value


@click.group(cls=Group)
def model() -> None:
    """Make the model that paints: train, quantise, export, evaluate.

    A new model takes the four in this order. It has a new digest, and recipes name the digest that draws them.
    """


@model.command()
@click.option("--stage", type=click.Choice((*_STAGES, "all")), default="all", show_default=True)
@_work
@click.option(
    "--parts", type=click.IntRange(1), default=32, show_default=True, help="Training pictures, in parts of 100."
)
@click.option("--steps", type=click.IntRange(1), help="How far the stage is to be trained; needs --stage.")
@click.option("--batch", type=click.IntRange(1), help="Pictures a step; by default what the stage is tuned for.")
@_device
@_processes
def train(
    *, stage: str, work: Path, parts: int, steps: int | None, batch: int | None, device: str, processes: int
) -> None:
    """Paint the training set and train on it.

    One stage after another. Each continues where it was cut off and is skipped when it is complete. Ctrl-C leaves a
    checkpoint.
    """
    from node.render.train.stages import STEPS

    if steps is not None and stage not in STEPS:
        raise click.UsageError(f"--steps needs --stage, one of {', '.join(STEPS)}")
    import torch

    from node.render.train import records, stages

    torch.set_num_threads(processes)
    chosen = stages.chosen_device(device)
    plan = stages.Plan(work, parts, STEPS if steps is None else {**STEPS, stage: steps}, processes, batch)
    try:
        for each in stages.STAGES if stage == "all" else (stage,):
            click.echo(f"{each}: {plan.done(each):,} of {plan.wanted(each):,} done, on {chosen}", err=True)
            stages.run(plan, each, chosen, records.Recorder(work / records.FILE, click.echo))
    except KeyboardInterrupt:
        click.echo("stopped; the same command continues", err=True)
        raise SystemExit(130) from None
    click.echo(f"complete: {stage}", err=True)


@model.command()
@click.option("--tokens", type=click.IntRange(1, 60), default=6, show_default=True, help="Rows of the sheet.")
@click.option("--training", is_flag=True, help="Show training pictures instead of the model's.")
@click.argument("target", type=click.Path(path_type=Path, dir_okay=False))
def sheet(*, target: Path, tokens: int, training: bool) -> None:
    """Draw a sheet of tokens in all moods.

    TARGET is the PNG to write: one row per token, one column per mood.
    """
    from node.render.train.sheet import draw

    with Bar("drawing"):
        draw(target, tokens, training)


@model.command()
@_work
@click.option(
    "--pictures", type=click.IntRange(8), default=48, show_default=True, help="How many to draw in float to learn from."
)
def quantise(*, work: Path, pictures: int) -> None:
    """Turn the trained networks into integers.

    The result stays in the working folder until `patina model export`.
    """
    from node.render.train import release

    with Bar("turning networks into integers"):
        written = release.quantise(work, pictures)
    click.echo(f"{release.quantised(work)}: {written:,} bytes")


@model.command()
@_work
@_model
def export(*, work: Path, model: Path) -> None:
    """Check the quantised model and put it in its place.

    The old model stays until the new one is complete. Prints the digest by which recipes name the model that ships.
    """
    from node.render.train import release

    with Bar("checking the model"):
        told = release.export(work, model)
    click.echo(told or f"{model}: complete")


@model.command()
@_work
@_model
@click.option(
    "--pictures", type=click.IntRange(16), default=480, show_default=True, help="How many to draw, 8 for each token."
)
@click.option(
    "--engine",
    type=click.Choice(("auto", "numpy", "torch", "cuda")),
    default="auto",
    show_default=True,
    help="What draws them; the pictures are the same.",
)
@_processes
@click.option(
    "--seed",
    default="",
    metavar="TEXT",
    callback=_seed,
    help="Choose other tokens than those looked at while the model was made: a text of your own.",
)
@click.option("--write", is_flag=True, help="Put the figures into the model card.")
@json_option
def evaluate(
    *, work: Path, model: Path, pictures: int, engine: str, processes: int, seed: str, write: bool, as_json: bool
) -> None:
    """Measure how good a model is.

    Fidelity, moods, diversity, composition, crispness. Compares with the training set and the float networks in the
    working folder. Exit status 1 if a floor is not held.
    """
    import torch

    from node.render.train import evaluate, floors, release

    torch.set_num_threads(processes)
    with Bar("measuring") as bar:
        figures = evaluate.evaluate(work, model, pictures, engine, processes, _progress(bar), seed)
    if write:
        release.describe(model, figures)
    if as_json:
        click.echo(json.dumps(figures, indent=2))
    else:
        _show(floors.rows(figures), figures["classifier"]["confusion"])
    missed = floors.missed(figures)
    for row in missed:
        click.echo(f"below its floor: {row.name}", err=True)
    if missed:
        raise SystemExit(1)


@model.command()
@_work
@click.option("--pictures", type=click.IntRange(1), default=24, show_default=True, help="How many for each row.")
@click.option("--seed", default="", metavar="TEXT", callback=_seed, help="Choose other tokens than the usual ones.")
@json_option
def margins(*, work: Path, pictures: int, seed: str, as_json: bool) -> None:
    """Measure how far float pictures are apart.

    Draws with the float networks in the working folder, as `patina recipe margins` does with a pipeline. The model
    that ships draws in integers and needs no margin. These are what a model of its kind needs in floats.
    """
    import torch

    from node.render.train import margins

    torch.set_num_threads(1)
    with Bar("measuring"):
        rows = margins.measure(work, pictures, _STEPS, seed, teller(as_json=as_json))
    show(rows, as_json=as_json)


@model.command()
@_model
@click.option("--check", is_flag=True, help="Write nothing; exit status 1 if the card is not up to date.")
def card(*, model: Path, check: bool) -> None:
    """Write the model card.

    README.md of the model's folder, from the facts in card.json.
    """
    from node.render.train import card, release

    if not check:
        release.describe(model)
    elif not card.current(model, release.digest(model)):
        click.echo(f"{model / card.CARD} is not up to date: `patina model card` writes it", err=True)
        raise SystemExit(1)


def _progress(bar: Bar) -> Callable[[str, int, int], None]:
    """Says on standard error what is being done: in a bar, or a line for every tenth of it where nobody watches."""
    told: dict[str, int] = {}

    def show(what: str, done: int, total: int) -> None:
        if watched():
            bar.tell(what)
            bar.at(done, total)
            return
        tenth = 10 * done // total
        if told.get(what) != tenth:
            told[what] = tenth
            click.echo(f"{what}: {done} of {total}", err=True)

    return show


def _show(rows: list[Row], confusion: list[list[int]]) -> None:
    from rich.console import Console
    from rich.table import Table

    from node.render.recipe import MOODS

    console = Console(highlight=False)
    table = Table("figure", "value", "floor", "")
    for row in rows:
        verdict = "" if row.floor is None else "held" if row.held else "[red]missed[/]"
        table.add_row(row.name, row.shown(row.value), "" if row.floor is None else row.shown(row.floor), verdict)
    console.print(table)
    moods = Table("drawn \\ read", *MOODS)
    for mood, line in zip(MOODS, confusion, strict=True):
        moods.add_row(mood, *(str(count) if count else "" for count in line))
    console.print(moods)
