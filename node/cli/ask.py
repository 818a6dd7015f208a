"""Ask a person for settings: again until the answer is good, secrets without showing them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import get_args

import click

from node.config.faults import Faults
from node.config.load import annotated
from node.config.schema import SECTIONS, BrokerConfig
from node.config.values import Reader
from node.keys.secrets import Secret

#: A password shorter than this falls to guessing, whatever the encryption.
SHORTEST_PASSWORD = 8
Check = Callable[[str], str | None]
"""Says what is wrong with an answer, or None."""


def check_of(setting: str) -> Check:
    """The check of one setting (`section.key`, or `gossip.brokers.url`), the same as the configuration's own."""
    table, _, name = setting.rpartition(".")
    section = BrokerConfig if table == "gossip.brokers" else SECTIONS[table]
    kind, key = next((kind, key) for each, kind, key in annotated(section) if each.name == name)

    def check(answer: str) -> str | None:
        faults = Faults()
        number = answer.isascii() and answer.isdigit() and (kind is int or int in get_args(kind))
        value: object = int(answer) if number else answer
        if kind is int and not number:
            return "is no whole number; write it in digits"
        value = [value] if name == "endpoints" else value
        Reader(Path(), faults, check_files=False).read(kind, key, value, "")
        return next((f"{fault.problem}; {fault.fix}" for fault in faults.found), None)

    return check


def ask_value(question: str, check: Check, default: str | None = None, doubt: Check | None = None) -> str:
    """One answer that passes the check; one that is in `doubt` only if the person keeps it all the same."""
    while True:
        answer = str(click.prompt(question, default=default, show_default=bool(default), err=True)).strip()
        if (fault := check(answer)) is not None:
            click.echo(f"  That {fault}.", err=True)
        elif answer and doubt is not None and (words := doubt(answer)) is not None:
            click.echo(f"  Attention: {words}.", err=True)
            if click.confirm("  Keep it all the same?", default=False, err=True):
                return answer
        else:
            return answer


def ask_list(question: str, check: Check, doubt: Check | None = None) -> list[str]:
    """At least one answer, until an empty one."""
    answers = [ask_value(question, check, doubt=doubt)]
    more = "  one more, or Enter to go on"
    while answer := ask_value(more, lambda text: check(text) if text else None, default="", doubt=doubt):
        if answer in answers:
            click.echo("  That is named already.", err=True)
        else:
            answers.append(answer)
    return answers


def ask_new_password(question: str) -> Secret:
    """A password typed twice, at least SHORTEST_PASSWORD characters long."""
    while True:
        answer = str(click.prompt(question, hide_input=True, confirmation_prompt=True, err=True))
        if len(answer) >= SHORTEST_PASSWORD:
            return Secret(answer)
        click.echo(f"  That is too short; at least {SHORTEST_PASSWORD} characters.", err=True)
