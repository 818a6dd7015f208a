"""Progress bars: there for a person at a terminal (a real pty), nowhere else, and never in what is printed."""

from __future__ import annotations

import asyncio
import io
import logging
import os
import pty
import re
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import click
import numpy as np
import pytest
import structlog

from node.cli import run
from node.cli.progress import Bar, watched
from node.cli.render import render
from node.cli.simulate import simulate
from node.cli.watch import Watcher
from node.devnet.replay.runner import Progress
from node.log.lines import configure


class Terminal:
    """A pty whose one end stands for standard error; what a person would see is read at the other."""

    def __init__(self, patch: pytest.MonkeyPatch) -> None:
        self._patch = patch
        self._master, slave = pty.openpty()
        self.stderr = os.fdopen(slave, "w", buffering=1, encoding="utf-8")
        self._read: list[bytes] = []
        self._reader = threading.Thread(target=self._drain)
        self._reader.start()

    def _drain(self) -> None:
        with suppress(OSError):  # a pty ends with EIO
            while piece := os.read(self._master, 65_536):
                self._read.append(piece)

    def attach(self) -> Terminal:
        """Have it stand for standard error from now on; pytest takes that for itself before each test's own lines."""
        self._patch.setattr(sys, "stderr", self.stderr)
        return self

    def seen(self) -> str:
        """Everything that was shown, without colours; ends the terminal."""
        self.close()
        return re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", self.raw)

    @property
    def raw(self) -> str:
        """What was read so far, as a terminal gets it."""
        return b"".join(self._read).decode()

    def close(self) -> None:
        if not self.stderr.closed:
            self.stderr.close()
            self._reader.join(10)
            os.close(self._master)


@pytest.fixture
def terminal(monkeypatch: pytest.MonkeyPatch) -> Iterator[Terminal]:
    opened = Terminal(monkeypatch)
    monkeypatch.setenv("TERM", "xterm-256color")
    monkeypatch.setenv("COLUMNS", "120")
    yield opened
    opened.close()


def work() -> None:
    with Bar("drawing", 4, "pictures") as bar:
        for _ in range(4):
            bar.step()
        bar.tell("nearly")
        click.echo("a result")


def test_bar__terminal__says_what_and_how_far(terminal: Terminal, capsys: pytest.CaptureFixture[str]) -> None:
    terminal.attach()
    work()
    seen = terminal.seen()
    assert "drawing" in seen
    assert "nearly" in seen
    assert "4 of 4 pictures" in seen
    assert capsys.readouterr().out == "a result\n"  # standard output is no terminal here: nothing of it is taken away
    assert "a result" not in seen


def test_bar__no_terminal__shows_nothing_and_imports_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    work()
    assert capsys.readouterr() == ("a result\n", "")


def test_bar__work_that_fails__is_taken_away_and_the_error_stays(terminal: Terminal) -> None:
    terminal.attach()
    bar = Bar("drawing", 2)
    with pytest.raises(ValueError, match="lost"), bar:
        raise ValueError("lost")
    bar.close()
    bar.at(1)
    terminal.close()
    assert terminal.raw.endswith("\x1b[2K") or "\x1b[?25h" in terminal.raw  # the line is wiped, the cursor is back


def test_bar__text_with_brackets__is_no_markup(terminal: Terminal) -> None:
    terminal.attach()
    with Bar("[red]vault[/x]", 2, "[b]things"):
        pass
    assert "[red]vault[/x]" in terminal.seen()


def test_log__line_while_a_bar_is_shown__stands_whole_above_it(terminal: Terminal) -> None:
    terminal.attach()
    root = logging.getLogger()
    hooks, handlers, level = (sys.excepthook, threading.excepthook, sys.unraisablehook), root.handlers[:], root.level
    try:
        configure("info", "human")
        with Bar("reading", 2, "blocks"):
            structlog.get_logger("node").warning("chain not read")
    finally:
        root.handlers[:] = handlers
        root.setLevel(level)
        sys.excepthook, threading.excepthook, sys.unraisablehook = hooks
        logging.captureWarnings(False)
        structlog.reset_defaults()
    (line,) = [line for line in terminal.seen().splitlines() if "chain not read" in line]
    assert re.search(r"\[warning\s*\] chain not read", line)
    assert "reading" not in line


@pytest.mark.parametrize("options", [(), ("--strip",)])
def test_render__at_a_terminal__shows_a_bar(
    terminal: Terminal, options: tuple[str, ...], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    terminal.attach()
    from node.verify import repaint

    pixels = np.zeros((8, 8, 3), np.uint8)
    monkeypatch.setattr(repaint, "painter", lambda *_: lambda *_: pixels)
    out = tmp_path / "a.png"
    render.main(["--out", str(out), *options], standalone_mode=False)
    assert "drawing" in (seen := terminal.seen())
    assert ("8 of 8 pictures" in seen) == bool(options)
    assert out.read_bytes().startswith(b"\x89PNG")


def test_simulate__at_a_terminal__shows_a_bar(terminal: Terminal, capsys: pytest.CaptureFixture[str]) -> None:
    terminal.attach()
    simulate.main(["--seeds", "0..1", "--rounds", "1", "--jobs", "1"], standalone_mode=False)
    assert "2 seeds" in terminal.seen()
    assert "every promise held" in capsys.readouterr().out


def test_replay__at_a_terminal__shows_a_bar(terminal: Terminal) -> None:
    terminal.attach()
    watcher = Watcher(as_json=True)
    for row in range(1, 4):
        watcher(Progress("replaying", row, 9))
    watcher.close()
    watcher.close()
    assert "3 of 9 checkpoints" in terminal.seen()


def parts(*jobs: dict[str, int], **cursors: int) -> Any:
    pool = SimpleNamespace(endpoints=[SimpleNamespace(head=None), SimpleNamespace(head=1_000)])
    return SimpleNamespace(
        health=SimpleNamespace(final=None),
        chain=SimpleNamespace(pool=pool),
        journal=SimpleNamespace(cursors=SimpleNamespace(all=lambda: dict(cursors))),
        renderers=SimpleNamespace(status=lambda: {"jobs": list(jobs)}),
    )


async def test_run__history_that_takes_long__is_shown_until_the_first_look_is_done(
    terminal: Terminal, monkeypatch: pytest.MonkeyPatch
) -> None:
    terminal.attach()
    monkeypatch.setattr(run, "PATIENCE_S", 0.0)
    monkeypatch.setattr(run, "LOOK_S", 0.001)
    node = parts(landed=600)
    await watch(node, lambda: setattr(node.health, "final", "a block"))
    assert "0 of 400 blocks" in terminal.seen()


async def test_run__editions_being_drawn__are_shown_together_until_they_are_done(
    terminal: Terminal, monkeypatch: pytest.MonkeyPatch
) -> None:
    terminal.attach()
    monkeypatch.setattr(run, "PATIENCE_S", 0.0)
    monkeypatch.setattr(run, "LOOK_S", 0.001)
    node = parts({"done": 3, "of": 12}, {"done": 1, "of": 8})
    node.health.final = "a block"
    await watch(node, lambda: setattr(node, "renderers", parts().renderers))
    assert "4 of 20 pictures" in terminal.seen()


async def watch(node: Any, end: Callable[[], None]) -> None:
    """Show a node's work for a moment before and after what ends a part of it."""
    shown = asyncio.create_task(run.show_work(node))
    for _ in range(20):
        await asyncio.sleep(0.002)
    end()
    for _ in range(20):
        await asyncio.sleep(0.002)
    assert not shown.done()
    shown.cancel()
    await asyncio.gather(shown, return_exceptions=True)


def test_reached__reports_and_feeds__how_much_of_what_was_missed_is_handled() -> None:
    begun: dict[str, int] = {}
    assert run.reached(parts(), begun) == (0, None)
    assert run.reached(parts(landed=600, feed=200), begun) == (0.0, 600.0)
    assert run.reached(parts(landed=1_000, feed=200), begun) == (200.0, 600.0)
    assert run.reached(parts(landed=1_000, feed=1_000), begun) == (600.0, 600.0)


async def test_run__everything_read_at_once__shows_no_bar(terminal: Terminal, monkeypatch: pytest.MonkeyPatch) -> None:
    terminal.attach()
    monkeypatch.setattr(run, "PATIENCE_S", 0.0)
    node = parts(landed=600)
    node.health.final = "a block"
    await watch(node, lambda: None)
    assert terminal.seen() == ""


def test_watched__standard_error_of_a_program__is_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stderr", io.StringIO())
    assert not watched()
