"""A node's parts on paper, to be read by metrics."""

from __future__ import annotations

import pytest

from node.config import Config
from node.journal import Journal
from node.parts import Parts
from tests.unit.office import make_committee, make_parts


@pytest.fixture
async def parts(config: Config, journal: Journal) -> Parts:
    return await make_parts(config, make_committee(), journal)
