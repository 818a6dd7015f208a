"""A node's parts on paper, to be read by metrics."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from node.config import Config, load
from node.journal import Journal
from node.parts import Parts
from tests.unit.office import CONFIG, PASSWORD, make_committee, make_parts


@pytest.fixture
def config(tmp_path: Path) -> Config:
    (tmp_path / "config.toml").write_text(CONFIG)
    secret = tmp_path / "broker.password"
    secret.write_text(f"{PASSWORD}\n")
    secret.chmod(0o600)
    return load(tmp_path / "config.toml", environ={}, check_files=False)


@pytest.fixture
def journal(tmp_path: Path) -> Iterator[Journal]:
    with Journal(tmp_path / "state") as opened:
        yield opened


@pytest.fixture
async def parts(config: Config, journal: Journal) -> Parts:
    return await make_parts(config, make_committee(), journal)
