"""CIDv1 in its one form here: sha2-256, codec raw or dag-pb, base32 lower case."""

from __future__ import annotations

import base64
import binascii
import hashlib
from typing import Final, NamedTuple

from node.errors import ContentError

RAW: Final = 0x55
"""Codec of a block that is plain bytes (multicodec table)."""
DAG_PB: Final = 0x70
"""Codec of a block that holds links: UnixFS directories and files of several pieces."""

_MULTIHASH: Final = b"\x12\x20"
_LENGTH: Final = 36
_TEXT_LENGTH: Final = 59


class Cid(NamedTuple):
    """A codec (`RAW` or `DAG_PB`) and the 32-byte sha2-256 digest of the block."""

    codec: int
    digest: bytes

    @property
    def binary(self) -> bytes:
        """The 36 bytes: version 1, codec, multihash code 0x12, length 32, digest (CID specification)."""
        return bytes((1, self.codec)) + _MULTIHASH + self.digest

    def __str__(self) -> str:
        return "b" + base64.b32encode(self.binary).decode("ascii").rstrip("=").lower()


def sha256(block: bytes) -> bytes:
    """The 32-byte digest that names a block."""
    return hashlib.sha256(block).digest()


def raw_cid(digest: bytes) -> str:
    """The CID of a raw block, 59 characters that begin with `bafkrei`."""
    return str(_cid(RAW, digest))


def directory_cid(digest: bytes) -> str:
    """The CID of a dag-pb block, 59 characters that begin with `bafybei`."""
    return str(_cid(DAG_PB, digest))


def parse(text: str) -> Cid:
    """The codec and digest of a CID in exactly the form that this module writes.

    Raises ContentError for any other text: other versions, bases, codecs, hashes, upper case, or
    padding bits that are not zero, so that one block never has two names.
    """
    if len(text) != _TEXT_LENGTH or text[0] != "b" or not text.isascii() or text != text.lower():
        raise ContentError(f"not a CIDv1 in lower-case base32: {text[:80]!r}")
    try:
        binary = base64.b32decode(text[1:].upper() + "=" * 6)
    except binascii.Error:
        raise ContentError(f"not a CIDv1 in lower-case base32: {text!r}") from None
    cid = parse_binary(binary)
    if str(cid) != text:
        raise ContentError(f"CID with stray bits at its end: {text!r}")
    return cid


def parse_binary(binary: bytes) -> Cid:
    """The codec and digest of a 36-byte CID. Raises ContentError for anything else."""
    if len(binary) != _LENGTH or binary[0] != 1 or binary[2:4] != _MULTIHASH:
        raise ContentError("not a CIDv1 with a sha2-256 digest")
    return _cid(binary[1], bytes(binary[4:]))


def _cid(codec: int, digest: bytes) -> Cid:
    if codec not in (RAW, DAG_PB):
        raise ContentError(f"codec 0x{codec:02x} is neither raw (0x55) nor dag-pb (0x70)")
    if len(digest) != 32:
        raise ContentError(f"a sha2-256 digest has 32 bytes, not {len(digest)}")
    return Cid(codec, bytes(digest))
