"""Metrics as they are told: every one named, each section on its own, nothing unbounded, nothing secret."""

from __future__ import annotations

import asyncio
import shutil
import subprocess
from collections.abc import Iterator
from typing import Any

import pytest
from prometheus_client import REGISTRY
from prometheus_client.parser import text_string_to_metric_families
from structlog.testing import capture_logs

from node.metrics.catalog import CATALOG, SECTIONS, Section
from node.metrics.definition import Sample, counter, gauge, histogram
from node.metrics.exposition import HELD_S, Exposition
from node.parts import Parts
from node.status.reasons import REASONS
from tests.unit.office import PASSWORD, in_force
from tests.unit.paper import make_feed


class Values:
    """What one reading says."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.families = {family.name: family for family in text_string_to_metric_families(text)}

    def of(self, name: str, **labels: str) -> float | None:
        for family in self.families.values():
            for sample in family.samples:
                if sample.name == name and sample.labels == labels:
                    return float(sample.value)
        return None


def told(exposition: Exposition) -> Values:
    return Values(exposition.text()[0].decode())


async def test_text__fresh_node__names_every_metric_with_kind_and_meaning(parts: Parts) -> None:
    text = Exposition(parts).text()[0].decode()
    for metric in CATALOG.values():
        assert f"# TYPE {metric.name} {metric.kind}\n" in text
        assert f"# HELP {metric.name} {metric.meaning}\n" in text
    assert "process_resident_memory_bytes " in text
    assert "python_gc_collections_total{" in text


async def test_text__every_section__is_read_without_an_error(parts: Parts) -> None:
    parts.disk.measure()
    found = told(Exposition(parts))
    for section in SECTIONS:
        assert found.of("patina_scrape_errors_total", section=section.name) == 0, section.name


async def test_text__promtool__finds_nothing_to_object_to(parts: Parts) -> None:
    if shutil.which("promtool") is None:
        pytest.skip("promtool is not installed: Debian's package is prometheus")
    text, kind = Exposition(parts).text()
    assert kind.startswith("text/plain")
    checked = await asyncio.to_thread(
        subprocess.run, ["promtool", "check", "metrics"], input=text, capture_output=True, check=False
    )
    # The collectors of Python's own process are not this project's to name.
    said = [line for line in (checked.stdout + checked.stderr).decode().splitlines() if not line.startswith("python_")]
    assert said == []


async def test_text__what_the_parts_know__is_what_is_told(parts: Parts) -> None:
    term = in_force(parts)
    term.verifier.counters.update({"repeated": 4})
    term.rounds.happened.update({"round started": 3, "round landed": 2, "heard observation": 9, "view entered": 1})
    term.rounds.counters.update({"dropped stale": 5})
    term.rounds.took.observe(20.0)
    term.gossip.by_broker[0].update({"received": 7, "bad_signature": 2, "reconnects": 1})
    parts.sender.counters["final"] += 2
    parts.sender.spent.update(gas=100_000, wei=2 * 10**15, failed=1)
    parts.sender.funds.balance = 10**17
    parts.journal.cursors.set("feed 2", 905)
    parts.standings.note([make_feed(2, opened_at=50)])
    parts.chain.pool.endpoints[0].clock_offset = -2.5
    found = told(Exposition(parts))
    broker = "one.example:8883"
    assert {
        "started": found.of("patina_rounds_started_total"),
        "landed": found.of("patina_rounds_ended_total", outcome="landed"),
        "views": found.of("patina_views_entered_total"),
        "heard": found.of("patina_messages_accepted_total", kind="observation"),
        "dropped": found.of("patina_messages_dropped_total", reason="stale"),
        "repeated": found.of("patina_messages_repeated_total"),
        "took": found.of("patina_round_seconds_bucket", le="30"),
        "received": found.of("patina_broker_messages_total", broker=broker, direction="received"),
        "refused": found.of("patina_broker_dropped_total", broker=broker, reason="bad_signature"),
        "away": found.of("patina_broker_connected", broker=broker),
        "final": found.of("patina_transactions_total", event="final"),
        "failed": found.of("patina_transactions_failed_total"),
        "gas": found.of("patina_gas_used_total"),
        "fees": found.of("patina_fees_spent_ether_total"),
        "balance": found.of("patina_balance_ether"),
        "feed": found.of("patina_feed_handled_block", feed="2"),
        "next": found.of("patina_feed_next_checkpoint_block", feed="2"),
        "clock": found.of("patina_clock_offset_seconds"),
    } == {
        "started": 3, "landed": 2, "views": 1, "heard": 9, "dropped": 5, "repeated": 4, "took": 1, "received": 7,
        "refused": 2, "away": 0, "final": 2, "failed": 1, "gas": 100_000, "fees": 0.002, "balance": 0.1, "feed": 905,
        "next": 910, "clock": -2.5,
    }  # fmt: skip


async def test_text__not_ready__one_series_for_each_code(parts: Parts) -> None:
    found = told(Exposition(parts))
    states = {code: found.of("patina_not_ready", reason=code) for code in REASONS}
    assert found.of("patina_ready") == 0
    assert {code for code, state in states.items() if state == 1} == {"chain-not-read-yet", "no-broker"}
    assert set(states.values()) == {0, 1}


async def test_text__section_that_fails__keeps_no_other_from_being_told(parts: Parts) -> None:
    def broken(_: Parts) -> Iterator[Sample]:
        yield CATALOG["patina_ready"].at(1)
        raise OSError("the disk is gone")

    sections = [Section("storage", "", broken, ()), *(one for one in SECTIONS if one.name == "chain")]
    found = told(Exposition(parts, sections))
    assert found.of("patina_scrape_errors_total", section="storage") == 1
    assert found.of("patina_scrape_errors_total", section="chain") == 0
    assert found.of("patina_ready") is None  # half of a section is told by nobody
    assert found.of("patina_chain_head_block") is None
    assert found.of("patina_chain_websockets_connected") == 0


async def test_text__section_that_fails_on_and_on__is_said_once_until_it_is_well_again(parts: Parts) -> None:
    now, broken = 100.0, True

    def sometimes(_: Parts) -> Iterator[Sample]:
        if broken:
            raise OSError("the disk is gone")
        yield CATALOG["patina_ready"].at(1)

    exposition = Exposition(parts, [Section("storage", "", sometimes, ())], clock=lambda: now)
    with capture_logs() as said:
        for fails in (True, True, False, True):
            broken = fails
            exposition.text()
            now += HELD_S
    assert [each["section"] for each in said] == ["storage", "storage"]
    assert told(exposition).of("patina_scrape_errors_total", section="storage") == 4


async def test_text__asked_at_once_by_many__is_read_once(parts: Parts) -> None:
    now = 100.0
    exposition = Exposition(parts, clock=lambda: now)
    assert len({exposition.text()[0] for _ in range(20)}) == 1
    now += 0.9
    assert told(exposition).of("patina_scrapes_total") == 1
    now += 0.2
    assert told(exposition).of("patina_scrapes_total") == 2


async def test_text__openmetrics_asked_for__is_answered_in_it(parts: Parts) -> None:
    body, kind = Exposition(parts).text("application/openmetrics-text; version=1.0.0")
    assert kind.startswith("application/openmetrics-text")
    assert body.endswith(b"# EOF\n")


async def test_text__counters_and_labels_that_others_choose__make_no_series(parts: Parts) -> None:
    before = told(Exposition(parts)).text
    term = in_force(parts)
    planted = 'planted"} 1\nforged_metric 7'
    for counters in (term.verifier.counters, term.rounds.counters, term.rounds.happened, *term.gossip.by_broker):
        counters[planted] += 1
    parts.sender.counters[planted] += 1
    parts.chain.pool.counters[planted] += 1
    parts.chain.pool.endpoints[0].breaker.failed(planted)
    text = told(Exposition(parts)).text
    assert "planted" not in text
    assert "forged_metric" not in text
    assert len(text.splitlines()) == len(before.splitlines())


async def test_text__many_feeds__have_a_bounded_number_of_series(parts: Parts) -> None:
    parts.standings.note([make_feed(feed) for feed in range(399, 0, -1)])
    found = told(Exposition(parts))
    assert found.of("patina_feeds") == 399
    shown = [sample.labels["feed"] for sample in found.families["patina_feed_band"].samples]
    assert shown == [str(feed) for feed in range(1, 51)]


async def test_text__secrets_of_the_configuration__are_nowhere(parts: Parts) -> None:
    text = told(Exposition(parts)).text
    assert "planted" not in text
    assert PASSWORD not in text


def test_registry__of_the_process__is_left_alone() -> None:
    """Whoever embeds a node keeps the global registry for itself."""
    assert not any(name.startswith("patina") for name in REGISTRY._names_to_collectors)


def test_catalog__names__follow_the_rules_and_are_one_each() -> None:
    metrics = [metric for section in SECTIONS for metric in section.metrics]
    assert len(metrics) == len(CATALOG)
    for metric in metrics:
        assert metric.name.startswith("patina_")
        assert (metric.kind == "counter") == metric.name.endswith("_total"), metric.name
        assert (metric.kind != "histogram") or metric.name.endswith("_seconds"), metric.name
        assert metric.meaning.endswith("."), metric.name
        assert "\n" not in metric.meaning


@pytest.mark.parametrize("make", [gauge, counter, histogram])
def test_at__other_labels_than_it_has__is_refused(make: Any) -> None:
    with pytest.raises(ValueError, match="labels"):
        make("patina_x", "X.", "one").at(1, "a", "b")
