"""The score, and that no finding lacks its remedy."""

from __future__ import annotations

import ast
import re
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

import node.preflight
from node.preflight.catalogue import CATALOGUE
from node.preflight.finding import Finding, Notes, Score, UnknownError, Verdict
from node.preflight.reference import checking_markdown
from node.preflight.subjects import SUBJECTS, check_of

HERE = Path(node.preflight.__file__ or "").parent


@given(st.lists(st.sampled_from(Verdict)))
def test_score__any_findings__counts_each_once_and_is_ready_only_without_faults(verdicts: list[Verdict]) -> None:
    score = Score.of([Finding("web", "web.port", verdict, "") for verdict in verdicts])
    assert score.ok + score.warnings + score.faults + score.skipped == len(verdicts)
    assert score.checked == len(verdicts) - score.skipped
    assert score.ready == (Verdict.FAULT not in verdicts and score.checked > 0)


def test_score__in_words__says_what_was_looked_at() -> None:
    assert str(Score(23, 1, 2, 3)) == "23 of 26 ok, 1 warning, 2 faults, 3 not checked"
    assert str(Score(5, 0, 0, 0)) == "5 of 5 ok"
    assert not Score(0, 0, 0, 9).ready


def test_notes__not_well__has_the_remedy_of_its_code_or_its_own() -> None:
    notes = Notes("web")
    notes.fault("web.port", "taken")
    notes.warn("web.port", "odd", remedy="do this")
    notes.ok("web.port", "free")
    assert [one.remedy for one in notes.found] == [CATALOGUE["web.port"].remedy, "do this", ""]


def test_notes__what_is_needed_is_unknown__not_checked_and_goes_on() -> None:
    notes = Notes("web")
    with notes.needing("web.port"):
        raise UnknownError("see there")
    assert [(one.verdict, one.detail) for one in notes.found] == [(Verdict.SKIPPED, "see there")]


def test_catalogue__every_code_in_the_sources__is_there_and_every_entry_is_used() -> None:
    subjects = "|".join([*SUBJECTS, "check"])
    used: set[str] = set()
    for path in HERE.glob("*.py"):
        if path.name == "catalogue.py":
            continue
        for part in ast.walk(ast.parse(path.read_text())):
            if isinstance(part, ast.Constant) and isinstance(part.value, str):
                used.update(re.findall(rf"^(?:{subjects})\.[a-z-]+$", part.value))
    # Codes that are put together of a subject and a word.
    used |= {"keys.signing", "keys.transport"}
    assert used == set(CATALOGUE)
    assert all(entry.looks.endswith(".") and entry.remedy for entry in CATALOGUE.values())


def test_subjects__each__has_a_check_of_its_own() -> None:
    assert all(callable(check_of(subject)) for subject in SUBJECTS)


def test_checking_page__is_what_the_catalogue_says() -> None:
    page = Path(__file__).parents[3] / "docs" / "checking.md"
    assert page.read_text() == checking_markdown()
