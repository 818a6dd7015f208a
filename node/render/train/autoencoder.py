"""Trains the autoencoder: 256 px pictures to 32 x 32 x 8 latents and back, on random crops."""

from __future__ import annotations

import math
import time
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from node.render.network import CONDITIONS, LATENT, Decoder256, Residual
from node.render.scene import CHANNELS
from node.render.train import dataset

CROP = 128
_BOUND = 3.0


class Encoder(nn.Module):
    """Picture (N, 3, 8 h, 8 w) to latent (N, 8, h, w), bounded to -3..3. Used in training only."""

    def __init__(self) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            nn.PixelUnshuffle(4),
            nn.Conv2d(48, 64, 3, padding=1),
            Residual(64),
            nn.Conv2d(64, 128, 4, stride=2, padding=1),
            Residual(128),
            Residual(128),
            nn.ReLU(),
            nn.Conv2d(128, LATENT, 1),
        )

    def forward(self, picture: Tensor) -> Tensor:
        """The latent of pictures in -1..1."""
        return _BOUND * torch.tanh(self.layers(picture) / _BOUND)


def _slopes(picture: Tensor) -> tuple[Tensor, Tensor]:
    return picture[..., 1:, :] - picture[..., :-1, :], picture[..., 1:] - picture[..., :-1]


def loss_of(out: Tensor, target: Tensor) -> Tensor:
    """L2 + L1, and L1 of the slopes, which is what keeps edges crisp."""
    edges = sum((a - b).abs().mean() for a, b in zip(_slopes(out), _slopes(target), strict=True))
    return functional.mse_loss(out, target) + 0.5 * functional.l1_loss(out, target) + 0.5 * edges


def _crops(pictures: np.ndarray, rng: np.random.Generator, count: int, size: int) -> Tensor:
    batch = np.empty((count, size, size, 3), np.uint8)
    for slot in range(count):
        y, x = rng.integers(0, 256 - size + 1, 2)
        batch[slot] = pictures[rng.integers(len(pictures)), y : y + size, x : x + size]
    return torch.from_numpy(batch).permute(0, 3, 1, 2).float() / 127.5 - 1


def train(folder: Path, checkpoint: Path, steps: int, batch: int = 16, rate: float = 1e-3, noise: float = 0.04) -> None:
    """Trains until `steps`, saving every 100; continues from `checkpoint`.

    The decoder is shown no layout and no conditions here, so that the latent learns to tell everything.
    """
    torch.manual_seed(1)
    encoder, decoder = Encoder(), Decoder256()
    for network in (encoder, decoder):
        network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    parameters = [*encoder.parameters(), *decoder.parameters()]
    optimiser = torch.optim.AdamW(parameters, rate, weight_decay=1e-4, betas=(0.9, 0.99))
    start = 0
    if checkpoint.exists():
        state = torch.load(checkpoint)
        encoder.load_state_dict(state["encoder"])
        decoder.load_state_dict(state["decoder"])
        optimiser.load_state_dict(state["optimiser"])
        start = state["step"]
    cells = CROP // 8
    blank = torch.zeros(batch, CHANNELS, cells, cells), torch.zeros(batch, CONDITIONS)
    pictures = dataset.load(folder, "pictures")
    rng = np.random.default_rng(start)
    began = time.monotonic()
    for step in range(start, steps):
        share = step / steps
        warm = min(1.0, (step + 1) / 50)
        for group in optimiser.param_groups:
            group["lr"] = rate * warm * (0.03 + 0.97 * 0.5 * (1 + math.cos(math.pi * share)))
        target = _crops(pictures, rng, batch, CROP).to(memory_format=torch.channels_last)
        with torch.autocast("cpu", torch.bfloat16):
            latent = encoder(target)
            out = decoder(latent + noise * torch.randn_like(latent), *blank)
        loss = loss_of(out.float(), target)
        optimiser.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        nn.utils.clip_grad_norm_(parameters, 1.0)
        optimiser.step()
        if step % 20 == 0:
            error = functional.mse_loss(out.float().detach(), target).item()
            psnr, seconds = 10 * math.log10(4 / error), time.monotonic() - began
            print(f"autoencoder {step} loss {loss.item():.4f} psnr {psnr:.2f} dB {seconds:.0f} s", flush=True)  # noqa: T201
        if step % 100 == 99 or step == steps - 1:
            parts: dict[str, Any] = {"encoder": encoder, "decoder": decoder, "optimiser": optimiser}
            state = {name: part.state_dict() for name, part in parts.items()} | {"step": step + 1}
            torch.save(state, checkpoint.with_suffix(".tmp"))
            checkpoint.with_suffix(".tmp").replace(checkpoint)


@torch.no_grad()
def encode(folder: Path, checkpoint: Path, target: Path) -> None:
    """Writes the latents of the whole set, float32, with their mean and deviation per channel."""
    encoder = Encoder()
    encoder.load_state_dict(torch.load(checkpoint)["encoder"])
    pictures = dataset.load(folder, "pictures")
    parts = []
    with torch.autocast("cpu", torch.bfloat16):
        for start in range(0, len(pictures), 50):
            batch = torch.from_numpy(pictures[start : start + 50]).permute(0, 3, 1, 2).float() / 127.5 - 1
            parts.append(encoder(batch.to(memory_format=torch.channels_last)).float())
    latents = torch.cat(parts)
    mean, deviation = latents.mean((0, 2, 3)), latents.std((0, 2, 3))
    torch.save({"latents": latents, "mean": mean, "deviation": deviation}, target)
