"""What ships for Prometheus and Grafana: it loads, it asks for metrics that exist, and each alert is tried."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from node.metrics.catalog import CATALOG
from node.notices.kinds import KINDS
from node.status.reasons import REASONS
from tools.dashboard import TARGET, text

DEPLOY = Path("deploy")
PROMETHEUS = DEPLOY / "prometheus"
NAME = re.compile(r"\b(?:patina|process|python)_[a-z0-9_]+\b")
OF_THE_PROCESS = {"process_resident_memory_bytes", "process_cpu_seconds_total"}
"""What alerts and dashboard ask for of prometheus_client's own; a test of the running node holds them against it."""


def alerts() -> dict[str, dict[str, Any]]:
    document = yaml.safe_load((PROMETHEUS / "alerts.yml").read_text(encoding="utf-8"))
    return {rule["alert"]: rule for group in document["groups"] for rule in group["rules"]}


def panels() -> list[dict[str, Any]]:
    return [panel for panel in json.loads(TARGET.read_text(encoding="utf-8"))["panels"] if panel["type"] != "row"]


def expressions() -> Iterator[str]:
    for rule in alerts().values():
        yield rule["expr"]
    for panel in panels():
        for target in panel["targets"]:
            yield target["expr"]


def promtool(*arguments: str) -> subprocess.CompletedProcess[str]:
    if shutil.which("promtool") is None:
        pytest.skip("promtool is not installed: Debian's package is prometheus")
    return subprocess.run(["promtool", *arguments], cwd=PROMETHEUS, capture_output=True, text=True, check=False)


def series() -> set[str]:
    """Every name that a query may ask for."""
    found = set(OF_THE_PROCESS)
    for metric in CATALOG.values():
        suffixes = ("_bucket", "_sum", "_count") if metric.kind == "histogram" else ("",)
        found |= {metric.name + suffix for suffix in suffixes}
    return found


@pytest.mark.parametrize("name", ["prometheus.yml", "compose.yml"])
def test_configuration__promtool__loads_it_with_all_rules(name: str) -> None:
    checked = promtool("check", "config", name)
    assert checked.returncode == 0, checked.stdout + checked.stderr
    assert f"{len(alerts())} rules found" in checked.stdout


def test_alerts__promtool__each_fires_where_it_should_and_nowhere_else() -> None:
    checked = promtool("test", "rules", "alerts_test.yml")
    assert checked.returncode == 0, checked.stdout + checked.stderr


def test_alerts__each__is_tried_with_a_node_that_is_well_beside_one_that_is_not() -> None:
    tried = {}
    for test in yaml.safe_load((PROMETHEUS / "alerts_test.yml").read_text(encoding="utf-8"))["tests"]:
        nodes = {found for each in test["input_series"] for found in re.findall(r'instance="(\w+)"', each["series"])}
        fired = {
            alert["exp_labels"]["instance"]
            for each in test["alert_rule_test"]
            if each["alertname"] == test["name"]
            for alert in each["exp_alerts"]
        }
        tried[test["name"]] = "good" in nodes and "bad" in fired and "good" not in fired
    assert tried == dict.fromkeys(alerts(), True)


def test_expressions__every_metric__is_one_that_a_node_has() -> None:
    asked = {name for expression in expressions() for name in NAME.findall(expression)}
    assert len(asked) > 40
    assert asked <= series()


def test_expressions__every_metric_that_has_labels__is_asked_by_those_that_it_has() -> None:
    labels = {name: {*metric.labels, "instance", "job", "le"} for name, metric in CATALOG.items()}
    for expression in expressions():
        for name, inside in re.findall(r"\b(patina_[a-z0-9_]+)\{([^}]*)\}", expression):
            metric = re.sub(r"_(bucket|sum|count)$", "", name) if name not in labels else name
            asked = set(re.findall(r'(\w+)(?:=~|!~|!=|=)"', inside))
            assert asked <= labels[metric], expression


def codes_in(expression: str) -> set[str]:
    [found] = re.findall(r'=~"([^"]*)"', expression)
    return set(found.split("|"))


def test_alerts__readiness_codes__each_urgent_one_is_in_the_alert_of_its_urgency() -> None:
    """`info` codes, standby among them, alert nobody."""
    by_urgency: dict[str, set[str]] = {}
    for code, reason in REASONS.items():
        by_urgency.setdefault(reason.urgency, set()).add(code)
    assert codes_in(alerts()["PatinaNotReady"]["expr"]) == by_urgency["warning"]
    assert codes_in(alerts()["PatinaSigningInDanger"]["expr"]) == by_urgency["critical"]


def test_alerts__troubles__each_that_is_urgent_has_an_alert() -> None:
    own = {code: kind.urgency for code, kind in KINDS.items() if code not in REASONS}
    assert codes_in(alerts()["PatinaTrouble"]["expr"]) == {code for code, level in own.items() if level == "warning"}
    critical = {code for code, level in own.items() if level == "critical"}
    told = " ".join(alerts()[name]["expr"] for name in ("PatinaOutOfDate", "PatinaSlashed"))
    assert {code for code in critical if f'"{code}"' in told} == critical


def test_alerts__each__says_how_urgent_it_is_and_where_to_read_on() -> None:
    for name, rule in alerts().items():
        assert rule["labels"]["severity"] in ("critical", "warning", "info"), name
        assert rule["annotations"]["runbook"].startswith("docs/runbook.md#"), name
        assert "{{ $labels.instance }}" in rule["annotations"]["summary"], name


def test_dashboard__file__is_what_the_tool_writes() -> None:
    assert TARGET.read_text(encoding="utf-8") == text(), "run: python tools/dashboard.py"


def test_dashboard__panels__fill_rows_without_overlapping() -> None:
    document = json.loads(TARGET.read_text(encoding="utf-8"))
    taken: set[tuple[int, int]] = set()
    for panel in document["panels"]:
        place = panel["gridPos"]
        cells = {
            (x, y)
            for x in range(place["x"], place["x"] + place["w"])
            for y in range(place["y"], place["y"] + place["h"])
        }
        assert not cells & taken, panel["title"]
        assert max(x for x, _ in cells) < 24, panel["title"]
        taken |= cells
    identities = [panel["id"] for panel in document["panels"]]
    assert len(set(identities)) == len(identities)


def test_dashboard__expressions__are_ones_that_prometheus_parses(tmp_path: Path) -> None:
    """As a file of recording rules, with Grafana's own variables filled in."""
    filled = [
        target["expr"].replace("$__rate_interval", "1m").replace("$instance", ".*")
        for panel in panels()
        for target in panel["targets"]
    ]
    assert not any("$" in expression for expression in filled)
    rules = [{"record": f"panel:{number}", "expr": expression} for number, expression in enumerate(filled)]
    (tmp_path / "panels.yml").write_text(yaml.safe_dump({"groups": [{"name": "panels", "rules": rules}]}))
    checked = promtool("check", "rules", "--lint=none", str(tmp_path / "panels.yml"))
    assert checked.returncode == 0, checked.stdout + checked.stderr


def test_provisioning__each_file__names_what_the_dashboard_asks_for() -> None:
    [source] = yaml.safe_load((DEPLOY / "grafana/provisioning/datasources/prometheus.yml").read_text())["datasources"]
    assert source["type"] == "prometheus"
    [provider] = yaml.safe_load((DEPLOY / "grafana/provisioning/dashboards/patina.yml").read_text())["providers"]
    assert provider["options"]["path"] == "/etc/grafana/dashboards"
    asked = {target["datasource"]["type"] for panel in panels() for target in panel["targets"]}
    assert asked == {"prometheus"}
