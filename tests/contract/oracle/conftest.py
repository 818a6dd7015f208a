"""The oracle on an in-memory chain, committees whose keys the tests hold, and vaults that say what a test wants."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import boa
import pytest
from eth.exceptions import VMError
from eth_account.messages import encode_typed_data
from eth_keys import keys as eth_keys
from eth_utils import keccak

from tests.contracts import Compile

ROOT = Path(__file__).parents[3]
HERE = Path(__file__).parent
WAD = 10**18
ZERO = "0x" + "00" * 20
GENESIS = 1_000_000
REPORT_TYPE = [
    {"name": "feed", "type": "uint256"},
    {"name": "checkpoint", "type": "uint64"},
    {"name": "blockHash", "type": "bytes32"},
    {"name": "view", "type": "uint8"},
    {"name": "observers", "type": "uint256"},
    {"name": "observations", "type": "int256[]"},
    {"name": "signals", "type": "int256[]"},
    {"name": "contentRoot", "type": "bytes32"},
]
DOMAIN_TYPE = [
    {"name": "name", "type": "string"},
    {"name": "version", "type": "string"},
    {"name": "chainId", "type": "uint256"},
    {"name": "verifyingContract", "type": "address"},
    {"name": "salt", "type": "bytes32"},
]


@dataclass(frozen=True)
class Report:
    """A report as the tests write it down; the fields are those of the contract's struct."""

    feed: int
    checkpoint: int
    block_hash: bytes
    observers: int
    observations: tuple[int, ...]
    view: int = 0
    signals: tuple[int, ...] = (21 * 10**15, 4 * 10**15, 7 * 10**14)
    content_root: bytes = keccak(b"artworks")

    @property
    def abi(self) -> tuple[Any, ...]:
        return (
            self.feed,
            self.checkpoint,
            self.block_hash,
            self.view,
            self.observers,
            list(self.observations),
            list(self.signals),
            self.content_root,
        )


def compact(signature: Any) -> bytes:
    """EIP-2098: r, then s with the parity in its highest bit."""
    return signature.r.to_bytes(32, "big") + (signature.v << 255 | signature.s).to_bytes(32, "big")


@dataclass
class Seats:
    """A committee with its keys, and an independent computation of what it signs."""

    oracle: Any
    keys: list[Any]
    transport: list[bytes]
    chain_id: int = field(default_factory=lambda: int(boa.env.evm.patch.chain_id))

    @property
    def n(self) -> int:
        return len(self.keys)

    @property
    def f(self) -> int:
        return (self.n - 1) // 3

    @property
    def quorum(self) -> int:
        return -(-(self.n + self.f + 1) // 2)

    @property
    def addresses(self) -> list[str]:
        return [key.public_key.to_checksum_address() for key in self.keys]

    @property
    def config_digest(self) -> bytes:
        members = keccak(b"".join(bytes.fromhex(a[2:]) for a in self.addresses) + b"".join(self.transport))
        words = (self.chain_id, int(self.oracle.address, 16), int.from_bytes(members), self.f, self.quorum, 1)
        return keccak(b"".join(word.to_bytes(32, "big") for word in words))

    def typed_data(self, report: Report) -> dict[str, Any]:
        return {
            "types": {"EIP712Domain": DOMAIN_TYPE, "Report": REPORT_TYPE},
            "primaryType": "Report",
            "domain": {
                "name": "Patina",
                "version": "1",
                "chainId": self.chain_id,
                "verifyingContract": self.oracle.address,
                "salt": self.config_digest,
            },
            "message": {
                "feed": report.feed,
                "checkpoint": report.checkpoint,
                "blockHash": report.block_hash,
                "view": report.view,
                "observers": report.observers,
                "observations": list(report.observations),
                "signals": list(report.signals),
                "contentRoot": report.content_root,
            },
        }

    def digest(self, report: Report) -> bytes:
        message = encode_typed_data(full_message=self.typed_data(report))
        return keccak(b"\x19" + message.version + message.header + message.body)

    def sign(self, report: Report, seats: Sequence[int] | None = None) -> tuple[int, bytes]:
        """The bitmap and the signatures of these seats, by default of the first quorum."""
        signing = range(self.quorum) if seats is None else seats
        digest = self.digest(report)
        signatures = [compact(self.keys[i].sign_msg_hash(digest)) for i in signing]
        return sum(1 << i for i in signing), b"".join(signatures)

    def install(self) -> None:
        self.oracle.set_committee(self.addresses, self.transport)

    def install_numbered(self) -> int:
        """As the oracle's staking contract, which any account may play."""
        return int(self.oracle.install(self.addresses, self.transport, sender=self.oracle.staking()))


class World:
    """One oracle, one committee of `n`, and feeds."""

    def __init__(self, oracle: Any, deployers: dict[str, Any], n: int) -> None:
        self.oracle = oracle
        self.deployers = deployers
        self.seats = self.committee(n)
        self.seats.install()

    def committee(self, n: int, label: bytes = b"seat") -> Seats:
        keys = [eth_keys.PrivateKey(keccak(label + b" %d" % i)) for i in range(n)]
        return Seats(self.oracle, keys, [keccak(label + b" transport %d" % i) for i in range(n)])

    def vault(self, decimals: int = 18, price: int = WAD, supply: int = WAD) -> Any:
        return self.deployers["ScriptedVault"].deploy(decimals, price, supply)

    def subscriber(self) -> Any:
        return self.deployers["Subscriber"].deploy()

    def policy(self, **changes: Any) -> tuple[Any, ...]:
        fields: dict[str, Any] = {
            "cadence": 10,
            "window": 3,
            "lookback": 0,
            "heartbeat": 7_200,
            "hysteresis": WAD // 1000,
            "thresholds": [WAD // 100 * i for i in range(1, 6)],
        }
        return tuple((fields | changes).values())

    def open(self, collection: str = ZERO, edition: int = 0, **changes: Any) -> int:
        """Opens a feed and moves on to two checkpoints later."""
        feed = self.oracle.open_feed(self.vault(), self.policy(**changes), collection, edition)
        boa.env.time_travel(blocks=20)
        return int(feed)

    def head(self, feed: int) -> int:
        """The newest checkpoint of a feed that is in the past."""
        cadence = self.oracle.policy(feed).cadence
        return int((boa.env.evm.patch.block_number - 1) // cadence * cadence)

    def block_hash(self, number: int) -> bytes:
        return block_hash(number)

    def report(self, feed: int, answers: Sequence[int] | None = None, **changes: Any) -> Report:
        """A good report of the newest checkpoint; by default the first quorum of seats observed 1.5 %."""
        observations = tuple(sorted(answers if answers is not None else [WAD * 15 // 1000] * self.seats.quorum))
        checkpoint = changes.pop("checkpoint", self.head(feed))
        fields: dict[str, Any] = {
            "feed": feed,
            "checkpoint": checkpoint,
            "block_hash": block_hash(checkpoint),
            "observers": (1 << len(observations)) - 1,
            "observations": observations,
        }
        return Report(**(fields | changes))

    def transmit(self, report: Report, **kwargs: Any) -> None:
        """Transmits a report with the first quorum's signatures."""
        self.oracle.transmit(report.abi, *self.seats.sign(report), **kwargs)

    def stake(self) -> str:
        """Lets an account play the staking contract, and installs the present committee under a number."""
        staking = boa.env.generate_address()
        self.oracle.set_staking(staking)
        self.seats.install_numbered()
        return str(staking)

    def change(self, n: int, label: bytes) -> Seats:
        """Installs another numbered committee; the one that it replaces."""
        before, self.seats = self.seats, self.committee(n, label)
        self.seats.install_numbered()
        return before

    def transmit_previous(self, report: Report, seats: Seats, **kwargs: Any) -> None:
        """Transmits a report as one of the previous configuration, whose seats sign it."""
        signers, signatures = seats.sign(report)
        self.oracle.transmit(report.abi, signers | 1 << 255, signatures, **kwargs)

    def land(self, feed: int, answer: int, **changes: Any) -> Report:
        """Moves to the next checkpoint and lands a report in which all agree."""
        boa.env.time_travel(blocks=self.oracle.policy(feed).cadence)
        report = self.report(feed, [answer] * self.seats.quorum, **changes)
        self.transmit(report)
        return report

    def vote(self, feed: int, seat: int, answer: int, **changes: Any) -> None:
        """The vote of one seat on the newest checkpoint."""
        checkpoint = changes.get("checkpoint", self.head(feed))
        self.oracle.vote(
            feed,
            checkpoint,
            changes.get("block_hash", block_hash(checkpoint)),
            answer,
            changes.get("signals", [1, -2, 3]),
            changes.get("content_root", keccak(b"artworks")),
            sender=changes.get("sender", self.seats.addresses[seat]),
        )

    def events(self, name: str) -> list[Any]:
        """The events of this name of the oracle's last call, subscribers' own among them."""
        return [event for event in self.oracle.get_logs() if type(event).__name__ == name]

    def send(self, data: bytes, **kwargs: Any) -> bool:
        """Whether the oracle takes this calldata."""
        try:
            boa.env.raw_call(self.oracle.address, data=data, **kwargs)
        except VMError:
            return False
        return True

    def calldata(self, report: Report, seats: Seats | None = None) -> bytes:
        return bytes(self.oracle.transmit.prepare_calldata(report.abi, *(seats or self.seats).sign(report)))

    def fast_forward(self, blocks: int) -> None:
        boa.env.time_travel(blocks=blocks)


def block_hash(number: int) -> bytes:
    """The hash that the test chain gives block `number`: each block one of its own."""
    return keccak(b"block %d" % number)


class BlockHashes(Sequence[bytes]):
    """The hashes of the 256 blocks below the current one, nearest first, as BLOCKHASH looks them up."""

    def __len__(self) -> int:
        return 256

    def __getitem__(self, depth: Any) -> Any:
        return block_hash(boa.env.evm.patch.block_number - 1 - depth)


@pytest.fixture(scope="session")
def deployers(compiled: Compile) -> dict[str, Any]:
    """Everything compiled once."""
    sources = [
        ROOT / "contracts/oracle/StrategyOracle.vy",
        ROOT / "contracts/oracle/FeedAggregator.vy",
        ROOT / "contracts/dev/TestToken.vy",
        ROOT / "contracts/dev/YieldVault.vy",
        *sorted((HERE / "contracts").glob("*.vy")),
    ]
    return {source.stem: compiled(source) for source in sources}


@pytest.fixture(autouse=True)
def chain(deployers: dict[str, Any]) -> Iterator[None]:
    """A chain that forgets after each test what the test did."""
    with boa.env.anchor():
        boa.env.evm.patch.block_number = GENESIS
        boa.env.evm.patch.prev_hashes = BlockHashes()
        yield


@pytest.fixture
def make_world(deployers: dict[str, Any]) -> Callable[[int], World]:
    return lambda n: World(deployers["StrategyOracle"].deploy(), deployers, n)


@pytest.fixture
def world(make_world: Callable[[int], World]) -> World:
    """Four nodes, quorum three."""
    return make_world(4)


@pytest.fixture
def real_vault(deployers: dict[str, Any]) -> tuple[Any, Any]:
    """A token of 6 decimals and an ERC-4626 vault with 1,000 of it."""
    token = deployers["TestToken"].deploy("Test dollar", "TUSD", 6)
    vault = deployers["YieldVault"].deploy(token.address, "Vault", "vTUSD", 0, boa.env.eoa)
    token.mint(boa.env.eoa, 10**9)
    token.approve(vault.address, 10**9)
    vault.deposit(10**9, boa.env.eoa)
    return token, vault


@pytest.fixture
def report_of() -> type[Report]:
    """Any report at all, good or not."""
    return Report
