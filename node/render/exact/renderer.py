"""A model folder, opened: draws pictures from their integer inputs on one engine."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from node.errors import RenderError
from node.render import noise
from node.render.exact.arithmetic import Arithmetic, Ints
from node.render.exact.decoder import Decoder
from node.render.exact.inputs import Inputs
from node.render.exact.layers import Stored
from node.render.exact.scheduler import Schedule
from node.render.exact.split import LATENT
from node.render.exact.unet import UNet

WEIGHTS: Final = "diffusion_pytorch_model.safetensors"
_NOISE: Final = LATENT - (noise.SCALE.bit_length() - 1)
"""From the noise table's bits after the point to a latent's."""


class Renderer:
    """UNet, decoder and schedule in one arithmetic."""

    def __init__(self, unet: UNet[Any], decoder: Decoder[Any], schedule: Schedule) -> None:
        self.unet, self.decoder, self.schedule = unet, decoder, schedule

    def draw(
        self, pictures: Sequence[Inputs], steps: int, after: Callable[[int, int, Ints], Ints | None] | None = None
    ) -> list[NDArray[np.uint8]]:
        """Draws one batch: uint8 (512, 512, 3) each. `after` (index, timestep, latent) hears of every step.

        What `after` returns, if anything, is the latent that goes on.
        """
        latent = np.stack([picture.noise for picture in pictures]) << _NOISE
        places = np.stack([picture.layout for picture in pictures])
        what = np.stack([picture.conditions for picture in pictures])
        layout, times = self.unet.layout(places), self.schedule.timesteps(steps)
        rows = self.unet.embedding.rows(times, what)
        for index, time in enumerate(times):
            velocity = self.unet.velocity(latent, layout, rows[index])
            latent = self.schedule.step(velocity, time, steps, latent)
            changed = after(index, time, latent) if after else None
            latent = latent if changed is None else changed
        guides = np.stack([picture.guide for picture in pictures])
        return list(self.decoder.pixels(latent, places, what, guides))


def opened(folder: Path, on: Arithmetic[Any]) -> Renderer:
    """The renderer of a model folder; RenderError if a file is missing or is not what it should be."""
    from safetensors import SafetensorError
    from safetensors.numpy import load_file

    try:
        shape = json.loads((folder / "unet" / "config.json").read_bytes())
        tables = json.loads((folder / "scheduler" / "scheduler_config.json").read_bytes())
        layers, pixels = (Stored(load_file(folder / part / WEIGHTS)) for part in ("unet", "decoder"))
        unet = UNet(layers, on, shape["widths"], shape["groups"])
        return Renderer(unet, Decoder(pixels, on), Schedule.of(tables["signal"], tables["spread"]))
    except (OSError, ValueError, KeyError, SafetensorError) as error:
        raise RenderError(f"model: {folder.name} cannot be loaded: {error}") from error
