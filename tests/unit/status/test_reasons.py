"""Readiness codes: each that the program can give is explained, and nothing else is."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import msgspec

from node.chain.endpoints.witnesses import _CODES
from node.status.reasons import REASONS, explain, explained
from node.web.source import Readiness

SOURCES = [path for folder in ("node", "keepers") for path in Path(folder).rglob("*.py")]
CODE = re.compile(r"[a-z]+(-[a-z]+)*")


def emitted() -> Iterator[str]:
    """Every code that a function called `reasons` spells out, and what endpoints are said to suffer from."""
    for path in SOURCES:
        for each in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(each, ast.FunctionDef | ast.AsyncFunctionDef) and each.name == "reasons":
                for found in ast.walk(each):
                    if isinstance(found, ast.Constant) and isinstance(found.value, str) and CODE.fullmatch(found.value):
                        yield found.value
    yield from _CODES.values()


def test_reasons__every_code_that_is_given__is_explained_and_no_other() -> None:
    assert set(emitted()) == set(REASONS)


def test_reasons__each__is_one_sentence_and_a_remedy() -> None:
    for code, reason in REASONS.items():
        assert CODE.fullmatch(code)
        for text in (reason.meaning, reason.remedy):
            assert text.endswith("."), code
            assert text[0].isupper(), code
            assert "\n" not in text, code
        assert reason.meaning.count(". ") == 0, code


def test_explain__code_of_another_version__says_so() -> None:
    assert "does not know" in explain("made-up").meaning
    assert [reason.code for reason in explained(["made-up", "standby"])] == ["made-up", "standby"]


def test_readiness__codes__are_told_with_meaning_and_remedy() -> None:
    told = msgspec.json.decode(msgspec.json.encode(Readiness.of(["no-broker"])))
    assert (told["ready"], told["reasons"]) == (False, ["no-broker"])
    assert told["details"][0] == {
        "code": "no-broker",
        "meaning": REASONS["no-broker"].meaning,
        "remedy": REASONS["no-broker"].remedy,
        "urgency": "warning",
    }
    assert msgspec.json.decode(msgspec.json.encode(Readiness.of([]))) == {"ready": True, "reasons": [], "details": []}
