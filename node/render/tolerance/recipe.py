"""Recipes that name a diffusers pipeline: what it is told in each band, and how far two renders of it may differ."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import rfc8785

from node.errors import RenderError
from node.render.document import SIGNALS, Reading, parse, spelled
from node.render.recipe import Levels, levels

FORMAT: Final = "patina-pipeline-recipe/1"
PRECISIONS: Final = ("float32", "float16")
NOISES: Final = ("token", "band")
MAX_BANDS: Final = 16
MAX_STEPS: Final = 1_000
MAX_SIDE: Final = 2_048
MAX_WORDS: Final = 16
FLOORS: Final = (30, 100)
"""Decibels that a recipe may ask for: below 30 another band's picture may pass, above 100 hardly any float does."""
_PLACES: Final = 2
_PLACEHOLDER: Final = re.compile(r"\{([a-z]*)\}")


@dataclass(frozen=True)
class Band:
    """What the pipeline is told in one band; None: it is not told."""

    mood: str
    prompt: str | None
    negative_prompt: str | None
    class_label: int | None


@dataclass(frozen=True)
class Style:
    """A signal's words, from its lowest level to its highest, and the wad at which it is at its extreme."""

    full_scale: int
    words: tuple[str, ...]

    def word(self, level: int) -> str:
        """The word of a level 0..255."""
        return self.words[level * len(self.words) // 256]


@dataclass(frozen=True)
class PipelineRecipe:
    """How an edition is painted by a pipeline that is not exact.

    `model` is the 32-byte digest of the pipeline's folder; `guidance` a scale in hundredths, or None where the
    pipeline takes none; `noise` says whether the initial noise is the token's for life or another one in each band;
    `floor` is the least PSNR, in hundredths of a decibel, of two renders that count as the same picture.
    """

    name: str
    model: bytes
    precision: str
    width: int
    height: int
    steps: int
    guidance: int | None
    noise: str
    bands: tuple[Band, ...]
    styles: tuple[Style, Style, Style]
    floor: int

    @classmethod
    def from_json(cls, document: bytes) -> PipelineRecipe:
        """The recipe in a JSON document; RenderError lists everything that is wrong with it."""
        return read(parse(document))

    @property
    def canonical(self) -> bytes:
        """The recipe's RFC 8785 bytes; what is published and what `digest` hashes."""
        document: dict[str, Any] = {
            "format": FORMAT,
            "name": self.name,
            "pipeline": {
                "digest": self.model.hex(),
                "precision": self.precision,
                "width": self.width,
                "height": self.height,
                "steps": self.steps,
                "guidance": None if self.guidance is None else spelled(self.guidance, _PLACES),
                "noise": self.noise,
            },
            "bands": [
                {
                    "mood": band.mood,
                    "prompt": band.prompt,
                    "negative_prompt": band.negative_prompt,
                    "class_label": band.class_label,
                }
                for band in self.bands
            ],
            "signals": {
                signal: {"full_scale": str(style.full_scale), "words": list(style.words)}
                for signal, style in zip(SIGNALS, self.styles, strict=True)
            },
            "tolerance": {"psnr_floor_db": spelled(self.floor, _PLACES)},
        }
        try:
            return rfc8785.dumps(document)
        except rfc8785.CanonicalizationError as error:
            raise RenderError(f"recipe: has no canonical form: {error}") from None

    @property
    def digest(self) -> bytes:
        """sha2-256 of the canonical bytes: 32 bytes, the recipe's name on chain."""
        return hashlib.sha256(self.canonical).digest()

    @property
    def classes(self) -> tuple[str, ...]:
        """The moods, one per band."""
        return tuple(band.mood for band in self.bands)

    @property
    def psnr_floor(self) -> str:
        """The floor in decibels, as the recipe spells it."""
        return spelled(self.floor, _PLACES)

    def levels(self, signals: Sequence[int]) -> Levels:
        """Signed wads to levels 0..255; RenderError unless there are three."""
        volatility, drawdown, flow = self.styles
        return levels(self.name, (volatility.full_scale, drawdown.full_scale, flow.full_scale), signals)

    def band(self, band: int, signals: Sequence[int]) -> Band:
        """What the pipeline is told in a band under signals, with the words of their levels put in.

        Raises RenderError for a band, or a number of signals, that the recipe does not have.
        """
        if not 0 <= band < len(self.bands):
            raise RenderError(f"band {band}: recipe {self.name!r} has bands 0 to {len(self.bands) - 1}")
        found = self.levels(signals)
        heights = dict(zip(SIGNALS, (found.volatility, found.drawdown, found.flow), strict=True))
        styles = dict(zip(SIGNALS, self.styles, strict=True))

        def told(template: str | None) -> str | None:
            if template is None:
                return None
            return _PLACEHOLDER.sub(lambda match: styles[match[1]].word(heights[match[1]]), template)

        chosen = self.bands[band]
        return Band(chosen.mood, told(chosen.prompt), told(chosen.negative_prompt), chosen.class_label)


def read(document: object) -> PipelineRecipe:
    """The recipe of a parsed document; RenderError lists everything that is wrong with it."""
    return _Reading().recipe(document)


class _Reading(Reading):
    """A pipeline recipe's fields."""

    def recipe(self, document: object) -> PipelineRecipe:
        top = self.table("recipe", document, ("format", "name", "pipeline", "bands", "signals", "tolerance"))
        if top.get("format") != FORMAT:
            self.faults.append(f"format: must be {FORMAT!r}")
        name = self.name(top.get("name"))
        fields = ("digest", "precision", "width", "height", "steps", "guidance", "noise")
        pipeline = self.table("pipeline", top.get("pipeline"), fields)
        digest = self.digest("pipeline.digest", pipeline.get("digest"))
        precision = self.choice("pipeline.precision", pipeline.get("precision"), PRECISIONS)
        width, height = (
            self.integer(f"pipeline.{side}", pipeline.get(side), 8, MAX_SIDE) for side in ("width", "height")
        )
        steps = self.integer("pipeline.steps", pipeline.get("steps"), 1, MAX_STEPS)
        guidance = pipeline.get("guidance")
        if guidance is not None:
            guidance = self.decimal("pipeline.guidance", guidance, 0, 100, _PLACES)
        noise = self.choice("pipeline.noise", pipeline.get("noise"), NOISES)
        signals = self.table("signals", top.get("signals"), SIGNALS)
        styles = [self.style(signal, signals.get(signal)) for signal in SIGNALS]
        silent = {signal for signal, style in zip(SIGNALS, styles, strict=True) if not style.words}
        bands = self.bands(top.get("bands"), silent)
        tolerance = self.table("tolerance", top.get("tolerance"), ("psnr_floor_db",))
        floor = self.decimal("tolerance.psnr_floor_db", tolerance.get("psnr_floor_db"), *FLOORS, _PLACES)
        self.done()
        volatility, drawdown, flow = styles
        return PipelineRecipe(
            name, digest, precision, width, height, steps, guidance, noise, bands, (volatility, drawdown, flow), floor
        )

    def style(self, signal: str, value: object) -> Style:
        found = self.table(f"signals.{signal}", value, ("full_scale", "words"))
        words = found.get("words")
        if not isinstance(words, list) or len(words) > MAX_WORDS:
            self.faults.append(f"signals.{signal}.words: must be a list of at most {MAX_WORDS}")
            words = []
        read = tuple(self.text(f"signals.{signal}.words[{place}]", word, 0, 80) for place, word in enumerate(words))
        if any("{" in word or "}" in word for word in read):
            self.faults.append(f"signals.{signal}.words: must not hold braces")
        return Style(self.scale(signal, found.get("full_scale")), read)

    def bands(self, value: object, silent: set[str]) -> tuple[Band, ...]:
        if not isinstance(value, list) or not 1 <= len(value) <= MAX_BANDS:
            self.faults.append(f"bands: must be a list of 1 to {MAX_BANDS}, one for each band")
            return ()
        return tuple(self.band(f"bands[{place}]", one, silent) for place, one in enumerate(value))

    def band(self, where: str, value: object, silent: set[str]) -> Band:
        found = self.table(where, value, ("mood", "prompt", "negative_prompt", "class_label"))
        label = found.get("class_label")
        return Band(
            self.text(f"{where}.mood", found.get("mood"), 1, 40),
            self.template(f"{where}.prompt", found.get("prompt"), silent),
            self.template(f"{where}.negative_prompt", found.get("negative_prompt"), silent),
            None if label is None else self.integer(f"{where}.class_label", label, 0, 1_000_000),
        )

    def template(self, where: str, value: object, silent: set[str]) -> str | None:
        if value is None:
            return None
        text = self.text(where, value, 0, 2_000)
        named = set(_PLACEHOLDER.findall(text))
        rest = _PLACEHOLDER.sub("", text)
        if named - set(SIGNALS) or "{" in rest or "}" in rest:
            self.faults.append(f"{where}: knows {{{'}, {'.join(SIGNALS)}}} and no other braces")
        for signal in sorted(named & silent):
            self.faults.append(f"{where}: names {{{signal}}}, and signals.{signal}.words is empty")
        return text
