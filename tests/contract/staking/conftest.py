"""Staking on an in-memory chain, between the real oracle and a token, and nodes whose keys the tests hold."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import boa
import pytest
from eth.exceptions import VMError
from eth_abi import encode
from eth_keys import keys as eth_keys
from eth_utils import keccak

from tests.contract.oracle.conftest import BlockHashes, block_hash
from tests.contracts import Compile

ROOT = Path(__file__).parents[3]
HERE = Path(__file__).parent
ZERO = "0x" + "00" * 20
DEAD = "0x000000000000000000000000000000000000dEaD"
UNIT = 10**18
GWEI = 10**9
HOUR = 3_600
DAY = 24 * HOUR
CADENCE = 10
GENESIS = 1_000_000
TIME = 1_800_000_000
DOMAIN = keccak(
    b"EIP712Domain(string name,string version,uint256 chainId,address verifyingContract)",
)
ORACLE_DOMAIN = keccak(
    b"EIP712Domain(string name,string version,uint256 chainId,address verifyingContract,bytes32 salt)",
)
REPORT = keccak(
    b"Report(uint256 feed,uint64 checkpoint,bytes32 blockHash,uint8 view,uint256 observers,"
    b"int256[] observations,int256[] signals,bytes32 contentRoot)",
)
RECORD = "(uint256,uint64,uint256,uint256,uint256,address,uint256,uint256)"


@dataclass(frozen=True)
class Rules:
    """The rules as a test wants them; the fields are those of the contract's struct, in its order."""

    minimum: int = 100 * UNIT
    seats: int = 4
    era: int = DAY
    delay: int = 14 * DAY
    reporter_share: int = 1_000
    observer_fee: int = 10**12
    signer_fee: int = 3 * 10**12
    price_cap: int = 50 * GWEI
    premium: int = 1_000
    attendance: int = 5_000
    least_reports: int = 2
    strikes: int = 2
    least_seats: int = 1

    @property
    def abi(self) -> tuple[int, ...]:
        return tuple(vars(self).values())


@dataclass(frozen=True)
class Statement:
    """What a member signs, arrays as their hashes; the fields are those of the contract's struct."""

    feed: int = 1
    checkpoint: int = 1_000
    block_hash: bytes = keccak(b"block")
    view: int = 0
    observers: int = 7
    observations_hash: bytes = keccak(b"observations")
    signals_hash: bytes = keccak(b"signals")
    content_root: bytes = keccak(b"artworks")

    @property
    def abi(self) -> tuple[Any, ...]:
        return tuple(vars(self).values())

    def digest(self, oracle: str, config_digest: bytes) -> bytes:
        """EIP-712, computed apart from the contracts."""
        domain = encode(
            ["bytes32", "bytes32", "bytes32", "uint256", "address", "bytes32"],
            [ORACLE_DOMAIN, keccak(b"Patina"), keccak(b"1"), chain_id(), oracle, config_digest],
        )
        words = ["bytes32", "uint256", "uint64", "bytes32", "uint8", "uint256", "bytes32", "bytes32", "bytes32"]
        return keccak(b"\x19\x01" + keccak(domain) + keccak(encode(words, [REPORT, *self.abi])))


def chain_id() -> int:
    return int(boa.env.evm.patch.chain_id)


def now() -> int:
    return int(boa.env.evm.patch.timestamp)


def compact(signature: Any) -> bytes:
    """EIP-2098: r, then s with the parity in its highest bit."""
    return bytes(signature.r.to_bytes(32, "big") + (signature.v << 255 | signature.s).to_bytes(32, "big"))


@dataclass
class Operator:
    """One operator: a cold account, the present keys, and who is paid."""

    label: str
    account: str
    payee: str
    key: Any
    transport: bytes
    id: int = 0
    former: list[Any] = field(default_factory=list)

    @property
    def signer(self) -> str:
        return str(self.key.public_key.to_checksum_address())


class Stage:
    """An oracle with feeds, a token, the staking contract between them, and whoever takes part."""

    def __init__(self, deployers: dict[str, Any], rules: Rules, token: Any = None, slash_receiver: str = ZERO) -> None:
        self.deployers = deployers
        self.rules = rules
        self.oracle = deployers["StrategyOracle"].deploy()
        self.token = token or deployers["TestToken"].deploy("Stake", "STK", 18)
        self.guardian = boa.env.generate_address()
        self.staking = deployers["NodeStaking"].deploy(
            self.oracle.address, self.token.address, rules.abi, self.guardian, slash_receiver
        )
        self.oracle.set_staking(self.staking.address)
        self.records: list[tuple[Any, ...]] = []
        self.links: list[bytes] = [self.oracle.ledger()]
        self.operators: list[Operator] = []

    def proof(self, key: Any, account: str, transport: bytes) -> bytes:
        """The signer's word that the operator may use it with this transport key."""
        domain = encode(
            ["bytes32", "bytes32", "bytes32", "uint256", "address"],
            [DOMAIN, keccak(b"Patina Staking"), keccak(b"1"), chain_id(), self.staking.address],
        )
        possession = keccak(b"Possession(address operator,bytes32 transportKey)")
        struct = keccak(encode(["bytes32", "address", "bytes32"], [possession, account, transport]))
        return compact(key.sign_msg_hash(keccak(b"\x19\x01" + keccak(domain) + struct)))

    def operator(self, label: str, bond: int = 0) -> Operator:
        """A registered node, with a bond if it is to have one."""
        operator = Operator(
            label,
            boa.env.generate_address(),
            boa.env.generate_address(),
            eth_keys.PrivateKey(keccak(text=f"signer {label}")),
            keccak(text=f"transport {label}"),
        )
        proof = self.proof(operator.key, operator.account, operator.transport)
        operator.id = self.staking.register(
            operator.signer, operator.transport, operator.payee, proof, sender=operator.account
        )
        self.operators.append(operator)
        if bond:
            self.bond(operator, bond)
        return operator

    def staff(self, count: int, bond: int | None = None) -> list[Operator]:
        """Nodes with the minimum at stake."""
        return [self.operator(f"node {i}", bond or self.rules.minimum) for i in range(count)]

    def bond(self, operator: Operator, amount: int) -> None:
        self.token.mint(operator.account, amount)
        self.token.approve(self.staking.address, amount, sender=operator.account)
        self.staking.bond(amount, sender=operator.account)

    def change_keys(self, operator: Operator, label: str) -> None:
        """Other keys for a node, from the next election on."""
        key, transport = eth_keys.PrivateKey(keccak(text=f"signer {label}")), keccak(text=f"transport {label}")
        proof = self.proof(key, operator.account, transport)
        signer = key.public_key.to_checksum_address()
        self.staking.change_keys(signer, transport, proof, sender=operator.account)
        operator.former.append(operator.key)
        operator.key, operator.transport = key, transport

    def open_feed(self) -> int:
        """A feed on a vault that answers what it is told; its opener is the oracle's owner."""
        vault = self.deployers["ScriptedVault"].deploy(18, UNIT, UNIT)
        policy = (CADENCE, 3, 0, 7_200, 10**15, [10**16 * i for i in range(1, 6)])
        return int(self.oracle.open_feed(vault.address, policy, ZERO, 0))

    def members(self) -> list[Operator]:
        """Who sits in the committee in force, in its order."""
        number, _ = self.staking.current()
        return [self.operators[id_ - 1] for id_ in self.staking.members(number)]

    def land(
        self, feed: int, members: Sequence[Operator] | None = None, previous: bool = False, **kwargs: Any
    ) -> tuple[Any, ...]:
        """Lands a report of a committee's first quorum on the newest checkpoint; its record."""
        boa.env.evm.patch.block_number += CADENCE
        seated = list(members or self.members())
        n = len(seated)
        quorum = (n + (n - 1) // 3) // 2 + 1
        present = list(kwargs.pop("present", range(quorum)))
        assert len(present) >= quorum
        checkpoint = int(boa.env.evm.patch.block_number - 1) // CADENCE * CADENCE
        report = (
            feed,
            checkpoint,
            block_hash(checkpoint),
            0,
            sum(1 << i for i in present),
            [10**15] * len(present),
            [],
            keccak(b"artworks"),
        )
        config = self.oracle.configuration()[2 if previous else 0]
        statement = Statement(
            *report[:5],  # type: ignore[arg-type]
            keccak(b"".join(value.to_bytes(32, "big") for value in report[5])),  # type: ignore[attr-defined]
            keccak(b""),
            report[7],  # type: ignore[arg-type]
        )
        digest = statement.digest(self.oracle.address, config)
        signing = present[:quorum]
        signatures = b"".join(compact(seated[i].key.sign_msg_hash(digest)) for i in signing)
        signers = sum(1 << i for i in signing) | (previous << 255)
        self.oracle.transmit(report, signers, signatures, **kwargs)
        return self.note()

    def note(self) -> tuple[Any, ...]:
        """Keeps the record of the oracle's last call, and checks the chain of them."""
        (event,) = [event for event in self.oracle.get_logs() if type(event).__name__ == "Worked"]
        record = (
            event.feed,
            event.checkpoint,
            event.number,
            event.observers,
            event.signers,
            str(event.transmitter),
            event.gas_used,
            event.gas_price,
        )
        self.records.append(record)
        self.links.append(keccak(self.links[-1] + encode([RECORD], [record])))
        assert self.links[-1] == self.oracle.ledger()
        return record

    def due(self) -> list[tuple[Any, ...]]:
        """The records that are not settled yet, up to the walk's end."""
        start = self.links.index(self.staking.settled())
        return self.records[start : self.links.index(self.staking.cursor())]

    def rotate(self, **kwargs: Any) -> None:
        """Lets the era end, settles everything and elects."""
        boa.env.evm.patch.timestamp = max(now(), self.staking.era_ends())
        self.staking.rotate(self.due(), **kwargs)

    def sign(self, key: Any, statement: Statement, config_digest: bytes) -> bytes:
        return compact(key.sign_msg_hash(statement.digest(self.oracle.address, config_digest)))

    def evidence(
        self, key: Any, config_digest: bytes | None = None, first: Statement | None = None, **changes: Any
    ) -> tuple[Any, ...]:
        """The arguments of a slash: two statements of one signer that differ in their artworks."""
        config_digest = config_digest or self.staking.current()[1]
        first = first or Statement()
        second = Statement(**{**vars(first), "content_root": keccak(b"others"), **changes})
        return (
            config_digest,
            first.abi,
            self.sign(key, first, config_digest),
            second.abi,
            self.sign(key, second, config_digest),
        )

    def events(self, name: str) -> list[Any]:
        """The events of this name of staking's last call."""
        return [event for event in self.staking.get_logs() if type(event).__name__ == name]

    def gas_price(self, wei: int) -> None:
        """What a unit of gas costs from now on; the test's chain has a gwei again after it."""
        boa.env._gas_price = wei

    def tokens_held(self) -> int:
        return int(self.token.balanceOf(self.staking.address))


@pytest.fixture(scope="session")
def deployers(compiled: Compile) -> dict[str, Any]:
    """Everything compiled once."""
    sources = [
        ROOT / "contracts/staking/NodeStaking.vy",
        ROOT / "contracts/oracle/StrategyOracle.vy",
        ROOT / "contracts/dev/TestToken.vy",
        ROOT / "tests/contract/oracle/contracts/ScriptedVault.vy",
        *sorted((HERE / "contracts").glob("*.vy")),
    ]
    return {source.stem: compiled(source) for source in sources}


@pytest.fixture(autouse=True)
def chain(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A chain that forgets after each test what the test did; gas costs a gwei."""
    # titanoboa has no setter for what transactions on its own chain pay.
    monkeypatch.setattr(boa.env, "_gas_price", GWEI)
    with boa.env.anchor():
        boa.env.evm.patch.block_number = GENESIS
        boa.env.evm.patch.timestamp = TIME
        boa.env.evm.patch.prev_hashes = BlockHashes()
        boa.env.set_balance(boa.env.eoa, 10**6 * UNIT)
        yield


@pytest.fixture
def make_stage(deployers: dict[str, Any]) -> Callable[..., Stage]:
    """A stage with rules of the test's choice."""

    def make(token: Any = None, slash_receiver: str = ZERO, **rules: int) -> Stage:
        return Stage(deployers, Rules(**rules), token, slash_receiver)

    return make


@pytest.fixture
def stage(make_stage: Callable[..., Stage]) -> Stage:
    """Four seats, a day an era, a minimum of 100."""
    return make_stage()


@pytest.fixture
def refused() -> Callable[[Callable[[], Any]], bool]:
    """Whether a call is refused, whatever for."""

    def check(call: Callable[[], Any]) -> bool:
        try:
            call()
        except (boa.BoaError, VMError):
            return True
        return False

    return check
