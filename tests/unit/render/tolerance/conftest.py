"""Tiny pipelines, built once for all tests here."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests import pipelines


@pytest.fixture(scope="session")
def shelf(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of pipeline folders: `text`, `label` and `plain`."""
    made = tmp_path_factory.mktemp("pipelines")
    pipelines.stable_diffusion(made / "text")
    pipelines.transformer(made / "label")
    pipelines.unconditional(made / "plain")
    return made
