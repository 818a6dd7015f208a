"""Settings of the embedded chain, its JSON-RPC server, the embedded broker, and the network that stands on them."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

GWEI = 10**9


@dataclass(frozen=True, slots=True)
class ChainSettings:
    """What the embedded chain is made of; everything on it follows from these values and the calls it receives.

    ``seed`` decides the development accounts and every block's prevrandao, ``finality_depth`` how many blocks the
    tags ``finalized`` and ``safe`` lie behind the head. Times are in seconds, fees in wei. The chain has its own
    clock: it starts at ``genesis_time`` and each block lies ``block_time`` later unless told otherwise.
    """

    chain_id: int = 31337
    seed: bytes = b"patina devnet"
    accounts: int = 10
    account_balance: int = 1_000_000 * 10**18
    finality_depth: int = 2
    genesis_time: int = 1_750_000_000
    block_time: int = 12
    gas_limit: int = 36_000_000
    # EIP-1559's update rule has a fixed point at 7 wei for blocks below their gas target: from there on the base
    # fee stands still over thousands of empty blocks instead of decaying from a larger value.
    base_fee: int = 7
    priority_fee: int = GWEI


@dataclass(frozen=True, slots=True)
class EmbeddedBrokerSettings:
    """Where the embedded MQTT broker listens (port 0: any free one) and, when given, who may log in."""

    host: str = "127.0.0.1"
    port: int = 0
    username: str | None = None
    password: str | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class DevnetSettings:
    """A chain behind JSON-RPC and a broker, as one process runs them (port 0: any free one).

    ``block_interval`` is the seconds between blocks; 0: only transactions and requests make blocks. With ``anvil``
    the chain is Foundry's program of that name, with the same accounts, contracts and finality.
    """

    chain: ChainSettings = field(default_factory=ChainSettings)
    broker: EmbeddedBrokerSettings = field(default_factory=EmbeddedBrokerSettings)
    host: str = "127.0.0.1"
    port: int = 0
    block_interval: float = 0.0
    anvil: bool = False


@dataclass(frozen=True, slots=True)
class NetworkSettings:
    """What a testnet in a box has beside chain and broker.

    ``nodes`` of its own make the first committee; they, and their logs, live in ``folder``. ``deployment`` is the
    file that tells others what stands where. ``painted``: the feed has an edition, painted at every crossing, which
    takes a node that has its recipe. ``seed`` decides how the share price moves.
    """

    folder: Path
    deployment: Path
    nodes: int = 3
    painted: bool = False
    seed: bytes = b"patina devnet"
