"""`patina run`: run the node until it is stopped."""

from __future__ import annotations

from pathlib import Path

import click

from node.cli.options import asker, config_option


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
    from node.log import configure

    try:
        config = load(config_path)
        configure(config.log.level, config.log.format)  # type: ignore[arg-type]
        asyncio.run(run_node(config, asker()))
    except PatinaError as error:
        raise PatinaError(f"{error}\n(patina check tests everything that a node needs, and says what to do)") from error
