"""Fuzzing reaches no network, and `make fuzz` keeps a ledger of what it tried."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
import pytest_socket

from tests.fuzz.ledger import Bookkeeper, Ledger, digest_of_sources


def pytest_configure(config: pytest.Config) -> None:
    """Keep the ledger that FUZZ_LEDGER names; of several processes one writes."""
    path = os.environ.get("FUZZ_LEDGER")
    if path:
        ledger = Ledger(Path(path), digest_of_sources())
        config.pluginmanager.register(Bookkeeper(ledger, writes=not hasattr(config, "workerinput")))


@pytest.fixture(autouse=True)
def no_sockets() -> Iterator[None]:
    """Refuse sockets that are no pair of this process's own, or unix ones: event loops talk over those."""
    pytest_socket.disable_socket(allow_unix_socket=True)
    yield
    pytest_socket.enable_socket()
