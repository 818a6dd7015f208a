"""What staking costs: gas as receipts state it, with a full committee of 31 and all 64 candidates."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import Any

from eth_abi.abi import encode
from eth_account import Account
from eth_account.signers.local import LocalAccount
from eth_hash.auto import keccak
from eth_keys.datatypes import PrivateKey
from eth_typing import Address
from web3 import Web3

from benchmarks.embedded import Deployed, Embedded
from node.agreement.committee import Committee
from node.agreement.report import Report, report_digest

WAD = 10**18
NOBODY = "0x" + "00" * 20
CADENCE = 2
SEATS = 31
CANDIDATES = 64
RECORDS = 64
ERA = 10**6
MINIMUM = 1_000 * WAD
RULES = (MINIMUM, SEATS, ERA, 14 * 86_400, 1_000, 10**12, 3 * 10**12, 50 * 10**9, 1_000, 5_000, 2, 2, 1)
"""The contract's `Params`: eras so long that only this file ends them."""
WORKED = keccak(b"Worked(uint256,uint64,uint256,uint256,uint256,address,uint256,uint256)")
DOMAIN = keccak(b"EIP712Domain(string name,string version,uint256 chainId,address verifyingContract)")
POSSESSION = keccak(b"Possession(address operator,bytes32 transportKey)")
ORACLE_DOMAIN = keccak(
    b"EIP712Domain(string name,string version,uint256 chainId,address verifyingContract,bytes32 salt)"
)
REPORT = keccak(
    b"Report(uint256 feed,uint64 checkpoint,bytes32 blockHash,uint8 view,uint256 observers,"
    b"int256[] observations,int256[] signals,bytes32 contentRoot)"
)


@dataclass
class Stakers:
    """An oracle that obeys staking, a feed with funds, and operators in the order in which they registered."""

    chain: Embedded
    oracle: Deployed
    token: Deployed
    staking: Deployed
    feed: int
    operators: list[LocalAccount] = field(default_factory=list)
    keys: list[PrivateKey] = field(default_factory=list)
    transport: list[bytes] = field(default_factory=list)
    records: list[tuple[Any, ...]] = field(default_factory=list)

    def join(self, bond: int = MINIMUM) -> tuple[int, int]:
        """Register a node and bond so much; the gas of both."""
        i = len(self.operators)
        operator = Account.from_key(keccak(b"benchmark operator %d" % i))
        self.chain.evm.fund(Address(bytes.fromhex(operator.address[2:])), 10**20)
        self.chain.evm.mine()
        self.operators.append(operator)
        self.keys.append(PrivateKey(keccak(b"benchmark signer %d" % i)))
        self.transport.append(keccak(b"benchmark transport key %d" % i))
        registered = self.staking.send(
            "register", self.signer(i), self.transport[i], operator.address, self.proof(i), key=operator
        )
        self.token.send("mint", operator.address, bond)
        self.token.send("approve", self.staking.address, bond, key=operator)
        bonded = self.staking.send("bond", bond, key=operator)
        return registered.gas_used, bonded.gas_used

    def signer(self, i: int) -> str:
        """A node's signing address."""
        return str(self.keys[i].public_key.to_checksum_address())

    def proof(self, i: int) -> bytes:
        """The signer's word that the operator may use it."""
        domain = encode(
            ["bytes32", "bytes32", "bytes32", "uint256", "address"],
            [DOMAIN, keccak(b"Patina Staking"), keccak(b"1"), self.chain.evm.settings.chain_id, self.staking.address],
        )
        struct = encode(["bytes32", "address", "bytes32"], [POSSESSION, self.operators[i].address, self.transport[i]])
        return _compact(self.keys[i].sign_msg_hash(keccak(b"\x19\x01" + keccak(domain) + keccak(struct))))

    def change_keys(self, i: int) -> int:
        """Give a node keys for the next election; the gas."""
        self.keys[i] = PrivateKey(keccak(b"benchmark signer %d, changed" % i))
        self.transport[i] = keccak(b"benchmark transport key %d, changed" % i)
        arguments = (self.signer(i), self.transport[i], self.proof(i))
        return self.staking.send("change_keys", *arguments, key=self.operators[i]).gas_used

    def rotate(self, records: Sequence[tuple[Any, ...]] = ()) -> int:
        """End the era; the gas."""
        self.chain.evm.set_next_timestamp(self.chain.evm.head.timestamp + ERA + 1)
        return self.staking.send("rotate", list(records)).gas_used

    def land(self, members: Sequence[int]) -> None:
        """A report in which all members took part; its record is kept."""
        evm = self.chain.evm
        evm.mine(2 * CADENCE)
        checkpoint = evm.head.number // CADENCE * CADENCE
        block = evm.block(checkpoint)
        if block is None:
            raise RuntimeError("the checkpoint block is missing")
        committee = self.committee(members)
        report = Report(
            feed=self.feed,
            checkpoint=checkpoint,
            block_hash=block.hash,
            view=0,
            observers=(1 << committee.n) - 1,
            observations=tuple(WAD // 100 + 37_129_811_527_113 * i for i in range(committee.n)),
            signals=(WAD * 21 // 977,),
            content_root=keccak(b"root"),
        )
        digest = report_digest(committee.domain, report)
        signing = range(committee.quorum)
        signatures = b"".join(_compact(self.keys[members[i]].sign_msg_hash(digest)) for i in signing)
        fields = (
            report.feed,
            report.checkpoint,
            report.block_hash,
            report.view,
            report.observers,
            report.observations,
            report.signals,
            report.content_root,
        )
        receipt = self.oracle.send("transmit", fields, sum(1 << i for i in signing), signatures)
        (log,) = [log for log in receipt.logs if log.topics[0] == WORKED]
        words = [int.from_bytes(log.data[i : i + 32]) for i in range(0, len(log.data), 32)]
        transmitter = Web3.to_checksum_address(f"0x{words[3]:040x}")
        self.records.append((report.feed, checkpoint, *words[:3], transmitter, *words[4:]))

    def committee(self, members: Sequence[int]) -> Committee:
        """The committee of these nodes."""
        return Committee(
            self.chain.evm.settings.chain_id,
            self.oracle.address,
            [self.signer(i) for i in members],
            [self.transport[i] for i in members],
        )

    def slash(self, members: Sequence[int], offender: int) -> int:
        """Slash a member for two statements; the gas."""
        config_digest = self.committee(members).config_digest
        domain = encode(
            ["bytes32", "bytes32", "bytes32", "uint256", "address", "bytes32"],
            [
                ORACLE_DOMAIN,
                keccak(b"Patina"),
                keccak(b"1"),
                self.chain.evm.settings.chain_id,
                self.oracle.address,
                config_digest,
            ],
        )
        types = ["uint256", "uint64", "bytes32", "uint8", "uint256", "bytes32", "bytes32", "bytes32"]
        evidence: list[Any] = [config_digest]
        for root in (keccak(b"one"), keccak(b"another")):
            statement = (1, 1_000, keccak(b"block"), 0, 2**31 - 1, keccak(b"answers"), keccak(b"signals"), root)
            struct = keccak(encode(["bytes32", *types], [REPORT, *statement]))
            digest = keccak(b"\x19\x01" + keccak(domain) + struct)
            evidence += [statement, _compact(self.keys[offender].sign_msg_hash(digest))]
        return self.staking.send("slash_equivocation", *evidence).gas_used


def stage() -> Stakers:
    """Deploy everything; nobody has registered yet."""
    chain = Embedded()
    token = chain.deploy("TestToken", "Test stake", "TSTK", 18)
    vault = chain.deploy("YieldVault", token.address, "Vault", "vTSTK", 0, chain.account.address)
    token.send("mint", chain.account.address, 10**24)
    token.send("approve", vault.address, 10**24)
    vault.send("deposit", 10**21, chain.account.address)
    oracle = chain.deploy("StrategyOracle")
    policy = (CADENCE, 3, 0, 7_200, WAD // 1000, [WAD // 20])
    oracle.send("open_feed", vault.address, policy, NOBODY, 0)
    staking = chain.deploy("NodeStaking", oracle.address, token.address, RULES, NOBODY, NOBODY)
    oracle.send("set_staking", staking.address)
    staking.send("fund", 1, value=10 * WAD)
    staking.send("fund_treasury", value=10 * WAD)
    return Stakers(chain, oracle, token, staking, 1)


@cache
def rows() -> list[dict[str, Any]]:
    """Every figure as one row: what, N, gas. Measured once."""
    scene = stage()
    found: list[dict[str, Any]] = []

    def note(what: str, n: int | None, gas: int) -> None:
        found.append({"what": what, "n": n, "gas": gas, "target": None})

    joined = [scene.join() for _ in range(CANDIDATES)]
    note("staking: register", None, joined[-1][0])
    note("staking: bond, which makes a candidate", None, joined[SEATS][1])
    members = list(range(SEATS))
    note("staking: rotate, a first committee of 64 candidates", SEATS, scene.rotate())
    note("staking: rotate, no change, no records", SEATS, scene.rotate())
    note("staking: change_keys", None, scene.change_keys(4))
    note("staking: rotate, one member's keys changed, no records", SEATS, scene.rotate())

    for _ in range(RECORDS):
        scene.land(members)
    note(
        "staking: settle, 64 records, rewards for the first time",
        SEATS,
        scene.staking.send("settle", scene.records).gas_used,
    )
    scene.records.clear()
    for _ in range(RECORDS):
        scene.land(members)
    scene.change_keys(5)
    note("staking: rotate, one change, 64 records", SEATS, scene.rotate(scene.records))
    scene.records.clear()
    scene.land(members)
    note("staking: settle, one record", SEATS, scene.staking.send("settle", scene.records).gas_used)
    note("staking: claim", None, scene.staking.send("claim", 1).gas_used)
    note("staking: collect", None, scene.staking.send("collect", scene.chain.account.address).gas_used)
    note("staking: bond, which pushes the lowest of 64 candidates out", None, scene.join(2 * MINIMUM)[1])
    note("staking: unbond", None, scene.staking.send("unbond", 1, key=scene.operators[-1]).gas_used)
    note("staking: slash_equivocation, with the next committee", SEATS, scene.slash(members, 7))
    return found


def main() -> int:
    """Print the table."""
    lines = [f"{'what':60}{'N':>4}{'gas':>12}"]
    lines += [f"{row['what']:60}{row['n'] or '':>4}{row['gas']:>12,}" for row in rows()]
    sys.stdout.write("\n".join(lines) + "\n")
    return 0


def _compact(signature: Any) -> bytes:
    """EIP-2098: r, then s with the parity in its highest bit."""
    return bytes(signature.r.to_bytes(32, "big") + (signature.v << 255 | signature.s).to_bytes(32, "big"))


if __name__ == "__main__":
    sys.exit(main())
