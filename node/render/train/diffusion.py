"""Trains the UNet on the latents: v-prediction, squared-cosine schedule, an averaged copy of the weights."""

from __future__ import annotations

import copy
import math
import time
from pathlib import Path
from typing import Any

import numpy as np
import torch
from diffusers import DDIMScheduler
from torch import nn

from node.render.network import Denoiser, scaled_conditions, scaled_layout
from node.render.train import dataset

TRAIN_STEPS = 1000


def schedule() -> torch.Tensor:
    """The cumulative alphas of diffusers' squared-cosine schedule, (1000,) float32."""
    scheduler: Any = DDIMScheduler(TRAIN_STEPS, beta_schedule="squaredcos_cap_v2")  # type: ignore[no-untyped-call]
    alphas: torch.Tensor = scheduler.alphas_cumprod
    return alphas


def train(folder: Path, latents_path: Path, checkpoint: Path, steps: int, batch: int = 16, rate: float = 8e-4) -> None:
    """Trains until `steps`, saving every 200; continues from `checkpoint`."""
    torch.manual_seed(2)
    stored = torch.load(latents_path)
    latents = (stored["latents"] - stored["mean"][:, None, None]) / stored["deviation"][:, None, None]
    layouts = scaled_layout(torch.from_numpy(dataset.load(folder, "maps")))
    vectors = scaled_conditions(torch.from_numpy(dataset.load(folder, "vectors")))
    alphas = schedule()
    model = Denoiser()
    average = copy.deepcopy(model)
    optimiser = torch.optim.AdamW(model.parameters(), rate, weight_decay=1e-3, betas=(0.9, 0.99))
    start = 0
    if checkpoint.exists():
        state = torch.load(checkpoint)
        model.load_state_dict(state["model"])
        average.load_state_dict(state["average"])
        optimiser.load_state_dict(state["optimiser"])
        start = state["step"]
    model.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    torch.manual_seed(1000 + start)
    began, recent = time.monotonic(), []
    for step in range(start, steps):
        warm = min(1.0, (step + 1) / 100)
        for group in optimiser.param_groups:
            group["lr"] = rate * warm * (0.02 + 0.98 * 0.5 * (1 + math.cos(math.pi * step / steps)))
        chosen = torch.randint(len(latents), (batch,))
        # Stratified times: every batch sees the whole schedule, which quiets the loss. Their density grows with the
        # noise, where the place is decided; the last details are the decoder's.
        times = (((torch.arange(batch) + torch.rand(batch)) / batch).sqrt() * TRAIN_STEPS).long()
        clean, noise = latents[chosen], torch.randn(batch, *latents.shape[1:])
        signal, spread = alphas[times].sqrt()[:, None, None, None], (1 - alphas[times]).sqrt()[:, None, None, None]
        noisy = signal * clean + spread * noise
        velocity = signal * noise - spread * clean
        with torch.autocast("cpu", torch.bfloat16):
            out = model(noisy.to(memory_format=torch.channels_last), times, layouts[chosen], vectors[chosen])
        loss = nn.functional.mse_loss(out.float(), velocity)
        optimiser.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimiser.step()
        decay = min(0.999, (step + 1) / (step + 10))
        with torch.no_grad():
            for kept, now in zip(average.parameters(), model.parameters(), strict=True):
                kept.lerp_(now, 1 - decay)
        recent.append(loss.item())
        if step % 50 == 49:
            print(f"diffusion {step + 1} loss {np.mean(recent[-50:]):.4f} {time.monotonic() - began:.0f} s", flush=True)  # noqa: T201
        if step % 200 == 199 or step == steps - 1:
            parts: dict[str, Any] = {"model": model, "average": average, "optimiser": optimiser}
            state = {name: part.state_dict() for name, part in parts.items()} | {"step": step + 1}
            torch.save(state, checkpoint.with_suffix(".tmp"))
            checkpoint.with_suffix(".tmp").replace(checkpoint)
