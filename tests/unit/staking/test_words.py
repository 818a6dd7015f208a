"""Times and shares in words, and every refusal of the contracts with its remedy."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from node.errors import RevertError
from node.staking.refusals import REFUSALS, explain
from node.staking.words import NEVER, era_end, moment, rotation, share, span

ROOT = Path(__file__).parents[3]
NOW = 1_800_000_000


@pytest.mark.parametrize(
    ("seconds", "said"),
    [
        (0, "no time"), (-5, "no time"), (1, "1 second"), (59, "59 seconds"), (60, "1 minute"),
        (3_599, "59 minutes 59 seconds"),
        (3_600, "1 hour"), (90_061, "1 day 1 hour"), (14 * 86_400, "14 days"), (86_400 + 59, "1 day"),
    ],
)  # fmt: skip
def test_span__two_largest_units(seconds: int, said: str) -> None:
    assert span(seconds) == said


def test_moment__before_at_and_after__utc_and_distance() -> None:
    assert moment(NOW, NOW) == "2027-01-15 08:00 UTC (now)"
    assert moment(NOW + 3_660, NOW) == "2027-01-15 09:01 UTC (in 1 hour 1 minute)"
    assert moment(NOW - 60, NOW) == "2027-01-15 07:59 UTC (1 minute ago)"
    assert moment(2**256 - 1, NOW) == moment(NEVER, NOW) == "not before its seat is lost"


def test_era_end__first_running_and_over__say_who_may_end_it() -> None:
    assert era_end(0, NOW) == "may be ended at once: it is the first"
    assert era_end(NOW + 60, NOW) == "ends 2027-01-15 08:01 UTC (in 1 minute)"
    assert "anyone may end it" in era_end(NOW - 60, NOW)


def test_share__basis_points__percent() -> None:
    assert [share(each) for each in (0, 5, 5_000, 6_667, 10_000)] == ["0 %", "0.05 %", "50 %", "66.67 %", "100 %"]


def test_rotation__before_and_after_the_eras_end__no_time_that_has_gone_by() -> None:
    assert rotation(NOW + 60, NOW) == f"from {moment(NOW + 60, NOW)} on"
    assert rotation(NOW, NOW) == rotation(0, NOW) == "which anyone may bring about now"


def test_refusals__every_reason_that_a_caller_can_meet__is_explained() -> None:
    said = set()
    for path in (ROOT / "contracts" / "staking").glob("*.vy"):
        if path.name != "rules.vy":  # what only the deployer meets
            said |= set(re.findall(r'"(staking: [^"]+)"', path.read_text(encoding="utf-8")))
    assert said
    assert said - set(REFUSALS) == set()
    assert {reason for reason in REFUSALS if reason.startswith("staking: ")} - said == set()


@pytest.mark.parametrize("reason", REFUSALS)
def test_explain__refusal__meaning_remedy_and_reason_once(reason: str) -> None:
    text = explain(RevertError(f"the contract refused: {reason}"))
    meaning, remedy = REFUSALS[reason]
    assert text == f"{meaning}\n  what to do: {remedy}\n  (the contract said: {reason})"
    assert explain(RevertError(text)) == text


def test_explain__unknown_refusal__its_own_text() -> None:
    assert explain(RevertError("the contract refused: new reason")) == "the contract refused: new reason"
