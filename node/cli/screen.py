"""How screens for a person are printed: by rich, in 80 columns or what the terminal has, plain in a pipe."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from node.errors import printable

if TYPE_CHECKING:
    from rich.console import Console, RenderableType
    from rich.text import Text

LEAST = 80
MOST = 120


def screen() -> Console:
    """Return where to print: coloured on a terminal unless NO_COLOR is set, and never narrower than 80 in a pipe."""
    from rich.console import Console

    found = Console(highlight=False, emoji=False, markup=False)
    if not found.is_terminal:
        return Console(highlight=False, emoji=False, markup=False, width=MOST, no_color=True)
    return Console(highlight=False, emoji=False, markup=False, width=min(found.width, MOST))


def show(renderable: RenderableType) -> None:
    """Print a screen; in a pipe without the blanks that fill columns."""
    console = screen()
    if console.is_terminal:
        console.print(renderable)
        return
    with console.capture() as captured:
        console.print(renderable)
    click.echo("\n".join(line.rstrip() for line in captured.get().splitlines()))


def text(value: object, style: str = "") -> Text:
    """Return foreign words as they may stand on a terminal: nothing in them acts."""
    from rich.text import Text

    return Text(printable(str(value), 400), style=style)
