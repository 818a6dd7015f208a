"""What a transaction offers per unit of gas: the first time, and when it has to be replaced."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from math import ceil

from node.errors import ChainError


@dataclass(frozen=True, slots=True)
class Offer:
    """EIP-1559 fees in wei per gas."""

    max_fee: int
    priority_fee: int


@dataclass(frozen=True, slots=True)
class Fees:
    """How much the sender may spend: wei per gas, and never above `max_fee`.

    Mempools take a replacement only if both fees are raised by at least 10 % (geth, Besu) or 12.5 %
    (Parity's heirs), hence `bump_percent`. `resend_after` and `poll` are seconds; `gas_margin_percent` is
    added to the estimate, for the state may move before the transaction is mined. `max_gas` is the most that a
    transaction may ask for, estimates being foreign words; a balance below `low_balance` (wei) is warned of.
    """

    max_fee: int
    priority_fee: int
    bump_percent: Decimal = Decimal("12.5")
    resend_after: float = 60.0
    gas_margin_percent: int = 20
    poll: float = 4.0
    max_gas: int = 10_000_000
    low_balance: int = 0

    def first(self, base_fee: int) -> Offer:
        """Twice the base fee, so that six full blocks in a row do not price it out, plus the tip; capped."""
        max_fee = min(self.max_fee, 2 * base_fee + self.priority_fee)
        return Offer(max_fee, min(self.priority_fee, max_fee))

    def replacement(self, old: Offer, base_fee: int) -> Offer | None:
        """An offer that mempools take in the place of `old`, or None when the cap forbids it."""
        factor = 1 + Fraction(self.bump_percent) / 100
        priority_fee = max(ceil(old.priority_fee * factor), old.priority_fee + 1)
        max_fee = max(ceil(old.max_fee * factor), old.max_fee + 1, priority_fee)
        if max_fee > self.max_fee:
            return None
        return Offer(max(max_fee, min(self.max_fee, 2 * base_fee + priority_fee)), priority_fee)

    def gas_limit(self, estimate: int) -> int:
        """The gas limit for an estimate; ChainError for one that no report needs."""
        if estimate > self.max_gas:
            raise ChainError(f"an endpoint estimates {estimate} gas, and no transaction of ours needs {self.max_gas}")
        return min(self.max_gas, estimate + estimate * self.gas_margin_percent // 100)
