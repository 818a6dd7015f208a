"""Transactions and what they cost, the account that pays, the stake and what it earns."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import TYPE_CHECKING, Final, get_args

from node.metrics.definition import WEI, Sample, counter, gauge
from node.staking.own import State

if TYPE_CHECKING:
    from node.parts import Parts

WAITING: Final = ("queued", "signed", "sent", "mined")
EVENTS: Final = (
    "mined",
    "final",
    "cancelled",
    "replaced",
    "overtaken",
    "reorganised",
    "gaps_filled",
    "at_fee_cap",
    "unpaid",
    "failed_looks",
)
STATES: Final = get_args(State)

OPEN = gauge("patina_transactions_waiting", "Transactions that are not final, by state.", "state")
HAPPENED = counter("patina_transactions_total", "What happened to this node's transactions.", "event")
FAILED = counter("patina_transactions_failed_total", "Transactions that were mined and came to nothing.")
GAS = counter("patina_gas_used_total", "Gas that final transactions of this node used.")
FEES = counter("patina_fees_spent_ether_total", "Ether that final transactions of this node cost.")
BALANCE = gauge("patina_balance_ether", "Ether in the account that pays for transactions.")
LOW = gauge("patina_balance_low_ether", "Balance below which the node tells low-balance (transmit.low_balance_ether).")
STATE = gauge("patina_stake_state", "1 for what the node is to the staking contract, 0 for all else.", "state")
BOND = gauge("patina_stake_bond_tokens", "Bonded stake, in whole tokens.")
UNBONDING = gauge("patina_stake_unbonding_tokens", "Stake on its way out, in whole tokens.")
MINIMUM = gauge("patina_stake_minimum_tokens", "The least bond that a seat takes, in whole tokens.")
STRIKES = gauge("patina_stake_strikes", "Eras in a row with too little attendance; the contract suspends after some.")
DUE = gauge("patina_stake_reports_due", "Reports of this era that the node could have worked on.")
ATTENDED = gauge("patina_stake_reports_attended", "Reports of this era that the node has worked on, as settled so far.")
CLAIMABLE = gauge("patina_rewards_claimable_ether", "Rewards that can be claimed now.")
PENDING = gauge("patina_rewards_pending_ether", "Rewards that the end of the era decides on.")
OWED = gauge("patina_rewards_owed_ether", "What the contract owes this node's account for transactions.")
ERA_ENDS = gauge("patina_stake_era_ends_timestamp_seconds", "Unix time at which the era may be ended.")
AGE = gauge("patina_stake_read_age_seconds", "Seconds since the staking contract was read.")


def read(parts: Parts) -> Iterator[Sample]:
    """Return the section's values; those of the stake where a contract decides on seats."""
    sender = parts.sender
    unfinished = parts.journal.transactions.unfinished(sender.address)
    yield from OPEN.each(Counter(str(row.state) for row in unfinished), WAITING)
    yield from HAPPENED.each(sender.counters, EVENTS)
    yield FAILED.at(sender.spent["failed"])
    yield GAS.at(sender.spent["gas"])
    yield FEES.at(sender.spent["wei"] / WEI)
    if sender.funds.balance is not None:
        yield BALANCE.at(sender.funds.balance / WEI)
    yield LOW.at(parts.config.transmit.low_balance / WEI if parts.config.transmit.enabled else 0)
    yield from _stake(parts)


def _stake(parts: Parts) -> Iterator[Sample]:
    own = parts.duty.own
    held = own.found
    if held is None:
        return
    yield from AGE.known(own.age)
    yield from STATE.each({held.state: 1}, STATES)
    unit = 10**held.token.decimals
    yield MINIMUM.at(held.overview.params.minimum / unit)
    yield ERA_ENDS.at(held.overview.era_ends)
    yield OWED.at(held.owed / WEI)
    account = held.account
    if account is not None:
        yield BOND.at(account.node.bond / unit)
        yield UNBONDING.at(account.node.unbonding / unit)
        yield STRIKES.at(account.node.strikes)
        yield DUE.at(account.due)
        yield ATTENDED.at(account.attended)
        yield CLAIMABLE.at(account.claimable / WEI)
        yield PENDING.at(account.pending / WEI)


METRICS = (
    OPEN,
    HAPPENED,
    FAILED,
    GAS,
    FEES,
    BALANCE,
    LOW,
    STATE,
    BOND,
    UNBONDING,
    MINIMUM,
    STRIKES,
    DUE,
    ATTENDED,
    CLAIMABLE,
    PENDING,
    OWED,
    ERA_ENDS,
    AGE,
)
