"""`patina keys`: show, make and import keys."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from eth_account import Account

from node.cli import main
from node.config.text import render_toml
from node.keys import signing
from node.keys.files import create_private
from node.keys.secrets import Secret
from node.keys.signing import EthKeystore

ONE = "0x7E5F4552091A69125d5DfCb7b8C2659029395Bdf"
Keys = Callable[..., Result]


@pytest.fixture
def keys(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Keys:
    """Runs `patina keys ...` on a configuration whose key files do not exist yet; scrypt light."""
    monkeypatch.setattr(signing.EthKeystore.import_key.__func__, "__kwdefaults__", {"scrypt_n": 2})
    monkeypatch.setattr(signing.EthKeystore.create.__func__, "__kwdefaults__", {"scrypt_n": 2})
    create_private(tmp_path / "password", b"correct horse\n")
    files = {"signing_password_file": "password", "transport_password_file": "password"}
    chain = {"id": 1, "oracle": "0x1111111111111111111111111111111111111111", "endpoints": ["http://a"]}
    settings = {"keys": files, "chain": chain, "gossip": {"brokers": [{"url": "mqtt://a"}]}}
    (tmp_path / "config.toml").write_text(render_toml(settings))

    def run(*arguments: str | Path, **environ: str) -> Result:
        return CliRunner(env={"PATINA_CONFIG": str(tmp_path), **environ}).invoke(main, ["keys", *map(str, arguments)])

    return run


def test_new__no_keys_yet__made_and_listed(keys: Keys, tmp_path: Path) -> None:
    made = keys("new")
    assert made.exit_code == 0, made.output
    listed = json.loads(keys("list", "--json").stdout)
    for kind in ("signing", "transport"):
        assert listed[kind]["public"] in made.stdout
        assert listed[kind]["fault"] is None
    assert listed["signing"]["file"] == str(tmp_path / "keys" / "signing.json")
    assert EthKeystore(tmp_path / "keys" / "signing.json").unlock(Secret("correct horse"))


def test_new__both_exist__refused_and_untouched(keys: Keys, tmp_path: Path) -> None:
    keys("new")
    before = {path: path.read_bytes() for path in (tmp_path / "keys").iterdir()}
    result = keys("new")
    assert result.exit_code == 1
    assert "never overwritten" in result.stderr
    assert {path: path.read_bytes() for path in (tmp_path / "keys").iterdir()} == before


def test_new__one_missing__only_that_is_made(keys: Keys, tmp_path: Path) -> None:
    keys("new")
    before = (tmp_path / "keys" / "signing.json").read_bytes()
    for name in ("transport.pem", "transport.pub"):
        (tmp_path / "keys" / name).unlink()
    result = keys("new")
    assert result.stdout.startswith("transport  0x")
    assert "signing" not in result.stdout
    assert (tmp_path / "keys" / "signing.json").read_bytes() == before


def test_new__no_password_anywhere__error_names_the_ways(keys: Keys, tmp_path: Path) -> None:
    text = (tmp_path / "config.toml").read_text()
    (tmp_path / "config.toml").write_text(text.replace("signing_password_file", "# signing_password_file"))
    result = keys("new")
    assert result.exit_code == 1
    assert "PATINA_SIGNING_PASSWORD" in result.stderr
    assert keys("new", PATINA_SIGNING_PASSWORD="battery staple").exit_code == 0


def test_list__keys_missing__said_plainly(keys: Keys) -> None:
    result = keys("list")
    assert result.exit_code == 0
    assert result.stdout.count("no such file yet") == 2
    assert result.stdout.startswith("signing")


@pytest.mark.parametrize(("kind", "name", "other"), [("signing", "signing.json", "transport"),
                                                     ("transport", "transport.pub", "signing")])  # fmt: skip
def test_list__one_key_file_broken__named_and_the_other_listed(
    keys: Keys, tmp_path: Path, kind: str, name: str, other: str
) -> None:
    keys("new")
    whole = json.loads(keys("list", "--json").stdout)
    (tmp_path / "keys" / name).write_text("{ no key")
    for as_json in ((), ("--json",)):
        result = keys("list", *as_json)
        assert result.exit_code == 1
        assert f"{kind} key: " in result.stderr
        assert name in result.stderr
        assert f"{other} key" not in result.stderr
        assert whole[other]["public"] in result.stdout
        assert whole[kind]["public"] not in result.stdout


def test_list__for_eyes__address_and_file(keys: Keys, tmp_path: Path) -> None:
    keys("new")
    assert str(tmp_path / "keys" / "transport.pem") in keys("list").stdout


def test_import__hex_file__encrypted_with_the_node_s_password(keys: Keys, tmp_path: Path) -> None:
    create_private(tmp_path / "hex", f"0x{1:064x}\n".encode())
    result = keys("import", tmp_path / "hex")
    assert result.stdout == f"signing    {ONE}\n"
    assert EthKeystore(tmp_path / "keys" / "signing.json").unlock(Secret("correct horse")).address == ONE


def test_import__keystore__decrypted_with_its_own_password(keys: Keys, tmp_path: Path) -> None:
    content = Account.encrypt((1).to_bytes(32, "big"), "its own", iterations=2)
    create_private(tmp_path / "k.json", json.dumps(content).encode())
    assert "PATINA_IMPORT_PASSWORD" in keys("import", tmp_path / "k.json").stderr
    result = keys("import", tmp_path / "k.json", PATINA_IMPORT_PASSWORD="its own")
    assert result.stdout == f"signing    {ONE}\n"


def test_import__key_there_already__refused_and_untouched(keys: Keys, tmp_path: Path) -> None:
    keys("new")
    before = (tmp_path / "keys" / "signing.json").read_bytes()
    create_private(tmp_path / "hex", f"{1:064x}".encode())
    result = keys("import", tmp_path / "hex")
    assert result.exit_code == 1
    assert "never overwritten" in result.stderr
    assert (tmp_path / "keys" / "signing.json").read_bytes() == before


def test_import__no_key_in_the_file__refused_without_repeating_it(keys: Keys, tmp_path: Path) -> None:
    create_private(tmp_path / "hex", b"0x1234567890")
    result = keys("import", tmp_path / "hex")
    assert result.exit_code == 1
    assert "1234567890" not in result.output
