"""What notices say: what happened, what it means, what to do, and where more stands."""

from __future__ import annotations

from pathlib import Path

import pytest

from node.journal.notices import NoticeRow, Phase
from node.notices.conditions import MANY, crossings
from node.notices.kinds import KINDS, LEVELS, table
from node.notices.words import MAX_TOGETHER, message_of, text_of, title_of
from tests.unit.paper import make_landed


def row(code: str, phase: Phase = "begun", detail: str = "", at: int = 1_767_225_600_000) -> NoticeRow:
    return NoticeRow(at, code, KINDS[code].urgency if code in KINDS else "warning", phase, detail)


@pytest.mark.parametrize("code", KINDS)
def test_kinds__each__says_what_it_means_and_what_to_do(code: str) -> None:
    kind = KINDS[code]
    assert kind.code == code
    assert kind.urgency in LEVELS
    for sentence in (kind.meaning, kind.remedy):
        assert sentence.endswith(".")
        assert len(sentence) < 160
    assert text_of(row(code)).endswith(f"See docs/runbook.md#{code}.")
    assert f"\n## {code}\n" in Path("docs/runbook.md").read_text(encoding="utf-8")


def test_docs__table_of_codes__is_the_one_of_the_code() -> None:
    assert f"\n\n{table()}\n" in Path("docs/notices.md").read_text(encoding="utf-8")


def test_text__begun_and_over__in_words() -> None:
    begun = text_of(row("low-balance", detail="Account 0x1 holds 0.010000 ether."))
    assert begun.startswith("The account that pays for transactions is nearly empty. Account 0x1 holds 0.010000 ether.")
    over = text_of(row("low-balance", "over", "Account 0x1 held 0.010000 ether."))
    assert over == "Over: low balance. When it was told: Account 0x1 held 0.010000 ether."
    assert title_of(row("low-balance", "over")) == "low balance (over)"


def test_message__code_of_a_part_that_is_not_known_here__is_still_told() -> None:
    assert "A part of this node has trouble." in message_of("n", [row("odd-thing")]).body


def test_message__several_notices__one_title_the_highest_level_and_a_paragraph_each() -> None:
    message = message_of(
        "north", [row("standby"), row("slashed"), row("slashed", "over"), row("behind"), row("behind")]
    )
    assert message.title == "Patina north: standby, slashed, slashed (over) and 1 more"
    assert message.level == "critical"
    assert message.body.count("\n\n") == 4
    assert message.body.startswith("2026-01-01 00:00 UTC: This node has no seat")


def test_message__all_is_over__is_no_alarm() -> None:
    assert message_of("north", [row("slashed", "over")]).level == "info"


def test_message__hundreds_of_notices__tells_the_last_and_the_number_of_the_others() -> None:
    message = message_of("north", [row("no-broker", detail=f"Number {n}.") for n in range(300)])
    assert message.body.startswith(f"{300 - MAX_TOGETHER} older notices came with these")
    assert "Number 299." in message.body
    assert "Number 279." not in message.body


def test_crossings__reports__each_change_of_band_and_nothing_else() -> None:
    still = make_landed(10, 12, band=1)
    (text,) = crossings([still, make_landed(20, 23, feed=4)])
    assert text == "Feed 4 went from band 2 to band 3, with the report for checkpoint 20 in block 23."
    assert crossings([still]) == []


def test_crossings__many_after_an_absence__one_sentence() -> None:
    (text,) = crossings([make_landed(10 * n, 10 * n + 1, feed=1 + n % 2) for n in range(1, MANY + 3)])
    assert text == f"{MANY + 2} of them landed on 2 feeds since the last look."
