# SPDX-License-Identifier: AGPL-3.0-only
"""The steps of a deployment: each looks at file and chain first, and does only what is still to be done."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ape import project
from ape.api import AccountAPI
from ape.exceptions import ContractLogicError
from eth_utils import encode_hex, keccak, to_bytes

from deployment.committee import Committee
from deployment.errors import DeploymentError
from deployment.record import Record
from deployment.rules import NOBODY, Staking

#: Name, symbol and decimals of the token that is deployed where none is named.
TOKEN = ("Patina test stake", "tPTN", 18)


@dataclass(frozen=True)
class Collection:
    """A collection's constructor arguments."""

    name: str
    symbol: str
    reveal_delay: int
    contract_uri: str


class Deployment(Record):
    """One deployment file and the chain that it speaks of."""

    def __init__(self, path: Path, account: AccountAPI) -> None:
        super().__init__(path, account)
        self.sent = 0

    def send(self, transaction: Callable[[], Any]) -> Any:
        """Does one thing on chain and counts it. Raises DeploymentError while an earlier one is not mined."""
        # A transaction of a cut-off run that is not mined yet would be followed by a second one.
        count = self.provider.web3.eth.get_transaction_count
        if count(self.account.address, "pending") > count(self.account.address, "latest"):
            raise DeploymentError("the deployer has a pending transaction: run this again once it is mined")
        done = transaction()
        self.sent += 1
        return done

    def contract(self, key: str, container: Any, *arguments: Any) -> Any:
        """The contract of one step: the one on record, the one that an interrupted run created, or a new one."""
        entry = self.contracts.get(key)
        inputs = container.contract_type.constructor.inputs
        told = {item.name: _spelled(value) for item, value in zip(inputs, arguments, strict=True)}
        if entry is not None and entry["arguments"] != told:
            raise DeploymentError(f"{key}: {self.path} has {_differing(entry['arguments'], told)}")
        if entry is not None and "block" in entry:
            self._check_code(key, entry["address"], container)
            return container.at(entry["address"])
        if entry is None or not self.provider.get_code(entry["address"]):
            # Noted first: an address follows from the sender and its nonce, so a cut-off run can be picked up.
            address = str(self.account.get_deployment_address())
            self.contracts[key] = entry = {
                "contract": container.contract_type.name,
                "address": address,
                "arguments": told,
                "since": self.provider.get_block("latest").number,
            }
            self.save()
            made = self.send(lambda: self.account.deploy(container, *arguments))
            if str(made.address) != address:
                raise DeploymentError(f"{key}: created at {made.address}, expected {address}")
        self._check_code(key, entry["address"], container)
        entry["block"] = self._creation_block(entry)
        entry["code_hash"] = encode_hex(keccak(bytes(self.provider.get_code(entry["address"]))))
        del entry["since"]
        self.save()
        return container.at(entry["address"])

    def committee(self, oracle: Any, committee: Committee) -> None:
        """Installs the committee unless it stands already. Raises DeploymentError if another one does."""
        wanted = committee.config_digest(self.provider.chain_id, str(oracle.address))
        standing = self._standing(oracle)
        if standing not in (wanted, b""):
            raise DeploymentError(
                "committee: the oracle has another one; changing a live committee is the owner's decision, not a deployment"
            )
        if standing != wanted:
            members = list(committee.signers), list(committee.transport_keys)
            self.send(lambda: oracle.set_committee(*members, sender=self.account))
            if self._standing(oracle) != wanted:
                raise DeploymentError("committee: the oracle's config digest is not that of the committee")
        if self.fields["config_digest"] is None:
            self.fields["config_digest"] = encode_hex(wanted)
            self.fields["committee"] = {
                "signers": list(committee.signers),
                "transport_keys": [encode_hex(key) for key in committee.transport_keys],
            }
            self.save()

    def staking(self, oracle: Any, asked: Staking) -> None:
        """Deploys token and staking contract, and lets the oracle obey it from now on."""
        if "staking" not in self.contracts:
            self._check_free(oracle, NOBODY)
        token = self._token(asked.token)
        arguments = (str(oracle.address), token, dict(asked.params), asked.guardian, asked.slash_receiver)
        staking = self.contract("staking", project.NodeStaking, *arguments)
        if self._check_free(oracle, str(staking.address)) == NOBODY:
            self.send(lambda: oracle.set_staking(staking.address, sender=self.account))
            if str(oracle.staking()) != str(staking.address):
                raise DeploymentError("staking: the oracle does not obey the staking contract")
        if asked.treasury:
            self._treasury(staking, asked.treasury)

    def finish(self) -> None:
        """Notes that nothing is left to do: nodes take no file before."""
        if not self.fields["complete"]:
            self.fields["complete"] = True
            self.save()

    def _token(self, address: str | None) -> str:
        entry = self.contracts.get("stake_token")
        if address is None:
            if entry is not None and entry["contract"] is None:
                raise DeploymentError(f"stake_token: {self.path} has {entry['address']}, this run is to make one")
            return str(self.contract("stake_token", project.TestToken, *TOKEN).address)
        code = bytes(self.provider.get_code(address))
        if not code:
            raise DeploymentError(f"stake_token: nothing stands at {address}: is this the right network?")
        told = {
            "contract": None,
            "address": address,
            "arguments": None,
            "block": None,
            "code_hash": encode_hex(keccak(code)),
        }
        if entry is not None and entry["address"] != address:
            raise DeploymentError(f"stake_token: {self.path} has {entry['address']}, not {address}")
        if entry is None:
            self.contracts["stake_token"] = told
            self.save()
        return address

    @staticmethod
    def _check_free(oracle: Any, wanted: str) -> str:
        # Whom the oracle obeys: the wanted contract or nobody.
        obeyed = str(oracle.staking())
        if obeyed not in (wanted, NOBODY):
            raise DeploymentError(f"staking: the oracle obeys {obeyed}; changing that is the owner's decision")
        return obeyed

    def _treasury(self, staking: Any, amount: int) -> None:
        # The nonce is noted first: once it is used up, and something did arrive, the transaction went through.
        noted = self.fields.get("treasury")
        if noted is not None and noted["wei"] != str(amount):
            raise DeploymentError(f"treasury: {self.path} has {noted['wei']} wei, not {amount}; send more by yourself")
        if noted is not None and "nonce" not in noted:
            return
        if noted is None or self.account.nonce <= noted["nonce"] or not staking.treasury():
            self.fields["treasury"] = {"wei": str(amount), "nonce": self.account.nonce}
            self.save()
            self.send(lambda: staking.fund_treasury(value=amount, sender=self.account))
        del self.fields["treasury"]["nonce"]
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


def deploy(path: Path, account: AccountAPI, seats: Committee | Staking, collection: Collection) -> Deployment:
    """Deploys what is not deployed yet and returns the deployment. Raises DeploymentError if it cannot.

    `seats`: who decides which nodes take part, a committee that stands, or a staking contract.
    """
    deployment = Deployment(path, account)
    deployment.open()
    if isinstance(seats, Committee) and "stake_token" in deployment.contracts:
        raise DeploymentError(f"deployment: {path} is of a network with staking, and stays one")
    if isinstance(seats, Staking) and "committee" in deployment.fields:
        raise DeploymentError(f"deployment: {path} is of a network with a committee, and stays one")
    oracle = deployment.contract("oracle", project.StrategyOracle)
    if isinstance(seats, Committee):
        deployment.committee(oracle, seats)
    else:
        deployment.staking(oracle, seats)
    deployment.contract(
        "collection",
        project.DynamicCollection,
        collection.name,
        collection.symbol,
        str(oracle.address),
        collection.reveal_delay,
        collection.contract_uri,
    )
    deployment.finish()
    return deployment


def _spelled(value: Any) -> Any:
    # Numbers as texts: what they are must not depend on who reads the JSON.
    return {name: str(part) for name, part in value.items()} if isinstance(value, Mapping) else str(value)


def _differing(had: Any, told: Any) -> str:
    if not isinstance(had, Mapping) or not isinstance(told, Mapping) or sorted(had) != sorted(told):
        return f"{had!r}, not {told!r}"
    unlike = [name for name in told if had[name] != told[name]]
    return "; ".join(f"{name} {_differing(had[name], told[name])}" for name in unlike)
