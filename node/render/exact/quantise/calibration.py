"""What flows through the float networks while they draw: samples of every layer's input and output, and extremes."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from node.render import noise
from node.render.exact.inputs import Inputs, drawn_from
from node.render.network import Decoder, Denoiser, scaled_conditions, scaled_guide, scaled_layout

Floats = NDArray[np.float64]
_MOODS = 8
_PATCHES = 40  # of each picture at each step
_STREAMS = ("ResnetBlock2D", "Residual")


@dataclass
class Seen:
    """Values at one place: sampled positions (P, C), and each channel's least and greatest over all positions (C,).

    Where a convolution of 3 by 3 or less takes them, also the sums of products of what it sees at sampled positions,
    `gram` (C h w, C h w), in the order of its weights.
    """

    parts: list[NDArray[np.float32]] = field(default_factory=list)
    least: Floats = field(default_factory=lambda: np.zeros(1))
    most: Floats = field(default_factory=lambda: np.zeros(1))
    gram: NDArray[np.float32] | None = None

    @property
    def greatest(self) -> float:
        """The greatest magnitude anywhere."""
        return float(max(self.most.max(), -self.least.min()))

    @property
    def samples(self) -> Floats:
        """All samples, (P, C)."""
        return np.concatenate(self.parts).astype(np.float64)


class Record:
    """Listens to modules of a network and keeps samples by "name.in" and "name.out"."""

    def __init__(self, positions: int) -> None:
        self._positions = positions
        self._rng = np.random.default_rng(0)
        self.seen: dict[str, Seen] = {}

    def __getitem__(self, name: str) -> Seen:
        return self.seen[name]

    @contextmanager
    def of(self, network: nn.Module) -> Iterator[None]:
        """Listens while the context lasts."""
        hooks = [
            module.register_forward_hook(self._listener(name))
            for name, module in network.named_modules()
            if isinstance(module, (nn.Conv2d, nn.Linear, nn.GroupNorm)) or type(module).__name__ in _STREAMS
        ]
        try:
            yield
        finally:
            for hook in hooks:
                hook.remove()

    def _listener(self, name: str) -> Any:
        def listen(module: nn.Module, taken: tuple[Any, ...], given: Any) -> None:
            self._keep(f"{name}.in", taken[0])
            self._keep(f"{name}.out", given)
            if isinstance(module, nn.Conv2d):
                self._patches(self.seen[f"{name}.in"], taken[0], module.kernel_size[0])

        return listen

    def _keep(self, place: str, values: Tensor) -> None:
        kept = self.seen.setdefault(place, Seen())
        rows = values.movedim(1, -1) if values.dim() == 4 else values
        rows = rows.reshape(-1, rows.shape[-1])
        least, most = (extreme.double().numpy() for extreme in torch.aminmax(rows, dim=0))
        kept.least, kept.most = np.minimum(kept.least, least), np.maximum(kept.most, most)
        chosen = self._rng.integers(0, len(rows), min(self._positions, len(rows)))
        kept.parts.append(rows[torch.from_numpy(chosen)].numpy())

    def _patches(self, kept: Seen, values: Tensor, side: int) -> None:
        """Adds the products of some of the patches that a convolution of `side` by `side` looks at."""
        windows = nn.functional.pad(values, (side // 2,) * 4).unfold(2, side, 1).unfold(3, side, 1)
        count = _PATCHES * len(values)
        picture, row, column = (
            torch.from_numpy(self._rng.integers(0, windows.shape[axis], count)) for axis in (0, 2, 3)
        )
        seen = windows[picture, :, row, column].flatten(1)
        product = (seen.T @ seen).numpy()
        kept.gram = product if kept.gram is None else kept.gram + product


def inputs(count: int, tag: str) -> list[Inputs]:
    """Pictures' inputs over all moods, with signals of all strengths, from seeds that only depend on the tag."""
    out = []
    for index in range(count):
        seed = hashlib.sha256(f"patina/{tag}/{index}".encode()).digest()
        out.append(drawn_from(seed, index % _MOODS, (seed[0], seed[1] * seed[2] // 255, seed[3])))
    return out


@dataclass(frozen=True)
class Floating:
    """The float model: networks, latents' mean and deviation (8,), and diffusers' scheduler settings."""

    denoiser: Denoiser
    decoder: Decoder
    mean: Tensor
    deviation: Tensor
    schedule: dict[str, Any]

    def draw(self, pictures: list[Inputs], steps: int) -> Tensor:
        """Pictures (N, 3, 512, 512) around -1..1, as diffusers would draw them in one batch."""
        from diffusers import DDIMScheduler

        scheduler: Any = DDIMScheduler(**self.schedule)  # type: ignore[no-untyped-call]
        scheduler.set_timesteps(steps)
        start = np.stack([picture.noise for picture in pictures]).astype(np.float32) / noise.SCALE
        latent = torch.from_numpy(start).contiguous(memory_format=torch.channels_last)
        where = scaled_layout(torch.from_numpy(np.stack([picture.layout for picture in pictures])))
        what = scaled_conditions(torch.from_numpy(np.stack([picture.conditions for picture in pictures])))
        sharp = scaled_guide(torch.from_numpy(np.stack([picture.guide for picture in pictures])))
        with torch.inference_mode():
            for time in scheduler.timesteps:
                velocity = self.denoiser(latent, time, where, what)
                latent = scheduler.step(velocity, int(time), latent).prev_sample
            latent = latent * self.deviation[:, None, None] + self.mean[:, None, None]
            out: Tensor = self.decoder(latent, where, what, sharp)
        return out


def levels(picture: Tensor) -> NDArray[np.uint8]:
    """Around -1..1, (N, 3, H, W), to uint8 (N, H, W, 3)."""
    out: NDArray[np.uint8] = (picture * 127.5 + 128).floor().clamp(0, 255).to(torch.uint8).movedim(1, -1).numpy()
    return out
