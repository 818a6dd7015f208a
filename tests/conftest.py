"""Settings of the whole test session."""

from __future__ import annotations

import gc
import os
import sys
from collections.abc import Iterator

import eth  # noqa: F401 - imported here so that the line below comes after it, whatever a test imports
import hypothesis
import pytest

from node.keys.redaction import redactor
from tests.contracts import Compile, compiler
from tests.order import spread

# Importing py-evm lifts the recursion limit so far that nested JSON overflows the C stack; see node/devnet/evm/vm.py.
sys.setrecursionlimit(20_000)

# The same examples in every run: a red run can be repeated by anyone.
hypothesis.settings.register_profile("patina", derandomize=True, deadline=None, print_blob=True)
# The fuzzing of a night (make fuzz): other examples each time; a failure prints the blob that repeats it, and is tried
# first the next time.
hypothesis.settings.register_profile(
    "nightly",
    max_examples=int(os.environ.get("FUZZ_EXAMPLES", "100000")),
    deadline=None,
    print_blob=True,
    suppress_health_check=[hypothesis.HealthCheck.too_slow, hypothesis.HealthCheck.data_too_large],
)
# Long sequences of what can happen to staking (make staking).
hypothesis.settings.register_profile("staking", max_examples=4_000, deadline=None, print_blob=True)
hypothesis.settings.load_profile("patina")


@pytest.fixture(autouse=True)
def forgotten_secrets() -> Iterator[None]:
    """Let the process mask after a test what it masked before: one test's secret may be another's plain word."""
    held = redactor._known.copy(), redactor._rules, redactor._ordered, redactor._spelt.copy()
    yield
    redactor._known, redactor._rules, redactor._ordered, redactor._spelt = held


@pytest.fixture(scope="session")
def compiled(tmp_path_factory: pytest.TempPathFactory, worker_id: str) -> Compile:
    """Compiles contracts, each once in a session however many workers want it."""
    folder = tmp_path_factory.getbasetemp()
    kept = (folder if worker_id == "master" else folder.parent) / "compiled"
    kept.mkdir(exist_ok=True)
    return compiler(kept)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin slow files early, so that no worker is left with one at the end."""
    items[:] = spread(items)


def pytest_collection_finish() -> None:
    """Leave what was imported out of garbage collections: a million objects that all stay, looked at each time."""
    gc.collect()
    gc.freeze()
