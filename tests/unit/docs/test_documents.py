"""The documents cannot rot: links lead somewhere; every command, setting, metric and piece of code in them exists."""

from __future__ import annotations

import re
import shlex
import tomllib
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import click
import pytest

from node.cli import main
from node.config.load import annotated
from node.config.schema import SECTIONS
from node.journal.schema import migrations
from node.metrics.catalog import CATALOG
from node.preflight.catalogue import CATALOGUE
from tools.excerpts import PLACE, filled

ROOT = Path(__file__).parents[3]
PAGES = [
    ROOT / "README.md",
    ROOT / "CHANGELOG.md",
    *sorted((ROOT / "docs").glob("*.md")),
    *sorted((ROOT / "examples").glob("*/README.md")),
]
LINK = re.compile(r"!?\[[^\]]*\]\(([^)\s]+)\)")
SPAN = re.compile(r"(?<!`)`([^`\n]+(?:\n(?!\n)[^`\n]+)?)`(?!`)")
PROGRAM = re.compile(r"(?:sudo -u patina )?(?:\S*/bin/)?patina (?=[a-z-])")
# Made from the commands themselves, which another test compares.
MADE = "commands.md"
# Lists of settings whose tables have names of their own.
TABLES = {"gossip.brokers", "content.publish", "notices.targets"}


def page_id(path: Path) -> str:
    return str(path.relative_to(ROOT))


def blocks(text: str) -> Iterator[str]:
    """Lines of code blocks, whichever way they are marked."""
    fenced = False
    before = ""
    indented = False
    for line in text.splitlines():
        if line.startswith("```"):
            fenced = not fenced
        elif fenced:
            yield line
        else:
            indented = line.startswith("    ") and (indented or not before.strip())
            if indented:
                yield line[4:]
        before = line


def commands(path: Path) -> Iterator[tuple[str, bool]]:
    """What the page tells to run, and whether it is whole: a line of a block is, a few words in a sentence are not."""
    text = path.read_text(encoding="utf-8")
    for line in blocks(text):
        # What a terminal shows ends in a full stop; what is typed does not.
        if (found := PROGRAM.match(line.strip())) is not None and not line.rstrip().endswith("."):
            yield re.split(r" [>|] | {2,}#|   +", line.strip()[found.end() :])[0], True
    for span in SPAN.findall(text):
        said = " ".join(span.split())
        if (found := PROGRAM.match(said)) is not None:
            yield said[found.end() :], False


@cache
def headings(path: Path) -> frozenset[str]:
    found: list[str] = []
    for line in path.read_text(encoding="utf-8").splitlines():
        if (match := re.match(r"#{1,6} (.+)", line)) is not None:
            slug = re.sub(r"[^\w\- ]", "", match[1].replace("`", "").lower()).replace(" ", "-")
            repeated = sum(one == slug or one.startswith(f"{slug}-") for one in found)
            found.append(f"{slug}-{repeated}" if slug in found else slug)
    return frozenset(found)


@pytest.mark.parametrize("path", PAGES, ids=page_id)
def test_links__of_every_page__lead_somewhere(path: Path) -> None:
    missing = []
    for link in LINK.findall(path.read_text(encoding="utf-8")):
        if link.startswith(("http://", "https://", "ipfs://")):
            continue
        name, _, anchor = link.partition("#")
        target = (path.parent / name).resolve() if name else path
        if not target.exists() or (anchor and target.suffix == ".md" and anchor not in headings(target)):
            missing.append(link)
    assert missing == []


@pytest.mark.parametrize("path", [path for path in PAGES if path.name != MADE], ids=page_id)
def test_commands__of_every_page__are_ones_that_there_are(path: Path) -> None:
    wrong = [f"{words}: {fault}" for words, whole in commands(path) if (fault := fault_of(words, whole=whole))]
    assert wrong == []


def test_commands__wrong_ones__are_noticed() -> None:
    assert fault_of("sing", whole=False)
    assert fault_of("run --loudly", whole=False)
    assert fault_of("stake bond", whole=True)
    assert fault_of("edition mint 1 2 3 --rpc http://x", whole=True)
    assert fault_of("tx", whole=True) is None
    assert fault_of("edition mint 1 2 --rpc http://x", whole=True) is None
    assert fault_of("stake bond", whole=False) is None


def fault_of(words: str, *, whole: bool) -> str | None:
    """What is wrong with a command, if anything; a whole one has all its arguments."""
    command: click.Command = main
    # Brackets stand around what may be left out.
    rest = [word for word in shlex.split(re.sub(r"[\[\]]", "", words)) if word not in ("...", "…")]
    context = click.Context(main, info_name="patina")
    while isinstance(command, click.Group) and rest and not rest[0].startswith("-"):
        try:
            name, found, rest = command.resolve_command(context, rest)
        except click.UsageError as error:
            return error.format_message()
        if found is None:
            return f"there is no command {name!r}"
        command, context = found, click.Context(found, info_name=name, parent=context)
    try:
        given, left, _ = command.make_parser(context).parse_args(list(rest))
    except click.UsageError as error:
        return error.format_message()
    if left:
        return f"takes no {left}"
    lacks = [
        parameter.name
        for parameter in command.params
        if isinstance(parameter, click.Argument)
        and parameter.required
        and not isinstance(given.get(parameter.name or ""), str | tuple)
    ]
    return f"lacks {lacks}" if whole and lacks else None


def settings() -> set[str]:
    found = set(TABLES)
    for section, kind in SECTIONS.items():
        for each, _, _ in annotated(kind):
            found.add(f"{section}.{each.name}")
    return found


@pytest.mark.parametrize("path", PAGES, ids=page_id)
def test_settings__of_every_page__are_ones_that_there_are(path: Path) -> None:
    known = settings() | set(CATALOGUE)
    named = {
        span
        for span in SPAN.findall(path.read_text(encoding="utf-8"))
        if re.fullmatch(r"[a-z]+\.[a-z][a-z_0-9]*", span) and span.partition(".")[0] in SECTIONS
    }
    suffixes = (".py", ".md", ".toml", ".json", ".db", ".key", ".pem")
    assert {one for one in named - known if not one.endswith(suffixes)} == set()


@pytest.mark.parametrize("path", PAGES, ids=page_id)
def test_metrics__of_every_page__are_ones_that_there_are(path: Path) -> None:
    known = " ".join(CATALOG if isinstance(CATALOG, dict) else [one.name for one in CATALOG])
    named = set(re.findall(r"`(patina_[a-z_0-9]+)", path.read_text(encoding="utf-8")))
    roots = {re.sub(r"_(total|bucket|sum|count|created)$", "", one) for one in named}
    assert {one for one in roots if one not in known} == set()


@pytest.mark.parametrize("path", PAGES, ids=page_id)
def test_variables_and_targets__of_every_page__are_ones_that_there_are(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    code = sources()
    variables = {
        re.sub(r"_(\d+)_", "_1_", one).removesuffix("_FILE")
        for one in re.findall(r"\bPATINA_[A-Z0-9_]+[A-Z0-9]\b", text)
    }
    unknown = {one for one in variables if one not in code and not re.search(_pattern(one), code)}
    assert unknown == set()
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    told = {match for line in blocks(text) for match in re.findall(r"^make ([a-z][a-z-]*)", line)}
    told |= {span.split()[1] for span in SPAN.findall(text) if re.match(r"make [a-z]", span)}
    assert told - targets == set()


@cache
def sources() -> str:
    places = [*(ROOT / "node").rglob("*.py"), *(ROOT / "deploy").rglob("*.*"), ROOT / "Makefile"]
    return "\n".join(path.read_text(encoding="utf-8") for path in places if path.suffix not in (".json",))


def _pattern(variable: str) -> str:
    """A variable as code composes it: PATINA_BROKER_1_PASSWORD is written PATINA_BROKER_{position}_PASSWORD."""
    parts = [re.escape(part) for part in variable.split("_")[1:]]
    return "PATINA_" + "_".join(rf"(?:{part}|\{{[^}}]+\}})" for part in parts)


def test_code__in_every_page__is_what_the_examples_have() -> None:
    for path in PAGES:
        text = path.read_text(encoding="utf-8")
        assert filled(text) == text, f"{path}: run tools/excerpts.py"
    assert len(PLACE.findall((ROOT / "docs" / "contracts.md").read_text())) == 5


def test_changelog__newest_version__says_what_operators_must_do_and_how_new_journals_are() -> None:
    text = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    newest = text.split("\n## ")[1]
    assert f"{tomllib.loads((ROOT / 'pyproject.toml').read_text())['project']['version']}" in newest.splitlines()[0]
    sections = re.findall(r"^### (.+)$", newest, re.MULTILINE)
    assert sections[0] == "Operators must"
    assert set(sections[1:]) <= {"Added", "Changed", "Deprecated", "Removed", "Fixed", "Security"}
    assert f"schema {migrations()._migrations[-1].name[:4]}" in newest


def test_index__every_page__is_in_it() -> None:
    index = (ROOT / "docs" / "README.md").read_text(encoding="utf-8")
    pages = {path.name for path in (ROOT / "docs").glob("*.md")} - {"README.md"}
    assert {name for name in pages if f"]({name})" not in index} == set()


def test_pictures__of_all_pages__are_of_sensible_size() -> None:
    assert [path.name for path in (ROOT / "docs" / "images").iterdir() if path.stat().st_size > 1_500_000] == []
