"""Trains the decoder: shown the scene and the guide, it learns to draw what the UNet predicts, at 512 px."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from node.render.network import Decoder, Denoiser, scaled_conditions, scaled_guide, scaled_layout
from node.render.train.autoencoder import Progress, loss_of, psnr
from node.render.train.checkpoint import Checkpoint, cosine
from node.render.train.dataset import Pictures
from node.render.train.diffusion import TRAIN_STEPS, schedule

_CELLS: Final = 12  # a crop's side in cells of 16 pixels
_EAGER: Final = 6
_SHAPES: Final = 14  # planes of the guide that are shapes; the others are textures
_OUTLINE: Final = 24  # as near to an outline counts more, in sixteenths of a pixel of the guide
_WEIGHT: Final = 3.0  # how much more
_DISPLACED: Final = 1.5  # cells by which content moves at first; less and less, for clouds and rock follow the latent
_LATEST: Final = 0.95  # share of the noise schedule up to which a prediction still tells the picture


def blurred_noise(like: Tensor) -> Tensor:
    """Noise of a random strength per picture, some of it in patches of four cells, for latents of unit deviation."""
    count, channels, height, width = like.shape
    coarse = functional.interpolate(torch.randn(count, channels, height // 4, width // 4), scale_factor=4.0)
    strength = torch.rand(2, count, 1, 1, 1)
    return 0.7 * strength[0] * torch.randn_like(like) + 0.35 * strength[1] * coarse


def displaced(latents: Tensor, strength: float) -> Tensor:
    """Latents (N, 8, h, w) whose content has moved by up to `strength` cells (a deviation), each part its own way.

    Sampled latents hold shapes that are crisp and a little out of place; where an outline runs is for the guide to
    say, and so the decoder learns to take from the latent what is there, not where.
    """
    count, _, height, width = latents.shape
    cells = strength * torch.rand(count, 1, 1, 1) * 2 / height
    moves = functional.interpolate(torch.randn(count, 2, 6, 6) * cells, (height, width), mode="bicubic")
    still = functional.affine_grid(torch.eye(2, 3).expand(count, 2, 3), [count, 1, height, width], align_corners=False)
    grid = (still + moves.permute(0, 2, 3, 1)).to(latents.device)
    return functional.grid_sample(latents, grid, padding_mode="border", align_corners=False)


def outlines(guides: Tensor) -> Tensor:
    """How much each pixel counts, float (N, 1, 2 h, 2 w): more along the outlines in guides, uint8 (N, 16, h, w)."""
    near = ((guides[:, :_SHAPES].short() - 128).abs() <= _OUTLINE).any(1, keepdim=True)
    return 1 + _WEIGHT * functional.interpolate(near.float(), scale_factor=2.0)


def predicted(model: Denoiser, latents: Tensor, layouts: Tensor, vectors: Tensor, alphas: Tensor) -> Tensor:
    """What the UNet makes of latents that were noised to random times: the inputs that sampling will bring."""
    times = (torch.rand(len(latents)).sqrt() * _LATEST * TRAIN_STEPS).long().to(latents.device)
    level = alphas.to(latents.device)[times]
    signal, spread = level.sqrt()[:, None, None, None], (1 - level).sqrt()[:, None, None, None]
    noisy = signal * latents + spread * torch.randn_like(latents)
    with torch.no_grad(), torch.autocast(latents.device.type, torch.bfloat16):
        velocity = model(noisy.contiguous(memory_format=torch.channels_last), times, layouts, vectors).float()
    clean: Tensor = signal * noisy - spread * velocity
    return clean


def train(
    folder: Path,
    latents_path: Path,
    denoiser: Path,
    checkpoint: Path,
    steps: int,
    batch: int = 8,
    rate: float = 1e-3,
    *,
    device: str = "cpu",
    progress: Progress = print,
) -> None:
    """Trains until `steps`, saving every 100; continues from `checkpoint`. Every second batch is what the UNet says."""
    torch.manual_seed(3)
    stored = torch.load(latents_path)
    mean, deviation = stored["mean"][:, None, None], stored["deviation"][:, None, None]
    latents = (stored["latents"] - mean) / deviation
    pictures = Pictures(folder)
    unet, alphas, decoder = Denoiser(), schedule(), Decoder()
    unet.load_state_dict(torch.load(denoiser, map_location=device)["average"])
    unet.to(device=device, memory_format=torch.channels_last)  # type: ignore[call-overload]
    state = Checkpoint(checkpoint, device, rate, decoder=decoder)
    layers: list[Any] = [decoder.fine[0], decoder.last[0]]
    guided: list[Tensor] = [layer.weight.detach()[:, 32:] for layer in layers]
    for step in state.steps(steps):
        rng = np.random.default_rng([3, step])
        torch.manual_seed(step)
        state.rate(cosine(step, steps, warm=50, floor=0.03))
        chosen = np.sort(rng.integers(0, len(latents), batch))
        clean = latents[torch.from_numpy(chosen)].to(device)
        where = scaled_layout(torch.from_numpy(pictures.rows("maps", chosen))).to(device)
        what = scaled_conditions(torch.from_numpy(pictures.rows("vectors", chosen))).to(device)
        seen = clean if step % 2 else predicted(unet, clean, where, what, alphas)
        seen = displaced(seen, _DISPLACED * (1 - 0.9 * step / steps))
        if step % 2:
            seen = seen + blurred_noise(seen.cpu()).to(device)
        y, x = (int(corner) for corner in rng.integers(0, 32 - _CELLS + 1, 2))
        part = (..., slice(y, y + _CELLS), slice(x, x + _CELLS))
        crop = pictures.rows("pictures", chosen)[:, 16 * y : 16 * (y + _CELLS), 16 * x : 16 * (x + _CELLS)]
        sharp = pictures.rows("guides", chosen)[:, :, 8 * y : 8 * (y + _CELLS), 8 * x : 8 * (x + _CELLS)]
        target = (torch.from_numpy(crop).permute(0, 3, 1, 2).float() / 127.5 - 1).to(device)
        lines = scaled_guide(torch.from_numpy(sharp)).to(device, memory_format=torch.channels_last)
        inputs = (seen * deviation.to(device) + mean.to(device))[part].contiguous(memory_format=torch.channels_last)
        with torch.autocast(device, torch.bfloat16):
            out = decoder(inputs, where[part], what, lines)
        weights = outlines(torch.from_numpy(sharp)).to(device)
        loss = loss_of(out.float(), target, edge=1.5, weights=weights)
        before = [each.detach().clone() for each in guided]
        state.descend(loss)
        # A pixel of distance is only 1/16 in the guide: what looks at it must learn faster to draw a sharp edge.
        with torch.no_grad():
            for each, old in zip(guided, before, strict=True):
                each.copy_(old + _EAGER * (each - old))
        if step % 20 < 2:
            progress(
                {"stage": "decoder", "step": step + 1, "loss": loss.item(), "psnr": psnr(out.detach().float(), target)}
            )
