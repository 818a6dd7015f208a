"""Fixtures of the chain tests: an embedded chain, alone or with an oracle."""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest


def _load(file: str) -> Any:
    # pytest's importlib mode puts no test folder on the path.
    name = f"chain_{file}"
    if name not in sys.modules:
        spec = importlib.util.spec_from_file_location(name, Path(__file__).with_name(f"{file}.py"))
        assert spec is not None
        assert spec.loader is not None
        sys.modules[name] = module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
    return sys.modules[name]


_load("proxy")
_load("world")


@pytest.fixture
async def world() -> AsyncIterator[Any]:
    async with _load("world").serve() as served:
        yield served


@pytest.fixture
async def slow_world() -> AsyncIterator[Any]:
    """Transactions wait until the test mines."""
    async with _load("world").serve(automine=False) as served:
        yield served


@pytest.fixture
def oracle(world: Any) -> Any:
    return _load("world").open_oracle(world)
