"""A collection with its real oracle and vault on an in-memory chain whose headers the tests write."""

from __future__ import annotations

import base64
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import Any

import boa
import pytest
import rlp
from eth.vm.forks.prague.blocks import PragueBlockHeader
from eth.vm.forks.prague.constants import (
    HISTORY_SERVE_WINDOW,
    HISTORY_STORAGE_ADDRESS,
    HISTORY_STORAGE_CONTRACT_CODE,
)
from eth_keys import keys as eth_keys
from eth_utils import keccak

from tests.contracts import Compile

ROOT = Path(__file__).parents[3]
HERE = Path(__file__).parent
WAD = 10**18
GENESIS = 1_000_000
REVEAL_DELAY = 20
ZERO = "0x" + "00" * 20
CADENCE = 10
BAND = keccak(b"band")
ANSWER = keccak(b"answer")


def header(number: int, prevrandao: bytes | None = None, **fields: Any) -> PragueBlockHeader:
    """The header of the test chain's block `number`, as an independent implementation makes it."""
    return PragueBlockHeader(
        difficulty=0,
        block_number=number,
        gas_limit=36_000_000,
        timestamp=12 * number,
        parent_hash=keccak(b"parent of %d" % number),
        mix_hash=keccak(b"prevrandao of %d" % number) if prevrandao is None else prevrandao,
        **fields,
    )


class Blockhashes(Sequence[bytes]):
    """What BLOCKHASH looks up: the hashes of the 256 blocks below the current one, nearest first."""

    def __len__(self) -> int:
        return 256

    def __getitem__(self, depth: Any) -> Any:
        return header(boa.env.evm.patch.block_number - 1 - depth).hash


def remember(number: int, block_hash: bytes) -> None:
    """Writes a block's hash where EIP-2935 has clients write it."""
    account = boa.env.evm.vm.state
    account.set_storage(HISTORY_STORAGE_ADDRESS, number % HISTORY_SERVE_WINDOW, int.from_bytes(block_hash))


def fields(log: Any) -> tuple[Any, ...]:
    """An event's arguments, without the address that boa puts first."""
    return tuple(log)[1:]


def directory_cid(digest: bytes) -> str:
    """The text of a directory's CIDv1, by Python's own base32."""
    return "b" + base64.b32encode(b"\x01\x70\x12\x20" + digest).decode().lower().rstrip("=")


@dataclass
class Studio:
    """An artist with a collection, an oracle with a committee of one, and a vault."""

    oracle: Any
    vault: Any
    collection: Any
    receivers: Any
    artist: str
    key: Any
    secrets: Iterator[bytes]

    def feed(self, edition: int, collection: str | None = None) -> int:
        policy = (CADENCE, 1, 0, 0, WAD // 1000, [WAD // 100, WAD // 50])
        return int(self.oracle.open_feed(self.vault, policy, collection or self.collection.address, edition))

    def open(self, supply: int = 6, price: int = 5, secret: bytes | None = None, **changes: Any) -> int:
        """Opens an edition on a feed of its own and returns its number."""
        edition = self.collection.next_edition()
        terms = {
            "supply": supply,
            "price": price,
            "feed": self.feed(edition),
            "recipe": keccak(b"recipe"),
            "placeholder": keccak(b"placeholder"),
            "commitment": keccak(secret if secret is not None else next(self.secrets)),
            "royalty_receiver": self.artist,
            "royalty_basis_points": 500,
        } | changes
        return int(self.collection.open_edition(*terms.values()))

    def buy(self, edition: int, quantity: int = 1, to: str | None = None) -> None:
        buyer = to or boa.env.generate_address()
        cost = quantity * self.collection.edition(edition).price
        boa.env.set_balance(buyer, boa.env.get_balance(buyer) + cost)
        self.collection.mint(edition, buyer, quantity, value=cost, sender=buyer)

    def sell_out(self, secret: bytes, supply: int = 6) -> int:
        """An edition that sold out and closed."""
        edition = self.open(supply=supply, secret=secret)
        self.buy(edition, supply)
        self.collection.close_edition(edition)
        return edition

    def revealed(self, secret: bytes = b"s" * 32, supply: int = 6) -> int:
        """An edition that sold out, closed and was revealed."""
        edition = self.sell_out(secret, supply)
        block = self.collection.edition(edition).reveal_block
        self.go_to(block + 1)
        self.collection.record_randomness(edition, rlp.encode(header(block)))
        self.collection.reveal(edition, secret)
        return edition

    def go_to(self, number: int) -> None:
        boa.env.evm.patch.block_number = number

    def token(self, edition: int, index: int) -> int:
        return edition * 1_000_000 + index

    def on_report(
        self, feed: int, root: bytes, band: int = 1, previous_band: int = 0, answer: int = WAD, **kwargs: Any
    ) -> None:
        """The oracle's call, made directly."""
        sender = kwargs.pop("sender", self.oracle.address)
        self.collection.on_report(feed, 1_000_100, previous_band, band, answer, root, sender=sender, **kwargs)

    def report(self, feed: int, answer: int, root: bytes) -> bytes:
        """Calldata of `transmit` for the newest checkpoint."""
        checkpoint = (boa.env.evm.patch.block_number - 1) // CADENCE * CADENCE
        report = (feed, checkpoint, header(checkpoint).hash, 0, 1, [answer], [0, 0, 0], root)
        signature = self.key.sign_msg_hash(self.oracle.report_digest(report))
        compact = signature.r.to_bytes(32) + (signature.v << 255 | signature.s).to_bytes(32)
        return bytes(self.oracle.transmit.prepare_calldata(report, 1, compact))

    def transmit(self, feed: int, answer: int, root: bytes) -> Any:
        boa.env.time_travel(blocks=CADENCE)
        return boa.env.raw_call(self.oracle.address, data=self.report(feed, answer, root))


@pytest.fixture(scope="session")
def deployers(compiled: Compile) -> dict[str, Any]:
    """Everything compiled once."""
    sources = [
        ROOT / "contracts/art/DynamicCollection.vy",
        ROOT / "contracts/dev/TestToken.vy",
        ROOT / "contracts/dev/YieldVault.vy",
        ROOT / "contracts/oracle/StrategyOracle.vy",
        HERE / "contracts/Receiver.vy",
    ]
    return {source.stem: compiled(source) for source in sources}


@contextmanager
def fresh_chain(anchor: bool = True) -> Iterator[None]:
    """A chain at GENESIS that has EIP-2935 and forgets at the end what was done on it."""
    with boa.env.anchor() if anchor else nullcontext():
        boa.env.evm.patch.block_number = GENESIS
        boa.env.evm.patch.prev_hashes = Blockhashes()
        boa.env.evm.vm.state.set_code(HISTORY_STORAGE_ADDRESS, HISTORY_STORAGE_CONTRACT_CODE)
        yield


@pytest.fixture(autouse=True)
def chain() -> Iterator[None]:
    with fresh_chain():
        yield


@pytest.fixture
def studio(deployers: dict[str, Any]) -> Studio:
    return new_studio(deployers)


def new_studio(deployers: dict[str, Any]) -> Studio:
    """Everything deployed anew on the chain as it stands."""
    artist = boa.env.eoa
    key = eth_keys.PrivateKey(keccak(b"the only node"))
    oracle = deployers["StrategyOracle"].deploy()
    oracle.set_committee([key.public_key.to_checksum_address()], [keccak(b"transport")])
    token = deployers["TestToken"].deploy("Dollar", "USD", 6)
    vault = deployers["YieldVault"].deploy(token, "Yield", "yUSD", 0, artist)
    token.mint(artist, 10**12)
    token.approve(vault, 2**256 - 1)
    vault.deposit(10**9, artist)
    collection = deployers["DynamicCollection"].deploy("Weather", "WTHR", oracle, REVEAL_DELAY, "ipfs://collection")
    secrets = (keccak(b"secret %d" % i) for i in count())
    return Studio(oracle, vault, collection, deployers["Receiver"], artist, key, secrets)
