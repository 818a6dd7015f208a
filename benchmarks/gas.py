"""What the contracts cost: gas as receipts state it, base cost and calldata included."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

from eth_hash.auto import keccak
from eth_keys.datatypes import PrivateKey

from benchmarks.embedded import Deployed, Embedded
from node.agreement.committee import Committee
from node.agreement.report import Report, report_digest
from node.devnet.genesis import dev_account

WAD = 10**18
NOBODY = "0x" + "00" * 20
CADENCE = 2
SUPPLY = 64
CALLBACK_FAILED = keccak(b"CallbackFailed(uint256,address)")
WORKED = keccak(b"Worked(uint256,uint64,uint256,uint256,uint256,address,uint256,uint256)")
RECORDING = 12_000
"""The most gas that recording a report's work may add to `transmit`."""
THRESHOLDS = [WAD // 100 * i for i in range(1, 6)]
TARGETS = {4: 80_000, 7: 96_000, 13: 125_000, 31: 185_000}
"""Nodes -> the most gas that `transmit` may use, second and later reports, the repaint of an edition included."""

PATHS: dict[str, Sequence[int]] = {
    "one band up": (15, 25, 35, 45),
    "one band down": (58, 44, 34, 24, 14),
    "one band down, into a loss": (15, -12),
    "all five bands up": (4, 58),
    "all five bands down, into a loss": (58, -43),
    "no band changes": (15, 16),
}
"""What is measured -> answers (thousandths) of consecutive reports; the first one only sets the scene."""

RECORDED = "one band up"
"""The path on which a recorded report is held against one that is not."""

BEYOND = {
    "all five bands down, into a loss": "five thresholds at once, and each negative word of calldata costs 300 more;"
    " at N = 4 it is above 80,000",
}
"""What is told without a target -> why."""


@dataclass
class Stage:
    """An oracle with one revealed edition on one feed, and a committee to be seated."""

    chain: Embedded
    oracle: Deployed
    vault: Deployed
    collection: Deployed
    aggregator: Deployed
    feed: int
    open_feed_gas: int

    def seat(self, n: int, *, staked: bool = False) -> Seated:
        """Install a committee of `n`; as the staking contract would, if `staked`: then its work is recorded."""
        keys = [PrivateKey(keccak(b"benchmark seat %d" % i)) for i in range(n)]
        transport = [keccak(b"benchmark transport %d" % i) for i in range(n)]
        signers = [key.public_key.to_checksum_address() for key in keys]
        self.oracle.send("set_staking", self.chain.account.address if staked else NOBODY)
        receipt = self.oracle.send("install" if staked else "set_committee", signers, transport)
        committee = Committee(self.chain.evm.settings.chain_id, self.oracle.address, signers, transport)
        return Seated(self, keys, committee, receipt.gas_used, staked)


@dataclass
class Seated:
    """A stage with its committee in force."""

    stage: Stage
    keys: list[PrivateKey]
    committee: Committee
    set_committee_gas: int
    staked: bool = False
    told: int = 0
    """What the ledger says that the last report cost."""

    def report(self, thousandths: int) -> Report:
        """A report on the newest checkpoint, every node's answer a little different, as real measurements are."""
        evm = self.stage.chain.evm
        evm.mine(2 * CADENCE)
        checkpoint = evm.head.number // CADENCE * CADENCE
        block = evm.block(checkpoint)
        if block is None:
            raise RuntimeError("the checkpoint block is missing")
        answer = WAD * thousandths // 1000
        return Report(
            feed=self.stage.feed,
            checkpoint=checkpoint,
            block_hash=block.hash,
            view=0,
            observers=(1 << self.committee.n) - 1,
            observations=tuple(answer + 37_129_811_527_113 * i for i in range(self.committee.n)),
            signals=(WAD * 21 // 977, WAD * 4 // 991, -WAD // 1013),
            content_root=keccak(b"root %d" % checkpoint),
        )

    def transmit(self, report: Report) -> int:
        """Land a report with exactly a quorum's signatures; its gas."""
        digest = report_digest(self.committee.domain, report)
        signing = range(self.committee.n - self.committee.quorum, self.committee.n)
        signatures = b"".join(_compact(self.keys[i].sign_msg_hash(digest)) for i in signing)
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
        receipt = self.stage.oracle.send("transmit", fields, sum(1 << i for i in signing), signatures)
        if any(log.topics[0] == CALLBACK_FAILED for log in receipt.logs):
            raise RuntimeError("the collection refused the report")
        records = [log for log in receipt.logs if log.topics[0] == WORKED]
        if len(records) != self.staked:
            raise RuntimeError("a report of a numbered configuration, and no other, is recorded once")
        for record in records:
            self.told = int.from_bytes(record.data[-64:-32], "big")
        return receipt.gas_used

    def recorded(self, name: str) -> tuple[int, int]:
        """The dearest report of a path, and the same one's cost as the ledger tells it.

        Raises:
            RuntimeError: the ledger told more than a receipt, so that a transmitter could be paid too much.
        """
        costs = []
        for thousandths in PATHS[name]:
            gas = self.transmit(self.report(thousandths))
            if self.told > gas:
                raise RuntimeError(f"the ledger told {self.told} gas of a report that cost {gas}")
            costs.append((gas, self.told))
        return max(costs[1:])

    def measure(self) -> dict[str, int]:
        """The dearest report of each path."""
        figures = {}
        for name, path in PATHS.items():
            gas = [self.transmit(self.report(thousandths)) for thousandths in path]
            figures[name] = max(gas[1:])
        return figures


def stage() -> Stage:
    """Deploy everything, sell and reveal an edition, and land nothing yet."""
    chain = Embedded()
    token = chain.deploy("TestToken", "Test dollar", "TUSD", 6)
    vault = chain.deploy("YieldVault", token.address, "Vault", "vTUSD", 0, chain.account.address)
    oracle = chain.deploy("StrategyOracle")
    collection = chain.deploy("DynamicCollection", "Weather", "WTHR", oracle.address, 1, "")
    token.send("mint", chain.account.address, 10**12)
    token.send("approve", vault.address, 10**12)
    vault.send("deposit", 10**9, chain.account.address)
    policy = (CADENCE, 3, 0, 7_200, WAD // 1000, THRESHOLDS)
    opened = oracle.send("open_feed", vault.address, policy, collection.address, 1)
    secret = keccak(b"secret")
    collection.send("open_edition", SUPPLY, 0, 1, keccak(b"recipe"), keccak(b"placeholder"), keccak(secret), NOBODY, 0)
    collection.send("mint", 1, chain.account.address, SUPPLY)
    closed = collection.send("close_edition", 1)
    reveal_block = chain.evm.mined_in(closed.transaction.hash) + 1
    chain.evm.mine(2)
    block = chain.evm.block(reveal_block)
    if block is None:
        raise RuntimeError("the reveal block is missing")
    collection.send("record_randomness", 1, block.header_rlp)
    collection.send("reveal", 1, secret)
    aggregator = chain.deploy("FeedAggregator", oracle.address, 1)
    return Stage(chain, oracle, vault, collection, aggregator, 1, opened.gas_used)


def votes(seated: Seated) -> dict[str, int]:
    """Gas of a quorum's votes, the last of which takes effect; the voters are development accounts."""
    stage, evm = seated.stage, seated.stage.chain.evm
    accounts = [dev_account(evm.settings.seed, i) for i in range(4)]
    stage.oracle.send("set_committee", [account.address for account in accounts], [keccak(b"%d" % i) for i in range(4)])
    report = seated.report(25)
    gas = [
        stage.oracle.send(
            "vote",
            report.feed,
            report.checkpoint,
            report.block_hash,
            report.observations[i],
            report.signals,
            report.content_root,
            key=account,
        ).gas_used
        for i, account in enumerate(accounts[:3])
    ]
    return {"vote, the first": gas[0], "vote, the last, with its effect (N = 4)": gas[-1]}


@cache
def rows() -> list[dict[str, Any]]:
    """Every figure as one row: what, N, gas, and the target where there is one. Measured once."""
    scene = stage()
    found: list[dict[str, Any]] = []
    for n, target in TARGETS.items():
        seated = scene.seat(n)
        for name, gas in seated.measure().items():
            found.append(_row(f"transmit: {name}", n, gas, None if name in BEYOND else target))
        found.append(_row("set_committee", n, seated.set_committee_gas))
    for n in TARGETS:
        staked = scene.seat(n, staked=True)
        gas, told = staked.recorded(RECORDED)
        plain = next(row["gas"] for row in found if row["what"] == f"transmit: {RECORDED}" and row["n"] == n)
        found.append(_row(f"transmit, recorded: {RECORDED}", n, gas))
        found.append(_row("recording a report adds", n, gas - plain, RECORDING))
        found.append(_row("told to the ledger of it", n, told, gas))
        found.append(_row("install", n, staked.set_committee_gas))
    others = votes(scene.seat(4))
    others["open_feed, 5 thresholds"] = scene.open_feed_gas
    others["read latestRoundData"] = scene.aggregator.read_gas("latestRoundData")
    others["read latest"] = scene.oracle.read_gas("latest", scene.feed)
    others["read band"] = scene.oracle.read_gas("band", scene.feed)
    found += [_row(what, None, gas) for what, gas in others.items()]
    return found


def _row(what: str, n: int | None, gas: int, target: int | None = None) -> dict[str, Any]:
    return {"what": what, "n": n, "gas": gas, "target": target}


def main() -> int:
    """Print the table; 1 if a target is missed."""
    missed = False
    lines = [f"{'what':44}{'N':>4}{'gas':>10}{'target':>10}"]
    for row in rows():
        over = row["target"] is not None and row["gas"] > row["target"]
        missed |= over
        target = f"{row['target']:,}" if row["target"] else ""
        lines.append(f"{row['what']:44}{row['n'] or '':>4}{row['gas']:>10,}{target:>10}{'  missed' if over else ''}")
    lines += [f"Not held to a target: {name} ({BEYOND[name]})." for name in sorted(BEYOND)]
    sys.stdout.write("\n".join(lines) + "\n")
    return int(missed)


def _compact(signature: Any) -> bytes:
    """EIP-2098: r, then s with the parity in its highest bit."""
    return bytes(signature.r.to_bytes(32, "big") + (signature.v << 255 | signature.s).to_bytes(32, "big"))


if __name__ == "__main__":
    sys.exit(main())
