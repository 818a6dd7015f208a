# SPDX-License-Identifier: AGPL-3.0-only
"""Deploys an oracle with its committee and a collection: the same for devnets and testnets, and safe to run again.

    ape run deploy --network ethereum:sepolia:node --account artist --committee committee.json \\
        --name "Weathered Yields" --symbol WTHR --reveal-delay 256

The committee's file is JSON: {"signers": ["0x..."], "transport_keys": ["0x..."]}, both in committee order.

What was done stands in the deployment file (deployments/<ecosystem>-<network>-<chain id>.json unless --output says otherwise),
written after every step and before every transaction that creates a contract: a run that was cut off is continued by the
same command, and one that was finished changes nothing.
"""

import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click
from ape import project
from ape.api import AccountAPI
from ape.cli import ConnectedProviderCommand, account_option
from ape.exceptions import ContractLogicError
from ape.utils import ManagerAccessMixin
from eth_abi import encode
from eth_utils import encode_hex, keccak, to_bytes, to_canonical_address, to_checksum_address

FORMAT = 1
PROTOCOL_VERSION = 1
MAX_NODES = 31


class DeploymentError(click.ClickException):
    """A deployment that cannot go on as asked; nothing was sent for the step that it names."""


@dataclass(frozen=True)
class Committee:
    """The signers' addresses and their Ed25519 public keys, in committee order."""

    signers: tuple[str, ...]
    transport_keys: tuple[bytes, ...]

    @classmethod
    def load(cls, path: Path) -> "Committee":
        """Reads a committee's file. Raises DeploymentError naming what is wrong with it."""
        try:
            document = json.loads(path.read_text(encoding="utf-8"))
            signers = tuple(to_checksum_address(signer) for signer in document["signers"])
            keys = tuple(to_bytes(hexstr=key) for key in document["transport_keys"])
        except OSError as error:
            raise DeploymentError(f"committee: cannot read {path}: {error.strerror}") from error
        except (ValueError, TypeError, KeyError) as error:
            raise DeploymentError(f"committee: {path} is not a committee: {error}") from error
        if not 1 <= len(signers) <= MAX_NODES:
            raise DeploymentError(f"committee: {len(signers)} signers, wanted 1 to {MAX_NODES}")
        if len(signers) != len(keys):
            raise DeploymentError(f"committee: {len(signers)} signers but {len(keys)} transport keys")
        if len(set(signers)) != len(signers) or len(set(keys)) != len(keys):
            raise DeploymentError("committee: a signer or a transport key stands twice")
        if any(len(key) != 32 for key in keys):
            raise DeploymentError("committee: a transport key has 32 bytes")
        return cls(signers, keys)

    def config_digest(self, chain_id: int, oracle: str) -> bytes:
        """What the oracle must answer as its config digest (docs/architecture.md)."""
        n = len(self.signers)
        f = (n - 1) // 3
        members = keccak(b"".join(map(to_canonical_address, self.signers)) + b"".join(self.transport_keys))
        types = ["uint256", "address", "bytes32", "uint256", "uint256", "uint256"]
        return keccak(encode(types, [chain_id, oracle, members, f, (n + f) // 2 + 1, PROTOCOL_VERSION]))


@dataclass(frozen=True)
class Collection:
    """A collection's constructor arguments."""

    name: str
    symbol: str
    reveal_delay: int
    contract_uri: str


class Deployment(ManagerAccessMixin):
    """One deployment file and the chain that it speaks of."""

    def __init__(self, path: Path, account: AccountAPI) -> None:
        self.path = path
        self.account = account
        self.record: dict[str, Any] = {}
        self.sent = 0

    def open(self) -> None:
        """Reads the file if there is one. Raises DeploymentError if it belongs to another chain or deployer."""
        network = self.provider.network
        fresh = {
            "format": FORMAT,
            "chain_id": self.provider.chain_id,
            "network": f"{network.ecosystem.name}:{network.name}",
            "deployer": str(self.account.address),
        }
        if self.path.exists():
            try:
                self.record = json.loads(self.path.read_text(encoding="utf-8"))
            except (OSError, ValueError) as error:
                raise DeploymentError(f"deployment: {self.path} is not a deployment file: {error}") from error
            for key in ("format", "chain_id", "deployer"):
                if self.record.get(key) != fresh[key]:
                    raise DeploymentError(
                        f"deployment: {self.path} has {key} {self.record.get(key)}, this run has {fresh[key]}"
                    )
        else:
            self.record = fresh

    def save(self) -> None:
        """Writes the file whole or not at all."""
        self.path.parent.mkdir(parents=True, exist_ok=True)
        draft = self.path.with_name(self.path.name + ".new")
        with draft.open("w", encoding="utf-8") as file:
            file.write(json.dumps(self.record, indent=2, sort_keys=True) + "\n")
            file.flush()
            os.fsync(file.fileno())
        draft.replace(self.path)

    def contract(self, key: str, container: Any, *arguments: Any) -> Any:
        """The contract of one step: the one on record, the one that an interrupted run created, or a new one."""
        entry = self.record.get(key)
        if entry is not None and entry["arguments"] != list(map(str, arguments)):
            raise DeploymentError(
                f"{key}: {self.path} has it with {entry['arguments']}, not {list(map(str, arguments))}"
            )
        if entry is not None and "block" in entry:
            self._check_code(key, entry["address"], container)
            return container.at(entry["address"])
        self._check_settled()
        if entry is not None and self.provider.get_code(entry["address"]):
            # The transaction went out, and the run ended before it could note that.
            self._check_code(key, entry["address"], container)
            entry["block"] = self._creation_block(entry)
            self.save()
            return container.at(entry["address"])

        # Noted first: an address follows from the sender and its nonce, so a cut-off run can be picked up.
        address = str(self.account.get_deployment_address())
        self.record[key] = {
            "address": address,
            "arguments": list(map(str, arguments)),
            "since": self.provider.get_block("latest").number,
        }
        self.save()
        instance = self.account.deploy(container, *arguments)
        self.sent += 1
        if str(instance.address) != address:
            raise DeploymentError(f"{key}: created at {instance.address}, expected {address}")
        created = instance.creation_metadata
        if created is None:
            raise DeploymentError(f"{key}: the chain does not know when {address} was created; run this again")
        self.record[key]["block"] = created.block
        self.save()
        return instance

    def committee(self, oracle: Any, committee: Committee) -> None:
        """Installs the committee unless it stands already. Raises DeploymentError if another one does."""
        wanted = committee.config_digest(self.provider.chain_id, str(oracle.address))
        standing = self._standing(oracle)
        if standing not in (wanted, b""):
            raise DeploymentError(
                "committee: the oracle has another one; changing a live committee is the owner's decision, not a deployment"
            )
        if standing != wanted:
            oracle.set_committee(list(committee.signers), list(committee.transport_keys), sender=self.account)
            self.sent += 1
            if self._standing(oracle) != wanted:
                raise DeploymentError("committee: the oracle's config digest is not that of the committee")
        self.record["config_digest"] = encode_hex(wanted)
        self.record["committee"] = {
            "signers": list(committee.signers),
            "transport_keys": [encode_hex(key) for key in committee.transport_keys],
        }
        self.save()

    @staticmethod
    def _standing(oracle: Any) -> bytes:
        # The digest in force, or nothing while the oracle has no committee.
        try:
            return bytes(oracle.config_digest())
        except ContractLogicError as error:
            if "committee: not set" in str(error):
                return b""
            raise

    def _check_settled(self) -> None:
        # A transaction of a cut-off run that is not mined yet would be followed by a second one.
        count = self.provider.web3.eth.get_transaction_count
        if count(self.account.address, "pending") > count(self.account.address, "latest"):
            raise DeploymentError("the deployer has a pending transaction: run this again once it is mined")

    def _check_code(self, key: str, address: str, container: Any) -> None:
        code = bytes(self.provider.get_code(address))
        if not code:
            raise DeploymentError(f"{key}: nothing stands at {address}: is this the chain of {self.path}?")
        # Vyper appends immutables to the compiled code.
        if not code.startswith(to_bytes(hexstr=container.contract_type.runtime_bytecode.bytecode)):
            raise DeploymentError(f"{key}: what stands at {address} is not this source")

    def _creation_block(self, entry: dict[str, Any]) -> int:
        # The first block with the contract's code, by bisection between the noted block and now.
        low, high = entry["since"], self.provider.get_block("latest").number
        while low < high:
            middle = (low + high) // 2
            if self.provider.get_code(entry["address"], block_id=middle):
                high = middle
            else:
                low = middle + 1
        return int(low)


def deploy(path: Path, account: AccountAPI, committee: Committee, collection: Collection) -> Deployment:
    """Deploys what is not deployed yet and returns the deployment. Raises DeploymentError if it cannot."""
    deployment = Deployment(path, account)
    deployment.open()
    oracle = deployment.contract("oracle", project.StrategyOracle)
    deployment.committee(oracle, committee)
    deployment.contract(
        "collection",
        project.DynamicCollection,
        collection.name,
        collection.symbol,
        oracle.address,
        collection.reveal_delay,
        collection.contract_uri,
    )
    return deployment


@click.command(cls=ConnectedProviderCommand, name="deploy")
@account_option()
@click.option(
    "--committee", "committee_file", type=click.Path(path_type=Path), required=True, help="the committee's JSON file"
)
@click.option("--name", default="Patina", show_default=True, help="the collection's name, at most 25 bytes")
@click.option("--symbol", default="PATNA", show_default=True, help="the collection's symbol, at most 5 bytes")
@click.option(
    "--reveal-delay",
    type=click.IntRange(1, 50_400),
    default=256,
    show_default=True,
    help="blocks from an edition's close to its reveal block",
)
@click.option("--contract-uri", default="", help="address of the collection's own metadata (ERC-7572)")
@click.option("--output", type=click.Path(path_type=Path), help="the deployment file")
def cli(
    provider: Any,
    account: AccountAPI,
    committee_file: Path,
    name: str,
    symbol: str,
    reveal_delay: int,
    contract_uri: str,
    output: Path | None,
) -> None:
    """Deploy an oracle with its committee and a collection, or finish doing so."""
    committee = Committee.load(committee_file)
    network = provider.network
    default = project.path / "deployments" / f"{network.ecosystem.name}-{network.name}-{provider.chain_id}.json"
    collection = Collection(name, symbol, reveal_delay, contract_uri)
    deployment = deploy(output or default, account, committee, collection)
    click.echo(f"{deployment.sent} transactions; deployment file: {deployment.path}")
