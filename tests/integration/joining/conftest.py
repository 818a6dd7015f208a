"""A network with staking on an embedded chain in a thread of its own, and a stranger's folder that wants to join it."""

from __future__ import annotations

import asyncio
import json
import os
import threading
from collections.abc import Iterator
from dataclasses import astuple, dataclass, field
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from eth_abi.abi import encode
from eth_typing import Address
from eth_utils.address import to_checksum_address

from node.chain.interface import artifact, interface
from node.cli import main
from node.config.directory import create_node_folder
from node.devnet.evm.chain import DevnetChain
from node.devnet.genesis import dev_account
from node.devnet.rpc.server import DevnetServer
from node.devnet.settings import ChainSettings
from node.keys.secrets import Secret
from node.keys.signing import SCRYPT_N_LIGHT, LocalSigner
from node.staking.possession import prove_possession
from node.staking.types import Params

SETTINGS = ChainSettings(accounts=8)
UNIT = 10**18
HOUR, DAY = 3_600, 86_400
PARAMS = Params(
    minimum=100 * UNIT,
    seats=2,
    era=6 * HOUR,
    delay=14 * DAY,
    reporter_share=1_000,
    observer_fee=10**12,
    signer_fee=3 * 10**12,
    price_cap=50 * 10**9,
    premium=1_000,
    attendance=5_000,
    least_reports=2,
    strikes=2,
    least_seats=1,
)
PASSWORD = "correct horse battery"
OPERATOR_PASSWORD = "planted-operator-password-7"
OWNER, GUARDIAN, *OTHERS = (LocalSigner(bytes(dev_account(SETTINGS.seed, index).key)) for index in range(8))
_RULES = "(" + ",".join(["uint256"] * 13) + ")"


@dataclass
class Network:
    """A chain with oracle, token and staking contract; `chain` is to be used between requests only."""

    chain: DevnetChain
    url: str
    oracle: str = ""
    token: str = ""
    staking: str = ""
    nodes: dict[int, LocalSigner] = field(default_factory=dict)

    def transact(self, signer: LocalSigner, to: str | None, calldata: bytes, value: int = 0, tip: int = 10**9) -> Any:
        """Mine one transaction, the one that offers most first; its receipt. Fails the test when it reverts."""
        fields = {
            "type": 2,
            "chainId": SETTINGS.chain_id,
            "nonce": self.sent(signer.address),
            "maxFeePerGas": 10**10,
            "maxPriorityFeePerGas": tip,
            "gas": 12_000_000,
            "to": to if to is not None else b"",
            "value": value,
            "data": calldata,
        }
        tx_hash = self.chain.send(signer.sign_transaction(fields).raw)
        if not self.chain.automine:
            self.chain.mine()
        receipt = self.chain.receipt(tx_hash)
        assert receipt is not None
        assert receipt.succeeded, receipt
        return receipt

    def deploy(self, contract: str, types: list[str], *arguments: Any) -> str:
        code = bytes.fromhex(artifact(contract)["bytecode"].removeprefix("0x"))
        created = self.transact(OWNER, None, code + encode(types, arguments)).created
        return str(to_checksum_address(created))

    def call(self, signer: LocalSigner, contract: str, function: str, *arguments: Any, value: int = 0) -> Any:
        address = {"StrategyOracle": self.oracle, "TestToken": self.token, "NodeStaking": self.staking}[contract]
        return self.transact(signer, address, interface(contract).encode(function, *arguments), value)

    def mint(self, account: str, units: int) -> None:
        self.call(OWNER, "TestToken", "mint", account, units * UNIT)

    def sit(self, index: int, units: int) -> LocalSigner:
        """One of the OTHERS registers a node that signs with its own account's key, and bonds."""
        operator = OTHERS[index]
        transport = bytes([index + 1]) * 32
        key = LocalSigner(bytes([200 + index]) * 32)
        proof = prove_possession(key, SETTINGS.chain_id, self.staking, operator.address, transport)
        self.call(operator, "NodeStaking", "register", key.address, transport, operator.address, proof)
        self.mint(operator.address, units)
        self.call(operator, "TestToken", "approve", self.staking, units * UNIT)
        self.call(operator, "NodeStaking", "bond", units * UNIT)
        return key

    def later(self, seconds: int) -> None:
        """Make a block so much later."""
        self.chain.increase_time(seconds)
        self.chain.mine()

    def sent(self, address: str) -> int:
        """How many transactions an account has sent."""
        return self.chain.pending_nonce(Address(bytes.fromhex(address[2:])))


@pytest.fixture(scope="session")
def served() -> Iterator[Network]:
    chain = DevnetChain(SETTINGS)
    server = DevnetServer(chain)
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    try:
        asyncio.run_coroutine_threadsafe(server.start(), loop).result(30)
        network = Network(chain, server.url)
        network.oracle = network.deploy("StrategyOracle", [])
        network.token = network.deploy("TestToken", ["string", "string", "uint8"], "Stake", "STK", 18)
        network.staking = network.deploy(
            "NodeStaking",
            ["address", "address", _RULES, "address", "address"],
            network.oracle,
            network.token,
            astuple(PARAMS),
            GUARDIAN.address,
            "0x" + "00" * 20,
        )
        network.call(OWNER, "StrategyOracle", "set_staking", network.staking)
        yield network
        asyncio.run_coroutine_threadsafe(server.aclose(), loop).result(30)
    finally:
        loop.call_soon_threadsafe(loop.stop)
        thread.join(30)
        loop.close()


@pytest.fixture
def network(served: Network) -> Iterator[Network]:
    """The network as it was deployed: what a test does is undone."""
    start = served.chain.head.number
    yield served
    served.chain.rewind(start)
    for transaction in list(served.chain.mempool):
        served.chain.mempool.drop(transaction)


@dataclass
class Stranger:
    """Somebody with a node's folder and no operator account yet."""

    folder: Path
    signer: str
    network: Network
    environ: dict[str, str]

    def patina(self, *arguments: object, answers: str | None = None) -> Result:
        words = [*map(str, arguments), "--config", str(self.folder)]
        return CliRunner(env=self.environ).invoke(main, words, input=answers)

    def join(self, *arguments: object, answers: str | None = None) -> Result:
        return self.patina("join", "--light", *arguments, answers=answers)

    def json(self, *arguments: object) -> dict[str, Any]:
        done = self.patina(*arguments, "--json", "--yes")
        assert done.exit_code == 0, done.output
        found: dict[str, Any] = json.loads(done.stdout)
        return found

    @property
    def operator(self) -> str:
        document = json.loads((self.folder / "keys" / "operator.json").read_text())
        return str(to_checksum_address("0x" + document["address"].removeprefix("0x")))

    def make_operator(self, units: int = 1_000) -> str:
        """An operator account with coin and tokens, as a first run that stopped leaves it."""
        from node.keys.signing import EthKeystore

        path = self.folder / "keys" / "operator.json"
        address = EthKeystore.create(path, Secret(OPERATOR_PASSWORD), scrypt_n=SCRYPT_N_LIGHT).address
        self.network.chain.fund(Address(bytes.fromhex(address[2:])), 10**18)
        if units:
            self.network.mint(address, units)
        return address


@pytest.fixture
def stranger(network: Network, tmp_path: Path) -> Stranger:
    settings: dict[str, dict[str, Any]] = {
        "chain": {
            "id": SETTINGS.chain_id, "oracle": network.oracle, "endpoints": [network.url], "poll_ms": 50,
        },
        "gossip": {"brokers": [{"url": "mqtt://127.0.0.1:1"}]},
    }  # fmt: skip
    folder = tmp_path / "node"
    made = create_node_folder(folder, settings, Secret(PASSWORD), keep_password=True, scrypt_n=SCRYPT_N_LIGHT)
    environ = {"PATINA_OPERATOR_PASSWORD": OPERATOR_PASSWORD, "PATINA_CONFIG": "", "HOME": os.environ.get("HOME", "")}
    return Stranger(folder, made.address, network, environ)


@pytest.fixture
def seated(stranger: Stranger) -> Stranger:
    """The stranger has node 1 with 150 bonded, in a committee of one; 850 are left."""
    operator = stranger.make_operator()
    network = stranger.network
    from node.keys.signing import EthKeystore

    key = EthKeystore(stranger.folder / "keys" / "operator.json").unlock(Secret(OPERATOR_PASSWORD))
    from node.config import load, unlock_signer
    from node.keys.transport import TransportKeyFile

    config = load(stranger.folder / "config.toml", check_files=False)
    transport = TransportKeyFile(config.keys.transport_key).public_key
    proof = prove_possession(unlock_signer(config), SETTINGS.chain_id, network.staking, operator, transport)
    network.call(key, "NodeStaking", "register", stranger.signer, transport, operator, proof)
    network.call(key, "TestToken", "approve", network.staking, 150 * UNIT)
    network.call(key, "NodeStaking", "bond", 150 * UNIT)
    network.call(key, "NodeStaking", "rotate", [])
    return stranger
