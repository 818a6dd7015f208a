"""An oracle and its staking contract on the embedded chain, with four nodes that have bonded."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from node.agreement.committee import Committee
from node.agreement.report import Report, report_digest
from node.chain.client import Chain
from node.chain.sending.fees import Fees
from node.chain.sending.sender import Sender
from node.journal import Journal
from node.keeper import NodeContext
from node.keys.signing import LocalSigner
from node.staking import calldata
from node.staking.contract import Staking
from node.staking.possession import prove_possession
from tests.integration.chain import world as chain_world

GWEI = 10**9
BOND = 1_000
PARAMS = (100, 4, 3_600, 14 * 86_400, 1_000, 10**15, 2 * 10**15, 100 * GWEI, 1_000, 5_000, 100, 3, 1)


@dataclass
class Scene:
    """The contracts, and what nodes do with them."""

    world: chain_world.World
    oracle: chain_world.Oracle
    members: list[LocalSigner]
    address: str
    stake: str
    transport: list[Ed25519PrivateKey] = field(
        default_factory=lambda: [Ed25519PrivateKey.from_private_bytes(bytes([index + 1]) * 32) for index in range(4)]
    )

    @property
    def staking(self) -> Staking:
        return Staking(self.world.pool, self.address)

    def chain(self) -> Chain:
        return Chain(self.world.pool, self.oracle.address)

    def call(self, signer: LocalSigner, step: bytes) -> Any:
        return self.world.transact(signer, self.address, step)

    def pay(self, step: bytes, value: int) -> None:
        """The owner asks for something, and sends wei along."""
        chain = self.world.chain
        fields = {
            "type": 2,
            "chainId": chain.settings.chain_id,
            "nonce": chain.pending_nonce(bytes.fromhex(self.owner.address[2:])),
            "maxFeePerGas": 10 * GWEI,
            "maxPriorityFeePerGas": GWEI,
            "gas": 500_000,
            "to": self.address,
            "value": value,
            "data": step,
        }
        receipt = chain.receipt(chain.send(self.owner.sign_transaction(fields).raw))
        assert receipt.succeeded

    def join(self, signer: LocalSigner, transport_key: bytes, bond: int = BOND) -> None:
        """Register and bond a node that is its own operator."""
        chain_id = self.world.chain.settings.chain_id
        proof = prove_possession(signer, chain_id, self.address, signer.address, transport_key)
        self.call(signer, calldata.register(signer.address, transport_key, signer.address, proof))
        self.world.call(self.owner, "TestToken", self.stake, "mint", signer.address, bond)
        self.world.call(signer, "TestToken", self.stake, "approve", self.address, bond)
        self.call(signer, calldata.bond(bond))

    @property
    def owner(self) -> LocalSigner:
        owner: LocalSigner = chain_world.OWNER
        return owner

    def sender(self, journal: Journal, signer: LocalSigner) -> Sender:
        fees = Fees(max_fee=100 * GWEI, priority_fee=GWEI, resend_after=60.0)
        return Sender(self.chain(), signer, journal, fees)

    def context(self, journal: Journal, signer: LocalSigner, **staking: Any) -> NodeContext:
        """What a node lends to its keepers, as far as the keeper of staking needs it."""
        chosen = {"contract": None, "rotate": True, "claim": False} | staking
        config = SimpleNamespace(
            staking=SimpleNamespace(**chosen),
            transmit=SimpleNamespace(enabled=True, stage_ms=10_000, priority_fee=GWEI),
            chain=SimpleNamespace(multicall=self.multicall),
        )
        nothing: Any = None
        sender = self.sender(journal, signer)
        return NodeContext(config, self.chain(), journal, nothing, nothing, nothing, sender)  # type: ignore[arg-type]

    @property
    def multicall(self) -> str:
        from node.chain.types import MULTICALL3

        return MULTICALL3

    async def committee(self) -> Committee:
        return await self.chain().committee()

    async def report(self, root: int = 7, signers: Sequence[int] = (0, 1, 3), view: int = 0) -> Report:
        """A report of the newest checkpoint, transmitted by the first member."""
        committee = await self.committee()
        cadence = chain_world.CADENCE
        self.world.chain.mine(cadence)
        checkpoint = self.world.chain.head.number // cadence * cadence
        block = self.world.chain.block(checkpoint)
        report = Report(1, checkpoint, block.hash, view, 0b0111, (0, 0, 0), (1, 2, -3), bytes([root]) * 32)
        digest = report_digest(committee.domain, report)
        signatures = b"".join(self.members[index].sign_digest(digest) for index in signers)
        bitmap = sum(1 << index for index in signers)
        step = self.chain().transmit_calldata(report, bitmap, signatures)
        self.world.transact(self.members[0], self.oracle.address, step)
        return report


@pytest.fixture
async def scene() -> AsyncIterator[Scene]:
    async with chain_world.serve() as served:
        oracle = chain_world.open_oracle(served)
        stake = served.deploy("TestToken", ["string", "string", "uint8"], "Stake", "STK", 18)
        address = served.deploy(
            "NodeStaking",
            ["address", "address", f"({','.join(['uint256'] * 13)})", "address", "address"],
            *(oracle.address, stake, PARAMS, chain_world.OWNER.address, "0x" + "00" * 20),
        )
        served.call(chain_world.OWNER, "StrategyOracle", oracle.address, "set_staking", address)
        found = Scene(served, oracle, list(chain_world.MEMBERS), address, stake)
        for index, member in enumerate(found.members):
            found.join(member, found.transport[index].public_key().public_bytes_raw(), BOND + index)
        yield found
