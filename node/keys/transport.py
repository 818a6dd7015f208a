"""The node's transport key: Ed25519 for gossip envelopes, in an encrypted PKCS #8 PEM file."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Self

from node.bounded import read_at_most
from node.errors import KeyFileError
from node.keys.files import create_private
from node.keys.redaction import redactor
from node.keys.secrets import Secret, read_text

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey


def public_bytes(key: Ed25519PrivateKey) -> bytes:
    """The 32-byte public key, as the committee lists it (`bytes32`)."""
    return key.public_key().public_bytes_raw()


_MAX_PUBLIC = 1 << 10


class TransportKeyFile:
    """One encrypted key file, and beside it `<name>.pub`: the public key as 0x-hex, so that it needs no password."""

    def __init__(self, path: Path) -> None:
        self.path = path

    @property
    def public_path(self) -> Path:
        """Where the public key is written."""
        return self.path.with_suffix(".pub")

    @classmethod
    def create(cls, path: Path, password: Secret) -> Self:
        """Make a new random key. Raises KeyFileError where `path` or its `.pub` exists."""
        from cryptography.hazmat.primitives import serialization
        from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

        file = cls(path)
        if file.public_path.exists():
            raise KeyFileError(f"{file.public_path}: exists already, and is never overwritten")
        key = Ed25519PrivateKey.generate()
        pem = key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.BestAvailableEncryption(password.reveal().encode()),
        )
        create_private(path, pem)
        create_private(file.public_path, f"0x{public_bytes(key).hex()}\n".encode())
        return file

    @property
    def public_key(self) -> bytes:
        """The 32-byte public key, from the `.pub` file: no password needed."""
        try:
            public = bytes.fromhex(read_at_most(self.public_path, _MAX_PUBLIC).decode().strip().removeprefix("0x"))
        except OSError as error:
            raise KeyFileError(f"{self.public_path}: cannot be read ({error.strerror})") from None
        except ValueError:
            raise KeyFileError(
                f"{self.public_path}: not a public key in hex; restore it, or make new keys with: patina keys new"
            ) from None
        if len(public) != 32:
            raise KeyFileError(f"{self.public_path}: an Ed25519 public key has 32 bytes, not {len(public)}")
        return public

    def unlock(self, password: Secret) -> Ed25519PrivateKey:
        """Decrypt. Raises KeyFileError for a wrong password, a damaged file or a key of another kind."""
        from cryptography.exceptions import UnsupportedAlgorithm
        from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
        from cryptography.hazmat.primitives.serialization import load_pem_private_key

        pem = read_text(self.path).encode()
        try:
            key = load_pem_private_key(pem, password.reveal().encode())
        except TypeError:
            raise KeyFileError(
                f"{self.path}: this key is not encrypted; make an encrypted one with: patina keys new"
            ) from None
        except (ValueError, UnsupportedAlgorithm):
            raise KeyFileError(f"{self.path}: the password is wrong, or the file is damaged") from None
        if not isinstance(key, Ed25519PrivateKey):
            raise KeyFileError(f"{self.path}: not an Ed25519 key")
        redactor.add(key.private_bytes_raw())
        if self.public_path.exists() and self.public_key != public_bytes(key):
            raise KeyFileError(f"{self.public_path}: is not the public half of {self.path}")
        return key
