"""What Byzantine nodes do: each runs the honest protocol and bends it in one way."""

from __future__ import annotations

from typing import Final

from node.agreement.simulator.byzantine.honest import Byzantine
from node.agreement.simulator.byzantine.leading import (
    Brink,
    Dropper,
    Equivocator,
    Forger,
    Hasty,
    Hider,
    Painter,
    SilentLeader,
    Teaser,
    TwoFaced,
    Withholder,
)
from node.agreement.simulator.byzantine.observing import Liar, Misled, Misshapen
from node.agreement.simulator.byzantine.replaying import Flooder, Recycler, Replayer, Veteran
from node.agreement.simulator.byzantine.twins import Twin
from node.agreement.simulator.byzantine.voting import (
    Abstainer,
    Amnesiac,
    Doubler,
    Fabler,
    Scribbler,
    Selective,
    Silent,
)

__all__ = ["BEHAVIOURS", "KINDS", "TWINS", "Twin"]

TWINS: Final = "twins"
"""The behaviour that takes two nodes to act out."""

BEHAVIOURS: Final[dict[str, type[Byzantine]]] = {
    behaviour.__name__.lower(): behaviour
    for behaviour in (
        Abstainer,
        Amnesiac,
        Brink,
        Doubler,
        Dropper,
        Equivocator,
        Fabler,
        Flooder,
        Forger,
        Hasty,
        Hider,
        Liar,
        Misled,
        Misshapen,
        Painter,
        Recycler,
        Replayer,
        Scribbler,
        Selective,
        Silent,
        SilentLeader,
        Teaser,
        TwoFaced,
        Veteran,
        Withholder,
    )
}
KINDS: Final = (*BEHAVIOURS, TWINS)
"""Every way to be Byzantine."""
