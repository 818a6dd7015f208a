"""The page about metrics says what the program has."""

from __future__ import annotations

from pathlib import Path

from node.metrics.catalog import CATALOG
from node.metrics.reference import metrics_markdown


def test_page__in_the_repository__is_what_the_code_says() -> None:
    told = Path("docs/metrics.md").read_text(encoding="utf-8")
    assert told == metrics_markdown(), (
        "run: python -c 'from pathlib import Path; from node.metrics.reference import metrics_markdown; "
        'Path("docs/metrics.md").write_text(metrics_markdown())\''
    )
    assert all(f"| `{name}` |" in told for name in CATALOG)
