"""Puts pieces of the examples into the documents that show them; a test compares."""

from __future__ import annotations

import re
import textwrap
from pathlib import Path
from typing import Final

import click

ROOT: Final = Path(__file__).parents[1]
PLACE: Final = re.compile(
    r"(<!-- from (?P<file>\S+): (?P<piece>[\w-]+) -->\n```\w+\n)(?P<body>.*?)(^```$)", re.M | re.S
)
"""A comment that names a file and a piece, and the code block below it."""


@click.command()
def main() -> None:
    """Bring the code in all documents up to date with the files that it is from."""
    for path in documents():
        before = path.read_text(encoding="utf-8")
        if (after := filled(before)) != before:
            path.write_text(after, encoding="utf-8")
            click.echo(f"written: {path.relative_to(ROOT)}")


def documents() -> list[Path]:
    """The Markdown files that a reader is led to."""
    return [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]


def filled(text: str) -> str:
    """A document with every such block as its file has it. ValueError for a piece that is in no file."""
    return PLACE.sub(lambda found: found[1] + piece(found["file"], found["piece"]) + found[5], text)


def piece(file: str, name: str) -> str:
    """The lines between `docs: NAME` and the next `docs: end` of a file, moved to the left margin."""
    lines = (ROOT / file).read_text(encoding="utf-8").splitlines()
    marks = [number for number, line in enumerate(lines) if line.strip().endswith(f"-- docs: {name}")]
    if len(marks) != 1:
        raise ValueError(f"{file}: {len(marks)} pieces are called {name}")
    end = next(number for number in range(marks[0], len(lines)) if lines[number].strip().endswith("-- docs: end"))
    return textwrap.dedent("\n".join(lines[marks[0] + 1 : end])).strip("\n") + "\n"


if __name__ == "__main__":
    main()
