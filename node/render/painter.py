"""Samples the shipped model: DDIM from seeded noise, one picture at a time, always the same kernels."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import torch
from diffusers import DDIMScheduler
from numpy.typing import NDArray
from safetensors import SafetensorError
from safetensors.torch import load_file

from node.errors import RenderError
from node.render import noise
from node.render.network import LATENT, Decoder256, Denoiser, scaled_conditions, scaled_layout
from node.render.recipe import Recipe
from node.render.scene import CELLS, CHANNELS, conditions, layout, scene

WEIGHTS = "weights.safetensors"
CARD = "model.json"


class Painter:
    """The model of one folder, loaded: weights in float32, read from float16."""

    def __init__(self, folder: Path) -> None:
        try:
            card = json.loads((folder / CARD).read_bytes())
            stored = {name: value.float() for name, value in load_file(folder / WEIGHTS).items()}
            self._denoiser, self._decoder = Denoiser(CHANNELS), Decoder256()
            self._denoiser.load_state_dict(_part(stored, "denoiser."))
            self._decoder.load_state_dict(_part(stored, "decoder."))
            self._mean = torch.tensor(card["latent_mean"], dtype=torch.float32)[:, None, None]
            self._deviation = torch.tensor(card["latent_deviation"], dtype=torch.float32)[:, None, None]
            self._schedule = card["schedule"]
        except (OSError, ValueError, KeyError, RuntimeError, SafetensorError) as error:
            raise RenderError(f"model: {folder.name} cannot be loaded: {error}") from error
        for network in (self._denoiser, self._decoder):
            network.eval().to(memory_format=torch.channels_last)  # type: ignore[call-overload]

    def paint(self, recipe: Recipe, seed: bytes, band: int, signals: tuple[int, ...]) -> NDArray[np.uint8]:
        """One picture, uint8 (256, 256, 3)."""
        mood, levels = recipe.mood(band), recipe.levels(signals)
        place = scene(seed, levels.drawdown, levels.flow, recipe.hue, recipe.accent)
        vector = conditions(place, mood, levels.volatility, levels.drawdown, levels.flow)
        start = noise.normal(seed, LATENT * CELLS * CELLS).astype(np.float32) / np.float32(noise.SCALE)
        with _pinned(), torch.inference_mode():
            latent = torch.from_numpy(start).reshape(1, LATENT, CELLS, CELLS)
            return self._sample(
                latent,
                scaled_layout(torch.from_numpy(layout(place)))[None],
                scaled_conditions(torch.from_numpy(vector))[None],
                recipe.steps,
            )

    def _sample(self, latent: torch.Tensor, where: torch.Tensor, what: torch.Tensor, steps: int) -> NDArray[np.uint8]:
        scheduler: Any = DDIMScheduler(**self._schedule)  # type: ignore[no-untyped-call]
        scheduler.set_timesteps(steps)
        for time in scheduler.timesteps:
            velocity = self._denoiser(latent.contiguous(memory_format=torch.channels_last), time, where, what)
            latent = scheduler.step(velocity, int(time), latent).prev_sample
        latent = latent * self._deviation + self._mean
        picture = self._decoder(latent.contiguous(memory_format=torch.channels_last), where, what)
        levels = (picture[0].permute(1, 2, 0) * 127.5 + 128).floor().clamp(0, 255)
        out: NDArray[np.uint8] = levels.to(torch.uint8).contiguous().numpy()
        return out


def _part(stored: dict[str, torch.Tensor], prefix: str) -> dict[str, torch.Tensor]:
    return {name.removeprefix(prefix): value for name, value in stored.items() if name.startswith(prefix)}


@contextmanager
def _pinned() -> Iterator[None]:
    """One thread and deterministic kernels while a picture is drawn, then as it was.

    Float sums depend on how kernels split them, so the split must not follow the machine's load or settings.
    """
    threads, strict = torch.get_num_threads(), torch.are_deterministic_algorithms_enabled()
    torch.set_num_threads(1)
    torch.use_deterministic_algorithms(True)
    try:
        yield
    finally:
        torch.use_deterministic_algorithms(strict)
        torch.set_num_threads(threads)


@cache
def shipped(folder: Path) -> Painter:
    """The painter of a model folder, loaded once per process."""
    return Painter(folder)
