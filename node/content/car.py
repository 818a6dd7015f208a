"""CARv1 files: roots and blocks one after another, written in one way and read strictly."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import BinaryIO, Final

from node.content import protobuf
from node.content.cid import Cid, parse_binary, sha256
from node.content.unixfs import MAX_BLOCK
from node.errors import ContentError

CONTENT_TYPE: Final = "application/vnd.ipld.car"
"""The registered media type (IANA, application/vnd.ipld.car)."""
MAX_ROOTS: Final = 10_000
"""Roots that a header is read with; a feed's kept history has a tenth of that."""

_CID: Final = 36
_VARINT: Final = 10
# DAG-CBOR: a map of two pairs, the shorter key first; a CID is tag 42 on a byte string behind a zero byte.
_MAP: Final = b"\xa2\x65roots"
_VERSION: Final = b"\x67version\x01"
_LINK: Final = b"\xd8\x2a\x58\x25\x00"
_ARRAY: Final = 4 << 5
_MAX_HEADER: Final = len(_MAP) + 9 + MAX_ROOTS * (len(_LINK) + _CID) + len(_VERSION)


def header(roots: Sequence[Cid]) -> bytes:
    """The first bytes of a file: the header's length and the header (CARv1 specification, Header).

    Raises ContentError for no roots at all, or more than `MAX_ROOTS`.
    """
    if not 1 <= len(roots) <= MAX_ROOTS:
        raise ContentError(f"a CAR of {len(roots)} roots; 1 to {MAX_ROOTS} are possible")
    links = b"".join(_LINK + root.binary for root in roots)
    body = _MAP + _count(len(roots)) + links + _VERSION
    return protobuf.varint(len(body)) + body


def section(cid: Cid, block: bytes) -> bytes:
    """One block as it stands in the file. Raises ContentError if the block is not what its CID says."""
    return section_head(cid, block) + block


def section_head(cid: Cid, block: bytes) -> bytes:
    """What stands before a block: the length of CID and block, and the CID. Raises ContentError as `section` does."""
    if sha256(block) != cid.digest:
        raise ContentError(f"block {cid} does not hash to its name")
    return protobuf.varint(_CID + len(block)) + cid.binary


def section_size(size: int) -> int:
    """Bytes that a block of `size` bytes takes in a file."""
    return len(protobuf.varint(_CID + size)) + _CID + size


class CarReader:
    """Reads a file from its start, one block in memory at a time.

        with path.open("rb") as file:
            car = CarReader(file)
            for cid, block in car:
                ...

    Only what `header` and `section` write passes: version 1, at least one root, CIDs in the one form of
    node.content.cid, blocks of at most 2 MiB that hash to their CIDs, nothing between or behind them. All else
    raises ContentError; a header never makes it read or hold more than about 400 kB.
    """

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self._at = 0
        length = self._length()
        if length is None:
            raise ContentError("an empty file is no CAR")
        if length > _MAX_HEADER:
            raise ContentError(f"a CAR whose header claims {length} bytes; at most {_MAX_HEADER} are read")
        self.roots = _roots(self._exactly(length, "header"))

    @property
    def at(self) -> int:
        """The offset in the file up to which it was read."""
        return self._at

    def __iter__(self) -> Iterator[tuple[Cid, bytes]]:
        while (length := self._length()) is not None:
            if not _CID <= length <= _CID + MAX_BLOCK:
                raise ContentError(
                    f"a CAR with a section of {length} bytes at byte {self._at}; blocks of 0 to {MAX_BLOCK} bytes "
                    f"behind a CID of {_CID} are read"
                )
            whole = self._exactly(length, "block")
            cid, block = parse_binary(whole[:_CID]), whole[_CID:]
            if sha256(block) != cid.digest:
                raise ContentError(f"a CAR whose block {cid} does not hash to its name")
            yield cid, block

    def _length(self) -> int | None:
        """The next varint, or None at the file's end."""
        raw = b""
        while len(raw) < _VARINT:
            byte = self._file.read(1)
            if not byte:
                break
            raw += byte
            if byte[0] < 0x80:
                self._at += len(raw)
                number, _ = protobuf.read_varint(raw, 0)
                return number
        if raw:
            raise ContentError(f"a CAR that breaks off, or is none, at byte {self._at}")
        return None

    def _exactly(self, length: int, what: str) -> bytes:
        found = self._file.read(length)
        if len(found) < length:
            raise ContentError(f"a CAR that breaks off in its {what} at byte {self._at}")
        self._at += length
        return found


def _count(number: int) -> bytes:
    """The head of a CBOR array, in its shortest form (RFC 8949, section 4.2.1)."""
    if number < 24:
        return bytes((_ARRAY | number,))
    if number < 1 << 8:
        return bytes((_ARRAY | 24, number))
    return bytes((_ARRAY | 25,)) + number.to_bytes(2)


def _roots(body: bytes) -> tuple[Cid, ...]:
    """The roots of a header; ContentError unless it is exactly what `header` writes."""
    size = len(_LINK) + _CID
    for head in (1, 2, 3):
        start = len(_MAP) + head
        links = body[start : -len(_VERSION)]
        if len(links) % size == 0 and _is_count(body[len(_MAP) : start], len(links) // size):
            break
    else:
        raise ContentError("a CAR whose header is not that of version 1 with plain roots")
    chunks = [links[at : at + size] for at in range(0, len(links), size)]
    if any(not chunk.startswith(_LINK) for chunk in chunks):
        raise ContentError("a CAR whose roots are not CIDv1 with a sha2-256 digest")
    roots = tuple(parse_binary(chunk[len(_LINK) :]) for chunk in chunks)
    if header(roots) != protobuf.varint(len(body)) + body:
        raise ContentError("a CAR whose header is not that of version 1 in canonical DAG-CBOR")
    return roots


def _is_count(head: bytes, number: int) -> bool:
    return number <= MAX_ROOTS and head == _count(number)
