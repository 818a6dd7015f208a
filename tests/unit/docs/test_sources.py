"""What the documents say of the code is so: files, modules, what these offer, defaults of settings, examples' walks."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Iterator
from dataclasses import MISSING
from functools import cache
from pathlib import Path

import pytest

from node.config.load import annotated
from node.config.schema import SECTIONS
from tests.unit.docs.test_documents import PAGES, ROOT, SPAN, page_id

FILE = re.compile(r"[\w.*-]+(?:/[\w.*-]+)*/?")
# What is code lies here; all else that looks like a file is somebody's own.
SOURCE = (".py", ".vy", ".vyi", ".sol", ".js", ".svg", ".sh", ".yml", ".service")
# Folders that a node, an artist or a training make.
MADE = {"state", "certs", "keys", ".training"}
# What operators write themselves beside files of the project.
WRITTEN = {"deploy/.env"}
NUMBERS = {"two": 2, "five": 5, "ten": 10}
UNITS = {"second": 1_000, "minute": 60_000, "hour": 3_600_000}
OFFERED = re.compile(r"([A-Za-z_][\w.]*)(?:\(.*\))?(?: -> \w+)?")


def spans(text: str) -> Iterator[str]:
    for span in SPAN.findall(text):
        yield " ".join(span.split())


@cache
def tracked() -> tuple[str, ...]:
    """Every file of the project; without git, every file that is here."""
    done = subprocess.run(["git", "ls-files", "-co", "--exclude-standard"], cwd=ROOT, capture_output=True, text=True)
    if done.returncode == 0:
        return tuple(done.stdout.splitlines())
    return tuple(str(path.relative_to(ROOT)) for path in ROOT.rglob("*") if path.is_file())


@cache
def folders() -> frozenset[str]:
    """Every folder's path, and its names without what is before them."""
    found: set[str] = set()
    for name in tracked():
        parts = name.split("/")[:-1]
        found |= {"/".join(parts[first:last]) for last in range(len(parts) + 1) for first in range(last)}
    return frozenset(found)


@cache
def defined() -> frozenset[str]:
    """Names that the code defines: classes, functions, constants, modules, and a contract's functions."""
    found: set[str] = set()
    for name in tracked():
        if name.startswith(("node/", "keepers/", "contracts/")) and name.endswith((".py", ".vy")):
            text = (ROOT / name).read_text(encoding="utf-8")
            for function, assigned in re.findall(r"^\s*(?:(?:async )?(?:def|class) (\w+)|(\w+)\s*[:=])", text, re.M):
                found.add(function or assigned)
            found.add(Path(name).stem)
    return frozenset(found)


def fault_of(said: str) -> str | None:
    """What is wrong with a file, module or folder that a page names, if anything."""
    if (dotted := re.match(r"(?:python -m )?((?:node|keepers|benchmarks|tests)(?:\.[a-z_]+)+)", said)) is not None:
        return fault_of_module(dotted[1])
    if not FILE.fullmatch(said) or said in WRITTEN:
        return None
    first, bare = said.split("/")[0], said.rstrip("/")
    if "/" in said and first != "" and (ROOT / first).is_dir() and first not in MADE:
        return None if any(ROOT.glob(bare)) else "there is no such file"
    if said.endswith(SOURCE):
        known = any(name == said or name.endswith("/" + said) for name in tracked())
        return None if known or said.startswith(".") else "no file is called so"
    if said.endswith("/") and bare not in MADE:
        return None if bare in folders() else "no folder is called so"
    return None


def fault_of_module(dotted: str) -> str | None:
    parts = dotted.split(".")
    if parts[0] == "node" and len(parts) == 2 and "node" in SECTIONS and parts[1] in settings_of("node"):
        return None
    for length in range(len(parts), 0, -1):
        place = ROOT.joinpath(*parts[:length])
        file = place / "__init__.py" if place.is_dir() else place.with_suffix(".py")
        if file.is_file() or place.is_dir():
            names = re.findall(r"\w+", file.read_text(encoding="utf-8")) if file.is_file() else []
            return None if set(parts[length:]) <= set(names) else f"{place.name} has none of that name"
    return "there is no such module"


def settings_of(section: str) -> dict[str, object]:
    return {each.name: each.default for each, _, _ in annotated(SECTIONS[section])}


@pytest.mark.parametrize("path", PAGES, ids=page_id)
def test_files__of_every_page__are_there(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    assert [f"{said}: {fault}" for said in spans(text) if (fault := fault_of(said))] == []


def test_files__wrong_ones__are_noticed() -> None:
    assert fault_of("node/landings.py")
    assert fault_of("landings2.py")
    assert fault_of("node/worlds/")
    assert fault_of("worlds/")
    assert fault_of("node.devnet.faucet.squander(url, address, wei)")
    assert fault_of("python -m node.painter")
    assert fault_of("node/rounds/landings.py") is None
    assert fault_of("node.devnet.faucet.fund(url, address, wei)") is None
    assert fault_of("node.directory") is None
    assert fault_of("keys/operator.json") is None


def test_folders__all_of_the_node__are_where_developers_look() -> None:
    page = (ROOT / "docs" / "development.md").read_text(encoding="utf-8")
    here = {f"node/{path.name}/" for path in (ROOT / "node").iterdir() if (path / "__init__.py").is_file()}
    assert here - set(spans(page)) == set()


def test_architecture__every_module__offers_what_it_is_said_to() -> None:
    page = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
    rows = [line.split("|") for line in page[page.index("## Python seams") :].splitlines() if line.startswith("| `")]
    assert len(rows) > 50
    wrong = []
    for _, where, what, *_ in rows:
        folder = Path()
        for place in spans(where):
            full = place if "/" in place and (ROOT / place.split("/")[0]).is_dir() else f"{folder}/{place}"
            wrong += [] if any(ROOT.glob(full.rstrip("/"))) else [full]
            folder = Path(full.rstrip("/")).parent
        for said in spans(what):
            match = OFFERED.fullmatch(said)
            if match is not None and not said.startswith("patina") and not said.endswith((".py", ".json")):
                name = match[1].rsplit(".", 1)[-1]
                wrong += [] if name in defined() else [f"{where.strip()}: {said}"]
    assert wrong == []


def test_installing__nowhere__by_a_name_that_pypi_has_for_another_package() -> None:
    places = [*PAGES, *(ROOT / name for name in tracked() if name.startswith(("node/", "deploy/", "tools/")))]
    texts = {path: path.read_text(encoding="utf-8", errors="ignore") for path in places if path.is_file()}
    by_name = re.compile(r"pip3? install\b[^`\n]*[\s'\"]patina(?![\w-])")
    assert by_name.search("pip install 'patina[ray]'")
    assert not by_name.search("/opt/patina/bin/pip install patina-0.1.0-py3-none-any.whl")
    assert [str(path) for path, text in texts.items() if by_name.search(text)] == []


def told_defaults() -> Iterator[tuple[str, str, str]]:
    """Page, setting and the default it is said to have: `chain.witnesses` (2), `notices.after_ms` (five minutes)."""
    for path in PAGES:
        text = path.read_text(encoding="utf-8")
        for key, said in re.findall(r"`([a-z]+\.[a-z_]+)`\s(?:[a-z\s]{0,20}\s)?\(([\w,. -]+)\)", text):
            if key.partition(".")[0] in SECTIONS:
                yield path.name, key, said
    timers = (ROOT / "docs" / "protocol.md").read_text(encoding="utf-8")
    for name, said in re.findall(r"^\| `([a-z_]+_ms)` \| ([\d,]+) \|", timers, re.M):
        yield "protocol.md", f"agreement.{name}", said


def test_defaults__named_beside_a_setting__are_its_own() -> None:
    found = list(told_defaults())
    assert len(found) >= 8
    wrong = []
    for page, key, said in found:
        section, _, name = key.partition(".")
        default = settings_of(section)[name]
        assert default is not MISSING
        number, _, unit = said.removesuffix(" unless configured").partition(" ")
        told = NUMBERS.get(number) or int(number.replace(",", ""))
        told *= UNITS[unit.removesuffix("s")] if unit else 1
        wrong += [] if told == default else [f"{page}: {key} is {default}, not {said}"]
    assert wrong == []
