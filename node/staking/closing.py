"""Settles reports and ends eras: which call comes next until all is settled, or the committee rotates."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from node.staking import calldata
from node.staking.ledger import replay
from node.staking.types import MAX_BATCH

if TYPE_CHECKING:
    from node.staking.ledger import Ledger
    from node.staking.types import Overview, Record


@dataclass(frozen=True, slots=True)
class Closing:
    """One call: what it does in words, its calldata, and whether it is the rotation itself."""

    what: str
    calldata: bytes
    rotates: bool


async def closing_call(overview: Overview, ledger: Ledger, head: int) -> Closing:
    """The next call towards the era's end, as things stand at block `head`; after it, look again.

    Up to 64 records fit into the rotation itself; more are settled from the newest backwards.
    Raises ChainError when the records cannot be read.
    """
    if not overview.obeyed or overview.settled == overview.ledger or overview.settled_until >= overview.era_ends:
        return Closing("end the era", calldata.rotate(), rotates=True)
    records = await ledger.records(overview.settled, overview.cursor, head)
    if len(records) > MAX_BATCH or overview.cursor != overview.ledger:
        # A walk to an older head that is under way ends first.
        return _batch(overview, records)
    return Closing(f"settle {len(records)} reports and end the era", calldata.rotate(records), rotates=True)


async def settling_call(overview: Overview, ledger: Ledger, head: int) -> Closing | None:
    """The next call until all reports are settled, as things stand at block `head`; None where all are.

    Raises ChainError when the records cannot be read.
    """
    if overview.settled == overview.ledger:
        return None
    return _batch(overview, await ledger.records(overview.settled, overview.cursor, head))


def _batch(overview: Overview, records: Sequence[Record]) -> Closing:
    """The records that one call takes: all, or the newest of them, so many that the calls after it are full."""
    if len(records) <= MAX_BATCH:
        return Closing(f"settle {len(records)} reports", calldata.settle(records), rotates=False)
    count = (len(records) - 1) % MAX_BATCH + 1
    start = replay(overview.settled, records[:-count])
    call = calldata.settle_from(start, records[-count:])
    return Closing(f"settle {count} of {len(records)} reports", call, rotates=False)
