"""A node that its network calls too old says so, once, wherever people look; and no file keeps it from running."""

from __future__ import annotations

import json
from pathlib import Path

from structlog.testing import capture_logs

from node.deployment.age import Age
from node.notices.conditions import ELSEWHERE
from node.status.reasons import REASONS
from tests.unit.deployment.test_file import STAKED


def write(path: Path, least: str) -> Path:
    path.write_text(json.dumps({**STAKED, "software": {"least_node": least}}))
    return path


def test_look__file_asks_for_more__is_said_once_until_the_node_or_the_file_is_another(tmp_path: Path) -> None:
    path = write(tmp_path / "deployment.json", "0.2.0")
    age = Age(path, "0.2.0")
    with capture_logs() as logs:
        age.look()
        assert age.needed is None
        for least in ("0.3.0", "0.3.0", "0.4.0"):
            write(path, least)
            age.look()
            assert age.needed == least
        path.write_text("{")  # half written: what was known stands
        age.look()
        assert age.needed == "0.4.0"
        write(path, "0.1.0")
        age.look()
        assert age.needed is None
    errors = [(entry["running"], entry["needed"]) for entry in logs if entry["log_level"] == "error"]
    assert errors == [("0.2.0", "0.3.0"), ("0.2.0", "0.4.0")]


def test_look__no_file__nothing_is_asked_for(tmp_path: Path) -> None:
    for path in (None, tmp_path / "gone.json"):
        age = Age(path, "0.0.1")
        age.look()
        assert age.needed is None


def test_code__too_old__is_critical_and_told_once_as_a_notice() -> None:
    assert REASONS["too-old"].urgency == "critical"
    assert "too-old" in ELSEWHERE  # the deployment file's own notice names the version
