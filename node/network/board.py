"""The network as this node knows it, brought up to date beside its work: what /network shows."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable, Sequence
from itertools import pairwise
from typing import TYPE_CHECKING, Final

import structlog

from node.chain.types import NOBODY
from node.errors import ChainError
from node.journal.configurations import VACANT
from node.network.rounds import ROUNDS, Proofs, abandoned_round, landed_round, open_round
from node.network.stakes import StakesLook
from node.revision import Revision
from node.web.network import ConfigurationView, FeedLine, MemberView, NetworkView, RoundView, StakingView

if TYPE_CHECKING:
    from node.agreement.committee import Committee
    from node.chain.types import Feed, FullReport, Landed
    from node.network.stakes import Stakes
    from node.parts import Parts

RETIRED: Final = 12
"""Configurations before the one in force that are shown, the latest ones."""
HEARD_S: Final = 10
"""Seconds to which the time that a member was heard is told: the page need not change with each message."""

log = structlog.get_logger("network")


class Board:
    """Holds the view that the page asks for; `refresh` brings it up to date."""

    def __init__(
        self,
        parts: Parts,
        read: Callable[[Landed], Awaitable[FullReport]],
        *,
        clock: Callable[[], float] = time.time,
    ) -> None:
        """`read` fetches a report's proof; `clock` is the wall's, in seconds since 1970."""
        self._parts = parts
        self._proofs = Proofs(read)
        self._stakes = StakesLook(parts.chain, parts.config.chain.multicall, parts.duty.locator)
        self._clock = clock
        self._view: NetworkView | None = None
        self._revision = Revision()

    @property
    def revision(self) -> int:
        """Grows with every change of the view."""
        return self._revision.number

    async def changed(self, since: int) -> int:
        """Wait until `revision` is above `since`, then return it."""
        return await self._revision.changed(since)

    def view(self) -> NetworkView | None:
        """The network as it was last looked at."""
        return self._view

    async def refresh(self, feeds: Sequence[Feed]) -> None:
        """Look anew, at the served feeds among other things; pages that wait are told if anything differs."""
        parts = self._parts
        final = parts.health.final
        pending = parts.landings.pending()
        reports = sorted(pending + parts.journal.reports.last(ROUNDS), key=_place, reverse=True)[:ROUNDS]
        await self._proofs.learn(reports)
        await self._date(reports)
        view = self._put_together(feeds, reports, set(map(_key, pending)), await self._look(final))
        if view != self._view:
            self._view = view
            self._revision.move()

    async def _look(self, final: object) -> Stakes | None:
        head, committee = self._parts.health.head, self._parts.terms.committee()
        if final is None or head is None:
            return self._stakes.last
        try:
            return await self._stakes.look(VACANT if committee is None else committee.config_digest, head.number)
        except ChainError as error:
            log.info("staking contract not read, trying again", error=str(error))
            return self._stakes.last

    async def _date(self, reports: Sequence[Landed]) -> None:
        """Learn when reports landed, a few at a time; the gallery has asked for most of it already."""
        chain = self._parts.chain
        await chain.dates.ask([report.block_number for report in reports], chain.block, 4)

    def _put_together(
        self, feeds: Sequence[Feed], reports: Sequence[Landed], fresh: set[tuple[int, int]], stakes: Stakes | None
    ) -> NetworkView:
        parts = self._parts
        committees = _Committees(parts)
        committee, terms = parts.terms.committee(), parts.terms
        spans = parts.journal.configurations.history()
        rounds = self._rounds(reports, fresh, committees)
        final, head = parts.health.final, parts.health.head
        return NetworkView(
            chain_id=parts.chain_id,
            oracle=parts.chain.oracle,
            head=None if head is None else head.number,
            final=None if final is None else final.number,
            time=None if head is None else head.timestamp,
            config=None if committee is None else "0x" + committee.config_digest.hex(),
            quorum=0 if committee is None else committee.quorum,
            faults=0 if committee is None else committee.f,
            since_block=spans[-1].first_block if spans and committee is not None else None,
            overlap_until=terms.until if final is not None and final.timestamp < terms.until else None,
            staking=None if stakes is None else _staking(stakes),
            members=[] if committee is None else self._members(committee, rounds, stakes),
            feeds=[self._feed(feed, 0 if final is None else final.number) for feed in feeds],
            rounds=rounds,
            retired=[
                _configuration(span.config, span.first_block, after.first_block - 1, committees.of(span.config))
                for span, after in pairwise(spans)
            ][: -RETIRED - 1 : -1],
        )

    def _rounds(
        self, reports: Sequence[Landed], fresh: set[tuple[int, int]], committees: _Committees
    ) -> list[RoundView]:
        parts = self._parts
        rows = {(row.feed, row.checkpoint): row for row in parts.journal.rounds.last(2 * ROUNDS)}
        found: dict[tuple[int, int], RoundView] = {}
        for row in rows.values():
            if row.state == "abandoned":
                config = parts.journal.configurations.at(row.checkpoint)
                found[row.feed, row.checkpoint] = abandoned_round(row, config, committees.of(config))
        for term in parts.terms.all:
            for status in term.rounds.status():
                key = status.key.feed, status.key.checkpoint
                found[key] = open_round(status, term.committee, rows.get(key))
        for report in reports:
            mine = rows.get(_key(report))
            found[_key(report)] = landed_round(
                report,
                self._proofs.of(report),
                committees.of(report.config_digest),
                self._parts.chain.dates.of(report.block_number)[0] or None,
                final=_key(report) not in fresh,
                reason="" if mine is None else mine.reason,
            )
        return [found[key] for key in sorted(found, key=lambda key: (-key[1], key[0]))[:ROUNDS]]

    def _members(self, committee: Committee, rounds: Sequence[RoundView], stakes: Stakes | None) -> list[MemberView]:
        digest = "0x" + committee.config_digest.hex()
        mine = [each for each in rounds if each.config == digest and each.state in ("seen", "landed")]
        told = [each for each in mine if each.observers is not None]
        standing = {} if stakes is None else {one.node.signer: one for one in stakes.members}
        heard = self._heard(committee)
        members = []
        for seat, address in enumerate(committee.signers):
            one = standing.get(address)
            members.append(
                MemberView(
                    seat=seat,
                    address=address,
                    observed=sum(seat in (each.observers or ()) for each in told),
                    signed=sum(seat in (each.signers or ()) for each in told),
                    sent=sum(each.transmitter_seat == seat for each in told),
                    of=len(told),
                    heard_at=heard[seat],
                    node=None if one is None else one.node.id,
                    operator=None if one is None else one.node.operator,
                    bond=None if one is None else str(one.node.bond),
                    state=None if one is None else _state(one.node),
                    strikes=None if one is None else one.node.strikes,
                    eras=() if one is None or stakes is None else stakes.eras(one),
                )
            )
        return members

    def _heard(self, committee: Committee) -> list[int | None]:
        term = self._parts.terms.current
        if term is None or term.hearing is None or term.config != committee.config_digest:
            return [None] * committee.n
        now = self._clock()
        heard = [None if ago is None else int(now - ago) // HEARD_S * HEARD_S for ago in term.hearing.ago()]
        # This node does not hear itself. Its seat is shown as the others': or it would tell itself from them.
        heard[term.index] = max((at for at in heard if at is not None), default=None)
        return heard

    def _feed(self, feed: Feed, final: int) -> FeedLine:
        newest = self._parts.landings.last(feed.id)
        cadence = max(1, feed.policy.cadence)
        paints = feed.collection != NOBODY
        return FeedLine(
            id=feed.id,
            vault=feed.vault,
            collection=feed.collection if paints else None,
            edition=feed.edition if paints else None,
            band=feed.band if newest is None else newest.band,
            bands=len(feed.policy.thresholds) + 1,
            answer=None if newest is None and not feed.checkpoint else str(newest.answer if newest else feed.answer),
            checkpoint=feed.checkpoint if newest is None else newest.checkpoint,
            cadence=cadence,
            next_checkpoint=(final // cadence + 1) * cadence,
            heartbeat=feed.policy.heartbeat,
        )


class _Committees:
    """Committees by digest, each read from the journal once."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts
        self._known: dict[bytes, Committee | None] = {}

    def of(self, config: bytes) -> Committee | None:
        if config not in self._known:
            parts = self._parts
            self._known[config] = parts.journal.configurations.committee(config, parts.chain_id, parts.chain.oracle)
        return self._known[config]


def _staking(stakes: Stakes) -> StakingView:
    found = stakes.overview
    return StakingView(
        address=stakes.address,
        symbol=stakes.token.symbol,
        decimals=stakes.token.decimals,
        era=found.era,
        era_ends=found.era_ends,
        minimum=str(found.params.minimum),
        seats=found.params.seats,
        candidates=len(found.candidates),
        number=found.number,
    )


def _configuration(config: bytes, first: int, last: int, committee: Committee | None) -> ConfigurationView:
    return ConfigurationView(
        config="0x" + config.hex(),
        n=0 if committee is None else committee.n,
        quorum=0 if committee is None else committee.quorum,
        first_block=first,
        last_block=last,
        members=[] if committee is None else list(committee.signers),
    )


def _state(node: object) -> str:
    for name in ("slashed", "suspended", "leaving"):
        if getattr(node, name):
            return name
    return "seated"


def _key(report: Landed) -> tuple[int, int]:
    return report.feed, report.checkpoint


def _place(report: Landed) -> tuple[int, int]:
    return report.block_number, report.log_index
