"""The oracle's ledger of work, replayed from its events: what staking has not settled yet."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final

from eth_hash.auto import keccak

from node.agreement.report import address_bytes
from node.chain import logs, parse
from node.chain.endpoints.pool import RpcPool
from node.chain.interface import interface
from node.chain.logs import Log
from node.errors import ChainError
from node.staking.types import Record

MAX_RECORDS: Final = 65_536
"""Records that are looked through for the settled one; so many never wait where anybody settles."""
TRIED: Final = 256
"""Of the newest records, each is tried as the first one that is not settled: that takes so many hashes squared."""
_WINDOW: Final = 16
"""The widest step back, in ranges of logs."""

_Place = tuple[int, int]


def seed(chain_id: int, oracle: str) -> bytes:
    """The ledger before its first record: `keccak256(abi_encode(chain id, oracle))`, 32 bytes."""
    return keccak(_word(chain_id) + address_bytes(oracle).rjust(32, b"\0"))


def extend(head: bytes, record: Record) -> bytes:
    """The ledger after one more record: keccak256 of the head before and the record's eight words."""
    feed, checkpoint, number, observers, signers, transmitter, gas_used, gas_price = record
    return keccak(
        head
        + b"".join(map(_word, (feed, checkpoint, number, observers, signers)))
        + address_bytes(transmitter).rjust(32, b"\0")
        + _word(gas_used)
        + _word(gas_price)
    )


def replay(head: bytes, records: Iterable[Record]) -> bytes:
    """The ledger after these records."""
    for record in records:
        head = extend(head, record)
    return head


def between(start: bytes, end: bytes, records: Sequence[Record], first: bytes | None = None) -> range | None:
    """Which of the records lead from the link `start` to the link `end`; None where none do.

    `first` is the link before the first record, where it is known: then one pass over them is enough. Otherwise each
    record is tried as the first one, the newest at first, for a hash chain cannot be gone back along.
    """
    if first is not None:
        links = [first]
        for record in records:
            links.append(extend(links[-1], record))
        found = start in links and end in links and links.index(start) <= links.index(end)
        return range(links.index(start), links.index(end)) if found else None
    for at in range(len(records) - 1, -1, -1):
        link = start
        for place in range(at, len(records)):
            link = extend(link, records[place])
            if link == end:
                return range(at, place + 1)
    return None


def worked(log: Log) -> tuple[int, Record]:
    """The block and the record of one `Worked` event; ChainError for a log that is none."""
    from eth_utils.address import to_checksum_address

    event = interface("StrategyOracle").event("Worked", log.topics, log.payload)
    record = Record(
        feed=event["feed"],
        checkpoint=event["checkpoint"],
        number=event["number"],
        observers=parse.small(event["observers"], "a record's observers", 31),
        signers=parse.small(event["signers"], "a record's signers", 31),
        transmitter=str(to_checksum_address(event["transmitter"])),
        gas_used=event["gas_used"],
        gas_price=event["gas_price"],
    )
    return log.block_number, record


class Ledger:
    """Finds what is not settled, from the newest record back; what was found once is not asked for again.

    Where a walk of the staking contract ended, it had been marked: its event tells where in the chain that was, so
    that one pass over what follows is enough, however much it is.
    """

    def __init__(
        self, pool: RpcPool, oracle: str, chain_id: int, *, staking: str | None = None, chunk: int = 2_000
    ) -> None:
        """`staking`: the contract that marks links, None where only records are to be read; `chunk`: blocks per
        request for logs."""
        self._pool = pool
        self._oracle = oracle
        self._staking = staking
        self._seed = seed(chain_id, oracle)
        self._chunk = chunk
        self._settled_at: tuple[bytes, int] | None = None

    async def records(self, settled: bytes, end: bytes, head: int) -> list[Record]:
        """The records between two links of the ledger, both of which stood at block `head`, oldest first.

        Raises:
            ChainError: the chain cannot be read, or its events do not lead from one to the other.
        """
        if settled == end:
            return []
        found: list[tuple[_Place, Record]] = []
        last, step = head, self._chunk
        floor = 0
        if self._settled_at is not None and self._settled_at[0] == settled:
            floor = self._settled_at[1]
        while last >= floor and len(found) <= MAX_RECORDS:
            first = max(floor, last - step + 1)
            tried = len(found) >= TRIED
            found = [*await self._worked(first, last), *found]
            marked = await self._marked(settled, first, last)
            behind = [] if marked is None else [one for one in found if one[0] > marked]
            which = self._lead(settled, end, behind, settled)
            if which is None and first == 0:
                # All there is: its beginning is known, and so one pass is enough.
                which = self._lead(settled, end, found, self._seed)
            elif which is None and not tried:
                which = self._lead(settled, end, found[-TRIED:], None)
            if which is not None:
                return which
            last, step = first - 1, min(2 * step, _WINDOW * self._chunk)
        if floor:
            # A reorganisation may have moved what was found before.
            self._settled_at = None
            return await self.records(settled, end, head)
        raise ChainError(f"the events of {self._oracle} do not lead from one link of its ledger to the other")

    def _lead(
        self, settled: bytes, end: bytes, found: list[tuple[_Place, Record]], first: bytes | None
    ) -> list[Record] | None:
        """The records that lead from one link to the other, as `between` finds them; None where none do."""
        which = between(settled, end, [record for _, record in found], first) if found else None
        if which is None:
            return None
        # Everything after `settled` stands in this block or later.
        self._settled_at = settled, found[which.start][0][0]
        return [record for _, record in found[which.start : which.stop]]

    async def _worked(self, first: int, last: int) -> list[tuple[_Place, Record]]:
        topics = [interface("StrategyOracle").topic("Worked")]
        found: list[tuple[_Place, Record]] = []
        async for some in logs.scan(self._pool, self._oracle, topics, (first, last), self._chunk, _placed):
            found += some
        return found

    async def _marked(self, link: bytes, first: int, last: int) -> _Place | None:
        """Where the contract last marked a link as the ledger's head."""
        if self._staking is None:
            return None
        topics = [interface("NodeStaking").topic("Marked"), link]
        found: list[_Place] = []
        async for some in logs.scan(self._pool, self._staking, topics, (first, last), self._chunk, _place):
            found += some
        return found[-1] if found else None


def _place(log: Log) -> _Place:
    return log.block_number, log.index


def _placed(log: Log) -> tuple[_Place, Record]:
    return _place(log), worked(log)[1]


def _word(value: int) -> bytes:
    return value.to_bytes(32, "big")
