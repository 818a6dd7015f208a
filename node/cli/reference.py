"""docs/commands.md, written from the commands' own help."""

from __future__ import annotations

import inspect
from collections.abc import Iterator

import click

from node.cli import GROUPS, main

_HEAD = """\
# Commands

Every command of `patina` with its options, written from the program's own help (`patina COMMAND --help`); a test holds
the two equal. `patina --help` lists them in the same order.

Where a command takes `--config`, it reads `config.toml` of the folder it runs in, unless the option or `PATINA_CONFIG`
names another file or folder. What goes wrong is told in one sentence on standard error, with exit status 1; wrong
arguments end with 2. Passwords are never given on the command line: see [configuration.md](configuration.md).
"""


def commands_markdown() -> str:
    """The whole page."""
    context = click.Context(main, info_name="patina")
    lines = [_HEAD]
    for title, names in GROUPS:
        lines.append(f"- {title}: " + ", ".join(f"[{name}](#patina-{name})" for name in names))
    for title, names in GROUPS:
        lines += ["", f"## {title}"]
        for name in names:
            command = main.get_command(context, name)
            if command is not None:
                lines += _command(command, click.Context(command, info_name=name, parent=context), 3)
    return "\n".join(lines) + "\n"


def _command(command: click.Command, context: click.Context, depth: int) -> Iterator[str]:
    """One command and those below it."""
    yield ""
    yield f"{'#' * min(depth, 5)} {context.command_path}"
    yield ""
    yield f"    {_usage(command, context)}"
    for paragraph in _paragraphs(command.help or ""):
        yield ""
        yield paragraph
    rows = [row for parameter in command.get_params(context) if (row := _row(parameter, context)) is not None]
    if rows:
        yield ""
        yield "| option | meaning |"
        yield "| --- | --- |"
        yield from rows
    if isinstance(command, click.Group):
        for name in command.list_commands(context):
            below = command.get_command(context, name)
            if below is not None and not below.hidden:
                yield from _command(below, click.Context(below, info_name=name, parent=context), depth + 1)


def _usage(command: click.Command, context: click.Context) -> str:
    return " ".join([context.command_path, *command.collect_usage_pieces(context)])


def _paragraphs(text: str) -> list[str]:
    """Help as paragraphs of one line each; what click keeps as it is (\\b) becomes a block of code."""
    found = []
    for block in inspect.cleandoc(text).split("\n\n"):
        lines = block.split("\n")
        if lines[0].strip() == "\b":
            found.append("\n".join(f"    {line}" for line in lines[1:]))
        else:
            found.append(" ".join(line.strip() for line in lines).replace("<", "&lt;"))
    return found


def _row(parameter: click.Parameter, context: click.Context) -> str | None:
    """One option, as click would tell of it; None for arguments, which stand in the usage, and for --help."""
    record = parameter.get_help_record(context)
    if record is None or isinstance(parameter, click.Argument) or "--help" in parameter.opts:
        return None
    names, meaning = (" ".join(part.split()).replace("|", "\\|") for part in record)
    return f"| `{names}` | {meaning} |"
