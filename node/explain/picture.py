"""What of a picture comes from where: the band's weather, the signals' touch, the seed's place."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from node.explain.numbers import count, exact, listed, percent

if TYPE_CHECKING:
    from node.render.recipe import Levels
    from node.render.scene import Scene

MOODS: Final = {
    "collapse": "night over a burnt shore: lightning, bare trees, cracks that glow in the ground",
    "storm": "a dark sky over the shore, with rain and lightning",
    "winter": "snow over a pale, cold shore",
    "overcast": "grey light under a closed sky",
    "dawn": "violet first light, with stars still out",
    "clear": "clear blue daylight",
    "golden": "the warm gold of a late afternoon",
    "flourishing": "full blossom under rays of light and a rainbow",
}
"""What the shipped model paints in each of its moods (docs/art.md)."""
TREES: Final = (("fir", "firs"), ("round-crowned tree", "round-crowned trees"), ("cypress", "cypresses"))
LANDMARKS: Final = ("a house", "a lighthouse", "a chapel")
_FAINT, _PLAIN, _STRONG = 16, 80, 192
"""Levels (0..255) from which on an effect is called slight, plain, strong."""


def strength(level: int, full: int = 255) -> str:
    """A level in a word: how much of it there is."""
    if level >= full:
        return "as far as it goes"
    if level < _FAINT * full // 255:
        return "hardly at all"
    if level < _PLAIN * full // 255:
        return "a little"
    return "plainly" if level < _STRONG * full // 255 else "strongly"


def signals(
    values: tuple[int, ...], levels: Levels | None, full_scales: tuple[int, int, int] | None, checkpoints: int
) -> list[str]:
    """Say what volatility, drawdown and flow were over so many checkpoints, and what they did; `values` are wads.

    `levels` None: the recipe is not known, or paints in its own way, so only the figures are told.
    """
    volatility, drawdown, flow = values
    told = [
        f"over the {checkpoints} measurements up to then, its price strayed by {percent(volatility)} a step from an "
        "even pace (volatility)"
        if volatility
        else f"over the {checkpoints} measurements up to then, its price kept an even pace (volatility 0)",
        f"it stood {percent(drawdown)} below its highest point of that time (drawdown)"
        if drawdown
        else "it stood at its highest point of that time (drawdown 0)",
        f"{percent(abs(flow))} of its shares were {'added' if flow > 0 else 'withdrawn'} (flow)"
        if flow
        else "as many shares came as went (flow 0)",
    ]
    if levels is None or full_scales is None:
        return told
    tide = abs(levels.flow - 128)
    full = (
        f", which the recipe takes for the extreme from {exact(full_scales[0])} on" if levels.volatility >= 255 else ""
    )
    told[0] += f"; that stirs waves, clouds and trees {strength(levels.volatility)}{full}"
    if drawdown:
        told[1] += f"; so the sun is lowered and the colours are drained {strength(levels.drawdown)}"
    else:
        told[1] += "; so the sun stands where the seed put it, and the colours are full"
    if tide:
        told[2] += (
            f"; the tide {'comes in' if levels.flow > 128 else 'goes out'} {strength(tide, 127)}, {boats(levels)}"
        )
    else:
        told[2] += f"; the tide rests, {boats(levels)}"
    return told


def boats(levels: Levels) -> str:
    """How many boats are out, which the flow alone decides (node/render/scene.py)."""
    many = 0 if levels.flow < 112 else 1 if levels.flow < 176 else 2
    return f"with {count(many, 'boat')} on the water"


def place(scene: Scene) -> str:
    """Say what the seed decided: what stands where, for good. Sixteenths of a pixel of a picture 256 wide."""
    kind = TREES[scene.trees[0].kind]
    trees = count(len(scene.trees), *kind)
    third = scene.landmark.x * 3 // (256 * 16)
    where = ("on the left", "near the middle", "on the right")[min(max(third, 0), 2)]
    sun = ("to the left", "in the middle", "to the right")[min(max(scene.sun_x * 3 // (256 * 16), 0), 2)]
    parts = [trees, f"{LANDMARKS[scene.landmark.kind]} {where}", f"the sun {sun}"]
    return listed(parts)
