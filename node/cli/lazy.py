"""A click group whose commands are only imported when they are called."""

from __future__ import annotations

import inspect
import sys
import traceback
from collections.abc import Mapping, Sequence
from importlib import import_module
from types import TracebackType
from typing import IO, Any

import click

from node.errors import PatinaError
from node.keys.redaction import redactor


class Failure(click.ClickException):
    """A PatinaError on its way to the person at the terminal: exit status 1, no traceback, no secrets."""

    def show(self, file: IO[Any] | None = None) -> None:
        """Print the text to standard error."""
        click.echo(redactor.redact(f"patina: {self.format_message()}"), file=file, err=file is None)


class Group(click.Group):
    """A group whose help tells each command's first sentence whole: click cuts it where the line ends."""

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Find the command that is meant; of one that is not known, say which is like it."""
        from node.config.nearest import suggest

        if args and not args[0].startswith("-") and self.get_command(ctx, args[0]) is None:
            near = suggest(args[0], self.list_commands(ctx))
            ctx.fail(f"there is no command {args[0]!r}{near}")
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """List the commands, long sentences over several lines."""
        commands = [(name, self.get_command(ctx, name)) for name in self.list_commands(ctx)]
        rows = [(name, first_sentence(one)) for name, one in commands if one is not None and not one.hidden]
        if rows:
            with formatter.section("Commands"):
                formatter.write_dl(rows)


def first_sentence(command: click.Command) -> str:
    """Return what stands before the first empty line of a command's help."""
    return " ".join(inspect.cleandoc(command.help or "").partition("\n\n")[0].split())


class LazyGroup(Group):
    """Takes its commands from a table: name -> ("module:attribute", one line of help).

    `groups` (title, names) says under which headings help lists them; what stands in none is listed last.
    """

    def __init__(
        self,
        *args: Any,
        table: Mapping[str, tuple[str, str]],
        groups: Sequence[tuple[str, Sequence[str]]] = (),
        **kwargs: Any,
    ) -> None:
        super().__init__(*args, **kwargs)
        self.table = table
        grouped = {name for _, names in groups for name in names}
        rest = [name for name in table if name not in grouped]
        self.groups = [*groups, *([("Commands" if not groups else "More", rest)] if rest else [])]

    def list_commands(self, ctx: click.Context) -> list[str]:
        """The table's order: the order in which a newcomer meets the commands."""
        return [*self.table, *super().list_commands(ctx)]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import the command now."""
        if cmd_name not in self.table:
            return super().get_command(ctx, cmd_name)
        module, _, attribute = self.table[cmd_name][0].partition(":")
        command = getattr(import_module(module), attribute)
        if not isinstance(command, click.Command):
            raise TypeError(f"{self.table[cmd_name][0]} is not a click command")
        return command

    def format_commands(self, _: click.Context, formatter: click.HelpFormatter) -> None:
        """List the commands from the table alone, so that help imports none of them."""
        width = max(map(len, self.table), default=0)
        for title, names in self.groups:
            with formatter.section(title):
                rows = [(name.ljust(width), self.table[name][1]) for name in names if name in self.table]
                formatter.write_dl(rows)

    def invoke(self, ctx: click.Context) -> Any:
        """Run the command; what Patina raises on purpose becomes a plain message."""
        try:
            return super().invoke(ctx)
        except PatinaError as error:
            raise Failure(str(error)) from error

    def main(self, *args: Any, **kwargs: Any) -> Any:
        """Run as a program: even a traceback that nobody expected shows no secret."""
        sys.excepthook = print_uncaught
        return super().main(*args, **kwargs)


def print_uncaught(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    """Python's own exception report, without secrets."""
    sys.stderr.write(redactor.redact("".join(traceback.format_exception(kind, error, trace))))
