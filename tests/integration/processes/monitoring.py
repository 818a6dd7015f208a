"""What Prometheus reads from a node that runs: every metric, what alerts and the dashboard ask for, and plain sense."""

from __future__ import annotations

import re
import shutil
import subprocess
import urllib.request

from prometheus_client.parser import text_string_to_metric_families

from node.metrics.catalog import CATALOG
from node.status.reasons import REASONS
from tests.unit.deploy.test_monitoring import NAME, expressions

OF_OTHERS = ("patina_stake_", "patina_rewards_", "patina_notice", "patina_publishing_")
RARE = {name for name in CATALOG if name.startswith(OF_OTHERS)}
"""Metrics that a node of a network without staking, with no targets of any kind, names and has no value for."""


def check_metrics(url: str, *, crossings: int) -> None:
    """Hold a node's own /metrics against its definitions, against what ships, and against what it must have done."""
    with urllib.request.urlopen(url + "/metrics") as answer:
        assert answer.headers["Content-Type"].startswith("text/plain; version=")
        text = answer.read().decode()
    families = {family.name: family for family in text_string_to_metric_families(text)}
    samples = {
        (each.name, *sorted(each.labels.values())): each.value for one in families.values() for each in one.samples
    }
    named = {name for name, *_ in samples}
    for metric in CATALOG.values():
        assert f"# TYPE {metric.name} {metric.kind}\n" in text
        shown = metric.name + ("_count" if metric.kind == "histogram" else "")
        assert shown in named or metric.name in RARE, metric.name
    asked = {name for expression in expressions() for name in NAME.findall(expression)}
    assert asked - {re.sub(r"_(bucket|sum|count)$", "", name) for name in RARE} - RARE <= named
    if shutil.which("promtool") is not None:
        checked = subprocess.run(
            ["promtool", "check", "metrics"], input=text, capture_output=True, text=True, check=False
        )
        assert [line for line in checked.stdout.splitlines() if line.startswith("patina")] == []

    assert samples[("patina_ready",)] == 1
    assert [code for code in REASONS if samples[("patina_not_ready", code)]] == []
    assert all(value == 0 for name, value in samples.items() if name[0] == "patina_scrape_errors_total")
    assert samples[("patina_reports_landed_total", "yes")] == crossings
    assert samples[("patina_rounds_ended_total", "landed")] >= crossings
    assert samples[("patina_round_seconds_count",)] >= crossings
    assert samples[("patina_feed_band", "1")] == crossings
    assert samples[("patina_attestations_signed_total",)] >= 1
    assert samples[("patina_messages_accepted_total", "observation")] >= crossings
    assert samples[("patina_images_rendered_total",)] == samples[("patina_image_seconds_count",)] >= crossings
    assert samples[("patina_balance_ether",)] > 1
    assert samples[("patina_journal_writable",)] == 1
    assert samples[("patina_content_blocks",)] > 0
    assert abs(samples[("patina_clock_offset_seconds",)]) < 60
    # A node that rests; its drawing process is another.
    assert samples[("process_resident_memory_bytes",)] < 150 * 2**20
