"""The node's signing key: secp256k1, in an encrypted Web3 Secret Storage v3 file."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, Self

from node.errors import KeyFileError
from node.keys.address import checksum_address
from node.keys.files import create_private
from node.keys.redaction import redactor
from node.keys.secrets import Secret, read_text, read_unguarded

if TYPE_CHECKING:
    from eth_account.signers.local import LocalAccount

#: scrypt cost: Web3 Secret Storage's customary value for a key worth money (about a second, 256 MiB).
SCRYPT_N = 1 << 18
#: What a keystore may ask of this machine: bytes of memory, rounds of scrypt's mixing, rounds of PBKDF2.
_MOST_MEMORY, _MOST_MIXING, _MOST_ROUNDS = 1 << 29, 1 << 24, 10_000_000
#: scrypt cost for throw-away keys of devnets and tests.
SCRYPT_N_LIGHT = 1 << 10
_ADDRESS = re.compile(r"(0x)?[0-9a-fA-F]{40}")
# Order of secp256k1 (SEC 2, section 2.4.1).
_ORDER = 0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEBAAEDCE6AF48A03BBFD25E8CD0364141


@dataclass(frozen=True, slots=True)
class SignedTransaction:
    """A transaction ready for broadcast: its raw bytes (EIP-2718) and its hash."""

    raw: bytes
    hash: bytes


class Signer(Protocol):
    """What the node needs of a signing key, wherever it is kept."""

    @property
    def address(self) -> str:
        """EIP-55 address."""
        ...

    def sign_digest(self, digest: bytes) -> bytes:
        """64-byte EIP-2098 signature of a 32-byte digest."""
        ...

    def sign_transaction(self, transaction: Mapping[str, Any]) -> SignedTransaction:
        """Sign a transaction given in web3's fields (chainId, nonce, maxFeePerGas, to, data, ...)."""
        ...


def key_from_hex(text: Secret) -> bytes:
    """A 32-byte private key from 64 hex digits, with or without 0x; else KeyFileError that does not repeat it."""
    digits = text.reveal().strip().removeprefix("0x")
    try:
        key = bytes.fromhex(digits)
    except ValueError:
        raise KeyFileError("the private key is not written in hex digits") from None
    if len(key) != 32:
        raise KeyFileError(f"a private key has 32 bytes (64 hex digits), not {len(key)}")
    return key


class LocalSigner:
    """A signing key held in this process's memory."""

    __slots__ = ("_account", "_key")

    def __init__(self, key: bytes) -> None:
        """`key`: 32 bytes, 0 < key < order of secp256k1; else KeyFileError."""
        from coincurve import PrivateKey
        from eth_account import Account

        if len(key) != 32 or not 0 < int.from_bytes(key, "big") < _ORDER:
            raise KeyFileError("not a secp256k1 private key: 32 bytes, neither zero nor above the curve's order")
        redactor.add(key)
        self._key = PrivateKey(key)
        self._account: LocalAccount = Account.from_key(key)

    @property
    def address(self) -> str:
        """EIP-55 address."""
        return str(self._account.address)

    def sign_digest(self, digest: bytes) -> bytes:
        """r ++ (yParity << 255 | s), 64 bytes (EIP-2098); s in the lower half (EIP-2), nonce by RFC 6979."""
        if len(digest) != 32:
            raise ValueError(f"a digest has 32 bytes, not {len(digest)}")
        signature = self._key.sign_recoverable(digest, hasher=None)
        return signature[:32] + bytes([signature[32] | signature[64] << 7]) + signature[33:64]

    def sign_transaction(self, transaction: Mapping[str, Any]) -> SignedTransaction:
        """Sign a transaction given in web3's fields (chainId, nonce, maxFeePerGas, to, data, ...)."""
        signed = self._account.sign_transaction(dict(transaction))
        return SignedTransaction(raw=bytes(signed.raw_transaction), hash=bytes(signed.hash))

    def __repr__(self) -> str:
        return f"LocalSigner({self.address})"


class EthKeystore:
    """One encrypted key file; its address is readable without the password."""

    def __init__(self, path: Path) -> None:
        self.path = path

    @classmethod
    def create(cls, path: Path, password: Secret, *, scrypt_n: int = SCRYPT_N) -> Self:
        """Make a new random key. Raises KeyFileError where `path` exists."""
        while not 0 < int.from_bytes(key := os.urandom(32), "big") < _ORDER:
            continue
        return cls.import_key(path, key, password, scrypt_n=scrypt_n)

    @classmethod
    def import_key(cls, path: Path, key: bytes, password: Secret, *, scrypt_n: int = SCRYPT_N) -> Self:
        """Encrypt an existing 32-byte key into a new file. `scrypt_n`: a power of two above 1."""
        from eth_account import Account

        LocalSigner(key)  # refuses what is no key, and registers it for redaction
        content = Account.encrypt(key, password.reveal(), kdf="scrypt", iterations=scrypt_n)
        create_private(path, json.dumps(content, indent=1).encode() + b"\n")
        return cls(path)

    @property
    def address(self) -> str:
        """EIP-55 address that the file states; unlock() checks that the key inside agrees."""
        return self._address(self._content())

    @property
    def public_address(self) -> str:
        """Like `address`, of a file that others can read too: what it says of the address is no secret."""
        return self._address(self._parsed(read_unguarded(self.path)))

    def _address(self, content: dict[str, Any]) -> str:
        address = content.get("address")
        if not isinstance(address, str) or not _ADDRESS.fullmatch(address):
            raise KeyFileError(f"{self.path}: names no address; import the key again to get a file that does")
        return checksum_address("0x" + address[-40:])

    def unlock(self, password: Secret) -> LocalSigner:
        """Decrypt (about a second). Raises KeyFileError for a wrong password or a damaged file."""
        signer = LocalSigner(self.decrypt(password))
        if signer.address != self.address:
            raise KeyFileError(f"{self.path}: holds the key of {signer.address}, not of the address it names")
        return signer

    def decrypt(self, password: Secret) -> bytes:
        """The 32-byte key itself, to import it elsewhere. Raises KeyFileError like unlock()."""
        from eth_account import Account

        content = self._content()
        _check_cost(self.path, content)
        try:
            key = bytes(Account.decrypt(content, password.reveal()))
        except ValueError:
            # eth_keyfile says "MAC mismatch" for both; its other words would mean nothing to an operator.
            raise KeyFileError(f"{self.path}: the password is wrong, or the file is damaged") from None
        except (KeyError, TypeError, AttributeError, NotImplementedError, OverflowError):
            raise KeyFileError(f"{self.path}: not a Web3 Secret Storage file (version 3)") from None
        redactor.add(key)
        return key

    def _content(self) -> dict[str, Any]:
        return self._parsed(read_text(self.path))

    def _parsed(self, text: str) -> dict[str, Any]:
        try:
            content = json.loads(text)
        except (ValueError, RecursionError):
            raise KeyFileError(
                f"{self.path}: not JSON, so not a Web3 Secret Storage file; correct the path, or restore it"
            ) from None
        if not isinstance(content, dict) or content.get("version") != 3:
            raise KeyFileError(f"{self.path}: not a Web3 Secret Storage file (version 3)")
        return content


def _check_cost(path: Path, content: dict[str, Any]) -> None:
    """KeyFileError for a file, perhaps a stranger's, that asks for more memory or time than any real key's does.

    scrypt takes 128 * n * r bytes, and n * r * p steps (RFC 7914, section 2); both stand in the file.
    """
    asked: Any = content
    # eth_keyfile takes names in any case, the last of those that differ in nothing else.
    for name in ("crypto", "kdfparams"):
        asked = _lowered(asked).get(name) if isinstance(asked, dict) else None
    asked = _lowered(asked) if isinstance(asked, dict) else None
    if not isinstance(asked, dict):
        raise KeyFileError(f"{path}: not a Web3 Secret Storage file (version 3): it names no kdfparams")
    n, r, p, c, length = (
        asked.get(name, least) for name, least in (("n", 2), ("r", 1), ("p", 1), ("c", 1), ("dklen", 32))
    )
    for value in (n, r, p, c, length):
        if not isinstance(value, int) or isinstance(value, bool) or value < 1:
            raise KeyFileError(f"{path}: its kdfparams are no positive integers; the file is damaged")
    if 128 * n * r > _MOST_MEMORY or n * r * p > _MOST_MIXING or c > _MOST_ROUNDS or length > 64:
        raise KeyFileError(f"{path}: its kdfparams ask for more memory or time than any key is worth; not opened")


def _lowered(table: dict[str, Any]) -> dict[str, Any]:
    return {name.lower(): value for name, value in table.items()}
