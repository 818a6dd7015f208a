"""Margins of the float networks that the model was quantised from: what a recipe of their kind could tolerate."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from node.render.exact.inputs import Inputs, drawn_from
from node.render.exact.quantise.calibration import Floating, levels
from node.render.exact.quantise.export import load
from node.render.recipe import MOODS
from node.render.tolerance.margins import Margin, disturbed, margin, ordered, turned, without_onednn

_BATCH = 4
_Pixels = list[NDArray[np.uint8]]


def measure(work: Path, pictures: int, steps: int, seed: str, on_row: Callable[[Margin], None]) -> list[Margin]:
    """The margins over `pictures` tokens, which `seed` chooses, in all moods, on the CPU; `on_row` is told each.

    `work` holds the checkpoints. Raises RenderError if one is missing.
    """
    model = load(work)
    networks = [model.denoiser, model.decoder]
    tokens = [hashlib.sha256(f"patina/margins/{seed}{index}".encode()).digest() for index in range(pictures)]
    plain = _drawn(model, _inputs(tokens), steps)
    rows = list[Margin]()

    def row(name: str, honest: bool | None, others: _Pixels) -> None:
        rows.append(margin(name, honest, plain, others))
        on_row(rows[-1])

    row("one picture at a time", True, _drawn(model, _inputs(tokens), steps, batch=1))
    with without_onednn():
        row("oneDNN off", True, _drawn(model, _inputs(tokens), steps))
    with ordered(networks, torch.contiguous_format, torch.channels_last):
        row("memory format contiguous", True, _drawn(model, _inputs(tokens), steps))
    with disturbed(networks, 1e-6):
        row("weights + 1e-6 noise", True, _drawn(model, _inputs(tokens), steps))
    with torch.autocast("cpu", torch.bfloat16):
        row("bfloat16", None, _drawn(model, _inputs(tokens), steps))
    row("hue + 1/256", False, [turned(picture) for picture in plain])
    row(f"{steps - 1} steps for {steps}", False, _drawn(model, _inputs(tokens), steps - 1))
    with disturbed(networks, 0.01):
        row("weights + 1 % noise", False, _drawn(model, _inputs(tokens), steps))
    row("next band", False, _drawn(model, _inputs(tokens, band=1), steps))
    row("other seed", False, _drawn(model, _inputs(tokens, other=True), steps))
    return rows


def _inputs(tokens: list[bytes], band: int = 0, *, other: bool = False) -> list[Inputs]:
    """Each token in one of the moods, under signals of its own; so many bands on, or of another token's place."""
    return [
        drawn_from(
            hashlib.sha256(token).digest() if other else token,
            (index + band) % len(MOODS),
            (token[0], token[1] * token[2] // 255, token[3]),
        )
        for index, token in enumerate(tokens)
    ]


def _drawn(model: Floating, pictures: list[Inputs], steps: int, batch: int = _BATCH) -> _Pixels:
    found: _Pixels = []
    for start in range(0, len(pictures), batch):
        found += list(levels(model.draw(pictures[start : start + batch], steps).float()))
    return found
