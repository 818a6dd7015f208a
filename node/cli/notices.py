"""`patina notices`: what this node told its operator, and whether it gets there."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from node.cli.lazy import Group
from node.cli.options import config_option, json_option
from node.errors import JournalError, PatinaError

if TYPE_CHECKING:
    from node.config import Config
    from node.notices.targets import Target


@click.group(cls=Group)
def notices() -> None:
    """Show what this node told its operator, and test where it is told."""


@notices.command()
@config_option
@json_option
def test(config_path: Path, *, as_json: bool) -> None:
    """Send a test message to every target, and say which took it.

    Exit status 1 unless every target did.
    """
    import asyncio

    from node.config import load
    from node.notices.targets import read_targets

    config = load(config_path, check_files=False)
    targets = read_targets(config)
    if not targets:
        raise PatinaError(
            "no targets for notices: name a file with apprise URLs in notices.targets_file, or set "
            "PATINA_NOTICE_TARGETS; see docs/notices.md"
        )
    results = asyncio.run(_try(config, targets))
    told = [
        {"name": target.name, "level": target.level, "url": str(target.url), "took": not why, "error": why}
        for target, why in zip(targets, results, strict=True)
    ]
    if as_json:
        click.echo(json.dumps(told, indent=2))
    else:
        for each in told:
            _show_result(each)
    if any(results):
        raise SystemExit(1)


async def _try(config: Config, targets: tuple[Target, ...]) -> list[str]:
    import asyncio

    from node.notices.courier import Courier, Message

    courier = Courier(config.notices.timeout_ms / 1000)
    body = "This is a test, sent by patina notices test. What this node has to tell comes here too."
    message = Message(f"Patina {config.node.name}: test message", body, "info")
    return await asyncio.gather(*(courier(target, message) for target in targets))


def _show_result(result: dict[str, Any]) -> None:
    said = click.style("took it", fg="green") if result["took"] else click.style("did not take it", fg="red", bold=True)
    why = f": {result['error']}" if result["error"] else ""
    click.echo(f"{result['name']:<16} {result['url']:<16} from {result['level']} on   {said}{why}")


@notices.command(name="list")
@click.option("-n", "--last", "count", type=click.IntRange(1, 500), default=20, show_default=True, help="How many.")
@config_option
@json_option
def list_(count: int, config_path: Path, *, as_json: bool) -> None:
    """Show the last notices of this node, the newest first; it may run meanwhile or not."""
    from node.config import load
    from node.journal import Journal
    from node.journal.store import FILE_NAME
    from node.notices.notices import shown

    config = load(config_path, check_files=False)
    if not (config.node.directory / FILE_NAME).exists():
        raise PatinaError(f"no journal in {config.node.directory} yet: notices are there once the node has run")
    with Journal(config.node.directory, read_only=True) as journal:
        try:
            rows, waiting = journal.notices.last(count), journal.notices.undelivered()
        except JournalError as error:
            if "no such table" not in str(error):
                raise
            rows, waiting = [], {}  # of a version that told nothing yet
    told = [shown(row, waiting.get(row.id, [])) for row in rows]
    if as_json:
        click.echo(json.dumps(told, indent=2))
        return
    if not told:
        click.echo("No notices yet.")
    for each in told:
        _show_notice(each)


def _show_notice(notice: dict[str, Any]) -> None:
    colour = {"critical": "red", "warning": "yellow"}.get(notice["level"], "cyan")
    colour = "green" if notice["phase"] == "over" else colour
    head = click.style(f"{notice['level']:<8} {notice['title']}", fg=colour, bold=True)
    waits = f"   (not taken yet by {', '.join(notice['waiting'])})" if notice["waiting"] else ""
    click.echo(f"{notice['at']}  {head}{waits}")
    width = min(100, shutil.get_terminal_size((100, 24)).columns)
    click.echo(click.wrap_text(notice["text"], width, initial_indent="    ", subsequent_indent="    "))
