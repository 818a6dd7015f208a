"""The oracle's configurations and its ledger of work: what is in force, what was before it, and who did what."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from node.chain import parse
from node.chain.calls import decoded
from node.chain.interface import interface
from node.chain.logs import Log
from node.errors import AgreementError, ChainError

if TYPE_CHECKING:
    from node.agreement.committee import Committee

PREVIOUS: Final = 1 << 255
"""The bit of `transmit`'s signers that says: under the configuration before the one in force."""
OVERLAP: Final = 3_600
"""Seconds of block time for which reports may land under it (the oracle's constant of that name)."""
NO_DIGEST: Final = bytes(32)
VIEWS: Final = (("configuration",), ("committee",), ("committee", True))
"""What `installed` reads: views of the oracle with their arguments, all of one block."""
_MAX_NODES = 31


class Configuration(NamedTuple):
    """What is in force: digests of 32 bytes, zeros where there is none.

    `number` is 0 for a committee that the owner set. Reports under `previous_digest` are taken in blocks with a
    timestamp below `until` (seconds).
    """

    config_digest: bytes
    number: int
    previous_digest: bytes
    until: int

    def overlaps(self, timestamp: int) -> bool:
        """Whether a report of the previous configuration may land in a block of this time."""
        return self.previous_digest != NO_DIGEST and timestamp < self.until


@dataclass(frozen=True, slots=True)
class Installed:
    """The configuration in force and the one before it, with their committees; None where there is none."""

    configuration: Configuration
    committee: Committee | None
    previous: Committee | None

    def of(self, config_digest: bytes) -> Committee | None:
        """The one of the two committees that has this digest."""
        found = [one for one in (self.committee, self.previous) if one and one.config_digest == config_digest]
        return found[0] if found else None


@dataclass(frozen=True, slots=True)
class ConfigSet:
    """A configuration came into force; an empty one (`n` 0, digest of zeros) ends all reporting."""

    config_digest: bytes
    n: int
    quorum: int
    number: int
    block_number: int
    block_hash: bytes
    tx_hash: bytes
    log_index: int


@dataclass(frozen=True, slots=True)
class Worked:
    """One record of the ledger: the oracle's `Worked` event and where it stands on chain.

    `number` is the configuration's; `observers` and `signers` are bitmaps of its members. Of an outcome of votes the
    transmitter is the zero address, and both gas figures (gas, and wei a gas) are 0.
    """

    feed: int
    checkpoint: int
    number: int
    observers: int
    signers: int
    transmitter: str
    gas_used: int
    gas_price: int
    block_number: int
    block_hash: bytes
    tx_hash: bytes
    log_index: int

    @property
    def record(self) -> tuple[int, int, int, int, int, str, int, int]:
        """The eight fields that the ledger hashes, in their order: a `Record` of the staking contract."""
        return (
            self.feed,
            self.checkpoint,
            self.number,
            self.observers,
            self.signers,
            self.transmitter,
            self.gas_used,
            self.gas_price,
        )


def configuration(values: Sequence[Any]) -> Configuration:
    """The oracle's `configuration()`; ChainError for numbers that no oracle answers."""
    config_digest, number, previous_digest, until = values
    parse.small(number, "a configuration's number")
    parse.small(until, "the end of a configuration")
    return Configuration(bytes(config_digest), number, bytes(previous_digest), until)


def installed(chain_id: int, oracle: str, results: Sequence[bytes | None]) -> Installed:
    """What calls of VIEWS returned; ChainError where a committee is not the one that its digest names."""
    contract = interface("StrategyOracle")
    values = decoded(contract, "configuration", results[0])
    if values is None:
        raise ChainError(f"{oracle} tells of no configuration: is it the oracle's address?")
    told = configuration(values)
    found = decoded(contract, "committee", results[1]), decoded(contract, "committee", results[2], 1)
    digests = told.config_digest, told.previous_digest
    committees = [_committee(chain_id, oracle, *pair) for pair in zip(found, digests, strict=True)]
    return Installed(told, *committees)


def _committee(chain_id: int, oracle: str, members: Any, digest: bytes) -> Committee | None:
    from node.agreement.committee import Committee

    if digest == NO_DIGEST:
        return None
    if members is None:
        raise ChainError(f"{oracle} has a config digest and does not tell whose it is")
    try:
        committee = Committee(chain_id, oracle, *members)
    except AgreementError as error:
        raise ChainError(f"{oracle}: {error}") from None
    if committee.config_digest != digest:
        raise ChainError(f"{oracle} has another config digest than its committee: another protocol version")
    return committee


def config_set(log: Log) -> ConfigSet:
    """The `ConfigSet` event in a log; UnavailableError for numbers that no oracle can log."""
    event = interface("StrategyOracle").event("ConfigSet", log.topics, log.payload)
    return ConfigSet(
        config_digest=event["config_digest"],
        n=parse.small(event["n"], "a committee's size", 5),
        quorum=parse.small(event["quorum"], "a quorum", 5),
        number=parse.small(event["number"], "a configuration's number"),
        **_place(log),
    )


def worked(log: Log) -> Worked:
    """The `Worked` event in a log; UnavailableError for numbers that no oracle can log."""
    event = interface("StrategyOracle").event("Worked", log.topics, log.payload)
    return Worked(
        feed=parse.small(event["feed"], "a record's feed"),
        checkpoint=parse.small(event["checkpoint"], "a record's checkpoint"),
        number=parse.small(event["number"], "a record's configuration"),
        observers=parse.small(event["observers"], "a record's observers", _MAX_NODES),
        signers=parse.small(event["signers"], "a record's signers", _MAX_NODES),
        transmitter=_address(event["transmitter"]),
        gas_used=parse.small(event["gas_used"], "a record's gas"),
        gas_price=event["gas_price"],
        **_place(log),
    )


def _place(log: Log) -> dict[str, Any]:
    return {
        "block_number": log.block_number,
        "block_hash": log.block_hash,
        "tx_hash": log.tx_hash,
        "log_index": log.index,
    }


def _address(raw: str) -> str:
    from eth_utils.address import to_checksum_address

    return str(to_checksum_address(raw))
