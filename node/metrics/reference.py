"""Writes docs/metrics.md from the metrics' own definitions."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from node.metrics.catalog import SECTIONS, Section
from node.metrics.definition import Metric

_HEAD: Final = """\
# Metrics

What a node tells Prometheus at `/metrics`. The tables on this page are written from the program; a test compares them.

Where it is served:

- On the port of the pages (`web.port`), to the operator alone, as the operator's page is: from this machine (unless
  `web.public_url` is set), or with the token of `web.operator_token_file` as `Authorization: Bearer`. Balance,
  endpoints and drops are nobody else's business, and a gallery that everyone may look at does not tell them.
- Or on a port of its own, `web.metrics_port` at `web.metrics_host`, to whoever reaches it, and then not on the pages'
  port. That suits a container network in which Prometheus and the node sit alone. Nothing else is served there.
- `web.metrics = false` switches it off; then nothing is loaded for it.

A reading shows what the node holds in memory and a few rows of its journal. It asks no endpoint and no disk, and one
reading serves everyone who asks within a second, so that no number of scrapes adds to the node's work. Each section is
read on its own: where one fails, the others are told, and `patina_scrape_errors_total` says which it was.

Counters begin at 0 with the process, and never go down while it runs: what a term counted stays when the term ends.
Labels come from lists that the program or the configuration bounds. Nothing that a message, a contract or an endpoint
says becomes a label; endpoints and brokers are named by host and port, without the keys in their URLs.

Amounts of ether and of the staked token are whole units, as floating-point numbers: good to 15 digits, which is enough
to watch and to alert, and not to keep books. The collectors of the process are prometheus_client's own
(`process_resident_memory_bytes`, `process_cpu_seconds_total`, `process_open_fds`, `python_gc_...`).

To use it:

    sudo apt install prometheus
    prometheus --config.file=deploy/prometheus/prometheus.yml --storage.tsdb.path=patina-prometheus

`prometheus.yml` there is for a Prometheus on the node's machine, `compose.yml` for the one of the compose file, which
reads a port of its own. `deploy/prometheus/alerts.yml` holds the alerts, `deploy/grafana/patina.json` a dashboard that
Grafana 10 and later import, and `deploy/grafana/provisioning` what makes Grafana load it by itself.
[runbook.md](runbook.md) says what to do about each alert.
"""


def metrics_markdown() -> str:
    """The whole page."""
    return _HEAD + "".join("\n".join(_section(section)) + "\n" for section in SECTIONS)


def _section(section: Section) -> Iterator[str]:
    yield from ("", f"## {section.title}", "", "| metric | kind | labels | meaning |", "| --- | --- | --- | --- |")
    yield from map(_row, section.metrics)


def _row(metric: Metric) -> str:
    labels = ", ".join(f"`{label}`" for label in metric.labels)
    return f"| `{metric.name}` | {metric.kind} | {labels} | {metric.meaning} |"
