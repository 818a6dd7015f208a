"""Evidence of equivocation: two signatures of one key over two reports of one view, and the file that carries them."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Final, NamedTuple

import msgspec

from node.agreement.report import Domain, Statement, encode_statement, statement_digest
from node.agreement.signature import recover
from node.errors import AgreementError, PatinaError, printable

if TYPE_CHECKING:
    from pathlib import Path

FORMAT: Final = "patina equivocation evidence"
VERSION: Final = 1
FOLDER: Final = "evidence"
"""The folder, inside the node's own, into which the node writes what it finds."""
MAX_BYTES: Final = 64 * 1024
_WORD: Final = 32
_HEX: Final = re.compile("0x(?:[0-9a-f]{2})*")


class Signed(NamedTuple):
    """A statement and a signature over it: 64 bytes of EIP-2098."""

    statement: Statement
    signature: bytes


@dataclass(frozen=True, slots=True)
class Evidence:
    """That `signer` signed two reports of one (configuration, feed, checkpoint, view).

    `staking` is the contract that may punish it, None where the oracle has none.
    """

    chain_id: int
    oracle: str
    config_digest: bytes
    signer: str
    first: Signed
    second: Signed
    staking: str | None = None

    @property
    def place(self) -> tuple[int, int, int]:
        """Feed, checkpoint and view."""
        return place_of(self.first.statement)

    @property
    def name(self) -> str:
        """The name of its file."""
        feed, checkpoint, view = self.place
        return f"{self.signer}-{feed}-{checkpoint}-{view}.json"

    def check(self) -> None:
        """Nothing, if the evidence proves what it says; AgreementError otherwise, which says what is missing."""
        if place_of(self.first.statement) != place_of(self.second.statement):
            raise AgreementError("evidence: the statements are not about one feed, checkpoint and view")
        domain = Domain(self.chain_id, self.oracle, self.config_digest)
        digests = [statement_digest(domain, each.statement) for each in (self.first, self.second)]
        if digests[0] == digests[1]:
            raise AgreementError("evidence: both statements are the same: signing one twice is no offence")
        for digest, each in zip(digests, (self.first, self.second), strict=True):
            found = recover(digest, each.signature)
            if found != self.signer:
                raise AgreementError(f"evidence: a signature is {found}'s, not {self.signer}'s")


def place_of(statement: Statement) -> tuple[int, int, int]:
    """Feed, checkpoint and view: a key signs one statement for each."""
    return statement.feed, statement.checkpoint, statement.view


def pack_statement(statement: Statement) -> bytes:
    """The statement as 256 bytes, for the journal."""
    return encode_statement(statement)


def unpack_statement(raw: bytes) -> Statement:
    """The statement of 256 bytes; AgreementError for any others."""
    if len(raw) != 8 * _WORD:
        raise AgreementError(f"a statement has {8 * _WORD} bytes, not {len(raw)}")
    words = [raw[at : at + _WORD] for at in range(0, len(raw), _WORD)]
    numbers = [int.from_bytes(word, "big") for word in words]
    found = Statement(numbers[0], numbers[1], words[2], numbers[3], numbers[4], *words[5:])
    encode_statement(found)
    return found


_Hash = Annotated[str, msgspec.Meta(min_length=66, max_length=66)]
_Signature = Annotated[str, msgspec.Meta(min_length=130, max_length=130)]
_Address = Annotated[str, msgspec.Meta(pattern="^0x[0-9a-fA-F]{40}$")]
_Count = Annotated[int, msgspec.Meta(ge=0)]


class _Statement(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    feed: _Count
    checkpoint: _Count
    block_hash: _Hash
    view: Annotated[int, msgspec.Meta(ge=0, le=255)]
    observers: _Count
    observations_hash: _Hash
    signals_hash: _Hash
    content_root: _Hash
    signature: _Signature


class _Document(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    format: str
    version: int
    chain_id: Annotated[int, msgspec.Meta(ge=1)]
    oracle: _Address
    staking: _Address | None
    config_digest: _Hash
    signer: _Address
    statements: Annotated[tuple[_Statement, ...], msgspec.Meta(min_length=2, max_length=2)]


def encode_evidence(evidence: Evidence) -> bytes:
    """The file's bytes: JSON with two spaces of indentation."""
    document = _Document(
        format=FORMAT,
        version=VERSION,
        chain_id=evidence.chain_id,
        oracle=evidence.oracle,
        staking=evidence.staking,
        config_digest="0x" + evidence.config_digest.hex(),
        signer=evidence.signer,
        statements=tuple(_written(each) for each in (evidence.first, evidence.second)),
    )
    return msgspec.json.format(msgspec.json.encode(document), indent=2) + b"\n"


def decode_evidence(raw: bytes) -> Evidence:
    """The evidence of a file's bytes, checked; AgreementError where it is malformed or proves nothing."""
    from eth_utils.address import to_checksum_address

    try:
        document = msgspec.json.decode(raw, type=_Document)
    except (msgspec.MsgspecError, RecursionError, UnicodeDecodeError) as error:
        raise AgreementError(f"evidence: not a file of this format ({printable(str(error))})") from None
    if document.format != FORMAT or document.version != VERSION:
        told = printable(f"{document.format!r}, version {document.version}")
        raise AgreementError(f"evidence: of format {told}; known is {FORMAT!r}, version {VERSION}")
    first, second = (_read(each) for each in document.statements)
    found = Evidence(
        chain_id=document.chain_id,
        oracle=str(to_checksum_address(document.oracle)),
        config_digest=_octets(document.config_digest),
        signer=str(to_checksum_address(document.signer)),
        first=first,
        second=second,
        staking=None if document.staking is None else str(to_checksum_address(document.staking)),
    )
    found.check()
    return found


def write_evidence(folder: Path, evidence: Evidence) -> Path:
    """Write the evidence into a folder, whole or not at all; its path. PatinaError when it cannot be written."""
    import os

    path = folder / evidence.name
    part = path.with_suffix(".part")
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        with part.open("wb") as file:
            file.write(encode_evidence(evidence))
            file.flush()
            os.fsync(file.fileno())
        part.replace(path)
    except OSError as error:
        raise PatinaError(f"evidence {path}: {error.strerror}") from None
    return path


def read_evidence(path: Path) -> Evidence:
    """The evidence in a file, checked; PatinaError where it cannot be read or proves nothing."""
    try:
        with path.open("rb") as file:
            raw = file.read(MAX_BYTES + 1)
    except OSError as error:
        raise PatinaError(f"evidence {path}: {error.strerror}") from None
    if len(raw) > MAX_BYTES:
        raise PatinaError(f"evidence {path}: more than {MAX_BYTES} bytes")
    try:
        return decode_evidence(raw)
    except AgreementError as error:
        raise PatinaError(f"{path}: {error}") from None


def _written(signed: Signed) -> _Statement:
    values = {
        name: "0x" + value.hex() if isinstance(value, bytes) else value
        for name, value in signed.statement._asdict().items()
    }
    return msgspec.convert({**values, "signature": "0x" + signed.signature.hex()}, _Statement)


def _read(found: _Statement) -> Signed:
    statement = Statement(
        found.feed,
        found.checkpoint,
        _octets(found.block_hash),
        found.view,
        found.observers,
        _octets(found.observations_hash),
        _octets(found.signals_hash),
        _octets(found.content_root),
    )
    return Signed(statement, _octets(found.signature))


def _octets(text: str) -> bytes:
    if not _HEX.fullmatch(text):
        raise AgreementError("evidence: hexadecimal digits are written 0x and in lower case")
    return bytes.fromhex(text[2:])
