"""`patina replay`: a share-price history of one's own, through a whole network on this machine."""

from __future__ import annotations

from pathlib import Path

import click

from node.cli.options import anvil_option, json_option


@click.command()
@click.argument("history", type=click.Path(path_type=Path))
@click.option("--thresholds", required=True, help="Where bands end, ascending growth since the first row: -1%,1%,2%.")
@click.option("--window", default=3, show_default=True, help="Rows whose median is judged; odd.")
@click.option("--hysteresis", default="0.1%", show_default=True, help="How far beyond a threshold counts as past it.")
@click.option("--nodes", default=4, show_default=True, type=click.IntRange(1, 31), help="How many nodes to run.")
@click.option("--tokens", default=6, show_default=True, type=click.IntRange(1, 100), help="Artworks in the edition.")
@click.option("--folder", type=click.Path(path_type=Path), help="Where to work; by default patina-replay-<time>.")
@click.option("--serve/--no-serve", default=False, help="Keep the gallery up until Ctrl-C afterwards.")
@anvil_option
@json_option
def replay(
    history: Path,
    *,
    thresholds: str,
    window: int,
    hysteresis: str,
    nodes: int,
    tokens: int,
    folder: Path | None,
    serve: bool,
    anvil: bool,
    as_json: bool,
) -> None:
    """Replay HISTORY, a CSV file of share prices, through a whole network.

    The file has a column share_price.
    Starts an embedded chain, an embedded broker and real nodes, opens an edition on a vault, and lets the vault's
    share price follow the file, one checkpoint a row. Every row is checked before anything starts. Exit status 0 if
    every crossing that the history demands landed, and nothing else.
    """
    from node.cli.watch import play
    from node.devnet.history import read_history
    from node.devnet.replay.track import Track, percentage, percentages

    # A recipe's name is printable; a file's need not be.
    title = "".join(letter if letter.isprintable() else "-" for letter in history.stem[:40])
    track = Track(title, read_history(history), percentages(thresholds), window, percentage(hysteresis))
    play([track], folder, nodes=nodes, tokens=tokens, serve=serve, as_json=as_json, anvil=anvil)
