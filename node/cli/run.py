"""`patina run`: run the node until it is stopped."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Final

import click

from node.cli.options import asker, config_option, named
from node.cli.progress import Bar, watched

if TYPE_CHECKING:
    from node.parts import Parts

PATIENCE_S: Final = 1.0
"""Who has read everything sooner needs no bar."""
LOOK_S: Final = 0.2


@click.command()
@config_option
def run(config_path: Path) -> None:
    """Run the node until SIGTERM or Ctrl-C.

    Whatever was under way is in the journal: the next start takes it up.
    """
    import asyncio

    from node.config import load
    from node.daemon import run_node
    from node.errors import PatinaError
    from node.keys.dumps import keep_memory_private
    from node.log.lines import configure

    keep_memory_private()
    config = load(config_path)
    configure(config.log.level, config.log.format)  # type: ignore[arg-type]
    try:
        asyncio.run(run_node(config, asker(), show_work if watched() else None))
    except PatinaError as error:
        raise PatinaError(
            f"{error}\n(patina check{named(config_path)} tests everything, and says what to do)"
        ) from error


async def show_work(parts: Parts) -> None:
    """Show how far a started node is with what it has missed, and from then on with each edition that it draws."""
    import asyncio

    await asyncio.sleep(PATIENCE_S)
    await _show_history(parts)
    while True:
        await _show_drawing(parts)
        await asyncio.sleep(PATIENCE_S)


async def _show_history(parts: Parts) -> None:
    """A bar until the node has finished its first look at the chain."""
    import asyncio

    if parts.health.final is not None:
        return
    with Bar("reading what was missed", unit="blocks") as bar:
        begun: dict[str, int] = {}
        while parts.health.final is None:
            bar.at(*reached(parts, begun))
            await asyncio.sleep(LOOK_S)


async def _show_drawing(parts: Parts) -> None:
    """A bar for all that is being drawn now, until nothing is."""
    import asyncio

    if not parts.renderers.status()["jobs"]:
        return
    with Bar("drawing", unit="pictures") as bar:
        while jobs := parts.renderers.status()["jobs"]:
            bar.at(sum(job["done"] for job in jobs), sum(job["of"] for job in jobs))
            await asyncio.sleep(LOOK_S)


def reached(parts: Parts, begun: dict[str, int]) -> tuple[float, float | None]:
    """Return how many blocks are handled since `begun`, where each cursor stood at first, and how many there are.

    A mean over reports and feeds, which are caught up with one after the other; None while no end is known.
    """
    cursors = parts.journal.cursors.all()
    heads = [each.head for each in parts.chain.pool.endpoints if each.head is not None]
    if not cursors or not heads:
        return 0, None
    begun.update({name: at for name, at in cursors.items() if name not in begun})
    done = [at - begun[name] for name, at in cursors.items()]
    left = [max(0, max(heads) - at) for at in cursors.values()]
    return sum(done) / len(done), max(1, sum(done) + sum(left)) / len(done)
