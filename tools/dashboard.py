"""Writes deploy/grafana/patina.json: rows of panels, each an expression over the node's own metrics."""

from __future__ import annotations

import json
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

TARGET: Final = Path(__file__).parent.parent / "deploy" / "grafana" / "patina.json"
SOURCE: Final = {"type": "prometheus", "uid": "${datasource}"}
HERE: Final = 'job="patina",instance=~"$instance"'
"""The nodes that were chosen at the top of the page."""
WIDTH: Final = 24
HEIGHT: Final = 7
RED, AMBER, GREEN, BLUE = "red", "orange", "green", "blue"


@dataclass(frozen=True)
class Panel:
    """One panel: (expression, legend) pairs, where `%` in an expression stands for the chosen nodes' labels.

    `steps` colour values from each number on; `words` stand in the place of single values.
    """

    title: str
    lines: tuple[tuple[str, str], ...]
    unit: str = "short"
    kind: str = "timeseries"
    width: int = 8
    steps: tuple[tuple[float | None, str], ...] = ((None, GREEN),)
    words: tuple[tuple[str, str, str], ...] = ()
    about: str = ""
    stacked: bool = False
    decimals: int | None = None


GOOD_IS_ONE: Final = ((None, RED), (1.0, GREEN))
BAD_IS_ONE: Final = ((None, GREEN), (1.0, RED))
YES: Final = (("0", "no", RED), ("1", "yes", GREEN))


def stat(title: str, expression: str, unit: str = "short", **more: Any) -> Panel:
    """One number, as large as it goes."""
    return Panel(title, ((expression, "{{instance}}"),), unit, "stat", more.pop("width", 4), **more)


ROWS: Final[tuple[tuple[str, tuple[Panel, ...]], ...]] = (
    (
        "At a glance",
        (
            stat("Ready", "patina_ready{%}", steps=GOOD_IS_ONE, words=YES),
            stat("Seated", "patina_seated{%}", steps=((None, AMBER), (1.0, GREEN)), words=YES),
            stat(
                "Final block stands still for",
                "patina_chain_final_block_unmoved_seconds{%}",
                "s",
                steps=((None, GREEN), (1200.0, AMBER), (1800.0, RED)),
            ),
            stat(
                "Brokers connected",
                "sum by (instance) (patina_broker_connected{%})",
                steps=((None, RED), (1.0, GREEN)),
            ),
            stat("Balance (ether)", "patina_balance_ether{%}", steps=((None, BLUE),), decimals=4),
            stat(
                "Reports landed, 24 h", "sum by (instance) (increase(patina_reports_landed_total{%}[1d]))", decimals=0
            ),
            Panel(
                "What keeps nodes from their work",
                (("patina_not_ready{%} == 1", "{{instance}}: {{reason}}"),),
                kind="state-timeline",
                width=12,
                steps=BAD_IS_ONE,
                about="Readiness codes as they come and go; docs/runbook.md has a section for each.",
            ),
            Panel(
                "Troubles told to the operator",
                (("patina_trouble{%} == 1", "{{instance}}: {{code}}"),),
                kind="state-timeline",
                width=12,
                steps=((None, GREEN), (1.0, AMBER)),
            ),
        ),
    ),
    (
        "Chain",
        (
            Panel(
                "Head and final block",
                (
                    ("patina_chain_head_block{%}", "{{instance}} head"),
                    ("patina_chain_final_block{%}", "{{instance}} final"),
                ),
                decimals=0,
            ),
            Panel(
                "Endpoints up",
                (("patina_chain_endpoint_up{%}", "{{instance}} {{endpoint}}"),),
                kind="state-timeline",
                steps=GOOD_IS_ONE,
            ),
            Panel("Blocks behind the others", (("patina_chain_endpoint_lag_blocks{%}", "{{instance}} {{endpoint}}"),)),
            Panel(
                "Nine of ten requests take at most",
                (
                    (
                        "histogram_quantile(0.9, sum by (instance, endpoint, le) "
                        "(rate(patina_chain_endpoint_request_seconds_bucket{%}[$__rate_interval])))",
                        "{{instance}} {{endpoint}}",
                    ),
                ),
                "s",
            ),
            Panel(
                "Requests a second",
                (("rate(patina_chain_endpoint_requests_total{%}[$__rate_interval])", "{{instance}} {{endpoint}}"),),
                "reqps",
            ),
            Panel(
                "Failures and contradictions, an hour",
                (
                    ("increase(patina_chain_endpoint_failures_total{%}[1h])", "{{instance}} {{endpoint}} failed"),
                    ("increase(patina_chain_endpoint_limited_total{%}[1h])", "{{instance}} {{endpoint}} limited us"),
                    ("increase(patina_chain_comparisons_total{%}[1h])", "{{instance}} {{outcome}}"),
                ),
            ),
        ),
    ),
    (
        "Rounds",
        (
            Panel("Open rounds by phase", (("patina_rounds_open{%}", "{{instance}} {{phase}}"),), stacked=True),
            Panel(
                "Rounds an hour",
                (
                    ("increase(patina_rounds_started_total{%}[1h])", "{{instance}} started"),
                    ("increase(patina_rounds_ended_total{%}[1h])", "{{instance}} {{outcome}}"),
                    ("increase(patina_views_entered_total{%}[1h])", "{{instance}} further views"),
                ),
            ),
            Panel(
                "Half of the rounds land within",
                (
                    (
                        "histogram_quantile(0.5, sum by (instance, le) (increase(patina_round_seconds_bucket{%}[6h])))",
                        "{{instance}}",
                    ),
                ),
                "s",
            ),
            Panel(
                "Messages a second",
                (
                    (
                        "sum by (instance, kind) (rate(patina_messages_accepted_total{%}[$__rate_interval]))",
                        "{{instance}} {{kind}}",
                    ),
                ),
                "cps",
            ),
            Panel(
                "Dropped, a second",
                (
                    (
                        "sum by (instance, reason) (rate(patina_messages_dropped_total{%}[$__rate_interval])) > 0",
                        "{{instance}} {{reason}}",
                    ),
                    (
                        "sum by (instance, broker, reason) "
                        "(rate(patina_broker_dropped_total{%}[$__rate_interval])) > 0",
                        "{{instance}} {{broker}} {{reason}}",
                    ),
                ),
                "cps",
            ),
            Panel(
                "Signatures and votes, an hour",
                (
                    ("increase(patina_attestations_signed_total{%}[1h])", "{{instance}} signed"),
                    ("increase(patina_attestations_refused_total{%}[1h])", "{{instance}} refused"),
                    ("increase(patina_votes_sent_total{%}[1h])", "{{instance}} votes on chain"),
                ),
            ),
            Panel(
                "Members last heard",
                (("patina_member_heard_age_seconds{%}", "{{instance}}: member {{member}}"),),
                "s",
                width=12,
                about="Members speak while rounds are open: between rounds all of these rise together.",
            ),
            Panel(
                "Reports landed an hour",
                (
                    (
                        "sum by (instance, crossing) (increase(patina_reports_landed_total{%}[1h]))",
                        "{{instance}} crossing: {{crossing}}",
                    ),
                ),
                width=12,
            ),
        ),
    ),
    (
        "Feeds and artworks",
        (
            Panel("Band", (("patina_feed_band{%}", "{{instance}} feed {{feed}}"),), decimals=0),
            Panel("Answer", (("patina_feed_answer_ratio{%}", "{{instance}} feed {{feed}}"),), "percentunit"),
            Panel(
                "Blocks since a checkpoint that is not handled",
                (
                    (
                        "clamp_min(patina_chain_final_block{%} "
                        "- on (job, instance) group_right () patina_feed_next_checkpoint_block{%}, 0)",
                        "{{instance}} feed {{feed}}",
                    ),
                ),
            ),
            Panel("Images waiting", (("patina_render_images_waiting{%}", "{{instance}}"),)),
            Panel(
                "Seconds an image",
                (
                    (
                        "sum by (instance) (increase(patina_image_seconds_sum{%}[1h])) / "
                        "sum by (instance) (increase(patina_image_seconds_count{%}[1h]))",
                        "{{instance}}",
                    ),
                ),
                "s",
            ),
            Panel(
                "Artworks not at hand",
                (
                    ("patina_artworks_missing{%}", "{{instance}} missing"),
                    ("increase(patina_round_renders_failed_total{%}[1h])", "{{instance}} renders failed, an hour"),
                ),
            ),
            Panel(
                "Artworks to be published",
                (("patina_publishing_waiting{%}", "{{instance}} {{target}}"),),
                width=12,
            ),
            Panel("Notices to be delivered", (("patina_notices_waiting{%}", "{{instance}} {{target}}"),), width=12),
        ),
    ),
    (
        "Money",
        (
            Panel(
                "Balance",
                (
                    ("patina_balance_ether{%}", "{{instance}}"),
                    ("patina_balance_low_ether{%}", "{{instance}} low below"),
                ),
                decimals=4,
            ),
            Panel(
                "Fees a day (ether)", (("increase(patina_fees_spent_ether_total{%}[1d])", "{{instance}}"),), decimals=5
            ),
            Panel(
                "Transactions that are not final",
                (("patina_transactions_waiting{%}", "{{instance}} {{state}}"),),
                stacked=True,
            ),
            Panel(
                "Bond (tokens)",
                (
                    ("patina_stake_bond_tokens{%}", "{{instance}}"),
                    ("patina_stake_minimum_tokens{%}", "{{instance}} least"),
                ),
            ),
            Panel(
                "Rewards (ether)",
                (
                    ("patina_rewards_claimable_ether{%}", "{{instance}} claimable"),
                    ("patina_rewards_pending_ether{%}", "{{instance}} pending"),
                ),
                decimals=5,
            ),
            Panel(
                "Attendance in this era",
                (("patina_stake_reports_attended{%} / patina_stake_reports_due{%}", "{{instance}}"),),
                "percentunit",
            ),
        ),
    ),
    (
        "Machine",
        (
            Panel("Memory", (("process_resident_memory_bytes{%}", "{{instance}}"),), "bytes"),
            Panel(
                "Processor", (("rate(process_cpu_seconds_total{%}[$__rate_interval])", "{{instance}}"),), "percentunit"
            ),
            Panel(
                "Event loop late by at most (95 of 100)",
                (
                    (
                        "histogram_quantile(0.95, sum by (instance, le) "
                        "(rate(patina_event_loop_delay_seconds_bucket{%}[$__rate_interval])))",
                        "{{instance}}",
                    ),
                ),
                "s",
            ),
            Panel("Disk left", (("patina_disk_free_bytes{%}", "{{instance}}"),), "bytes"),
            Panel(
                "Journal and content",
                (
                    ("patina_journal_bytes{%}", "{{instance}} journal"),
                    ("patina_content_bytes{%}", "{{instance}} content"),
                ),
                "bytes",
            ),
            Panel("Clock ahead by", (("patina_clock_offset_seconds{%}", "{{instance}}"),), "s"),
        ),
    ),
)


def dashboard() -> dict[str, Any]:
    """The whole document, as Grafana 10 and later import it."""
    return {
        "annotations": {"list": []},
        "description": "How Patina nodes do. Alerts and what to do about them: docs/runbook.md.",
        "editable": True,
        "graphTooltip": 1,
        "id": None,
        "links": [],
        "panels": _panels(),
        "refresh": "30s",
        "schemaVersion": 39,
        "tags": ["patina"],
        "templating": {"list": [_datasource(), _instance()]},
        "time": {"from": "now-24h", "to": "now"},
        "timezone": "",
        "title": "Patina",
        "uid": "patina",
        "version": 1,
    }


def _panels() -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    top = 0
    for title, panels in ROWS:
        found.append(
            {
                "id": len(found) + 1,
                "type": "row",
                "title": title,
                "collapsed": False,
                "gridPos": {"h": 1, "w": WIDTH, "x": 0, "y": top},
                "panels": [],
            }
        )
        top += 1
        left = height = 0
        for panel in panels:
            tall = 4 if panel.kind == "stat" else HEIGHT
            if left + panel.width > WIDTH:
                top, left, height = top + height, 0, 0
            place = {"h": tall, "w": panel.width, "x": left, "y": top}
            found.append({"id": len(found) + 1, "gridPos": place, **_panel(panel)})
            left, height = left + panel.width, max(height, tall)
        top += height
    return found


def _panel(panel: Panel) -> dict[str, Any]:
    defaults: dict[str, Any] = {
        "unit": panel.unit,
        "thresholds": {"mode": "absolute", "steps": [{"value": at, "color": colour} for at, colour in panel.steps]},
        "color": {"mode": "palette-classic" if panel.kind == "timeseries" else "thresholds"},
        "mappings": [],
    }
    if panel.decimals is not None:
        defaults["decimals"] = panel.decimals
    if panel.words:
        options = {value: {"text": text, "color": colour} for value, text, colour in panel.words}
        defaults["mappings"] = [{"type": "value", "options": options}]
    if panel.kind == "timeseries":
        mode = "normal" if panel.stacked else "none"
        defaults["custom"] = {"fillOpacity": 8, "lineWidth": 1, "showPoints": "never", "stacking": {"mode": mode}}
    return {
        "type": panel.kind,
        "title": panel.title,
        "description": panel.about,
        "datasource": SOURCE,
        "targets": [
            {
                "refId": chr(ord("A") + number),
                "datasource": SOURCE,
                "expr": expression.replace("%", HERE),
                "legendFormat": legend,
                "range": panel.kind != "stat",
                "instant": panel.kind == "stat",
            }
            for number, (expression, legend) in enumerate(panel.lines)
        ],
        "fieldConfig": {"defaults": defaults, "overrides": []},
        "options": _options(panel.kind),
    }


def _options(kind: str) -> dict[str, Any]:
    if kind == "stat":
        return {
            "reduceOptions": {"calcs": ["lastNotNull"], "fields": "", "values": False},
            "colorMode": "background",
            "graphMode": "none",
            "justifyMode": "auto",
            "textMode": "auto",
            "orientation": "auto",
            "wideLayout": True,
            "showPercentChange": False,
            "percentChangeColorMode": "standard",
        }
    if kind == "state-timeline":
        return {
            "showValue": "never",
            "rowHeight": 0.8,
            "mergeValues": True,
            "legend": {"displayMode": "list", "placement": "bottom", "showLegend": False, "calcs": []},
            "tooltip": {"mode": "single", "sort": "none"},
        }
    return {
        "legend": {"displayMode": "list", "placement": "bottom", "showLegend": True, "calcs": []},
        "tooltip": {"mode": "multi", "sort": "desc"},
    }


def _datasource() -> dict[str, Any]:
    return {"type": "datasource", "name": "datasource", "label": "Prometheus", "query": "prometheus", "hide": 0}


def _instance() -> dict[str, Any]:
    return {
        "type": "query",
        "name": "instance",
        "label": "Node",
        "datasource": SOURCE,
        "query": {"query": 'label_values(patina_build_info{job="patina"}, instance)', "refId": "instance"},
        "refresh": 2,
        "sort": 1,
        "multi": True,
        "includeAll": True,
        "allValue": ".*",
        "current": {"selected": True, "text": ["All"], "value": ["$__all"]},
        "hide": 0,
    }


def text() -> str:
    """The file's content."""
    return json.dumps(dashboard(), indent=1) + "\n"


def main() -> int:
    """Write the file."""
    TARGET.write_text(text(), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
