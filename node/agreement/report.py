"""The report, and its EIP-712 digest: what a committee signs and the oracle contract checks."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final, NamedTuple

from eth_hash.auto import keccak

from node.errors import AgreementError

DOMAIN_NAME: Final = "Patina"
DOMAIN_VERSION: Final = "1"
REPORT_TYPE: Final = (
    "Report(uint256 feed,uint64 checkpoint,bytes32 blockHash,uint8 view,uint256 observers,"
    "int256[] observations,int256[] signals,bytes32 contentRoot)"
)
DOMAIN_TYPE: Final = "EIP712Domain(string name,string version,uint256 chainId,address verifyingContract,bytes32 salt)"
_REPORT_TYPEHASH: Final = keccak(REPORT_TYPE.encode())
_DOMAIN_TYPEHASH: Final = keccak(DOMAIN_TYPE.encode())
_NAME_HASH: Final = keccak(DOMAIN_NAME.encode())
_VERSION_HASH: Final = keccak(DOMAIN_VERSION.encode())


@dataclass(frozen=True, slots=True)
class Domain:
    """The EIP-712 domain: `oracle` is an address string, `config_digest` (32 bytes) the salt."""

    chain_id: int
    oracle: str
    config_digest: bytes


@dataclass(frozen=True, slots=True)
class Report:
    """One agreed observation set and the content root that it leads to.

    `observers` is a bitmap of committee indices; `observations` are those nodes' answers (wads) in
    ascending order; `signals` are medians (wads); `content_root` of 32 zero bytes leaves artworks as they are.
    """

    feed: int
    checkpoint: int
    block_hash: bytes
    view: int
    observers: int
    observations: tuple[int, ...]
    signals: tuple[int, ...]
    content_root: bytes


class Statement(NamedTuple):
    """A report as EIP-712 hashes it, its arrays as their hashes: all that a signature over it says.

    `observations_hash` and `signals_hash` are keccak256 of the elements' 32-byte encodings, one after another. The
    fields are in the order of the report's type, as contracts take them.
    """

    feed: int
    checkpoint: int
    block_hash: bytes
    view: int
    observers: int
    observations_hash: bytes
    signals_hash: bytes
    content_root: bytes


def _unsigned(value: int, bits: int, name: str) -> bytes:
    if not 0 <= value < 1 << bits:
        raise AgreementError(f"report: {name} = {value} does not fit in uint{bits}")
    return value.to_bytes(32, "big")


def _signed(value: int, name: str) -> bytes:
    if not -(1 << 255) <= value < 1 << 255:
        raise AgreementError(f"report: {name} = {value} does not fit in int256")
    return value.to_bytes(32, "big", signed=True)


def _array(values: Sequence[int], name: str) -> bytes:
    return keccak(b"".join(_signed(value, name) for value in values))


def _bytes32(value: bytes, name: str) -> bytes:
    if len(value) != 32:
        raise AgreementError(f"report: {name} has {len(value)} bytes, not 32")
    return value


def address_bytes(address: str) -> bytes:
    """The 20 bytes of a 0x-prefixed hexadecimal address; AgreementError if it is not one."""
    try:
        raw = bytes.fromhex(address.removeprefix("0x"))
    except ValueError:
        raw = b""
    if len(raw) != 20 or not address.startswith("0x"):
        raise AgreementError(f"not an address: {address!r}")
    return raw


@lru_cache(maxsize=16)
def domain_separator(domain: Domain) -> bytes:
    """`hashStruct(eip712Domain)` of EIP-712, 32 bytes."""
    return keccak(
        _DOMAIN_TYPEHASH
        + _NAME_HASH
        + _VERSION_HASH
        + _unsigned(domain.chain_id, 256, "chain id")
        + address_bytes(domain.oracle).rjust(32, b"\0")
        + _bytes32(domain.config_digest, "config digest")
    )


def statement_of(report: Report) -> Statement:
    """What a signature over the report says; AgreementError if an element of its arrays is no int256."""
    return Statement(
        report.feed,
        report.checkpoint,
        report.block_hash,
        report.view,
        report.observers,
        _array(report.observations, "observation"),
        _array(report.signals, "signal"),
        report.content_root,
    )


def encode_statement(statement: Statement) -> bytes:
    """The statement's eight words, as `abi.encode` gives them; AgreementError if a field does not fit its type."""
    return (
        _unsigned(statement.feed, 256, "feed")
        + _unsigned(statement.checkpoint, 64, "checkpoint")
        + _bytes32(statement.block_hash, "block hash")
        + _unsigned(statement.view, 8, "view")
        + _unsigned(statement.observers, 256, "observers")
        + _bytes32(statement.observations_hash, "hash of the observations")
        + _bytes32(statement.signals_hash, "hash of the signals")
        + _bytes32(statement.content_root, "content root")
    )


def struct_hash(report: Report) -> bytes:
    """`hashStruct(report)` of EIP-712 (arrays: the hash of their elements' encodings), 32 bytes."""
    return keccak(_REPORT_TYPEHASH + encode_statement(statement_of(report)))


def statement_digest(domain: Domain, statement: Statement) -> bytes:
    """The EIP-712 digest of the statement's report, 32 bytes; AgreementError if a field does not fit its type."""
    return keccak(b"\x19\x01" + domain_separator(domain) + keccak(_REPORT_TYPEHASH + encode_statement(statement)))


@lru_cache(maxsize=256)
def report_digest(domain: Domain, report: Report) -> bytes:
    """The 32 bytes that committee members sign; AgreementError if a field does not fit its Solidity type."""
    return statement_digest(domain, statement_of(report))


def typed_data(domain: Domain, report: Report) -> dict[str, Any]:
    """The same as `eth_signTypedData_v4` input: hexadecimal strings for bytes, decimal strings for integers.

    Decimal strings, because wads and bitmaps do not survive a JSON reader whose numbers are doubles.
    """
    return {
        "types": {"EIP712Domain": _members(DOMAIN_TYPE), "Report": _members(REPORT_TYPE)},
        "primaryType": "Report",
        "domain": {
            "name": DOMAIN_NAME,
            "version": DOMAIN_VERSION,
            "chainId": domain.chain_id,
            "verifyingContract": domain.oracle,
            "salt": "0x" + domain.config_digest.hex(),
        },
        "message": {
            "feed": str(report.feed),
            "checkpoint": str(report.checkpoint),
            "blockHash": "0x" + report.block_hash.hex(),
            "view": str(report.view),
            "observers": str(report.observers),
            "observations": [str(value) for value in report.observations],
            "signals": [str(value) for value in report.signals],
            "contentRoot": "0x" + report.content_root.hex(),
        },
    }


def _members(type_string: str) -> list[dict[str, str]]:
    inside = type_string[type_string.index("(") + 1 : -1]
    pairs = (member.split(" ") for member in inside.split(","))
    return [{"name": name, "type": kind} for kind, name in pairs]
