"""Targets of notices: those that could not be used are named, their URLs are not, and nothing is sent."""

from __future__ import annotations

from pathlib import Path

import pytest

from node.notices.targets import VARIABLE
from tests.unit.preflight.conftest import Look


async def test_check__no_targets__a_warning_that_nobody_hears(look: Look) -> None:
    assert (await look("notices"))["notices.targets"].verdict == "warning"


async def test_check__targets_of_the_environment__those_that_apprise_cannot_use_are_named(look: Look) -> None:
    good, bad = "jsons://ops.example/planted-notice-token-1", "discord://planted-notice-token-2"
    found = (await look("notices", environ={VARIABLE: f"ops {good}"}))["notices.targets"]
    assert found.verdict == "ok"
    assert "ops" in found.detail
    found = (await look("notices", environ={VARIABLE: f"ops {good}\nchat {bad}"}))["notices.targets"]
    assert (found.verdict, found.about) == ("fault", "chat")
    assert "planted-notice-token" not in str(found)


@pytest.mark.parametrize(
    ("text", "mode", "words"), [("two words only", 0o600, "apprise URL"), ("x", 0o644, "chmod 600")]
)
async def test_check__targets_file_that_cannot_be_used__at_fault(
    look: Look, folder: Path, text: str, mode: int, words: str
) -> None:
    file = folder / "keys" / "notices"
    file.write_text(text)
    file.chmod(mode)
    config = folder / "config.toml"
    config.write_text(config.read_text().replace("[notices]\n", '[notices]\ntargets_file = "keys/notices"\n'))
    found = (await look("notices"))["notices.targets"]
    assert found.verdict == "fault"
    assert words in found.detail
