"""How much of a broker's and of a member's messages a node takes in, and what each is counted at."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from node.gossip.bucket import Rate

OVER_LIMIT: Final = "over_limit"
"""Why a genuine message is dropped whose sender says more than its share; it is announced again."""
FORGERY: Final = 4
"""What a refused envelope costs its broker on top: the price of a signature check in packets read, roughly."""

_BROKER: Final = Rate(per_second=2_000, burst=8_000)
_SENDER: Final = Rate(per_second=1_000, burst=8_000)


def tokens(size: int) -> int:
    """What a message of so many bytes is counted at: one token for every KiB that it begins, at least one."""
    return max(1, -(-size // 1024))


@dataclass(frozen=True, slots=True)
class Limits:
    """Tokens are messages of up to a KiB; a longer one counts as several.

    `broker` bounds what is read from one broker, before anything is checked: beyond it the node stops reading for a
    moment, and the broker's own queue fills instead. What a broker hands on that is refused costs it `FORGERY` more.
    31 members that announce three messages a second each about twenty feeds stay within it.

    `sender` bounds what one member may say that was not heard before, once its signature is checked: whoever forges in
    its name or repeats its words uses up nothing of it. A thousand feeds at one checkpoint fit into the burst.
    """

    broker: Rate = _BROKER
    sender: Rate = _SENDER
