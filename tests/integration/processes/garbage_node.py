"""A node that signs garbage: the ordinary program, whose report signatures are noise of the right length."""

from __future__ import annotations

import hashlib

from node.cli import main
from node.keys.signing import LocalSigner


def garbage(_: LocalSigner, digest: bytes) -> bytes:
    return hashlib.sha512(digest).digest()


LocalSigner.sign_digest = garbage  # type: ignore[method-assign]
main()
