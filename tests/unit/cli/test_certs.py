"""`patina certs`: an authority, its certificates, and what to do next."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from node.cli import main
from node.config.text import render_toml
from node.keys.authority import Authority
from node.keys.certificates import check_pair, read_certificate

Certs = Callable[..., Result]


@pytest.fixture
def certs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Certs:
    """Runs `patina certs ...` in an empty folder."""
    monkeypatch.chdir(tmp_path)

    def run(*arguments: str, **environ: str) -> Result:
        return CliRunner(env=environ).invoke(main, ["certs", *arguments])

    return run


def test_certs__from_nothing_to_a_network__every_step_says_the_next(certs: Certs, tmp_path: Path) -> None:
    made = certs("init", "--name", "Our committee")
    assert made.exit_code == 0, made.output
    assert "patina certs broker NAME --host HOST" in made.stdout
    made = certs("broker", "mq1", "--host", "mq1.example.org", "--host", "10.0.0.1")
    assert made.exit_code == 0, made.output
    assert 'url = "mqtts://mq1.example.org:8883"' in made.stdout
    assert "/etc/mosquitto/patina/mq1.pem" in made.stdout
    made = certs("node", "node-1")
    assert made.exit_code == 0, made.output
    assert 'cert = "keys/node-1.pem"' in made.stdout
    check_pair(tmp_path / "certs" / "node-1.pem", tmp_path / "certs" / "node-1.key")
    listed = json.loads(certs("list", "--json").stdout)
    assert [(each["name"], each["use"]) for each in listed] == [
        ("Our committee", "authority"),
        ("mq1", "broker"),
        ("node-1", "node"),
    ]
    assert all(each["days_left"] > 300 for each in listed)


def test_request_sign__two_folders__the_key_never_moves(certs: Certs, tmp_path: Path) -> None:
    certs("init")
    asked = certs("request", "node-2", "-d", "mine")
    assert asked.exit_code == 0, asked.output
    assert "patina certs sign node-2.csr --for node" in asked.stdout
    signed = certs("sign", "mine/node-2.csr")
    assert signed.exit_code == 0, signed.output
    assert "neither is a secret" in signed.stdout
    check_pair(tmp_path / "certs" / "node-2.pem", tmp_path / "mine" / "node-2.key")
    assert not (tmp_path / "certs" / "node-2.key").exists()


def test_renew__soon_to_end__listed_as_such_then_not(certs: Certs, tmp_path: Path) -> None:
    started = datetime.now(UTC) - timedelta(days=380)
    Authority.create(tmp_path / "certs", "Old", now=started).issue("node-1", "node", now=started)
    listed = certs("list")
    assert listed.exit_code == 1
    assert "renew" in listed.stdout
    renewed = certs("renew", "certs/node-1.pem")
    assert renewed.exit_code == 0, renewed.output
    assert "without a restart" in renewed.stdout
    assert read_certificate(tmp_path / "certs" / "node-1.pem").days_left(datetime.now(UTC)) > 390
    assert certs("list").exit_code == 0


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["node", "node-1"], "patina certs init"),
        (["list"], "patina certs init"),
        (["renew", "absent.pem"], "patina certs init"),
    ],
)
def test_certs__no_authority_yet__says_how_to_make_one(certs: Certs, arguments: list[str], told: str) -> None:
    result = certs(*arguments)
    assert result.exit_code == 1
    assert told in result.stderr


def test_password__in_the_environment__encrypts_the_authority_and_shows_nowhere(certs: Certs, tmp_path: Path) -> None:
    made = certs("init", PATINA_CA_PASSWORD="planted-secret")
    assert "(encrypted)" in made.stdout
    assert b"ENCRYPTED" in (tmp_path / "certs" / "ca.key").read_bytes()
    refused = certs("node", "node-1")
    assert refused.exit_code == 1
    assert not (tmp_path / "certs" / "node-1.key").exists()
    issued = certs("node", "node-1", PATINA_CA_PASSWORD="planted-secret")
    assert issued.exit_code == 0, issued.output
    (tmp_path / "password").write_text("planted-secret\n")
    (tmp_path / "password").chmod(0o600)
    assert certs("node", "node-2", "--password-file", "password").exit_code == 0
    assert "planted-secret" not in made.output + refused.output + issued.output


def test_configuration__made_certificates__load_and_mixed_up_ones_are_told(certs: Certs, tmp_path: Path) -> None:
    from node.config import FaultyConfigError, load

    certs("init")
    for name in ("node-1", "node-2"):
        certs("node", name)
    (tmp_path / "nonsense.pem").write_text("nothing")
    chain = {"id": 1, "oracle": "0x1111111111111111111111111111111111111111", "endpoints": ["http://a"]}

    def faults(ca: str, cert: str, key: str) -> dict[str, str]:
        broker = {"url": "mqtts://a", "ca": ca, "cert": cert, "key": key}
        (tmp_path / "config.toml").write_text(render_toml({"chain": chain, "gossip": {"brokers": [broker]}}))
        with pytest.raises(FaultyConfigError) as caught:
            load(tmp_path / "config.toml", environ={})
        return {each.key: str(each) for each in caught.value.faults if each.key.startswith("gossip")}

    assert faults("certs/ca.pem", "certs/node-1.pem", "certs/node-1.key") == {}
    mixed = faults("certs/ca.pem", "certs/node-1.pem", "certs/node-2.key")
    assert list(mixed) == ["gossip.brokers[1].key"]
    assert "is not the key of" in mixed["gossip.brokers[1].key"]
    assert list(faults("nonsense.pem", "nonsense.pem", "certs/node-1.key")) == [
        "gossip.brokers[1].ca",
        "gossip.brokers[1].cert",
    ]
    absent = faults("certs/absent.pem", "certs/node-1.pem", "certs/node-1.key")
    assert "patina certs" in absent["gossip.brokers[1].ca"]
