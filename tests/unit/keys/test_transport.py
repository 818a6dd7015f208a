"""The transport key: its encrypted file, and the public key beside it."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ed25519, x25519

from node.errors import KeyFileError
from node.keys.files import create_private
from node.keys.secrets import Secret
from node.keys.transport import TransportKeyFile, public_bytes

PASSWORD = Secret("correct horse")


def pem(key: ed25519.Ed25519PrivateKey | x25519.X25519PrivateKey, password: bytes | None) -> bytes:
    encryption = serialization.BestAvailableEncryption(password) if password else serialization.NoEncryption()
    return key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, encryption)


def test_create__unlocked__matches_the_public_file(tmp_path: Path) -> None:
    file = TransportKeyFile.create(tmp_path / "t.pem", PASSWORD)
    key = file.unlock(PASSWORD)
    assert public_bytes(key) == file.public_key
    key.public_key().verify(key.sign(b"message"), b"message")
    assert stat.S_IMODE(file.path.stat().st_mode) == 0o600
    assert b"ENCRYPTED" in file.path.read_bytes()
    assert file.public_path.read_text() == f"0x{file.public_key.hex()}\n"


@pytest.mark.parametrize("name", ["t.pem", "t.pub"])
def test_create__either_file_exists__refused_and_untouched(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_text("mine")
    with pytest.raises(KeyFileError, match="never overwritten"):
        TransportKeyFile.create(tmp_path / "t.pem", PASSWORD)
    assert [path.name for path in tmp_path.iterdir()] == [name]
    assert (tmp_path / name).read_text() == "mine"


def test_unlock__wrong_password__refused(tmp_path: Path) -> None:
    with pytest.raises(KeyFileError, match="password is wrong"):
        TransportKeyFile.create(tmp_path / "t.pem", PASSWORD).unlock(Secret("battery staple"))


def test_unlock__key_without_encryption__refused_with_the_way_out(tmp_path: Path) -> None:
    create_private(tmp_path / "t.pem", pem(ed25519.Ed25519PrivateKey.generate(), None))
    with pytest.raises(KeyFileError, match="patina keys new"):
        TransportKeyFile(tmp_path / "t.pem").unlock(PASSWORD)


def test_unlock__key_of_another_kind__refused(tmp_path: Path) -> None:
    create_private(tmp_path / "t.pem", pem(x25519.X25519PrivateKey.generate(), b"correct horse"))
    with pytest.raises(KeyFileError, match="not an Ed25519 key"):
        TransportKeyFile(tmp_path / "t.pem").unlock(PASSWORD)


def test_unlock__public_file_of_another_key__refused(tmp_path: Path) -> None:
    file = TransportKeyFile.create(tmp_path / "t.pem", PASSWORD)
    file.public_path.write_text("0x" + "11" * 32)
    with pytest.raises(KeyFileError, match="not the public half"):
        file.unlock(PASSWORD)


def test_unlock__file_open_to_others__refused(tmp_path: Path) -> None:
    file = TransportKeyFile.create(tmp_path / "t.pem", PASSWORD)
    file.path.chmod(0o644)
    with pytest.raises(KeyFileError, match="chmod 600"):
        file.unlock(PASSWORD)


@pytest.mark.parametrize("content", ["", "-----BEGIN NONSENSE-----", "-----BEGIN ENCRYPTED PRIVATE KEY-----\nAA=="])
def test_unlock__not_a_key_file__refused(tmp_path: Path, content: str) -> None:
    create_private(tmp_path / "t.pem", content.encode())
    with pytest.raises(KeyFileError, match="damaged"):
        TransportKeyFile(tmp_path / "t.pem").unlock(PASSWORD)


@pytest.mark.parametrize(("content", "words"), [("0x12", "32 bytes"), ("zz", "not a public key")])
def test_public_key__bad_public_file__refused(tmp_path: Path, content: str, words: str) -> None:
    (tmp_path / "t.pub").write_text(content)
    with pytest.raises(KeyFileError, match=words):
        _ = TransportKeyFile(tmp_path / "t.pem").public_key


def test_public_key__no_file__refused(tmp_path: Path) -> None:
    with pytest.raises(KeyFileError, match="cannot be read"):
        _ = TransportKeyFile(tmp_path / "t.pem").public_key
