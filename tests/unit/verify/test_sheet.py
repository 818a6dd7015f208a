"""Steps and what they come to."""

from __future__ import annotations

import pytest

from node.chain.failures import MissingError, RpcError, UnavailableError
from node.errors import AgreementError, ChainError, ContentError
from node.verify.sheet import Sheet, Status, Step, UntoldError, Verdict


def raised(error: BaseException, *, optional: bool = False) -> Step:
    sheet = Sheet()
    with sheet.step("one", optional=optional):
        raise error
    return sheet.steps[0]


def test_step__that_ends_well__is_ok_with_what_it_says() -> None:
    heard: list[Step] = []
    sheet = Sheet(heard.append)
    with sheet.step("one") as note:
        assert heard == []
        note.detail = "fine"
    assert heard == sheet.steps == [Step("one", Status.OK, "fine")]


@pytest.mark.parametrize("error", [ContentError("x"), AgreementError("x"), ChainError("x")])
def test_step__refuted__fails_with_the_reason(error: Exception) -> None:
    assert raised(error) == Step("one", Status.FAILED, "x")


@pytest.mark.parametrize(
    "error",
    [UntoldError("x"), UnavailableError("x"), MissingError("x"), RpcError("e", "m", -32000, "missing trie node 01")],
)
def test_step__that_could_not_be_taken__is_not_checked(error: Exception) -> None:
    assert raised(error).status is Status.UNCHECKED


def test_step__pruned_state__says_that_an_archive_is_needed() -> None:
    assert "archive" in raised(RpcError("e", "eth_call", -32000, "missing trie node 01")).detail


def test_step__error_that_nobody_raised_on_purpose__goes_on() -> None:
    with pytest.raises(ZeroDivisionError):
        raised(ZeroDivisionError())


@pytest.mark.parametrize(
    ("steps", "verdict"),
    [
        ([], Verdict.UNDECIDED),
        ([Status.OK], Verdict.VERIFIED),
        ([Status.OK, Status.UNCHECKED], Verdict.UNDECIDED),
        ([Status.UNCHECKED, Status.FAILED, Status.OK], Verdict.REFUTED),
    ],
)
def test_verdict__of_steps__the_worst_of_them(steps: list[Status], verdict: Verdict) -> None:
    assert Sheet(steps=[Step("s", status, "") for status in steps]).verdict is verdict


def test_verdict__optional_step__may_stay_unchecked_but_may_not_fail() -> None:
    ok = Step("a", Status.OK, "")
    assert Sheet(steps=[ok, Step("b", Status.UNCHECKED, "", optional=True)]).verdict is Verdict.VERIFIED
    assert Sheet(steps=[ok, Step("b", Status.FAILED, "", optional=True)]).verdict is Verdict.REFUTED


def test_ok__of_names__only_of_steps_that_were_taken_and_are_ok() -> None:
    sheet = Sheet(steps=[Step("a", Status.OK, ""), Step("b", Status.FAILED, "")])
    assert sheet.ok("a")
    assert not sheet.ok("a", "b")
    assert not sheet.ok("c")
