"""A journal of its own for every test of the driver."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from node.journal import Journal


@pytest.fixture
def journal(tmp_path: Path) -> Iterator[Journal]:
    with Journal(tmp_path) as opened:
        yield opened
