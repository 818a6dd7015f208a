"""Looks at this machine's clock: against what the endpoints' servers say, and against the newest block."""

from __future__ import annotations

from statistics import median
from typing import TYPE_CHECKING, Final

from node.staking.words import span, times

if TYPE_CHECKING:
    from node.preflight.facts import Facts
    from node.preflight.finding import Notes

WARNING_S: Final = 5.0
FAULT_S: Final = 60.0
"""Certificates, logins and the dates that staking shows go wrong from here on."""
STILL_S: Final = 300.0
"""A newest block older than this is worth a word: Ethereum has one every 12 s."""
AHEAD_S: Final = 30.0
"""No honest block is from so far in the future (consensus clients refuse it)."""
_THEIRS: Final = "nothing here, on a development chain, whose clock is its own; on any other ask why no blocks come"


async def check(facts: Facts, notes: Notes) -> None:
    """Note how far the clock is off. No host is asked but the configured endpoints."""
    right = False
    with notes.needing("clock.offset"):
        found = (await facts.survey.get()).endpoints
        offsets = [median(one.offsets) for one in found if one.offsets]
        if not offsets:
            notes.skip("clock.offset", "no endpoint's server says what time it is")
        else:
            # Of several servers the middle one: one that is wrong itself accuses nobody.
            off = median(offsets)
            _tell_offset(off, len(offsets), notes)
            right = abs(off) < WARNING_S
    with notes.needing("clock.chain"):
        network = await facts.network.get()
        head = await network.head.get()
        old = facts.now() - head.timestamp
        if old < -AHEAD_S:
            told = f"the newest block ({head.number}) is from {span(int(-old))} after this machine's time"
            if right:
                notes.warn("clock.chain", told, remedy=_THEIRS)
            else:
                notes.fault("clock.chain", told)
        elif old > STILL_S:
            told = f"the newest block ({head.number}) is {span(int(old))} old"
            notes.warn("clock.chain", told, remedy=_THEIRS if right else "")
        else:
            notes.ok("clock.chain", f"the newest block ({head.number}) is {max(0, int(old))} s old")


def _tell_offset(off: float, servers: int, notes: Notes) -> None:
    side = "ahead of" if off > 0 else "behind"
    told = f"about {span(round(abs(off)))} {side} {times(servers, 'endpoint server')}"
    if abs(off) >= FAULT_S:
        notes.fault("clock.offset", told)
    elif abs(off) >= WARNING_S:
        notes.warn("clock.offset", told)
    else:
        notes.ok("clock.offset", f"within {max(1, round(abs(off)))} s of {times(servers, 'endpoint server')}")
