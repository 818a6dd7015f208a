"""The slashing protection as a file: read strictly, written privately, the same bytes for the same knowledge."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Final, TypeVar

import msgspec

from node.bounded import read_at_most
from node.errors import JournalError, printable
from node.keys.files import create_private

FORMAT: Final = "patina slashing protection"
VERSION: Final = 2
"""Version 2 added marks."""
READABLE: Final = (1, 2)
MAX_BYTES: Final = 256 * 2**20
"""The longest file that is read; a round takes about 300 bytes."""

Natural = Annotated[int, msgspec.Meta(ge=0, le=2**63 - 1)]
Height = Annotated[int, msgspec.Meta(ge=-1, le=2**63 - 1)]
View = Annotated[int, msgspec.Meta(ge=-1, le=255)]
Digest = Annotated[str, msgspec.Meta(pattern="^0x[0-9a-f]{64}$")]
Octets = Annotated[str, msgspec.Meta(pattern="^0x([0-9a-f]{2})*$", max_length=2 + 2 * 2**20)]
Address = Annotated[str, msgspec.Meta(pattern="^0x[0-9a-fA-F]{40}$")]

Held = TypeVar("Held")


class Attested(msgspec.Struct, forbid_unknown_fields=True, frozen=True, kw_only=True):
    """A signature that was given: the report's EIP-712 digest in a view."""

    view: Annotated[int, msgspec.Meta(ge=0, le=255)]
    digest: Digest


class Promise(msgspec.Struct, forbid_unknown_fields=True, frozen=True, kw_only=True):
    """What bound the node in a round besides signatures; -1 where there is nothing."""

    left: View
    prepared_view: View
    prepared_digest: Digest
    lock_view: View
    lock: Octets


class Round(msgspec.Struct, forbid_unknown_fields=True, frozen=True, kw_only=True, omit_defaults=True):
    """All that bound the node in one round. `closed`: nothing more is ever signed in it."""

    feed: Natural
    checkpoint: Natural
    attestations: tuple[Attested, ...] = ()
    promise: Promise | None = None
    vote: Digest | None = None
    closed: bool = False


class Mark(msgspec.Struct, forbid_unknown_fields=True, frozen=True, kw_only=True):
    """Nothing is signed for the feed up to `checkpoint`, itself included: what was signed there is not told."""

    feed: Natural
    checkpoint: Natural


class Configuration(msgspec.Struct, forbid_unknown_fields=True, frozen=True, kw_only=True, omit_defaults=True):
    """The rounds under one config digest, and the marks below them."""

    config: Digest
    marks: tuple[Mark, ...] = ()
    rounds: tuple[Round, ...]


class Document(msgspec.Struct, forbid_unknown_fields=True, frozen=True, kw_only=True):
    """What one signing key has bound itself to on one oracle; nothing is signed up to `floor` (-1: no floor)."""

    format: str
    version: int
    signer: Address
    chain: Annotated[int, msgspec.Meta(ge=0)]
    oracle: Address
    floor: Height
    configurations: tuple[Configuration, ...]


class _Head(msgspec.Struct):
    format: str
    version: int


def write(path: Path, document: Document) -> None:
    """Write a new file, mode 0600, complete or not at all.

    Raises:
        KeyFileError: something stands at `path`.
        JournalError: it would be longer than what `read` takes; nothing is written.
    """
    raw = msgspec.json.format(msgspec.json.encode(document), indent=1) + b"\n"
    if len(raw) > MAX_BYTES:
        raise JournalError(f"{path}: it would be longer than {MAX_BYTES // 2**20} MiB, which no import reads")
    create_private(path, raw)


def read(path: Path) -> Document:
    """Read and check a whole file.

    Raises:
        JournalError: it cannot be read, is no protection file, is of another version, or names a round twice.
    """
    try:
        raw = read_at_most(path, MAX_BYTES)
    except OSError as error:
        raise JournalError(f"{path}: cannot be read ({error.strerror})") from None
    if len(raw) > MAX_BYTES:
        raise JournalError(f"{path}: longer than {MAX_BYTES // 2**20} MiB, so not a protection file")
    head = _decoded(path, raw, _Head)
    if head.format != FORMAT:
        raise JournalError(f"{path}: not a protection file (its format says {head.format[:40]!r})")
    if head.version not in READABLE:
        raise JournalError(
            f"{path}: version {head.version}, this node reads up to version {VERSION}: use a node of its age"
        )
    document = _decoded(path, raw, Document)
    _check_unique(path, document)
    return document


def _decoded(path: Path, raw: bytes, kind: type[Held]) -> Held:
    try:
        return msgspec.json.decode(raw, type=kind)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        # msgspec names places and types, never the file's own values: it may be any file at all, a key among them.
        raise JournalError(f"{path}: not a whole protection file: {printable(str(error))}") from None


def _check_unique(path: Path, document: Document) -> None:
    """Two entries for one thing would make what counts depend on their order."""
    configs = [each.config for each in document.configurations]
    if len(set(configs)) < len(configs):
        raise JournalError(f"{path}: names a configuration twice")
    for each in document.configurations:
        marked = [one.feed for one in each.marks]
        if len(set(marked)) < len(marked):
            raise JournalError(f"{path}: names a mark of configuration {each.config} twice")
        rounds = [(one.feed, one.checkpoint) for one in each.rounds]
        if len(set(rounds)) < len(rounds):
            raise JournalError(f"{path}: names a round of configuration {each.config} twice")
        for one in each.rounds:
            views = [attested.view for attested in one.attestations]
            if len(set(views)) < len(views):
                raise JournalError(f"{path}: feed {one.feed}, checkpoint {one.checkpoint}: names a view twice")
