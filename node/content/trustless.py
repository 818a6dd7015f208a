"""What a trustless gateway is asked for beside files: raw blocks and CARs, and how it is asked (IPIP-402, IPIP-412)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Literal

from node.content.car import CONTENT_TYPE
from node.content.cid import RAW, Cid
from node.content.dag import Listing
from node.content.store import BlockStore
from node.content.unixfs import decode
from node.content.walk import Walk
from node.errors import ContentError

RAW_TYPE: Final = "application/vnd.ipld.raw"
"""The registered media type of one block."""
PROBE: Final = "bafkqaaa"
"""The empty identity CID, which a client asks for to learn whether this is a trustless gateway."""
PROBE_CAR: Final = bytes.fromhex("19a265726f6f747381d82a450001550000" + "6776657273696f6e01")
"""A CAR without blocks whose root is the probe's CID: (01 55 00 00) as DAG-CBOR has it."""

_SCOPES: Final = ("all", "entity", "block")
_FORMATS: Final = {"raw": RAW_TYPE, "car": CONTENT_TYPE}


class UnacceptableError(ContentError):
    """A form of answer that is not given here (HTTP 406)."""


@dataclass(frozen=True, slots=True)
class Wish:
    """How content is asked for: a file ("") or its proof; `span` are the first and last byte of an entity."""

    form: Literal["", "raw", "car"] = ""
    scope: str = "all"
    span: tuple[int, int | None] | None = None
    repeat: bool = False
    explicit: bool = True

    @property
    def content_type(self) -> str:
        """The content type of the answer to a request for a CAR, with all parameters that are settled."""
        return f"{CONTENT_TYPE}; version=1; order=dfs; dups={'y' if self.repeat else 'n'}"

    @property
    def etag(self) -> str:
        """What sets the ETag of a CAR apart from those of other scopes and forms."""
        span = "" if self.span is None else f".{self.span[0]}-{'' if self.span[1] is None else self.span[1]}"
        return f"car.{self.scope}{span}{'.dups' if self.repeat else ''}"


def read_wish(query: Mapping[str, str], accept: str) -> Wish:
    """What a request asks for by its query, or, where that names no format, by its Accept header.

    Raises ContentError for a query that means nothing, UnacceptableError for a form that is not given here.
    """
    form, parameters = query.get("format", ""), dict[str, str]()
    if form not in ("", *_FORMATS):
        raise ContentError(f"format {form[:40]!r} is not served; there are: raw, car")
    if not form:
        form, parameters = _accepted(accept)
    explicit = "format" in query
    if form != "car":
        return Wish("raw" if form == "raw" else "", explicit=explicit)
    for name in ("version", "order", "dups"):
        parameters[name] = query.get(f"car-{name}", parameters.get(name, ""))
    if parameters["version"] not in ("", "1"):
        raise UnacceptableError(f"CAR version {parameters['version'][:20]!r} is not served; the one there is: 1")
    if parameters["order"] not in ("", "dfs", "unk"):
        raise UnacceptableError(f"order {parameters['order'][:20]!r} is not served; the one there is: dfs")
    if parameters["dups"] not in ("", "n", "y"):
        raise UnacceptableError(f"dups {parameters['dups'][:20]!r} is not served; there are: n, y")
    scope, span = query.get("dag-scope", "all"), None
    if scope not in _SCOPES:
        raise ContentError(f"dag-scope {scope[:20]!r} is not served; there are: {', '.join(_SCOPES)}")
    if (wanted := query.get("entity-bytes")) is not None:
        scope, span = "entity", _span(wanted)
    return Wish("car", scope, span, parameters["dups"] == "y", explicit)


def plan(store: BlockStore, path: Sequence[Cid], wish: Wish, listed: Listing) -> Walk:
    """The walk that answers a wish: `path` are the CIDs from the root to what is asked for, `listed` remembers.

    Raises MissingBlockError where a block that decides it is not stored, ContentError where one is malformed.
    """
    *before, target = path
    if wish.scope == "all":
        return Walk([target], alone=before, repeat=wish.repeat)
    if target.codec == RAW or wish.scope == "block" or listed(target) is not None:
        return Walk([], alone=path, repeat=wish.repeat)
    return Walk([], alone=[*path, *_leaves(store, target, wish.span)], repeat=wish.repeat)


def _leaves(store: BlockStore, file: Cid, span: tuple[int, int | None] | None) -> list[Cid]:
    node = decode(store.get(file.digest))
    size = sum(node.sizes)
    first, last = span or (0, None)
    first = max(0, size + first) if first < 0 else first
    last = size - 1 if last is None else size + last if last < 0 else last
    chosen, at = [], 0
    for link, length in zip(node.links, node.sizes, strict=True):
        if at <= last and first < at + length and first <= last:
            chosen.append(link.cid)
        at += length
    return chosen


def _span(text: str) -> tuple[int, int | None]:
    first, _, last = text.partition(":")
    try:
        if max(len(first), len(last)) > 20:
            raise ValueError
        return int(first), None if last == "*" else int(last)
    except ValueError:
        raise ContentError(f"entity-bytes {text[:50]!r} is no range of bytes; write 0:1023 or 0:*") from None


def _accepted(accept: str) -> tuple[str, dict[str, str]]:
    """The form that an Accept header prefers, and its parameters; none of those here means a file."""
    best, chosen, parameters = 0.0, "", dict[str, str]()
    for each in accept.split(",")[:32]:
        kind, *rest = (part.strip() for part in each.split(";"))
        found = {name.strip(): value.strip().strip('"') for name, _, value in (part.partition("=") for part in rest)}
        form = next((form for form, known in _FORMATS.items() if kind.lower() == known), "")
        if form and (weight := _weight(found.pop("q", "1"))) > best:
            best, chosen, parameters = weight, form, found
    return chosen, parameters


def _weight(text: str) -> float:
    try:
        return min(1.0, float(text)) if len(text) < 8 else 0.0
    except ValueError:
        return 0.0
