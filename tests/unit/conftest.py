"""What unit tests share: no network, a journal of their own, and the configuration of a whole node on paper."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
import pytest_socket

from node.config import Config, load
from node.journal import Journal


@pytest.fixture(autouse=True)
def no_sockets() -> Iterator[None]:
    """Refuse sockets for the duration of a test; event loops talk to themselves over unix pairs."""
    pytest_socket.disable_socket(allow_unix_socket=True)
    yield
    pytest_socket.enable_socket()


@pytest.fixture
def journal(tmp_path: Path) -> Iterator[Journal]:
    with Journal(tmp_path / "state") as opened:
        yield opened


@pytest.fixture
def config(tmp_path: Path) -> Config:
    """The configuration that `office.make_parts` takes, with the broker's password in its file."""
    from tests.unit.office import CONFIG, PASSWORD  # here: it imports a whole node

    (tmp_path / "config.toml").write_text(CONFIG)
    secret = tmp_path / "broker.password"
    secret.write_text(f"{PASSWORD}\n")
    secret.chmod(0o600)
    return load(tmp_path / "config.toml", environ={}, check_files=False)
