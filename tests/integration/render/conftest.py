"""A Ray cluster of two nodes, for tests that ask for one."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.integration.render.cluster import SECRET, Cluster


@pytest.fixture
def cluster(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Cluster]:
    """A cluster that "ray://auto" finds, while this process has a secret in its environment."""
    pytest.importorskip("ray", reason="the extra patina[ray] is not installed")
    monkeypatch.setenv("PLANTED", str(tmp_path / "begun"))
    with Cluster(tmp_path / "begun") as made:
        for name, value in made.environment.items():
            monkeypatch.setenv(name, value)
        monkeypatch.setenv("PATINA_SIGNING_PASSWORD", SECRET)
        yield made
