"""Recipes: the canonical JSON that says how a band and its signals steer the picture."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import rfc8785

from node.errors import RenderError
from node.render.document import SIGNALS, Reading, parse

FORMAT: Final = "patina-recipe/1"
MOODS: Final = ("collapse", "storm", "winter", "overcast", "dawn", "clear", "golden", "flourishing")
MAX_STEPS: Final = 100
_FULL_SCALES: Final = {"volatility": 2 * 10**16, "drawdown": 5 * 10**16, "flow": 10**17}


@dataclass(frozen=True)
class Levels:
    """Signals as the model takes them: 0..255; flow rests at 128."""

    volatility: int
    drawdown: int
    flow: int


@dataclass(frozen=True)
class Recipe:
    """How an edition is painted.

    `model` is the 32-byte digest of the model that must draw it, `classes` one mood per band, `full_scales` the wads
    at which volatility, drawdown and flow are at their extreme, `hue` and `accent` the inclusive ranges (0..255)
    within which a token's seed picks its palette.
    """

    name: str
    model: bytes
    steps: int
    classes: tuple[str, ...]
    full_scales: tuple[int, int, int]
    hue: tuple[int, int] = (0, 255)
    accent: tuple[int, int] = (0, 255)

    @classmethod
    def from_json(cls, document: bytes) -> Recipe:
        """The recipe in a JSON document; RenderError lists everything that is wrong with it."""
        return _Reading().recipe(parse(document))

    @classmethod
    def for_bands(cls, n: int, name: str, *, steps: int = 20) -> Recipe:
        """A sensible recipe for this build's model: `n` bands (1..16) spread over the moods, worst to best."""
        from node.render import model_digest

        if not 1 <= n <= 16:
            raise RenderError(f"recipe: {n} bands, a policy has 1 to 16")
        last = len(MOODS) - 1
        # A single band is calm weather; otherwise the ends are the worst and the best mood, rounded half up between.
        moods = ["clear"] if n == 1 else [MOODS[(2 * band * last + n - 1) // (2 * (n - 1))] for band in range(n)]
        volatility, drawdown, flow = (_FULL_SCALES[signal] for signal in SIGNALS)
        recipe = cls(name, model_digest(), steps, tuple(moods), (volatility, drawdown, flow))
        return cls.from_json(recipe.canonical)

    @property
    def canonical(self) -> bytes:
        """The recipe's RFC 8785 bytes; what is published and what `digest` hashes."""
        try:
            return rfc8785.dumps(
                {
                    "format": FORMAT,
                    "name": self.name,
                    "model": self.model.hex(),
                    "sampler": {"kind": "ddim", "steps": self.steps},
                    "classes": list(self.classes),
                    "signals": {
                        signal: {"full_scale": str(scale)}
                        for signal, scale in zip(SIGNALS, self.full_scales, strict=True)
                    },
                    "palette": {"hue": list(self.hue), "accent": list(self.accent)},
                }
            )
        except rfc8785.CanonicalizationError as error:
            raise RenderError(f"recipe: has no canonical form: {error}") from None

    @property
    def digest(self) -> bytes:
        """sha2-256 of the canonical bytes: 32 bytes, the recipe's name on chain."""
        return hashlib.sha256(self.canonical).digest()

    def mood(self, band: int) -> int:
        """The mood's index of a band; RenderError for a band that the recipe does not have."""
        if not 0 <= band < len(self.classes):
            raise RenderError(f"band {band}: recipe {self.name!r} has bands 0 to {len(self.classes) - 1}")
        return MOODS.index(self.classes[band])

    def levels(self, signals: Sequence[int]) -> Levels:
        """Signed wads to levels: integers only, clamped at the recipe's full scale."""
        return levels(self.name, self.full_scales, signals)


def levels(name: str, full_scales: tuple[int, int, int], signals: Sequence[int]) -> Levels:
    """Signed wads to levels: integers only, clamped at the full scales of the recipe `name`.

    Raises RenderError unless there is one signal for each scale.
    """
    if len(signals) != len(SIGNALS):
        raise RenderError(f"{len(signals)} signals: recipe {name!r} takes {', '.join(SIGNALS)}")
    volatility, drawdown, flow = signals
    full_volatility, full_drawdown, full_flow = full_scales
    # Towards zero on both sides, so that an outflow looks as strong as the inflow of its size.
    shift = abs(flow) * 128 // full_flow * (1 if flow >= 0 else -1)
    return Levels(
        min(max(volatility, 0) * 255 // full_volatility, 255),
        min(max(drawdown, 0) * 255 // full_drawdown, 255),
        min(max(128 + shift, 0), 255),
    )


class _Reading(Reading):
    """An exact recipe's fields."""

    def recipe(self, document: object) -> Recipe:
        fields = ("format", "name", "model", "sampler", "classes", "signals", "palette")
        top = self.table("recipe", document, fields)
        if top.get("format") != FORMAT:
            self.faults.append(f"format: must be {FORMAT!r}")
        name = self.name(top.get("name"))
        model = self.digest("model", top.get("model"))
        sampler = self.table("sampler", top.get("sampler"), ("kind", "steps"))
        if sampler.get("kind") != "ddim":
            self.faults.append("sampler.kind: must be 'ddim'")
        steps = self.integer("sampler.steps", sampler.get("steps"), 1, MAX_STEPS)
        classes = self.classes(top.get("classes"))
        signals = self.table("signals", top.get("signals"), SIGNALS)
        volatility, drawdown, flow = (
            self.scale(signal, self.table(f"signals.{signal}", signals.get(signal), ("full_scale",)).get("full_scale"))
            for signal in SIGNALS
        )
        palette = self.table("palette", top.get("palette"), ("hue", "accent"))
        hue, accent = (self.span(f"palette.{key}", palette.get(key)) for key in ("hue", "accent"))
        self.done()
        return Recipe(name, model, steps, classes, (volatility, drawdown, flow), hue, accent)

    def classes(self, value: object) -> tuple[str, ...]:
        if not isinstance(value, list) or not 1 <= len(value) <= 16 or any(mood not in MOODS for mood in value):
            self.faults.append(f"classes: must be 1 to 16 moods, one per band, out of {', '.join(MOODS)}")
            return ()
        return tuple(value)

    def span(self, where: str, value: object) -> tuple[int, int]:
        if not isinstance(value, list) or len(value) != 2:
            self.faults.append(f"{where}: must be [low, high]")
            return 0, 255
        low = self.integer(f"{where}[0]", value[0], 0, 255)
        high = self.integer(f"{where}[1]", value[1], 0, 255)
        if low > high:
            self.faults.append(f"{where}: low must not be above high")
        return low, high
