"""Ends an era: which call comes next until everything is settled and the committee rotates."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from node.staking import calldata
from node.staking.ledger import replay
from node.staking.types import MAX_BATCH

if TYPE_CHECKING:
    from node.staking.ledger import Ledger
    from node.staking.types import Overview


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
    done = Closing("end the era", calldata.rotate(), rotates=True)
    if not overview.obeyed or overview.settled == overview.ledger or overview.settled_until >= overview.era_ends:
        return done
    records = await ledger.records(overview.settled, overview.cursor, head)
    if len(records) > MAX_BATCH:
        count = (len(records) - 1) % MAX_BATCH + 1
        start = replay(overview.settled, records[:-count])
        call = calldata.settle_from(start, records[-count:])
        return Closing(f"settle {count} of {len(records)} reports", call, rotates=False)
    if overview.cursor != overview.ledger:
        # A walk to an older head is under way: it ends first.
        return Closing(f"settle {len(records)} reports", calldata.settle(records), rotates=False)
    return Closing(f"settle {len(records)} reports and end the era", calldata.rotate(records), rotates=True)
