"""Keeps the secrets that editions are revealed with: written before anything names their commitments."""

from __future__ import annotations

import os
from pathlib import Path

from node.errors import PatinaError
from node.keys.files import create_private
from node.keys.redaction import redactor
from node.keys.secrets import read_secret

_BYTES = 32


class Secrets:
    """A folder with one file for each secret, named by its commitment.

    Who loses one cannot reveal its edition; who is shown one before the reveal block can know the seed before others.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def new(self) -> bytes:
        """Draw a secret, keep it, and return its commitment (keccak256, 32 bytes). KeyFileError."""
        from eth_utils.crypto import keccak

        secret = os.urandom(_BYTES)
        redactor.add(secret.hex())
        commitment = keccak(secret)
        create_private(self.path(commitment), secret.hex().encode() + b"\n")
        return commitment

    def find(self, commitment: bytes) -> bytes:
        """The 32-byte secret of a commitment. PatinaError where it is not here, or is another's."""
        from eth_utils.crypto import keccak

        path = self.path(commitment)
        if not path.exists():
            raise PatinaError(
                f"{path}: the edition's secret is not here; run this where the edition was opened, or bring that file"
            )
        try:
            secret = bytes.fromhex(read_secret(path).reveal().strip())
        except ValueError:
            secret = b""
        if len(secret) != _BYTES or keccak(secret) != commitment:
            raise PatinaError(f"{path}: is not the secret of this edition; restore it from a copy")
        return secret

    def path(self, commitment: bytes) -> Path:
        """Where the secret of a commitment is kept."""
        return self.folder / f"{commitment.hex()}.secret"
