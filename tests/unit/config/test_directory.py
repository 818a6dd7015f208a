"""Setting up a node's folder: complete, private, and all or nothing."""

from __future__ import annotations

import stat
from pathlib import Path
from typing import Any

import pytest

from node.config import FaultyConfigError, broker_password, load, unlock_signer, unlock_transport
from node.config.directory import create_node_folder
from node.errors import ConfigError, KeyFileError
from node.keys.secrets import Secret
from node.keys.transport import public_bytes

PASSWORD = Secret("correct horse")
SETTINGS: dict[str, dict[str, Any]] = {
    "chain": {
        "id": 31337,
        "oracle": "0x1111111111111111111111111111111111111111",
        "endpoints": ["http://127.0.0.1:8545"],
    },
    "gossip": {"brokers": [{"url": "mqtt://127.0.0.1:1883"}]},
}


def create(folder: Path, settings: dict[str, dict[str, Any]] | None = None, **more: Any) -> Any:
    return create_node_folder(folder, settings or SETTINGS, PASSWORD, **{"scrypt_n": 2, "keep_password": True, **more})


def test_create__new_folder__loads_and_unlocks(tmp_path: Path) -> None:
    node = create(tmp_path / "deep" / "node")
    config = load(node.config, environ={})
    assert unlock_signer(config, environ={}).address == node.address
    assert public_bytes(unlock_transport(config, environ={})) == node.transport_key
    assert config.chain.endpoints[0].reveal() == "http://127.0.0.1:8545"


def test_create__all_that_it_writes__is_for_the_owner_alone(tmp_path: Path) -> None:
    create(tmp_path / "node")
    for path in (tmp_path / "node").rglob("*"):
        assert stat.S_IMODE(path.stat().st_mode) == (0o700 if path.is_dir() else 0o600), path


def test_create__keys_and_state__are_kept_out_of_repositories(tmp_path: Path) -> None:
    create(tmp_path / "node")
    for name in ("keys", "state"):
        assert (tmp_path / "node" / name / ".gitignore").read_text() == "*\n"


def test_create__url_with_a_key__stands_in_a_private_file_alone(tmp_path: Path) -> None:
    url = "https://rpc.example/v2/abcdefabcdef0123"
    node = create(tmp_path / "node", {**SETTINGS, "chain": {**SETTINGS["chain"], "endpoints": [url]}})
    assert "abcdefabcdef0123" not in node.config.read_text()
    assert [each.reveal() for each in load(node.config, environ={}).chain.endpoints] == [url]


def test_create__broker_url_with_password__taken_apart(tmp_path: Path) -> None:
    brokers = [{"url": "mqtts://bob:s3cr%40t!!@broker.example:8883"}]
    node = create(tmp_path / "node", {**SETTINGS, "gossip": {"brokers": brokers}})
    config = load(node.config, environ={})
    broker = config.gossip.brokers[0]
    assert (broker.url.reveal(), broker.username) == ("mqtts://broker.example:8883", "bob")
    assert broker_password(config, broker, environ={}) == Secret("s3cr@t!!")
    assert "s3cr" not in node.config.read_text()


def test_create__password_not_kept__nowhere_in_the_folder(tmp_path: Path) -> None:
    node = create(tmp_path / "node", keep_password=False)
    for path in (tmp_path / "node").rglob("*"):
        assert path.is_dir() or b"correct horse" not in path.read_bytes()
    config = load(node.config, environ={})
    assert unlock_signer(config, environ={"PATINA_SIGNING_PASSWORD": "correct horse"}).address == node.address


def test_create__password_file_given__referred_to_and_not_copied(tmp_path: Path) -> None:
    file = tmp_path / "secret"
    file.write_text("correct horse\n")
    file.chmod(0o600)
    node = create(tmp_path / "node", password_file=file, keep_password=False)
    assert load(node.config, environ={}).keys.transport_password_file == file
    assert not (tmp_path / "node" / "keys" / "password").exists()


def test_create__existing_key__imported(tmp_path: Path) -> None:
    node = create(tmp_path / "node", signing_key=(1).to_bytes(32, "big"))
    assert node.address == "0x7E5F4552091A69125d5DfCb7b8C2659029395Bdf"


def test_create__folder_with_other_files__leaves_them(tmp_path: Path) -> None:
    (tmp_path / "README").write_text("mine")
    create(tmp_path)
    assert (tmp_path / "README").read_text() == "mine"
    assert (tmp_path / "config.toml").is_file()


@pytest.mark.parametrize("name", ["config.toml", "keys", "state", "recipes"])
def test_create__something_in_the_way__refused_and_untouched(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_text("mine")
    with pytest.raises(ConfigError, match="left as it is"):
        create(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == [name]
    assert (tmp_path / name).read_text() == "mine"


def test_create__twice__second_refused_and_first_intact(tmp_path: Path) -> None:
    node = create(tmp_path / "node")
    before = {path: path.read_bytes() for path in (tmp_path / "node").rglob("*") if path.is_file()}
    with pytest.raises(ConfigError, match="already"):
        create(tmp_path / "node")
    assert {path: path.read_bytes() for path in (tmp_path / "node").rglob("*") if path.is_file()} == before
    assert load(node.config, environ={})


def test_create__faulty_settings__all_told_and_nothing_left(tmp_path: Path) -> None:
    chain = {"id": 0, "oracle": "0x12", "endpoints": ["ftp://x", "http://["]}
    with pytest.raises(FaultyConfigError) as caught:
        create(tmp_path / "a" / "b", {"chain": chain, "gossip": {"brokers": []}})
    assert {fault.key for fault in caught.value.faults} == {
        "chain.id",
        "chain.oracle",
        "chain.endpoints[1]",
        "chain.endpoints[2]",
        "gossip.brokers",
    }
    assert str(tmp_path / "a" / "b" / "config.toml") in str(caught.value)
    assert list(tmp_path.iterdir()) == []


def test_create__fails_while_moving_into_place__nothing_left(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "README").write_text("mine")
    rename = Path.rename

    def fail_on_config(self: Path, target: Path) -> Path:
        if target.name == "config.toml":
            raise OSError(28, "No space left on device")
        return rename(self, target)

    monkeypatch.setattr(Path, "rename", fail_on_config)
    with pytest.raises(ConfigError, match="No space left"):
        create(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["README"]


def test_create__interrupted_while_encrypting__nothing_left(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupt(*_: Any, **__: Any) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("node.keys.transport.TransportKeyFile.create", interrupt)
    with pytest.raises(KeyboardInterrupt):
        create(tmp_path / "node")
    assert list(tmp_path.iterdir()) == []


def test_create__a_file_where_the_folder_should_be__refused(tmp_path: Path) -> None:
    (tmp_path / "node").write_text("mine")
    with pytest.raises(ConfigError, match="is a file"):
        create(tmp_path / "node")


def test_create__not_a_key__refused_and_nothing_left(tmp_path: Path) -> None:
    with pytest.raises(KeyFileError, match="not a secp256k1 private key"):
        create(tmp_path / "node", signing_key=b"\0" * 32)
    assert list(tmp_path.iterdir()) == []
