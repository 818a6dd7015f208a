"""Where passwords come from, and in which order."""

from __future__ import annotations

from pathlib import Path

import pytest

from node.config import Config, broker_password, load, operator_token
from node.config.credentials import password_source
from node.config.text import render_toml
from node.errors import KeyFileError
from node.keys.secrets import Secret


@pytest.fixture
def config(tmp_path: Path) -> Config:
    file = tmp_path / "p"
    file.write_text("from the file\n")
    file.chmod(0o600)
    path = tmp_path / "config.toml"
    path.write_text(
        render_toml(
            {
                "keys": {"signing_password_file": "p"},
                "chain": {"id": 1, "oracle": "0x1111111111111111111111111111111111111111", "endpoints": ["http://a"]},
                "gossip": {
                    "brokers": [{"url": "mqtt://a"}, {"url": "mqtt://b", "username": "u", "password_file": "p"}]
                },
            }
        )
    )
    return load(path, environ={}, check_files=False)


def test_password__in_environment_and_file__environment_wins(config: Config) -> None:
    environ = {"PATINA_SIGNING_PASSWORD": "from the environment"}
    assert password_source(config, "signing", environ=environ).read() == Secret("from the environment")


def test_password__in_file__nobody_is_asked(config: Config) -> None:
    def ask(what: str) -> str:
        raise AssertionError(what)

    assert password_source(config, "signing", ask=ask, environ={}).read() == Secret("from the file")


def test_password__nowhere__asked_for_by_its_name(config: Config) -> None:
    asked: list[str] = []

    def ask(what: str) -> str:
        asked.append(what)
        return "from a person"

    assert password_source(config, "transport", ask=ask, environ={}).read() == Secret("from a person")
    assert asked == ["password of the transport key"]


def test_password__nowhere_and_nobody_there__error_names_the_ways(config: Config) -> None:
    with pytest.raises(KeyFileError, match="PATINA_TRANSPORT_PASSWORD"):
        password_source(config, "transport", environ={}).read()


def test_broker_password__per_broker__from_its_own_file_or_variable(config: Config) -> None:
    first, second = config.gossip.brokers
    assert broker_password(config, first, environ={}) is None
    assert broker_password(config, second, environ={}) == Secret("from the file")
    assert broker_password(config, first, environ={"PATINA_BROKER_1_PASSWORD": "one"}) == Secret("one")
    assert broker_password(config, second, environ={"PATINA_BROKER_1_PASSWORD": "one"}) == Secret("from the file")


def test_operator_token__file_or_environment__is_read_and_held_to_its_length(tmp_path: Path) -> None:
    settings = {
        "chain": {"id": 1, "oracle": "0x1111111111111111111111111111111111111111", "endpoints": ["http://a"]},
        "gossip": {"brokers": [{"url": "mqtt://a"}]},
        "web": {"operator_token_file": "operator.token"},
    }
    (tmp_path / "config.toml").write_text(render_toml(settings))
    token = tmp_path / "operator.token"
    token.write_text("ab" * 32 + "\n")
    token.chmod(0o600)
    config = load(tmp_path / "config.toml", environ={}, check_files=False)
    found = operator_token(config, environ={})
    assert found is not None
    assert found.reveal() == "ab" * 32
    stands_in = operator_token(config, environ={"PATINA_OPERATOR_TOKEN": "cd" * 32})
    assert stands_in is not None
    assert stands_in.reveal() == "cd" * 32
    for wrong in ("short", "a" * 31, "a\tb" * 20):
        with pytest.raises(KeyFileError, match="openssl rand -hex 32"):
            operator_token(config, environ={"PATINA_OPERATOR_TOKEN": wrong})
