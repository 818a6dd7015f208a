"""`patina check`: test everything that a node needs, and tell all of it at once."""

from __future__ import annotations

import json
import shutil
import sys
import textwrap
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from node.cli.options import asker, config_option, json_option, named
from node.errors import printable
from node.preflight.subjects import SUBJECTS

if TYPE_CHECKING:
    from node.preflight.facts import Facts
    from node.preflight.finding import Finding

_CHOICE = click.Choice(list(SUBJECTS))
_COLOURS = {"ok": "green", "warning": "yellow", "fault": "red", "not checked": "cyan"}
_WIDE = 24
_MARGIN = 2 + 12 + _WIDE + 2
_INDENT = 7


@click.command()
@config_option
@click.option("--only", multiple=True, type=_CHOICE, help="This subject alone; may be repeated.")
@click.option("--skip", multiple=True, type=_CHOICE, help="All but this subject; may be repeated.")
@json_option
def check(config_path: Path, *, only: Sequence[str], skip: Sequence[str], as_json: bool) -> None:
    """Test everything that a node needs before it matters.

    Configuration, keys, journal, endpoints, contracts, stake, brokers, clock, disk, renderer: each line says ok,
    warning, fault or not checked, and what to do. Nothing is changed, and a node may run meanwhile. Exit status 0
    only when nothing is at fault.
    """
    import asyncio

    from node.log.lines import configure
    from node.preflight.facts import Facts
    from node.preflight.finding import Score

    configure("critical", "auto")
    subjects = [one for one in SUBJECTS if (not only or one in only) and one not in skip]
    if not subjects:
        raise click.UsageError("--only and --skip leave nothing to check")
    facts = Facts(config_path, ask=None if as_json else asker())
    if "keys" in subjects:
        facts.ask_passwords()
    if as_json:
        found = asyncio.run(_run(facts, subjects, lambda *_: None))
        click.echo(json.dumps(document(found), indent=2))
    else:
        found = _watched(facts, subjects)
    score = Score.of(found)
    if not as_json:
        conclude(found, named(facts.path), "" if len(subjects) < len(SUBJECTS) else _next(facts, found))
    if not score.ready:
        raise SystemExit(1)


def conclude(found: Sequence[Finding], where: str, following: str) -> None:
    """Print the score, and then what to do: about each fault, or next.

    `where` names the configuration to other commands, `following` is the one that comes next, "" for a part of a check.
    """
    from node.preflight.finding import Score

    score = Score.of(found)
    ready = "yes" if score.ready else "no"
    verdict = f"ready to run: {ready}" if following or not score.ready else "nothing else was looked at"
    click.secho(f"\n{score}; {verdict}", bold=True, fg="green" if score.ready else "red")
    faults = [one for one in found if one.verdict == "fault"]
    if faults:
        click.echo("")
    for one in faults:
        click.echo(f"at fault: {one.code}{f' ({_clean(one.about)})' if one.about else ''}")
        _remedy(one)
    if faults:
        subjects = dict.fromkeys(one.subject for one in faults)
        click.echo(f"\nthen: patina check{where}{''.join(f' --only {one}' for one in subjects)}")
    elif following:
        click.echo(f"next: {following}{where}")


def _next(facts: Facts, found: Sequence[Finding]) -> str:
    """The command that follows a whole check without a fault."""
    verdicts = {one.code: one.verdict for one in found}
    if facts.sound.config is not None and facts.running:
        return "patina status"
    outside = verdicts.get("stake.seat") == "warning" and verdicts.get("contracts.staking") == "ok"
    return "patina join" if outside else "patina run"


async def _run(
    facts: Facts, subjects: Sequence[str], on_done: Callable[[str, Sequence[Finding]], None]
) -> list[Finding]:
    from node.preflight.run import run

    return await run(facts, subjects, on_done)


def _watched(facts: Facts, subjects: Sequence[str]) -> list[Finding]:
    """Run with each subject printed as soon as it and all before it are done, and the others named meanwhile."""
    import asyncio

    waiting = list(subjects)
    done: dict[str, Sequence[Finding]] = {}

    def on_done(subject: str, found: Sequence[Finding]) -> None:
        done[subject] = found
        _say("")
        while waiting and waiting[0] in done:
            show(waiting[0], done[waiting.pop(0)])
        tell()

    def tell() -> None:
        if left := [one for one in subjects if one not in done]:
            _say(f"checking {', '.join(left)} ...")

    tell()
    try:
        return asyncio.run(_run(facts, subjects, on_done))
    finally:
        _say("")


def _say(text: str) -> None:
    """One line that is written over, for a person who watches; none for anything else."""
    if sys.stderr.isatty():
        width = shutil.get_terminal_size().columns
        sys.stderr.write(f"\r\x1b[2K{text[: width - 1]}")
        sys.stderr.flush()


def show(subject: str, found: Sequence[Finding]) -> None:
    """Print a subject's findings: a line each, and under one that is not well what to do."""
    click.secho(f"\n{subject}", bold=True)
    for one in found:
        verdict = click.style(f"{one.verdict:<12}", fg=_COLOURS[one.verdict], bold=one.verdict == "fault")
        about = f"{one.about}: " if one.about else ""
        first, *rest = _lines(_clean(about + one.detail) or "-", _MARGIN)
        click.echo(f"  {verdict}{one.code:<{_WIDE}}  {first}")
        for line in rest:
            click.echo(f"{'':<{_MARGIN}}{line}")
        _remedy(one)


def _remedy(one: Finding) -> None:
    """What to do, over the whole width: it may be a command that somebody copies."""
    for at, line in enumerate(_lines(_clean(one.remedy), _INDENT)):
        click.echo(f"{'':<{_INDENT - 3}}{'-> ' if at == 0 else '   '}{line}")


def _lines(text: str, margin: int) -> list[str]:
    """A text as lines that fit the terminal; one line where nobody watches, so that programs find it whole."""
    if not sys.stdout.isatty() or not text:
        return [text] if text else []
    width = max(40, shutil.get_terminal_size().columns - margin - 1)
    # Addresses and paths stay whole: somebody may copy them.
    return textwrap.wrap(text, width, break_on_hyphens=False, break_long_words=False)


def document(found: Sequence[Finding]) -> dict[str, Any]:
    """A check as JSON says it: codes, subjects and verdicts are stable, details and remedies are for people."""
    from node.preflight.finding import Score

    score = Score.of(found)
    return {
        "ready": score.ready,
        "score": {
            "ok": score.ok,
            "checked": score.checked,
            "warnings": score.warnings,
            "faults": score.faults,
            "not_checked": score.skipped,
        },
        "findings": [
            {
                "subject": one.subject,
                "code": one.code,
                "about": _clean(one.about),
                "verdict": str(one.verdict),
                "detail": _clean(one.detail),
                "remedy": _clean(one.remedy),
            }
            for one in found
        ],
    }


def _clean(text: str) -> str:
    """What may be shown: no secret, and nothing of foreign words that a terminal would obey.

    Each text by itself: a secret that is a common word must not take codes, or JSON's own names, with it.
    """
    from node.keys.redaction import redactor

    return printable(redactor.redact(text), 2_000)
