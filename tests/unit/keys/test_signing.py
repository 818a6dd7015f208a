"""The signing key: its encrypted file, and what it signs, against eth-account and eth-keys."""

from __future__ import annotations

import json
import stat
from pathlib import Path
from typing import Any

import pytest
from eth_account import Account
from eth_keys import keys as eth_keys
from hypothesis import given, settings
from hypothesis import strategies as st

from node.errors import KeyFileError
from node.keys.files import create_private
from node.keys.secrets import Secret
from node.keys.signing import EthKeystore, LocalSigner, key_from_hex

ORDER = 0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEBAAEDCE6AF48A03BBFD25E8CD0364141
PASSWORD = Secret("correct horse")
KEYS = st.integers(1, ORDER - 1).map(lambda number: number.to_bytes(32, "big"))


def create(path: Path) -> EthKeystore:
    return EthKeystore.create(path, PASSWORD, scrypt_n=2)


def change(path: Path, **changes: Any) -> None:
    content = json.loads(path.read_text()) | changes
    path.write_text(json.dumps(content))


def test_create__unlocked__signs_for_the_address_in_the_file(tmp_path: Path) -> None:
    keystore = create(tmp_path / "k.json")
    assert keystore.unlock(PASSWORD).address == keystore.address
    assert stat.S_IMODE(keystore.path.stat().st_mode) == 0o600


def test_create__file__opens_in_eth_account(tmp_path: Path) -> None:
    keystore = create(tmp_path / "k.json")
    key = Account.decrypt(keystore.path.read_text(), "correct horse")
    assert Account.from_key(key).address == keystore.address


@pytest.mark.parametrize("kdf", ["scrypt", "pbkdf2"])
def test_unlock__file_of_eth_account__opens(tmp_path: Path, kdf: Any) -> None:
    account = Account.create()
    content = Account.encrypt(account.key, "correct horse", kdf=kdf, iterations=2)
    create_private(tmp_path / "k.json", json.dumps(content).encode())
    assert EthKeystore(tmp_path / "k.json").unlock(PASSWORD).address == account.address


def test_create__file_exists__refused_and_untouched(tmp_path: Path) -> None:
    keystore = create(tmp_path / "k.json")
    before = keystore.path.read_bytes()
    with pytest.raises(KeyFileError, match="never overwritten"):
        create(tmp_path / "k.json")
    assert keystore.path.read_bytes() == before
    assert list(tmp_path.iterdir()) == [keystore.path]


def test_create_private__fails_while_writing__nothing_left(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", full)
    with pytest.raises(KeyFileError, match="No space left"):
        create_private(tmp_path / "k", b"x")
    assert list(tmp_path.iterdir()) == []


def test_unlock__wrong_password__refused_without_telling_it(tmp_path: Path) -> None:
    with pytest.raises(KeyFileError, match="password is wrong") as caught:
        create(tmp_path / "k.json").unlock(Secret("battery staple"))
    assert "battery" not in str(caught.value)


def test_unlock__address_of_another_key__refused(tmp_path: Path) -> None:
    keystore = create(tmp_path / "k.json")
    change(keystore.path, address="11" * 20)
    with pytest.raises(KeyFileError, match="not of the address it names"):
        keystore.unlock(PASSWORD)


def test_unlock__file_open_to_others__refused(tmp_path: Path) -> None:
    keystore = create(tmp_path / "k.json")
    keystore.path.chmod(0o644)
    with pytest.raises(KeyFileError, match="chmod 600"):
        keystore.unlock(PASSWORD)


@pytest.mark.parametrize("content", ["", "[]", "{}", "nonsense", '{"version": 3}', '{"version": 3, "crypto": {}}'])
def test_unlock__not_a_keystore__refused(tmp_path: Path, content: str) -> None:
    create_private(tmp_path / "k.json", content.encode())
    with pytest.raises(KeyFileError, match=r"not a Web3 Secret Storage|not JSON"):
        EthKeystore(tmp_path / "k.json").unlock(PASSWORD)


@pytest.mark.parametrize(
    "crypto",
    [
        {"kdf": "argon2"},
        {"kdf": "scrypt", "kdfparams": {}},
        {"kdf": "scrypt", "kdfparams": {"n": 3, "r": 1, "p": 1, "dklen": 32, "salt": "00"}},
        {"kdf": 7},
        7,
    ],
)
def test_unlock__damaged_crypto__refused(tmp_path: Path, crypto: object) -> None:
    keystore = create(tmp_path / "k.json")
    change(keystore.path, crypto=crypto)
    with pytest.raises(KeyFileError):
        keystore.unlock(PASSWORD)


def test_address__file_without_one__says_so(tmp_path: Path) -> None:
    keystore = create(tmp_path / "k.json")
    change(keystore.path, address=None)
    with pytest.raises(KeyFileError, match="names no address"):
        _ = keystore.address


@given(KEYS, st.binary(min_size=32, max_size=32))
@settings(max_examples=30, deadline=None)
def test_sign_digest__any_key_and_digest__recovers_with_low_s(key: bytes, digest: bytes) -> None:
    signer = LocalSigner(key)
    signature = signer.sign_digest(digest)
    r = int.from_bytes(signature[:32], "big")
    s = int.from_bytes(signature[32:], "big") & (2**255 - 1)
    parity = signature[32] >> 7
    assert len(signature) == 64
    assert 0 < s <= ORDER // 2
    recovered = eth_keys.Signature(vrs=(parity, r, s)).recover_public_key_from_msg_hash(digest)
    assert recovered.to_checksum_address() == signer.address == Account.from_key(key).address
    assert signer.sign_digest(digest) == signature


def test_sign_digest__wrong_length__refused() -> None:
    with pytest.raises(ValueError, match="32 bytes"):
        LocalSigner(b"\1" * 32).sign_digest(b"\0" * 31)


def test_sign_transaction__eip1559__recovers_to_the_signer() -> None:
    signer = LocalSigner(b"\1" * 32)
    signed = signer.sign_transaction(
        {"chainId": 1, "nonce": 0, "to": signer.address, "value": 0, "gas": 21_000, "data": "0x",
         "maxFeePerGas": 2, "maxPriorityFeePerGas": 1, "type": 2}
    )  # fmt: skip
    assert Account.recover_transaction(signed.raw) == signer.address
    assert len(signed.hash) == 32


@pytest.mark.parametrize("key", [b"", b"\0" * 32, ORDER.to_bytes(32, "big"), b"\xff" * 32, b"\1" * 33])
def test_local_signer__not_a_key__refused(key: bytes) -> None:
    with pytest.raises(KeyFileError, match="not a secp256k1 private key"):
        LocalSigner(key)


def test_local_signer__shown__tells_its_address_alone() -> None:
    assert repr(LocalSigner((1).to_bytes(32, "big"))) == "LocalSigner(0x7E5F4552091A69125d5DfCb7b8C2659029395Bdf)"


@pytest.mark.parametrize("text", ["0x" + "0a" * 32, "0A" * 32, " 0x" + "0a" * 32 + "\n"])
def test_key_from_hex__with_or_without_prefix__read(text: str) -> None:
    assert key_from_hex(Secret(text)) == b"\x0a" * 32


@pytest.mark.parametrize("text", ["", "0x12", "zz" * 32, "0x" + "0a" * 33])
def test_key_from_hex__no_key__refused_without_repeating_it(text: str) -> None:
    with pytest.raises(KeyFileError) as caught:
        key_from_hex(Secret(text))
    assert not text or text not in str(caught.value)
