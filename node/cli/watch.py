"""Plays a replay for a person or a program: progress as it goes, the table in the end, the gallery if wanted."""

from __future__ import annotations

import asyncio
import json
import shutil
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from node.cli.progress import Bar
from node.errors import ReplayError

if TYPE_CHECKING:
    from rich.console import Console

    from node.devnet.replay.outcome import Outcome
    from node.devnet.replay.runner import Progress, Replay
    from node.devnet.replay.track import Track

MARK = ".patina-replay"
"""The file by which a folder is known to be a replay's, and so may be replaced by the next one."""


def play(
    tracks: Sequence[Track],
    folder: Path | None,
    *,
    nodes: int,
    tokens: int,
    serve: bool,
    as_json: bool,
    replace: bool = False,
    anvil: bool = False,
    staked: bool = False,
) -> None:
    """Replay, print what landed, and exit with status 1 if anything is not as the histories demand.

    Raises:
        ReplayError: the folder is taken, or the replay could not be carried through.
    """
    from node.log.lines import configure

    configure("warning", "auto")
    where = prepare(folder or Path(time.strftime("patina-replay-%Y%m%d-%H%M%S")), replace=replace)
    watcher = Watcher(as_json=as_json)
    work = _until_stopped(tracks, where, watcher, nodes=nodes, tokens=tokens, serve=serve, anvil=anvil, staked=staked)
    outcome = asyncio.run(work)
    if outcome is None:
        raise SystemExit(130)
    if outcome.faults:
        raise SystemExit(1)


def prepare(folder: Path, *, replace: bool) -> Path:
    """Return an empty folder to work in; one that an earlier replay left may be replaced.

    Raises:
        ReplayError: something else is there, or it cannot be made.
    """
    try:
        if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
            if not (replace and (folder / MARK).is_file() and not folder.is_symlink()):
                raise ReplayError(f"{folder} is taken: name another folder with --folder, or move it away")
            shutil.rmtree(folder)
        folder.mkdir(parents=True, exist_ok=True)
        (folder / MARK).write_text("Made by a replay; the next one may replace this folder.\n", encoding="utf-8")
    except OSError as error:
        raise ReplayError(f"{folder} cannot be used ({error.strerror}): name another with --folder") from error
    return folder.absolute()


class Watcher:
    """Shows progress on standard error, so that standard output holds the result alone."""

    def __init__(self, *, as_json: bool) -> None:
        from rich.console import Console

        self.as_json = as_json
        self.console: Console = Console(stderr=True, highlight=False)
        self._bar: Bar | None = None
        self._milestone = 0

    def __call__(self, progress: Progress) -> None:
        """Show one step."""
        from node.content.metadata import percent

        if progress.landed is not None:
            row = progress.landed
            band = row.band + 1  # people count bands from 1, as the pages do
            what = f"band {row.previous_band + 1} -> {band}" if row.crossing else f"first painting in band {band}"
            line = f"  {row.label:<12} {row.title}: {what} at {percent(row.answer)}, block {row.block}"
            self.console.print(line, markup=False)
        elif progress.rows:
            self._advance(progress.row, progress.rows)
        else:
            self.console.print(progress.text, markup=False)

    def _advance(self, row: int, rows: int) -> None:
        if not self.console.is_terminal:
            if row * 10 // rows > self._milestone:
                self._milestone = row * 10 // rows
                self.console.print(f"  {row} of {rows} checkpoints")
            return
        if self._bar is None:
            self._bar = Bar("replaying", rows, "checkpoints", console=self.console).__enter__()
        self._bar.at(row)

    def close(self) -> None:
        """Take the bar away."""
        if self._bar is not None:
            self._bar.close()

    def result(self, outcome: Outcome, folder: Path, gallery: str, proof: str = "") -> None:
        """Print the table, or the JSON, and what is wrong; `proof` is the command that verifies an artwork."""
        from rich.console import Console
        from rich.markup import escape

        from node.devnet.replay.outcome import stakes, table

        if self.as_json:
            document = {**outcome.as_json(), "folder": str(folder)}
            click.echo(json.dumps(document | ({"verify": proof} if proof else {}), indent=2))
        else:
            width = None if sys.stdout.isatty() else 200
            shown = Console(highlight=False, width=width)
            shown.print(table(outcome))
            if outcome.nodes:
                shown.print(stakes(outcome))
        for fault in outcome.faults:
            self.console.print(f"[red]not as it must be[/]: {escape(fault)}")
        verdict = "everything landed as the histories demand" if not outcome.faults else "NOT as the histories demand"
        self.console.print(f"{outcome.checkpoints} checkpoints in {outcome.seconds:.0f} s: {verdict}")
        self.console.print(f"artworks and metadata: {folder / 'artworks'}", markup=False)
        if gallery:
            self.console.print(f"gallery: {gallery}   (Ctrl-C ends it)")
        if proof:
            self.console.print("check an artwork yourself, from chain data and content alone:")
            self.console.print(f"  {proof}", markup=False, soft_wrap=True)


def verification(replay: Replay) -> str:
    """Return the command by which anyone verifies what was painted last, while chain and gallery are up."""
    painted = [row.feed for row in replay.landed if row.token_uri_after != row.token_uri_before]
    shown = next((feed for feed in replay.feeds if feed.id in painted[-1:]), replay.feeds[0])
    program = sys.argv[0] if Path(sys.argv[0]).name == "patina" else "patina"
    gallery = replay.network.members[0].process.url
    return f"{program} verify {shown.collection} {shown.first_token} --rpc {replay.stage.rpc} --content {gallery}"


async def _until_stopped(
    tracks: Sequence[Track],
    folder: Path,
    watcher: Watcher,
    *,
    nodes: int,
    tokens: int,
    serve: bool,
    anvil: bool,
    staked: bool,
) -> Outcome | None:
    """Play, and then serve if wanted, until done or told to stop; None if it was stopped before its end.

    SIGTERM and Ctrl-C cancel whatever is under way, so that every process that was started is stopped too.
    """
    from node.daemon import stop_on_signals

    done: list[Outcome] = []
    async with stop_on_signals() as stop:
        playing = _play(
            tracks, folder, watcher, done, nodes=nodes, tokens=tokens, serve=serve, anvil=anvil, staked=staked
        )
        work = asyncio.create_task(playing)
        stopping = asyncio.create_task(stop.wait())
        try:
            await asyncio.wait({work, stopping}, return_when=asyncio.FIRST_COMPLETED)
            if not work.done():
                watcher.close()
                watcher.console.print("stopping the nodes")
        finally:
            for task in (work, stopping):
                task.cancel()
            await asyncio.gather(work, stopping, return_exceptions=True)
    if not work.cancelled() and (error := work.exception()) is not None:
        raise error
    return done[0] if done else None


async def _play(
    tracks: Sequence[Track],
    folder: Path,
    watcher: Watcher,
    done: list[Outcome],
    *,
    nodes: int,
    tokens: int,
    serve: bool,
    anvil: bool,
    staked: bool,
) -> None:
    from node.devnet.replay.runner import set_up

    async with set_up(tracks, folder, nodes=nodes, tokens=tokens, watch=watcher, anvil=anvil, staked=staked) as replay:
        gallery = replay.network.members[0].process.url
        watcher.console.print(f"gallery: {gallery}")
        try:
            done.append(await replay.play())
        finally:
            watcher.close()
        watcher.result(done[0], folder, gallery if serve else "", verification(replay) if serve else "")
        if serve:
            await asyncio.Event().wait()
