"""The deployment file: which contracts stand where on which chain, read whole or refused with one error."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final

from node.bounded import read_at_most
from node.deployment.fields import Fields
from node.errors import DeploymentError, printable

FORMAT: Final = 2
"""Format 1 had no staking, no genesis hash and no code hashes; nothing but the script that wrote it ever read it."""
PROTOCOL_VERSION: Final = 1
MAX_BYTES: Final = 1 << 20
MAX_NODES: Final = 31

ORACLE: Final = "oracle"
STAKING: Final = "staking"
STAKE_TOKEN: Final = "stake_token"  # noqa: S105 - no password
COLLECTION: Final = "collection"
SOURCES: Final = MappingProxyType(
    {ORACLE: "StrategyOracle", STAKE_TOKEN: "TestToken", STAKING: "NodeStaking", COLLECTION: "DynamicCollection"}
)
"""A contract's name in the file -> the contract of this package that stands there; the token may be another."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Contract:
    """One contract of a deployment.

    `source` is the contract of this package that it was made from, or None for one that was there before (an existing
    token); then `block` and `arguments` are None too. `block` is the block that created it. `arguments` are the
    constructor's by name, numbers as texts in decimal, structs as mappings. `code_hash`: keccak256 of its code (32
    bytes).
    """

    source: str | None
    address: str
    block: int | None
    arguments: Mapping[str, Any] | None
    code_hash: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Deployment:
    """A finished deployment, as its file tells it.

    `config_digest` (32 bytes) is the configuration that was in force when the file was written, None where nodes had
    yet to join. `owner` owns the oracle and the collection. `signers` and `transport_keys` are the committee that the
    owner set, empty where staking decides. `least_node` is the oldest version of this software that can take part,
    `latest_node` the newest that there is, where whoever keeps the file says so. `gateways` are pages of its nodes, at
    which content may be had: all of it is checked against its CID, so a wrong one costs time and nothing else.
    """

    path: Path
    chain_id: int
    network: str
    genesis_hash: bytes
    deployer: str
    owner: str
    protocol_version: int
    least_node: str
    latest_node: str | None
    config_digest: bytes | None
    signers: tuple[str, ...]
    transport_keys: tuple[bytes, ...]
    contracts: Mapping[str, Contract]
    gateways: tuple[str, ...] = ()

    @property
    def oracle(self) -> str:
        """The oracle's address."""
        return self.contracts[ORACLE].address

    @property
    def staking(self) -> str | None:
        """The staking contract's address; None for a network without staking."""
        found = self.contracts.get(STAKING)
        return found.address if found else None

    @property
    def stake_token(self) -> str | None:
        """The address of the token that is staked; None for a network without staking."""
        found = self.contracts.get(STAKE_TOKEN)
        return found.address if found else None

    @property
    def collection(self) -> str | None:
        """The collection's address."""
        found = self.contracts.get(COLLECTION)
        return found.address if found else None


def load(path: Path | str) -> Deployment:
    """The deployment in the file at `path`, no network asked. Raises DeploymentError, which names the first fault."""
    return read(path)[0]


def read(path: Path | str) -> tuple[Deployment, bytes]:
    """The same with the file's bytes, for whoever keeps a copy."""
    path = Path(path).absolute()
    raw = _read(path)
    return parse(raw, path), raw


def parse(raw: bytes, path: Path) -> Deployment:
    """The deployment in a file's bytes; `path` is only for the error. Raises DeploymentError."""
    fields = Fields(path, "", _document(raw, path))
    found = fields.number("format", most=2**32)
    if found != FORMAT:
        raise fields.fault("format", f"is {found}, this version reads {FORMAT}", "take another file or another version")
    if fields.take("complete") is not True:
        raise fields.fault("complete", "is not true: the deployment was cut off", "run the deployment again")
    version = fields.number("protocol_version", most=2**32)
    contracts = {name: _contract(fields.table("contracts").table(name), name) for name in _names(fields)}
    signers, keys = _committee(fields) if fields.has("committee") else ((), ())
    if bool(signers) == (STAKING in contracts):
        raise fields.fault("committee", "has to be there if and only if no staking contract is", "deploy it again")
    software = fields.table("software")
    return Deployment(
        path=path,
        chain_id=fields.number("chain_id", least=1, most=2**64 - 1),
        network=fields.text("network"),
        genesis_hash=fields.digest("genesis_hash"),
        deployer=fields.address("deployer"),
        owner=fields.address("owner"),
        protocol_version=version,
        least_node=software.version("least_node"),
        latest_node=software.version("latest_node") if software.has("latest_node") else None,
        config_digest=None if fields.take("config_digest") is None else fields.digest("config_digest"),
        signers=signers,
        transport_keys=keys,
        contracts=MappingProxyType(contracts),
        gateways=fields.urls("gateways", most=MAX_NODES) if fields.has("gateways") else (),
    )


def _read(path: Path) -> bytes:
    try:
        raw = read_at_most(path, MAX_BYTES)
    except FileNotFoundError:
        raise DeploymentError(f"{path}: there is no such file; name the network's deployment file") from None
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else "no path"
        raise DeploymentError(f"{path}: cannot be read ({reason}); check the path and its permissions") from None
    if len(raw) > MAX_BYTES:
        raise DeploymentError(f"{path}: is longer than {MAX_BYTES} bytes; name the network's deployment file")
    return raw


def _document(raw: bytes, path: Path) -> dict[str, Any]:
    try:
        document = json.loads(raw.decode("utf-8-sig"))
    except (ValueError, RecursionError) as error:
        reason = "nested too deeply" if isinstance(error, RecursionError) else printable(str(error), 100)
        raise DeploymentError(f"{path}: is not JSON ({reason}); fetch the deployment file again") from None
    if not isinstance(document, dict):
        raise DeploymentError(f"{path}: is not a deployment file; name the one that the deployment wrote")
    return document


def _names(fields: Fields) -> list[str]:
    contracts = fields.table("contracts")
    for name in contracts.names():
        if name not in SOURCES:
            raise contracts.fault(printable(name, 40), "is an unknown contract", "take a file of this version")
    names = [name for name in SOURCES if contracts.has(name)]
    if ORACLE not in names:
        raise contracts.fault(ORACLE, "is missing", "deploy it again")
    if (STAKING in names) != (STAKE_TOKEN in names):
        raise contracts.fault(STAKE_TOKEN, f"and {STAKING} have to be there both or neither", "deploy it again")
    return names


def _contract(fields: Fields, name: str) -> Contract:
    source = fields.take("contract")
    if source is None and name == STAKE_TOKEN:
        block, arguments = None, None
    elif source == SOURCES[name]:
        block = fields.number("block", most=2**64 - 1)
        arguments = MappingProxyType(fields.table("arguments").table_of)
    else:
        raise fields.fault("contract", f"is not {SOURCES[name]}", "take the file as the deployment wrote it")
    return Contract(
        source=source,
        address=fields.address("address"),
        block=block,
        arguments=arguments,
        code_hash=fields.digest("code_hash"),
    )


def _committee(fields: Fields) -> tuple[tuple[str, ...], tuple[bytes, ...]]:
    committee = fields.table("committee")
    signers, keys = committee.addresses("signers"), committee.digests("transport_keys")
    if not 1 <= len(signers) == len(keys) <= MAX_NODES:
        raise fields.fault("committee", "has no signers and as many keys", f"name 1 to {MAX_NODES} of each")
    return signers, keys
