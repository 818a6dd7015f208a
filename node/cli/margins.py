"""How `patina recipe margins` and `patina model margins` show what they measured."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from collections.abc import Callable

    from node.render.tolerance.margins import Margin


def teller(*, as_json: bool) -> Callable[[Margin], None]:
    """What is told each row as soon as it is measured: a line of the table, unless all of it is to be JSON."""
    return (lambda _: None) if as_json else _tell


def show(rows: list[Margin], *, as_json: bool) -> None:
    """Say what floor the rows recommend, or print rows and floor as JSON."""
    from node.render.tolerance.margins import recommend

    floor = recommend(rows)
    if as_json:
        click.echo(json.dumps(_document(rows, floor)))
        return
    click.echo("")
    if floor is None:
        click.echo("No floor separates what must pass from what must not: choose what to let pass.")
    else:
        click.echo(f'A floor that separates them here: "tolerance": {{"psnr_floor_db": "{_spelled(floor)}"}}')


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
