"""Trains the autoencoder: pictures, halved to 256 px, to 32 x 32 x 8 latents and back, on random crops."""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from node.render.network import LATENT, Residual
from node.render.train.checkpoint import Checkpoint, cosine
from node.render.train.dataset import Pictures

CROP = 128
_BOUND = 3.0
Progress = Callable[[dict[str, float | int | str]], None]


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


class Mirror(nn.Module):
    """Latent (N, 8, h, w) to picture (N, 3, 8 h, 8 w): shown nothing else, so that the latent tells all."""

    def __init__(self) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            nn.Conv2d(LATENT, 128, 3, padding=1),
            Residual(128),
            Residual(128),
            nn.Conv2d(128, 256, 3, padding=1),
            nn.PixelShuffle(2),
            Residual(64),
            Residual(64),
            nn.Conv2d(64, 96, 3, padding=1),
            nn.PixelShuffle(2),
            nn.ReLU(),
            nn.Conv2d(24, 12, 3, padding=1),
            nn.PixelShuffle(2),
        )

    def forward(self, latent: Tensor) -> Tensor:
        """The picture of a latent, not clipped."""
        out: Tensor = self.layers(latent)
        return out


def halved(pictures: np.ndarray) -> Tensor:
    """uint8 (N, 2 h, 2 w, 3) to floats in -1..1, (N, 3, h, w): each pixel the mean of four."""
    whole = torch.from_numpy(pictures).permute(0, 3, 1, 2).float()
    return functional.avg_pool2d(whole, 2) / 127.5 - 1


def _slopes(picture: Tensor) -> tuple[Tensor, Tensor]:
    return picture[..., 1:, :] - picture[..., :-1, :], picture[..., 1:] - picture[..., :-1]


def loss_of(out: Tensor, target: Tensor, edge: float = 0.5, weights: Tensor | None = None) -> Tensor:
    """L2 + L1, and `edge` times L1 of the slopes, which is what keeps edges crisp.

    `weights`, shape (N, 1, H, W), says how much each pixel counts.
    """
    weights = torch.ones_like(target[:, :1]) if weights is None else weights
    away = (out - target).abs()
    flat = (weights * (away.square() + 0.5 * away)).mean()
    slopes = zip(_slopes(out), _slopes(target), (weights[..., 1:, :], weights[..., 1:]), strict=True)
    return flat + edge * sum((seen * (a - b).abs()).mean() for a, b, seen in slopes)


def psnr(out: Tensor, target: Tensor) -> float:
    """Peak signal to noise in dB of pictures in -1..1."""
    return 10 * math.log10(4 / max(functional.mse_loss(out, target).item(), 1e-12))


def _crops(pictures: Pictures, rng: np.random.Generator, count: int) -> Tensor:
    chosen = rng.integers(0, len(pictures), count)
    corners = rng.integers(0, 512 - 2 * CROP + 1, (count, 2))
    rows = [
        pictures.rows("pictures", range(index, index + 1))[0, y : y + 2 * CROP, x : x + 2 * CROP]
        for index, (y, x) in zip(chosen.tolist(), corners.tolist(), strict=True)
    ]
    return halved(np.stack(rows))


def train(
    folder: Path,
    checkpoint: Path,
    steps: int,
    batch: int = 16,
    rate: float = 1e-3,
    *,
    device: str = "cpu",
    progress: Progress = print,
) -> None:
    """Trains until `steps`, saving every 100; continues from `checkpoint`. A little noise lies on the latent."""
    torch.manual_seed(1)
    encoder, decoder = Encoder(), Mirror()
    state = Checkpoint(checkpoint, device, rate, encoder=encoder, decoder=decoder)
    pictures = Pictures(folder)
    for step in state.steps(steps):
        rng = np.random.default_rng([1, step])
        torch.manual_seed(step)
        state.rate(cosine(step, steps, warm=50, floor=0.03))
        target = _crops(pictures, rng, batch).to(device, memory_format=torch.channels_last)
        with torch.autocast(device, torch.bfloat16):
            latent = encoder(target)
            out = decoder(latent + 0.04 * torch.randn_like(latent))
        loss = loss_of(out.float(), target)
        state.descend(loss)
        if step % 20 == 19:
            progress(
                {
                    "stage": "autoencoder",
                    "step": step + 1,
                    "loss": loss.item(),
                    "psnr": psnr(out.detach().float(), target),
                }
            )


@torch.no_grad()
def encode(folder: Path, checkpoint: Path, target: Path, *, device: str = "cpu") -> None:
    """Writes the latents of the whole set, float32, with their mean and deviation per channel."""
    encoder = Encoder().to(device)
    encoder.load_state_dict(torch.load(checkpoint, map_location=device)["encoder"])
    pictures = Pictures(folder)
    parts = []
    with torch.autocast(device, torch.bfloat16):
        for start in range(0, len(pictures), 20):
            rows = pictures.rows("pictures", range(start, min(start + 20, len(pictures))))
            parts.append(encoder(halved(rows).to(device, memory_format=torch.channels_last)).float().cpu())
    latents = torch.cat(parts)
    mean, deviation = latents.mean((0, 2, 3)), latents.std((0, 2, 3))
    partial = target.with_suffix(".tmp")
    torch.save({"latents": latents, "mean": mean, "deviation": deviation}, partial)
    partial.replace(target)
