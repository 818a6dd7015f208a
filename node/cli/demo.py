"""`patina demo`: the main job on an embedded chain, with two real share-price histories."""

from __future__ import annotations

from pathlib import Path

import click

from node.cli.options import anvil_option, json_option


@click.command()
@click.option("--once", is_flag=True, help="End when the histories are replayed; do not keep the gallery up.")
@click.option(
    "--folder", type=click.Path(path_type=Path), default=Path("demo"), show_default=True, help="Where to work."
)
@click.option("--rows", type=click.IntRange(3), help="Replay only the first rows of each history.")
@anvil_option
@json_option
def demo(*, once: bool, folder: Path, rows: int | None, anvil: bool, as_json: bool) -> None:
    """Run a network of staked nodes and replay two real share-price histories.

    Everything happens on this machine, on an embedded chain with an embedded broker. Four nodes hold a seat by their
    bonds, one waits for a seat; on the way one of the four signs twice, is slashed, and is replaced.
    Ends with tables of what landed on chain and of what the nodes hold, and exit status 0 only if every crossing that
    the histories demand landed, the 3.5 % wick of 10 October 2025 repainted nothing, and nobody else was slashed. The
    gallery stays up until Ctrl-C.
    """
    from node.cli.watch import play
    from node.devnet.replay.track import demo_tracks

    play(
        demo_tracks(rows),
        folder,
        nodes=4,
        tokens=6,
        serve=not once,
        as_json=as_json,
        replace=True,
        anvil=anvil,
        staked=True,
    )
