"""A whole network with staking on the embedded chain, and the file that tells of it."""

from __future__ import annotations

import copy
import json
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from dataclasses import astuple, dataclass, fields
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from eth_utils.address import to_checksum_address
from eth_utils.crypto import keccak

from node.chain.endpoints.pool import RpcPool
from node.chain.interface import interface
from node.chain.types import NOBODY
from node.deployment.arguments import creation_code, values
from node.deployment.check import check
from node.deployment.file import SOURCES, load
from node.deployment.findings import Finding, Findings, Verdict
from node.devnet.evm.chain import DevnetChain
from node.devnet.genesis import dev_account
from node.devnet.rpc.server import DevnetServer
from node.devnet.settings import ChainSettings
from node.devnet.staking import RULES
from node.keys.signing import LocalSigner
from node.staking.possession import prove_possession
from node.staking.types import Params

SETTINGS = ChainSettings(accounts=4, finality_depth=2)
OWNER, STRANGER = (LocalSigner(bytes(dev_account(SETTINGS.seed, index).key)) for index in range(2))
COMMITTEE = {"signers": [OWNER.address, STRANGER.address], "transport_keys": ["0x" + "11" * 32, "0x" + "22" * 32]}


@dataclass
class Network:
    """A served chain with a network on it; `document` is what the deployment file says of it."""

    chain: DevnetChain
    pool: RpcPool
    url: str
    folder: Path
    document: dict[str, Any]

    def transact(self, to: str | None, carried: bytes, signer: LocalSigner = OWNER) -> Any:
        """Mine one transaction and return its receipt."""
        fields_ = {
            "type": 2,
            "chainId": SETTINGS.chain_id,
            "nonce": self.chain.pending_nonce(bytes.fromhex(signer.address[2:])),
            "maxFeePerGas": 10**10,
            "maxPriorityFeePerGas": 10**9,
            "gas": 12_000_000,
            "to": to if to is not None else b"",
            "value": 0,
            "data": carried,
        }
        receipt = self.chain.receipt(self.chain.send(signer.sign_transaction(fields_).raw))
        assert receipt is not None
        assert receipt.succeeded
        return receipt

    def call(self, source: str, address: str, function: str, *arguments: Any, signer: LocalSigner = OWNER) -> None:
        self.transact(address, interface(source).encode(function, *arguments), signer)

    def create(self, name: str, signer: LocalSigner = OWNER, **arguments: Any) -> dict[str, Any]:
        """Deploy a contract and return its entry of the file."""
        source = SOURCES[name]
        receipt = self.transact(None, creation_code(source, values(source, arguments)), signer)
        return self.entry(source, receipt, arguments)

    def create_raw(self, source: str, runtime: bytes) -> Any:
        """Put any code on chain: PUSH2 length, DUP1, PUSH1 offset, PUSH0, CODECOPY, PUSH0, RETURN."""
        prefix = bytes.fromhex("61" + len(runtime).to_bytes(2).hex() + "80600a5f395ff3")
        assert len(prefix) == 10
        return self.entry(source, self.transact(None, prefix + runtime), {})

    def entry(self, source: str, receipt: Any, arguments: dict[str, Any]) -> dict[str, Any]:
        address = str(to_checksum_address(receipt.created))
        return {
            "contract": source,
            "address": address,
            "block": self.chain.head.number,
            "arguments": arguments,
            "code_hash": "0x" + keccak(self.code(address)).hex(),
        }

    def code(self, address: str) -> bytes:
        return bytes(self.chain.code(bytes.fromhex(address[2:]), self.chain.head))

    def join(self, number: int) -> None:
        """An account becomes a node that is its own operator, and bonds the minimum."""
        signer = LocalSigner(bytes(dev_account(SETTINGS.seed, number).key))
        token, staking = (self.document["contracts"][name]["address"] for name in ("stake_token", "staking"))
        key = bytes([number]) * 32
        proof = prove_possession(signer, SETTINGS.chain_id, staking, signer.address, key)
        self.call("TestToken", token, "mint", signer.address, RULES.minimum)
        self.call("TestToken", token, "approve", staking, RULES.minimum, signer=signer)
        self.call("NodeStaking", staking, "register", signer.address, key, signer.address, proof, signer=signer)
        self.call("NodeStaking", staking, "bond", RULES.minimum, signer=signer)

    def rotate(self) -> None:
        self.chain.increase_time(RULES.era)
        self.call("NodeStaking", self.document["contracts"]["staking"]["address"], "rotate", [])

    def told(self, **changes: Any) -> dict[str, Any]:
        """The file with other contracts or other fields."""
        document = copy.deepcopy(self.document)
        for key, value in changes.items():
            (document["contracts"] if key in document["contracts"] else document)[key] = value
        return document

    @contextmanager
    def undone(self) -> Iterator[None]:
        """What happens on chain inside is taken back."""
        before = self.chain.head.number
        try:
            yield
        finally:
            self.chain.rewind(before)

    async def check(self, document: dict[str, Any] | None = None, version: str = "0.1.0") -> Findings:
        path = self.folder / "deployment.json"
        path.write_text(json.dumps(document or self.document), encoding="utf-8")
        findings = Findings()
        await check(load(path), self.pool, findings, version)
        return findings

    async def faults(self, document: dict[str, Any] | None = None, version: str = "0.1.0") -> list[Finding]:
        """Everything that is not well."""
        return [one for one in (await self.check(document, version)).found if one.verdict is not Verdict.OK]


def rules(**changes: int) -> dict[str, str]:
    names = [one.name for one in fields(Params)]
    return {name: str(value) for name, value in zip(names, astuple(RULES), strict=True)} | {
        name: str(value) for name, value in changes.items()
    }


def build(network: Network) -> None:
    """Deploy what `ape run deploy` deploys, and tell of it as it does."""
    contracts = network.document["contracts"]
    contracts["oracle"] = network.create("oracle")
    oracle = contracts["oracle"]["address"]
    contracts["stake_token"] = network.create("stake_token", name_="Test stake", symbol_="tPTN", decimals_="18")
    told = {"oracle": oracle, "token": contracts["stake_token"]["address"], "params": rules()}
    contracts["staking"] = network.create("staking", **told, guardian=OWNER.address, slash_receiver=NOBODY)
    network.call("StrategyOracle", oracle, "set_staking", contracts["staking"]["address"])
    named = {"name_": "Weather", "symbol_": "WTHR", "oracle_": oracle, "reveal_delay_": "20", "contract_uri_": ""}
    contracts["collection"] = network.create("collection", **named)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def network(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Network]:
    chain = DevnetChain(SETTINGS)
    chain.automine = True
    server = DevnetServer(chain)
    await server.start()
    pool = RpcPool([server.url])
    genesis = chain.block(0)
    assert genesis is not None
    document: dict[str, Any] = {
        "format": 2,
        "complete": True,
        "protocol_version": 1,
        "software": {"least_node": "0.1.0"},
        "chain_id": SETTINGS.chain_id,
        "network": "ethereum:local",
        "genesis_hash": "0x" + genesis.hash.hex(),
        "deployer": OWNER.address,
        "owner": OWNER.address,
        "config_digest": None,
        "contracts": {},
    }
    made = Network(chain, pool, server.url, tmp_path_factory.mktemp("deployment"), document)
    build(made)
    try:
        yield made
    finally:
        await pool.aclose()
        await server.aclose()
