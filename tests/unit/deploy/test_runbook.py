"""The runbook has one section for each alert, readiness code and notice, complete, and none for anything else."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import yaml

from node.metrics.catalog import CATALOG
from node.notices.kinds import KINDS

RUNBOOK = Path("docs/runbook.md").read_text(encoding="utf-8")
SECTIONS = dict(re.findall(r"^## (\S+)\n(.*?)(?=^#|\Z)", RUNBOOK, re.MULTILINE | re.DOTALL))
FIELDS = ("Means", "Urgent", "Look", "Do", "Over when")
LEADS = ("now", "today", "at leisure", "not at all", "never")


def alerts() -> dict[str, str]:
    """Where each alert leads: its annotation."""
    document = yaml.safe_load(Path("deploy/prometheus/alerts.yml").read_text(encoding="utf-8"))
    rules = [rule for group in document["groups"] for rule in group["rules"]]
    return {rule["alert"]: rule["annotations"]["runbook"].removeprefix("docs/runbook.md#") for rule in rules}


def test_sections__alerts_and_codes__have_one_each_and_nothing_else_has() -> None:
    own = {name for name, anchor in alerts().items() if anchor == name.lower()}
    assert set(SECTIONS) == own | set(KINDS)


def test_alerts__anchors__are_sections_that_are_there() -> None:
    headings = {heading.lower() for heading in SECTIONS}
    for name, anchor in alerts().items():
        if "{{" not in anchor:
            assert anchor in headings, name
        else:
            assert anchor in ("{{ $labels.reason }}", "{{ $labels.code }}"), name


def test_alerts__those_without_a_section__are_named_with_where_they_lead() -> None:
    listed = RUNBOOK.split("# Alerts\n", 1)[1].split("\n## ", 1)[0]
    elsewhere = {name for name, anchor in alerts().items() if anchor != name.lower()}
    assert set(re.findall(r"Patina[A-Z]\w+", listed)) == elsewhere


@pytest.mark.parametrize("heading", SECTIONS)
def test_section__each__says_the_five_things(heading: str) -> None:
    fields = re.findall(r"^- \*\*(.+?):\*\* (\S.*)", SECTIONS[heading], re.MULTILINE)
    assert tuple(name for name, _ in fields) == FIELDS
    urgent = dict(fields)["Urgent"]
    assert urgent.startswith(LEADS)
    code = KINDS.get(heading)
    if code is not None:
        assert urgent.startswith("now") == (code.urgency == "critical"), heading


def test_metrics_named__each__exists() -> None:
    assert set(re.findall(r"\b(patina_[a-z_]+[a-z])\b", RUNBOOK)) <= set(CATALOG)


def test_commands_named__each__is_one_of_the_program() -> None:
    from node.cli import COMMANDS

    assert set(re.findall(r"`?\bpatina ([a-z][a-z-]+)\b", RUNBOOK)) - {"-u"} <= set(COMMANDS)
