"""UnixFS over dag-pb: files and directories written in one canonical way, and read strictly."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Final, Literal

from node.content import protobuf
from node.content.cid import DAG_PB, RAW, Cid, parse_binary, sha256
from node.errors import ContentError

CHUNK: Final = 1 << 20
"""Bytes per leaf of a file: 1 MiB, as in the `unixfs-v1-2025` profile (IPIP-499)."""
MAX_LEAVES: Final = 1024
"""Leaves per file: one level of links, the profile's width, so files end at 1 GiB."""
MAX_BLOCK: Final = 2 << 20
"""The largest block that IPFS nodes exchange (Bitswap's message limit): 2 MiB."""

_DIRECTORY: Final = 1
_FILE: Final = 2


@dataclass(frozen=True, slots=True)
class Target:
    """What a link points at: `tsize` is the bytes of its block and of all blocks below (dag-pb, Tsize)."""

    cid: Cid
    tsize: int


@dataclass(frozen=True, slots=True)
class Link:
    """One link of a dag-pb block; `name` is empty for the pieces of a file."""

    name: str
    cid: Cid
    tsize: int


@dataclass(frozen=True, slots=True)
class Node:
    """A decoded dag-pb block. `sizes` holds the bytes of each piece of a file, in order."""

    kind: Literal["directory", "file"]
    links: tuple[Link, ...]
    sizes: tuple[int, ...] = ()


def file(content: bytes) -> tuple[Target, list[bytes]]:
    """A file and its blocks: one raw block up to 1 MiB, else 1 MiB leaves under one dag-pb block."""
    leaves = [content[at : at + CHUNK] for at in range(0, len(content), CHUNK)] or [b""]
    if len(leaves) == 1:
        return Target(Cid(RAW, sha256(content)), len(content)), leaves
    if len(leaves) > MAX_LEAVES:
        raise ContentError(f"a file of {len(content)} bytes; at most {CHUNK * MAX_LEAVES} are stored")
    links = [Link("", Cid(RAW, sha256(leaf)), len(leaf)) for leaf in leaves]
    block = _encode(Node("file", tuple(links), tuple(len(leaf) for leaf in leaves)))
    target = Target(Cid(DAG_PB, sha256(block)), len(block) + len(content))
    return target, [*leaves, block]


def directory(entries: Mapping[str, Target]) -> tuple[Target, list[bytes]]:
    """A directory of named targets, and its own block (the targets' blocks are the caller's).

    Links stand in ascending order of their names' UTF-8 bytes, whatever the order of `entries`.
    Raises ContentError for a name that is no path segment, or when the block would pass 2 MiB.
    """
    links = [Link(name, target.cid, target.tsize) for name, target in entries.items()]
    links.sort(key=lambda link: _name_bytes(link.name))
    block = _encode(Node("directory", tuple(links)))
    if len(block) > MAX_BLOCK:
        raise ContentError(f"a directory of {len(links)} entries does not fit a block of {MAX_BLOCK} bytes")
    return Target(Cid(DAG_PB, sha256(block)), len(block) + sum(link.tsize for link in links)), [block]


def links(block: bytes) -> tuple[Link, ...]:
    """The links of a dag-pb block, in order. Raises ContentError as `decode` does."""
    return decode(block).links


def decode(block: bytes) -> Node:
    """A dag-pb block as a UnixFS directory or file.

    Only the canonical spelling passes (dag-pb specification: links before data, minimal varints; here
    also names sorted and unique), which is checked by writing the node again: a block that passes is
    the only spelling of what it says. Any other bytes raise ContentError; none does more work than
    its length, capped at 2 MiB.
    """
    if len(block) > MAX_BLOCK:
        raise ContentError(f"a block of {len(block)} bytes; at most {MAX_BLOCK} are read")
    found: list[Link] = []
    payload: bytes | None = None
    for number, value in protobuf.fields(block):
        if number == 2 and isinstance(value, bytes):
            found.append(_link(value))
        elif number == 1 and isinstance(value, bytes) and payload is None:
            payload = value
        else:
            raise ContentError(f"field {number} has no place in a dag-pb block")
    if payload is None:
        raise ContentError("a dag-pb block without UnixFS content")
    node = _node(found, payload)
    if _encode(node) != block:
        raise ContentError("a dag-pb block not in canonical form")
    return node


def _node(found: Sequence[Link], payload: bytes) -> Node:
    values: dict[int, list[int]] = {}
    for number, value in protobuf.fields(payload):
        if not isinstance(value, int) or number not in (1, 3, 4):
            raise ContentError("UnixFS content of a kind that is not stored here")
        values.setdefault(number, []).append(value)
    kind, sizes = values.get(1), values.get(4, [])
    if kind == [_DIRECTORY]:
        names = [_name_bytes(link.name) for link in found]
        if any(first >= second for first, second in pairwise(names)):
            raise ContentError("a directory whose names are not sorted, or stand twice")
        return Node("directory", tuple(found))
    if kind == [_FILE] and len(found) == len(sizes) <= MAX_LEAVES:
        if any(link.name for link in found):
            raise ContentError("a file whose pieces have names")
        return Node("file", tuple(found), tuple(sizes))
    raise ContentError("neither a UnixFS directory nor a file of linked pieces")


def _link(message: bytes) -> Link:
    values = dict(protobuf.fields(message))
    binary, name, tsize = values.get(1), values.get(2), values.get(3)
    if not (isinstance(binary, bytes) and isinstance(name, bytes) and isinstance(tsize, int)):
        raise ContentError("a dag-pb link without hash, name or size")
    try:
        return Link(name.decode("utf-8"), parse_binary(binary), tsize)
    except UnicodeDecodeError:
        raise ContentError("a dag-pb link whose name is not UTF-8") from None


def _encode(node: Node) -> bytes:
    out = bytearray()
    for link in node.links:
        name = link.name.encode("utf-8")
        message = protobuf.octets(1, link.cid.binary) + protobuf.octets(2, name)
        out += protobuf.octets(2, message + protobuf.integer(3, link.tsize))
    if node.kind == "directory":
        payload = protobuf.integer(1, _DIRECTORY)
    else:
        payload = protobuf.integer(1, _FILE) + protobuf.integer(3, sum(node.sizes))
        payload += b"".join(protobuf.integer(4, size) for size in node.sizes)
    return bytes(out + protobuf.octets(1, payload))


def _name_bytes(name: str) -> bytes:
    try:
        encoded = name.encode("utf-8")
    except UnicodeEncodeError:
        raise ContentError(f"not a name for a directory entry: {name!r}") from None
    if not 0 < len(encoded) <= 255 or name in (".", "..") or "/" in name or "\0" in name:
        raise ContentError(f"not a name for a directory entry: {name!r}")
    return encoded
