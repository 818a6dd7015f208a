"""Trains the decoder on: shown the scene, it learns to draw what the UNet predicts, not only what the encoder says."""

from __future__ import annotations

import math
import time
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from node.render.network import Decoder256, Denoiser, scaled_conditions, scaled_layout
from node.render.train import dataset
from node.render.train.autoencoder import loss_of
from node.render.train.diffusion import TRAIN_STEPS, schedule

_CELLS = 16  # a crop's side in cells of 8 pixels
_LATEST = 0.95  # share of the noise schedule up to which a prediction still tells the picture


def blurred_noise(like: Tensor) -> Tensor:
    """Noise of a random strength per picture, some of it in patches of four cells, for latents of unit deviation."""
    count, channels, height, width = like.shape
    coarse = functional.interpolate(torch.randn(count, channels, height // 4, width // 4), scale_factor=4.0)
    strength = torch.rand(2, count, 1, 1, 1)
    return 0.5 * strength[0] * torch.randn_like(like) + 0.3 * strength[1] * coarse


def predicted(model: Denoiser, latents: Tensor, layouts: Tensor, vectors: Tensor, alphas: Tensor) -> Tensor:
    """What the UNet makes of latents that were noised to random times: the inputs that sampling will bring."""
    times = (torch.rand(len(latents)) * _LATEST * TRAIN_STEPS).long()
    signal, spread = alphas[times].sqrt()[:, None, None, None], (1 - alphas[times]).sqrt()[:, None, None, None]
    noisy = signal * latents + spread * torch.randn_like(latents)
    with torch.no_grad(), torch.autocast("cpu", torch.bfloat16):
        velocity = model(noisy.contiguous(memory_format=torch.channels_last), times, layouts, vectors).float()
    clean: Tensor = signal * noisy - spread * velocity
    return clean


def train(folder: Path, work: Path, checkpoint: Path, steps: int, batch: int = 6, rate: float = 6e-4) -> None:
    """Trains until `steps`, saving every 100; continues from `checkpoint`, or starts from the autoencoder's decoder.

    `work` holds autoencoder.pt, latents.pt and diffusion.pt. Odd steps see noised latents, even ones predictions.
    """
    torch.manual_seed(4)
    stored = torch.load(work / "latents.pt")
    mean, deviation = stored["mean"][:, None, None], stored["deviation"][:, None, None]
    latents = (stored["latents"] - mean) / deviation
    layouts = scaled_layout(torch.from_numpy(dataset.load(folder, "maps")))
    vectors = scaled_conditions(torch.from_numpy(dataset.load(folder, "vectors")))
    pictures = dataset.load(folder, "pictures")
    unet, alphas, decoder = Denoiser(), schedule(), Decoder256()
    unet.load_state_dict(torch.load(work / "diffusion.pt")["average"])
    for network in (unet, decoder):
        network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    optimiser = torch.optim.AdamW(decoder.parameters(), rate, weight_decay=1e-4, betas=(0.9, 0.99))
    start = 0
    if checkpoint.exists():
        state = torch.load(checkpoint)
        decoder.load_state_dict(state["decoder"])
        optimiser.load_state_dict(state["optimiser"])
        start = state["step"]
    else:
        decoder.load_state_dict(torch.load(work / "autoencoder.pt")["decoder"])
    rng = np.random.default_rng(start)
    began = time.monotonic()
    for step in range(start, steps):
        warm = min(1.0, (step + 1) / 50)
        for group in optimiser.param_groups:
            group["lr"] = rate * warm * (0.03 + 0.97 * 0.5 * (1 + math.cos(math.pi * step / steps)))
        chosen = torch.from_numpy(rng.integers(0, len(latents), batch))
        clean, where, what = latents[chosen], layouts[chosen], vectors[chosen]
        seen = clean + blurred_noise(clean) if step % 2 else predicted(unet, clean, where, what, alphas)
        y, x = (int(corner) for corner in rng.integers(0, 32 - _CELLS + 1, 2))
        part = (..., slice(y, y + _CELLS), slice(x, x + _CELLS))
        crop = pictures[chosen.numpy(), 8 * y : 8 * (y + _CELLS), 8 * x : 8 * (x + _CELLS)]
        target = torch.from_numpy(crop).permute(0, 3, 1, 2).float() / 127.5 - 1
        inputs = (seen * deviation + mean)[part].contiguous(memory_format=torch.channels_last)
        with torch.autocast("cpu", torch.bfloat16):
            out = decoder(inputs, where[part], what)
        loss = loss_of(out.float(), target)
        optimiser.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        nn.utils.clip_grad_norm_(decoder.parameters(), 1.0)
        optimiser.step()
        if step % 20 < 2:
            error = functional.mse_loss(out.float().detach(), target).item()
            psnr, seconds = 10 * math.log10(4 / error), time.monotonic() - began
            print(f"decoder {step} loss {loss.item():.4f} psnr {psnr:.2f} dB {seconds:.0f} s", flush=True)  # noqa: T201
        if step % 100 == 99 or step == steps - 1:
            saved = {"decoder": decoder.state_dict(), "optimiser": optimiser.state_dict(), "step": step + 1}
            torch.save(saved, checkpoint.with_suffix(".tmp"))
            checkpoint.with_suffix(".tmp").replace(checkpoint)
