"""The one progress bar of all commands: on standard error, while a person watches, and gone when it is done."""

from __future__ import annotations

import sys
from types import TracebackType
from typing import TYPE_CHECKING, Self

if TYPE_CHECKING:
    from rich.console import Console
    from rich.progress import Progress, TaskID


def watched() -> bool:
    """Whether a person sees standard error: it is a terminal, and none that a program reads."""
    return sys.stderr.isatty()


class Bar:
    """Says what is being done, how far it is, and for how long already. Where nobody watches it does nothing.

    Where it is not known how much there is to do (`of` is None), it moves to and fro. What is printed or logged to
    standard error meanwhile stands above it.
    """

    def __init__(self, what: str, of: float | None = None, unit: str = "", *, console: Console | None = None) -> None:
        """`unit` is what `of` counts, in the plural; `console` is standard error where it is not given."""
        self._what, self._of, self._unit, self._console = what, of, unit, console
        self._progress: Progress | None = None
        self._task: TaskID | None = None
        self._done = 0.0

    def __enter__(self) -> Self:
        """Show the bar."""
        if not (watched() if self._console is None else self._console.is_terminal):
            return self
        from rich.console import Console
        from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

        self._progress = Progress(
            TextColumn("{task.description}", markup=False),
            BarColumn(),
            TextColumn("{task.fields[counted]}", markup=False),
            TimeElapsedColumn(),
            console=self._console or Console(stderr=True, highlight=False),
            transient=True,
            # Where standard output goes elsewhere, what is printed there must not end up here.
            redirect_stdout=sys.stdout.isatty(),
        )
        self._task = self._progress.add_task(self._what, total=self._of, counted="")
        self._progress.start()
        self._show()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Take the bar away."""
        self.close()

    def close(self) -> None:
        """Take the bar away; harmless when repeated."""
        if self._progress is not None:
            self._progress.stop()
            self._progress = None

    def at(self, done: float, of: float | None = None) -> None:
        """Say how far it is, and of how much where that is known only now."""
        self._done, self._of = done, self._of if of is None else of
        self._show()

    def step(self) -> None:
        """Say that one more is done."""
        self.at(self._done + 1)

    def tell(self, what: str) -> None:
        """Say what is being done from now on."""
        self._what = what
        self._show()

    def _show(self) -> None:
        if self._progress is None or self._task is None:
            return
        counted = "" if self._of is None or not self._unit else f"{self._done:,.0f} of {self._of:,.0f} {self._unit}"
        self._progress.update(self._task, completed=self._done, total=self._of, description=self._what, counted=counted)
