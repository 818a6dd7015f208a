"""Fuzzing reaches no network: a socket that is not a pair of this process's own, or a unix one, is refused."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import pytest_socket


@pytest.fixture(autouse=True)
def no_sockets() -> Iterator[None]:
    """Refuse sockets for the duration of a test; event loops talk to themselves over unix pairs."""
    pytest_socket.disable_socket(allow_unix_socket=True)
    yield
    pytest_socket.enable_socket()
