"""No decoder is forgotten: whatever module begins to decode is fuzzed, or it is said why it need not be."""

from __future__ import annotations

import ast
from importlib import import_module
from pathlib import Path

import node
from tests.fuzz.table import ALSO_FUZZED, FUZZED, NOT_FOREIGN, PRIMITIVES

ROOT = Path(node.__file__).parent.parent


def decodes(source: str) -> set[str]:
    """The primitives that a module names, however it comes by them."""
    found: set[str] = set()
    for part in ast.walk(ast.parse(source)):
        if isinstance(part, ast.Attribute | ast.Name):
            found.add(ast.unparse(part))
        elif isinstance(part, ast.ImportFrom):
            found.update(f"{part.module}.{each.name}" for each in part.names)
    return found & set(PRIMITIVES)


def name_of(path: Path) -> str:
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def test_table__every_module_that_decodes__is_fuzzed_or_reads_nothing_foreign() -> None:
    sources = {
        name_of(path): path.read_text() for package in ("node", "keepers") for path in (ROOT / package).rglob("*.py")
    }
    decoding = {name for name, source in sources.items() if decodes(source)}
    assert decoding == set(FUZZED) | set(NOT_FOREIGN), "name the module in tests/fuzz/table.py, and feed it here"


def test_table__every_named_test__is_there_and_feeds_something() -> None:
    for module, test in (FUZZED | ALSO_FUZZED).items():
        import_module(module)
        assert "@given(" in (Path(__file__).parent / f"{test}.py").read_text(), f"{test} feeds nothing"


def test_decodes__planted__is_found() -> None:
    assert decodes("import json\nread = map(json.loads, lines)") == {"json.loads"}
    assert decodes("from eth_abi.abi import decode") == {"eth_abi.abi.decode"}
    assert decodes("import json\njson.dumps(1)") == set()
