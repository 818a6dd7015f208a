"""What the staking contract says, as plain values: rules, nodes, records of work."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, NamedTuple

MAX_BATCH: Final = 64
"""The most records that one call settles."""
MAX_CANDIDATES: Final = 64
REFUND_GAS: Final = 80_000
"""Gas for writing down what is repaid for a rotation: two slots and an event, which no estimate sees."""


class Record(NamedTuple):
    """One line of the oracle's ledger: who worked on a report, in the order of the contract's struct.

    `observers` and `signers` are bitmaps of committee indices of configuration `number`; `gas_price` is in wei. By
    vote both name the voters, the transmitter is the zero address and the gas is nothing.
    """

    feed: int
    checkpoint: int
    number: int
    observers: int
    signers: int
    transmitter: str
    gas_used: int
    gas_price: int


@dataclass(frozen=True, slots=True)
class Params:
    """The contract's rules, which never change.

    `minimum` is in the token's units, `era` and `delay` in seconds, fees and `price_cap` in wei, `reporter_share`,
    `premium` and `attendance` in basis points; `least_seats` is the smallest committee that takes over from nobody.
    """

    minimum: int
    seats: int
    era: int
    delay: int
    reporter_share: int
    observer_fee: int
    signer_fee: int
    price_cap: int
    premium: int
    attendance: int
    least_reports: int
    strikes: int
    least_seats: int


@dataclass(frozen=True, slots=True)
class Unbonding:
    """Stake on its way out: `amount` of the token, to be withdrawn from `ready_at` (Unix time) on."""

    amount: int
    ready_at: int


@dataclass(frozen=True, slots=True)
class Node:
    """A node as the contract keeps it: its keys are those of the next election.

    `bond` and `unbonding` are in the token's units, `seat_end` (when it last lost a seat) and `frozen_until` Unix
    times, 0 for never; `suspended_in` is the era in which it was suspended.
    """

    id: int
    operator: str
    payee: str
    signer: str
    transport_key: bytes
    bond: int
    unbonding: int
    candidate: bool
    seated: bool
    leaving: bool
    suspended: bool
    slashed: bool
    strikes: int
    seat_end: int
    suspended_in: int
    frozen_until: int


@dataclass(frozen=True, slots=True)
class Standing:
    """A node, and how it attends: of `due` reports in this era it worked on `attended`, as far as that is settled."""

    node: Node
    due: int
    attended: int


@dataclass(frozen=True, slots=True)
class Account:
    """A node with all that is its own: amounts in wei, but for the stake.

    `claimable` can be paid to the payee now, the era's end decides on `pending`; of `due` reports in this era it
    worked on `attended`. `locked_until` is the second before which nothing can be withdrawn, whatever the entries say.
    """

    node: Node
    claimable: int
    pending: int
    due: int
    attended: int
    unbondings: tuple[Unbonding, ...]
    locked_until: int


@dataclass(frozen=True, slots=True)
class FeedFunds:
    """What pays for a feed's reports, in wei; of it `leaving` may go to the `opener` from `ready_at` (Unix time) on.

    `pays`: whether what stays covers the dearest report.
    """

    feed: int
    opener: str
    held: int
    leaving: int
    ready_at: int
    pays: bool

    @property
    def staying(self) -> int:
        """What is not announced to be taken out."""
        return self.held - self.leaving


@dataclass(frozen=True, slots=True)
class Overview:
    """Where staking stands at one block: `oracle` is the contract that it installs committees in.

    `obeyed` says whether that oracle takes its committees from here. `config_digest` is zeros while `number` is 0: no
    committee of this contract is in force. `settled`, `cursor` and `ledger` are links of the oracle's chain of
    records: all up to the first are paid for, the next batch has to end at the second, the third is the newest.
    `settled_until` (0 while a walk is under way) and `era_ends` are Unix times, `treasury` is in wei.
    """

    oracle: str
    token: str
    obeyed: bool
    era: int
    era_ends: int
    number: int
    config_digest: bytes
    settled: bytes
    cursor: bytes
    ledger: bytes
    settled_until: int
    treasury: int
    candidates: tuple[int, ...]
    params: Params
