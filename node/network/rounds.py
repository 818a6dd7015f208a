"""Recent rounds as the network page tells them: from the journal, what is under way, and the reports' own proofs."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Awaitable, Callable, Iterable
from typing import TYPE_CHECKING, Final, Literal

import structlog

from node.chain.types import NOBODY
from node.errors import ChainError
from node.web.network import RoundView

if TYPE_CHECKING:
    from node.agreement.committee import Committee
    from node.agreement.effects import RoundStatus
    from node.chain.types import FullReport, Landed
    from node.journal.rounds import RoundRow

ROUNDS: Final = 40
"""Rounds that the page shows, the latest ones."""
PROOFS: Final = 4
"""Proofs that one look asks for: what is missing after a start is made up for little by little."""

Key = tuple[int, int]

log = structlog.get_logger("network")


class Proofs:
    """Who made the latest reports. Each is read once; one that cannot be read is asked for again at a later look."""

    def __init__(self, read: Callable[[Landed], Awaitable[FullReport]]) -> None:
        self._read = read
        self._held: OrderedDict[tuple[Key, bytes], FullReport] = OrderedDict()

    def of(self, landed: Landed) -> FullReport | None:
        """What is known of a report."""
        return self._held.get(_name(landed))

    async def learn(self, reports: Iterable[Landed]) -> None:
        """Read what is missing, newest first, a few at a time."""
        left = PROOFS
        for landed in reports:
            if left and _name(landed) not in self._held:
                left -= 1
                try:
                    self._held[_name(landed)] = await self._read(landed)
                except ChainError as error:
                    log.info("proof not read, trying again", feed=landed.feed, error=str(error))
        while len(self._held) > 2 * ROUNDS:
            self._held.popitem(last=False)


def _name(landed: Landed) -> tuple[Key, bytes]:
    return (landed.feed, landed.checkpoint), landed.block_hash


def landed_round(
    landed: Landed, full: FullReport | None, committee: Committee | None, time: int | None, *, final: bool, reason: str
) -> RoundView:
    """A report that took effect; `committee` is that of its configuration where it is known."""
    report = None if full is None else full.report
    road: Literal["report", "votes", "relayed", ""] = ""
    if full is not None:
        road = "votes" if full.by_vote else "relayed" if full.relayed else "report"
    signers = _seats(landed.signers, committee)
    sender = landed.transmitter if landed.transmitter != NOBODY else ""
    return RoundView(
        feed=landed.feed,
        checkpoint=landed.checkpoint,
        state="landed" if final else "seen",
        config="0x" + landed.config_digest.hex(),
        seats=0 if committee is None else committee.n,
        reason=reason,
        view=None if report is None else report.view,
        leader=None
        if report is None or committee is None
        else committee.leader(landed.feed, landed.checkpoint, report.view),
        observers=_seats(report.observers, committee) if report is not None else signers if road == "votes" else None,
        signers=signers,
        answer=str(landed.answer),
        previous_band=landed.previous_band,
        band=landed.band,
        painted=any(landed.content_root),
        road=road,
        transmitter=sender,
        transmitter_seat=seat(committee, sender),
        block=landed.block_number,
        time=time,
        tx="0x" + landed.tx_hash.hex(),
        gas=None if full is None else full.gas_used,
    )


def open_round(status: RoundStatus, committee: Committee, row: RoundRow | None) -> RoundView:
    """A round that is under way on this node."""
    return RoundView(
        feed=status.key.feed,
        checkpoint=status.key.checkpoint,
        state="open",
        config="0x" + committee.config_digest.hex(),
        seats=committee.n,
        reason="" if row is None else row.reason,
        phase=status.phase,
        view=status.view,
        leader=status.leader,
        answer=None if row is None else str(row.answer),
    )


def abandoned_round(row: RoundRow, config: bytes, committee: Committee | None) -> RoundView:
    """A round that this node took up and gave up."""
    return RoundView(
        feed=row.feed,
        checkpoint=row.checkpoint,
        state="abandoned",
        config="0x" + config.hex(),
        seats=0 if committee is None else committee.n,
        reason=row.reason,
        answer=str(row.answer),
    )


def seat(committee: Committee | None, address: str) -> int | None:
    """Where somebody sits; None for a stranger."""
    return committee.signers.index(address) if committee is not None and address in committee.signers else None


def _seats(bitmap: int, committee: Committee | None) -> list[int] | None:
    if committee is None:
        return None
    return [index for index in range(committee.n) if bitmap >> index & 1]
