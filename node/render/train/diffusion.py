"""Trains the UNet on the latents: v-prediction, squared-cosine schedule, an averaged copy of the weights."""

from __future__ import annotations

import copy
from pathlib import Path
from typing import Any

import numpy as np
import torch
from diffusers import DDIMScheduler
from torch import nn

from node.render.network import Denoiser, scaled_conditions, scaled_layout
from node.render.train.autoencoder import Progress
from node.render.train.checkpoint import Checkpoint, cosine
from node.render.train.dataset import Pictures

TRAIN_STEPS = 1000


def schedule() -> torch.Tensor:
    """The cumulative alphas of diffusers' squared-cosine schedule, (1000,) float32."""
    scheduler: Any = DDIMScheduler(TRAIN_STEPS, beta_schedule="squaredcos_cap_v2")  # type: ignore[no-untyped-call]
    alphas: torch.Tensor = scheduler.alphas_cumprod
    return alphas


def train(
    folder: Path,
    latents_path: Path,
    checkpoint: Path,
    steps: int,
    batch: int = 16,
    rate: float = 8e-4,
    *,
    device: str = "cpu",
    progress: Progress = print,
) -> None:
    """Trains until `steps`, saving every 100; continues from `checkpoint`."""
    torch.manual_seed(2)
    stored = torch.load(latents_path)
    latents = (stored["latents"] - stored["mean"][:, None, None]) / stored["deviation"][:, None, None]
    pictures = Pictures(folder)
    everything = range(len(latents))
    layouts = torch.from_numpy(pictures.rows("maps", everything))
    vectors = torch.from_numpy(pictures.rows("vectors", everything))
    alphas = schedule()
    model = Denoiser()
    state = Checkpoint(checkpoint, device, rate, decay=1e-3, average=copy.deepcopy(model), model=model)
    recent: list[float] = []
    for step in state.steps(steps):
        torch.manual_seed(step)
        state.rate(cosine(step, steps, warm=100, floor=0.02))
        chosen = torch.randint(len(latents), (batch,))
        # Stratified times: every batch sees the whole schedule, which quiets the loss. Their density grows with the
        # noise, where the place is decided; the last details are the decoder's.
        times = (((torch.arange(batch) + torch.rand(batch)) / batch).sqrt() * TRAIN_STEPS).long()
        clean, noise = latents[chosen], torch.randn(batch, *latents.shape[1:])
        signal, spread = alphas[times].sqrt()[:, None, None, None], (1 - alphas[times]).sqrt()[:, None, None, None]
        noisy = (signal * clean + spread * noise).to(device, memory_format=torch.channels_last)
        velocity = (signal * noise - spread * clean).to(device)
        where, what = scaled_layout(layouts[chosen]).to(device), scaled_conditions(vectors[chosen]).to(device)
        with torch.autocast(device, torch.bfloat16):
            out = model(noisy, times.to(device), where, what)
        loss = nn.functional.mse_loss(out.float(), velocity)
        state.descend(loss)
        recent.append(loss.item())
        if step % 50 == 49:
            progress({"stage": "diffusion", "step": step + 1, "loss": float(np.mean(recent[-50:]))})
