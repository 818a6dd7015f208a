"""What the chain says, as plain values: blocks, feeds, samples, editions and landed reports."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from node.agreement.report import Domain, Report

MULTICALL3 = "0xcA11bde05977b3631167028862bE2a173976CA11"
"""Multicall3's address on every chain that carries it (https://www.multicall3.com)."""
NOBODY = "0x" + "00" * 20
"""The zero address: the collection of a feed that paints nothing."""


@dataclass(frozen=True, slots=True)
class Block:
    """A block's header, as far as Patina needs it: 32-byte `hash`, `timestamp` in seconds."""

    number: int
    hash: bytes
    timestamp: int
    parent_hash: bytes = b""


@dataclass(frozen=True, slots=True)
class Policy:
    """How a feed is read: `cadence` and `heartbeat` in blocks, `lookback` in checkpoints, the rest wads.

    `lookback` 0 means a fixed basis, `heartbeat` 0 none.
    """

    cadence: int
    window: int
    lookback: int
    heartbeat: int
    hysteresis: int
    thresholds: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Feed:
    """A vault plus a policy, as the oracle stores it; `basis` and `answer` are wads.

    `checkpoint` is the last reported one (0: never reported); `opened_at` and `updated_block` are block
    numbers, `updated_at` a Unix timestamp. Share price (wad) = convertToAssets(one_share) * scale.
    """

    id: int
    vault: str
    collection: str
    edition: int
    opener: str
    opened_at: int
    basis: int
    one_share: int
    scale: int
    band: int
    checkpoint: int
    answer: int
    updated_at: int
    updated_block: int
    policy: Policy


@dataclass(frozen=True, slots=True)
class Sample:
    """One feed's vault at one checkpoint block, together with what the oracle said of the feed there.

    `share_price` is a wad, `total_assets` and `total_supply` are in the vault's own units; `band` and
    `reported_checkpoint` (0: never) are the oracle's at the same block.
    """

    feed: int
    checkpoint: int
    block_hash: bytes
    share_price: int
    total_assets: int
    total_supply: int
    band: int
    reported_checkpoint: int


class EditionState(IntEnum):
    """An edition's life: sold, closed to further mints, revealed."""

    SELLING = 1
    CLOSED = 2
    REVEALED = 3


MAX_SUPPLY = 999_999
"""The most tokens that an edition can have (DynamicCollection's MAX_SUPPLY)."""
TOKENS_PER_EDITION = 1_000_000
"""token id = edition * TOKENS_PER_EDITION + index, index from 1."""


@dataclass(frozen=True, slots=True)
class Edition:
    """A capped run of tokens with one feed and one recipe; `price` in wei, digests and seed 32 bytes.

    `content_root` is 32 zero bytes before the first report. `minted` tokens have the ids
    `id * TOKENS_PER_EDITION + index`, index 1..minted.
    """

    collection: str
    id: int
    supply: int
    minted: int
    price: int
    feed: int
    recipe: bytes
    placeholder: bytes
    commitment: bytes
    closed_at: int
    reveal_block: int
    randomness: bytes
    seed: bytes
    content_root: bytes
    state: EditionState

    @property
    def revealed(self) -> bool:
        """True from the reveal on: the supply is fixed and every token has its seed."""
        return self.state == EditionState.REVEALED

    def token_ids(self) -> range:
        """Ids of every token there is (after the reveal: there will ever be)."""
        first = self.id * TOKENS_PER_EDITION + 1
        return range(first, first + self.minted)


@dataclass(frozen=True, slots=True)
class Landed:
    """A report that took effect: the oracle's `Reported` event and where it stands on chain.

    `signers` is a bitmap of committee indices. By vote, `report_digest` is the ballot's hash and `signers`
    are the voters.
    """

    feed: int
    checkpoint: int
    config_digest: bytes
    report_digest: bytes
    answer: int
    previous_band: int
    band: int
    content_root: bytes
    signers: int
    transmitter: str
    block_number: int
    block_hash: bytes
    tx_hash: bytes
    log_index: int


@dataclass(frozen=True, slots=True)
class Ballot:
    """One committee member's vote on chain, the road for the day no broker is up."""

    voter: str
    block_hash: bytes
    answer: int
    signals: tuple[int, ...]
    content_root: bytes
    tx_hash: bytes
    block_number: int


@dataclass(frozen=True, slots=True)
class FullReport:
    """A landed report with its proof, rebuilt from chain data alone.

    Transmitted: `report`, `domain` and, for each of `signers` (addresses in committee order), a 64-byte
    EIP-2098 signature. Voted: `report` is None and `ballots` holds each voter's transaction. Relayed through
    another contract: the proof is not in the transaction's calldata, so `report` is None, `signatures` and
    `ballots` are empty, and `signers` are those that the event names, where the committee that they belong to is
    still in force or the one before it (else none). `gas_used` is that of the transaction in which it took effect.
    """

    landed: Landed
    domain: Domain
    report: Report | None
    signers: tuple[str, ...]
    signatures: tuple[bytes, ...]
    ballots: tuple[Ballot, ...]
    gas_used: int
    relayed: bool = False

    @property
    def by_vote(self) -> bool:
        """True when it landed by on-chain votes whose transactions prove it."""
        return self.report is None and not self.relayed
