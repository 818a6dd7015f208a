"""Step six of joining: says who will sit when, ends the era where nobody did, and waits for the seat."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Final

from node.errors import ChainError, RevertError

if TYPE_CHECKING:
    from node.cli.stake.desk import Desk
    from node.staking.plan import View

_LOOK_S: Final = 30.0
"""The longest between looks at the chain while it is waited for the era's end."""


class Seating:
    """Waits for a seat, or tells what it depends on."""

    def __init__(self, desk: Desk, *, wait: bool) -> None:
        self._desk = desk
        self._talk = desk.talk
        self._wait = wait

    async def sit(self) -> View:
        """Until the node sits, or nothing can be done now but wait; how things stand then. PatinaError."""
        from node.cli.stake.settling import end_era
        from node.staking.plan import Step, elect, missing_candidates, next_step
        from node.staking.words import times

        told: tuple[object, ...] = ()
        declined: int | None = None
        while True:
            view = await self._look()
            step = next_step(view, 0)
            if step is Step.SEATED:
                self._seated(view)
                return view
            if step not in (Step.ROTATE, Step.WAIT):
                self._talk.say("The node is no candidate: patina stake status says what it lacks.")
                return view
            assert view.account is not None  # noqa: S101 - a candidate has one
            if view.account.node.id not in elect(view.nodes, view.overview.params):
                self._queued(view)
                return view
            if missing := missing_candidates(view):
                self._talk.say(
                    f"The first committee sits when there are {times(view.overview.params.least_seats, 'candidate')}: "
                    f"{missing} more {'has' if missing == 1 else 'have'} to join. Nothing is left to do but wait: run "
                    "patina join again later, or leave patina run running, which takes its seat by itself."
                )
                return view
            committee = elect(view.nodes, view.overview.params)
            if (news := (committee, view.overview.era_ends, view.era_over)) != told:
                told = news
                self._talk.say(self._forecast(view))
            if step is Step.ROTATE and declined != view.overview.era:
                self._talk.say("The era is over, and nobody has ended it yet. Anyone may; the treasury repays the gas.")
                if self._talk.agrees("End it now?"):
                    await end_era(self._desk, view.overview.era)
                    continue
                declined = view.overview.era
            if not self._wait:
                self._later()
                return view
            await asyncio.sleep(self._pause)

    @property
    def _pause(self) -> float:
        return min(_LOOK_S, self._desk.config.chain.poll_ms / 1000)

    async def _look(self) -> View:
        """How things stand; while it is waited, an endpoint may be away for a time. ChainError without waiting."""
        told = False
        while True:
            try:
                return await self._desk.view()
            except RevertError:
                raise
            except ChainError as error:
                if not self._wait:
                    raise
                if not told:
                    self._talk.say(f"The chain cannot be asked, trying again: {error}")
                told = True
            await asyncio.sleep(self._pause)

    def _forecast(self, view: View) -> str:
        from node.cli.stake.status import clock_here
        from node.staking.plan import elect
        from node.staking.words import era_end

        assert view.account is not None  # noqa: S101 - a candidate has one
        committee = elect(view.nodes, view.overview.params)
        seat = committee.index(view.account.node.id)
        ends = view.overview.era_ends
        when = f"Era {view.overview.era} {era_end(ends, view.now)}"
        if ends > view.now:
            here = clock_here(ends, view.now)
            when += f", about {here} on your clock" if here else ""
            when += "; a member, or anyone, then ends it"
        return (
            f"As things stand this node gets a seat at the next rotation: seat {seat + 1} of {len(committee)} (nodes "
            f"{', '.join(map(str, committee))}). {when}. A higher bond of somebody else may still change that."
        )

    def _seated(self, view: View) -> None:
        folder = self._desk.config.path.parent
        assert view.seat is not None  # noqa: S101 - it was found
        self._talk.say(f"This node SITS: seat {view.seat + 1} of {len(view.members)}.")
        self._talk.say("Start it now, if it does not run already, for absence costs rewards:")
        self._talk.say(f"patina run --config {folder}", indent=4)
        self._talk.say("patina stake status shows how it does; patina stake claim pays out what it earned.")

    def _queued(self, view: View) -> None:
        from node.staking.plan import least_winning_bond, place

        assert view.account is not None  # noqa: S101 - a candidate has one
        params, node = view.overview.params, view.account.node
        least = least_winning_bond(view.nodes, params, node.id)
        self._talk.say(
            f"The node is in the queue: {place(view)}. of {len(view.nodes)} candidates by bond, and there are "
            f"{params.seats} seats. With {self._desk.amount(least - node.bond)} more it would win one now; otherwise "
            "it gets one when others leave. Let it run (patina run): it takes a seat by itself when it gets one."
        )

    def _later(self) -> None:
        folder = self._desk.config.path.parent
        self._talk.say("Nothing is left to do but wait. Start the node; it takes its seat by itself when it gets one:")
        self._talk.say(f"patina run --config {folder}", indent=4)
