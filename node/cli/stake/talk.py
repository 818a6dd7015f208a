"""Speaks with the person at the terminal: sentences, screens, questions, and JSON for programs."""

from __future__ import annotations

import json
import textwrap
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeVar

import click

from node.errors import PatinaError, printable

if TYPE_CHECKING:
    from node.staking.outbox import Told

Answer = TypeVar("Answer")
_WIDTH = 96


class Talk:
    """What is said goes to standard output, or to standard error where JSON goes there."""

    def __init__(self, *, yes: bool, as_json: bool) -> None:
        """`yes`: every question whose answer is yes or no is answered with yes, and others are not asked."""
        self.yes = yes
        self.as_json = as_json
        self.transactions: list[dict[str, str]] = []

    def say(self, text: str = "", *, indent: int = 0) -> None:
        """One paragraph; foreign text in it cannot speak to the terminal."""
        safe = printable(text, 4_000)
        pad = " " * indent
        lines = textwrap.wrap(safe, _WIDTH, initial_indent=pad, subsequent_indent=pad, break_long_words=False)
        click.echo("\n".join(lines) if lines else "", err=self.as_json)

    def points(self, sentences: list[str]) -> None:
        """A list of sentences."""
        for sentence in sentences:
            safe = printable(sentence, 4_000)
            lines = textwrap.wrap(safe, _WIDTH, initial_indent="  - ", subsequent_indent="    ", break_long_words=False)
            click.echo("\n".join(lines), err=self.as_json)

    def rows(self, rows: list[tuple[str, str]]) -> None:
        """Names and values, in two columns; a value may have several lines."""
        width = max((len(name) for name, _ in rows), default=0)
        for name, value in rows:
            first, *more = value.split("\n")
            click.echo(f"  {name:<{width}}  {printable(first, 400)}", err=self.as_json)
            for line in more:
                click.echo(f"  {'':<{width}}  {printable(line, 400)}", err=self.as_json)

    def screen(self, number: int, of: int, title: str) -> None:
        """The head of one step."""
        click.echo(f"\n{number} of {of}  {title}\n", err=self.as_json)

    def sure(self, question: str) -> None:
        """Go on only after a yes; PatinaError otherwise."""
        if not self.agrees(question):
            raise PatinaError("stopped, as you wish: nothing more was sent")

    def agrees(self, question: str, *, default: bool = True) -> bool:
        """Whether the person says yes."""
        if self.yes:
            return True
        try:
            return bool(click.confirm(f"\n{question}", default=default, err=True))
        except click.Abort:
            raise PatinaError(
                "stopped: nothing more was sent; run it again to go on, with --yes where nobody can answer"
            ) from None

    def ask(self, question: str, parse: Callable[[str], Answer], default: str | None, flag: str) -> Answer:
        """An answer that parses; where nothing is asked the default, or PatinaError that names the flag."""
        if self.yes:
            if default is None:
                raise PatinaError(f"{question}: not given, and not to be asked for; give {flag}")
            return parse(default)
        while True:
            try:
                answer = str(click.prompt(f"\n{question}", default=default, err=True))
            except click.Abort:
                raise PatinaError(f"stopped: nothing more was sent; {flag} answers that question") from None
            try:
                return parse(answer)
            except PatinaError as error:
                click.echo(f"  {error}", err=True)

    def told(self, news: Told) -> None:
        """What happens to a transaction, as it happens."""
        tx = "" if news.tx_hash is None else "0x" + news.tx_hash.hex()
        line = {
            "sent": f"sent: {news.what}\n    transaction {tx}\n    waiting until it is in a block ...",
            "found": f"found again, from an earlier run: {news.what}\n    transaction {tx or 'not signed yet'}",
            "replaced": f"replaced: {news.what}, {news.note}\n    transaction {tx}",
            "mined": f"done: {news.what} ({news.note})",
        }.get(news.state, f"{news.state}: {news.what}: {news.note}")
        if news.state == "mined":
            self.transactions.append({"what": news.what, "hash": tx, "block": news.note.removeprefix("block ")})
        for part in line.split("\n"):
            click.echo("  " + printable(part, 1_000), err=self.as_json)

    def result(self, document: dict[str, Any]) -> None:
        """The JSON of a program's run, with the transactions that it took; nothing for a person."""
        if self.as_json:
            click.echo(json.dumps({**document, "transactions": self.transactions}, indent=2))
