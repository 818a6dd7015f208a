"""What a feed pays for its reports, and how long its funds last."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from node.chain import logs
from node.chain.configurations import worked
from node.chain.interface import interface

if TYPE_CHECKING:
    from node.chain.client import Chain
    from node.chain.configurations import Worked
    from node.staking.contract import Staking
    from node.staking.types import FeedFunds, Params

REPORTS: Final = 20
"""Reports whose prices and times are looked at, the latest ones."""
BACK: Final = 50_000
"""Blocks in which they are looked for: a week of 12-second blocks."""
NOTICE: Final = 3_600
"""Seconds for which funds that are announced to leave still pay."""
_CHUNK: Final = 2_000
_WHOLE: Final = 10_000
_MOST_OBSERVERS, _MOST_SIGNERS, _MOST_GAS = 31, 21, 2_000_000
"""What the contract takes the dearest report to be."""


def price(report: Worked, params: Params) -> int:
    """What a report takes from its feed's funds, in wei, as the contract reckons."""
    gas = report.gas_used * _gas_price(report.gas_price, params) // _WHOLE
    return report.observers.bit_count() * params.observer_fee + report.signers.bit_count() * params.signer_fee + gas


def dearest(params: Params) -> int:
    """The most that a report may take, in wei: funds below that do not `pay`."""
    gas = _MOST_GAS * _gas_price(params.price_cap, params) // _WHOLE
    return _MOST_OBSERVERS * params.observer_fee + _MOST_SIGNERS * params.signer_fee + gas


def _gas_price(wei: int, params: Params) -> int:
    """Wei for so many parts of ten thousand of a unit of gas: capped, with the premium."""
    return min(wei, params.price_cap) * (_WHOLE + params.premium)


@dataclass(frozen=True, slots=True)
class Upkeep:
    """A feed's funds against what its latest reports cost: `prices` in wei, the oldest first.

    `between` are the seconds from one of them to the next, None for fewer than two. `unpaid` reports of those blocks
    found too little. Reports that landed after `settled_until` (Unix time, 0 for not known) are still to be taken
    from the funds; None: there are none.
    """

    funds: FeedFunds
    dearest: int
    prices: tuple[int, ...]
    between: float | None
    unpaid: int
    settled_until: int | None

    @property
    def mean(self) -> int | None:
        """What one of the latest reports cost on average, rounded up; None where there was none."""
        return -(-sum(self.prices) // len(self.prices)) if self.prices else None

    @property
    def reports(self) -> int | None:
        """How many reports of that price the funds are good for, less what is to be taken out."""
        return self.funds.staying // self.mean if self.mean else None

    @property
    def seconds(self) -> int | None:
        """How long that is at the pace of the latest ones."""
        return None if self.reports is None or self.between is None else int(self.reports * self.between)


async def read_upkeep(chain: Chain, staking: Staking, feed: int) -> Upkeep:
    """How a feed stands; PatinaError where there is none, ChainError when the chain cannot be read."""
    head = await chain.head()
    funds = await staking.feed_funds(feed, head)
    overview = await staking.overview(head)
    latest, first = await _latest(chain, feed, head.number)
    between = None
    if len(latest) > 1:
        ends = [await chain.block(report.block_number) for report in (latest[0], latest[-1])]
        between = (ends[1].timestamp - ends[0].timestamp) / (len(latest) - 1)
    topics = [interface("NodeStaking").topic("Unpaid"), _word(feed)]
    unpaid = 0
    async for some in logs.scan(chain.pool, staking.address, topics, (first, head.number), _CHUNK, lambda log: log):
        unpaid += len(some)
    return Upkeep(
        funds,
        dearest(overview.params),
        tuple(price(report, overview.params) for report in latest),
        between,
        unpaid,
        None if overview.settled == overview.ledger else overview.settled_until,
    )


async def _latest(chain: Chain, feed: int, head: int) -> tuple[Sequence[Worked], int]:
    """The feed's latest reports, oldest first, and the first block that was looked at."""
    topics = [interface("StrategyOracle").topic("Worked"), _word(feed)]
    found: list[Worked] = []
    first, end = head + 1, max(0, head - BACK)
    while first > end and len(found) < REPORTS:
        last, first = first - 1, max(end, first - _CHUNK)
        newer: list[Worked] = []
        async for some in logs.scan(chain.pool, chain.oracle, topics, (first, last), _CHUNK, worked):
            newer += some
        found = newer + found
    return found[-REPORTS:], first


def _word(feed: int) -> bytes:
    return feed.to_bytes(32, "big")
