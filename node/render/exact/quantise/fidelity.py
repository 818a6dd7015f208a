"""How far the integer model's pictures are from the float model's."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from node.render.exact.inputs import Inputs
from node.render.exact.quantise.calibration import inputs, levels
from node.render.exact.quantise.export import load


@dataclass(frozen=True)
class Fidelity:
    """PSNR in dB of each picture, integer against float."""

    decibels: tuple[float, ...]

    @property
    def worst(self) -> float:
        """The least of them."""
        return min(self.decibels)

    @property
    def median(self) -> float:
        """The middle one."""
        return float(np.median(self.decibels))


def pictures(count: int, seed: str = "") -> list[Inputs]:
    """What is compared: pictures over all moods, others than those of the calibration, and others for every `seed`."""
    return inputs(count, f"fidelity/{seed}" if seed else "fidelity")


def fidelity(
    work: Path, folder: Path, count: int = 32, steps: int = 20, engine: str = "torch", seed: str = ""
) -> Fidelity:
    """Draws `count` pictures over all moods with the float checkpoints in `work` and with the integer model `folder`.

    RenderError if either cannot be loaded.
    """
    from node.render.exact import open_model

    model, exact = load(work), open_model(folder, engine)
    found = []
    compared = pictures(count, seed)
    for start in range(0, count, 4):
        batch = compared[start : start + 4]
        want, got = levels(model.draw(batch, steps)), exact.draw(batch, steps)
        for one, other in zip(want, got, strict=True):
            error = float(((one.astype(float) - other) ** 2).mean())
            found.append(10 * np.log10(255**2 / max(error, 1e-9)))
    return Fidelity(tuple(found))
