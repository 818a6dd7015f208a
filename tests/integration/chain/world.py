"""The embedded chain with Patina's contracts, for the tests of this folder."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

from eth_abi.abi import encode
from eth_utils.address import to_checksum_address

from node.agreement.committee import Committee
from node.agreement.report import Report, report_digest
from node.chain.client import Chain
from node.chain.endpoints.pool import RpcPool
from node.chain.interface import artifact, interface
from node.chain.sending.fees import Fees
from node.chain.sending.sender import Sender
from node.devnet.evm.chain import DevnetChain
from node.devnet.genesis import dev_account
from node.devnet.rpc.server import DevnetServer
from node.devnet.settings import ChainSettings
from node.journal import Journal
from node.keys.signing import LocalSigner

WAD = 10**18
SETTINGS = ChainSettings(accounts=8, finality_depth=2)
OWNER, STRATEGY, *MEMBERS = (LocalSigner(bytes(dev_account(SETTINGS.seed, index).key)) for index in range(6))
THRESHOLDS = (WAD // 100, 2 * WAD // 100)
CADENCE = 4


@dataclass
class World:
    """A served chain; `rpc` is the server, `chain` its DevnetChain (use only between requests)."""

    rpc: DevnetServer
    chain: DevnetChain
    pool: RpcPool

    def transact(self, signer: LocalSigner, to: str | None, calldata: bytes, gas: int = 8_000_000) -> Any:
        """Mine one transaction and return its receipt; fails the test when it reverts."""
        account = bytes.fromhex(signer.address[2:])
        fields = {
            "type": 2,
            "chainId": SETTINGS.chain_id,
            "nonce": self.chain.pending_nonce(account),
            "maxFeePerGas": 10**10,
            "maxPriorityFeePerGas": 10**9,
            "gas": gas,
            "to": to if to is not None else b"",
            "value": 0,
            "data": calldata,
        }
        tx_hash = self.chain.send(signer.sign_transaction(fields).raw)
        if not self.chain.automine:
            self.chain.mine()
        receipt = self.chain.receipt(tx_hash)
        assert receipt is not None
        assert receipt.succeeded, receipt
        return receipt

    def deploy(self, contract: str, types: Sequence[str] = (), *arguments: Any) -> str:
        code = bytes.fromhex(artifact(contract)["bytecode"].removeprefix("0x"))
        receipt = self.transact(OWNER, None, code + encode(list(types), arguments))
        return str(to_checksum_address(receipt.created))

    def call(self, signer: LocalSigner, contract: str, address: str, function: str, *arguments: Any) -> Any:
        return self.transact(signer, address, interface(contract).encode(function, *arguments))


@dataclass
class Oracle:
    """An oracle with a committee of four, a vault worth 1.0 a share, and a feed on it with one edition."""

    world: World
    address: str
    committee: Committee
    token: str
    vault: str
    collection: str

    def reader(self, **settings: Any) -> Chain:
        return Chain(self.world.pool, self.address, **settings)

    def profit(self, assets: int) -> None:
        self.world.call(OWNER, "TestToken", self.token, "mint", STRATEGY.address, assets)
        self.world.call(STRATEGY, "TestToken", self.token, "approve", self.vault, assets)
        self.world.call(STRATEGY, "YieldVault", self.vault, "report_profit", assets)

    def report(self, checkpoint: int, answer: int, root: bytes = b"\x07" * 32, view: int = 0) -> Report:
        block = self.world.chain.block(checkpoint)
        assert block is not None
        return Report(1, checkpoint, block.hash, view, 0b0111, (answer,) * 3, (1, 2, -3), root)

    def signatures(self, report: Report, signers: Sequence[int] = (0, 1, 3)) -> bytes:
        digest = report_digest(self.committee.domain, report)
        return b"".join(MEMBERS[index].sign_digest(digest) for index in signers)

    def stake(self) -> None:
        """Lets the owner's account play the staking contract."""
        self.world.call(OWNER, "StrategyOracle", self.address, "set_staking", OWNER.address)

    def install(self, generation: int) -> Committee:
        """The same members with other transport keys, under a number; `stake` comes first."""
        keys = [bytes([16 * generation + index]) * 32 for index in range(4)]
        signers = [member.address for member in MEMBERS]
        self.world.call(OWNER, "StrategyOracle", self.address, "install", signers, keys)
        return Committee(SETTINGS.chain_id, self.address, signers, keys)


@asynccontextmanager
async def serve(automine: bool = True) -> AsyncIterator[World]:
    chain = DevnetChain(SETTINGS)
    chain.automine = automine
    server = DevnetServer(chain)
    await server.start()
    pool = RpcPool([server.url])
    try:
        yield World(server, chain, pool)
    finally:
        await pool.aclose()
        await server.aclose()


def open_oracle(world: World) -> Oracle:
    address = world.deploy("StrategyOracle")
    keys = [bytes([index + 1]) * 32 for index in range(4)]
    members = [member.address for member in MEMBERS]
    world.call(OWNER, "StrategyOracle", address, "set_committee", members, keys)
    token = world.deploy("TestToken", ["string", "string", "uint8"], "Token", "TKN", 6)
    vault = world.deploy(
        "YieldVault", ["address", "string", "string", "uint8", "address"], token, "Vault", "V", 0, STRATEGY.address
    )
    world.call(OWNER, "TestToken", token, "mint", OWNER.address, 10**12)
    world.call(OWNER, "TestToken", token, "approve", vault, 10**12)
    world.call(OWNER, "YieldVault", vault, "deposit", 10**9, OWNER.address)
    collection = world.deploy(
        "DynamicCollection",
        ["string", "string", "address", "uint256", "string"],
        *("Weather", "WTHR", address, 2, ""),
    )
    policy = (CADENCE, 3, 0, 0, WAD // 1000, THRESHOLDS)
    world.call(OWNER, "StrategyOracle", address, "open_feed", vault, policy, collection, 1)
    committee = Committee(SETTINGS.chain_id, address, members, keys)
    return Oracle(world, address, committee, token, vault, collection)


GWEI = 10**9
FEES = Fees(max_fee=100 * GWEI, priority_fee=GWEI, resend_after=60.0)
PAYER = MEMBERS[0]


class Clock:
    """Seconds that pass when the test says so."""

    now = 1_000.0

    def __call__(self) -> float:
        return self.now


class Bench:
    """A token to send, and senders that may be restarted on the same journal."""

    def __init__(
        self, world: World, journal: Journal, clock: Clock, fees: Fees = FEES, pool: RpcPool | None = None
    ) -> None:
        self.world, self.journal, self.clock, self.fees = world, journal, clock, fees
        self.pool = pool or world.pool
        self.token = world.deploy("TestToken", ["string", "string", "uint8"], "Token", "TKN", 6)
        world.call(OWNER, "TestToken", self.token, "mint", PAYER.address, 100)
        world.chain.mine(3)
        self.sender = self.restart()

    def restart(self) -> Sender:
        self.sender = Sender(Chain(self.pool, self.token), PAYER, self.journal, self.fees, clock=self.clock)
        return self.sender

    def pay(self, amount: int = 1) -> bytes:
        return interface("TestToken").encode("transfer", OWNER.address, amount)

    async def send(self, key: str, amount: int = 1) -> bytes:
        return await self.sender.send(key, self.token, self.pay(amount))

    def state(self, key: str) -> str:
        row = self.journal.transactions.get(key)
        assert row is not None
        return row.state

    def waiting(self) -> list[Any]:
        return sorted(self.world.chain.mempool, key=lambda one: one.nonce)

    def sent_by_payer(self) -> int:
        return self.world.chain.nonce(bytes.fromhex(PAYER.address[2:]), self.world.chain.head)

    async def settle(self, blocks: int = 4) -> None:
        for _ in range(blocks):
            self.world.chain.mine()
            await self.sender.step()
