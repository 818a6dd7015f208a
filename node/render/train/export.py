"""Writes what ships: float16 weights, the noise table, and the model card."""

from __future__ import annotations

import json
from pathlib import Path
from statistics import NormalDist

import numpy as np
import torch
from safetensors.torch import save_file

from node.render.noise import SCALE
from node.render.train.diffusion import TRAIN_STEPS

# x0 is clipped at 4: latents have unit deviation, and what lies beyond is the sampler running off.
_SCHEDULE = {
    "num_train_timesteps": TRAIN_STEPS,
    "beta_schedule": "squaredcos_cap_v2",
    "prediction_type": "v_prediction",
    "timestep_spacing": "trailing",
    "clip_sample": True,
    "clip_sample_range": 4.0,
    "set_alpha_to_one": True,
}


def normal_table() -> bytes:
    """Normal quantiles at 1/2 + (i + 1/2) / 65536 for i in 0..32767, in 1/4096, little-endian uint16."""
    standard = NormalDist()
    values = [round(standard.inv_cdf(0.5 + (index + 0.5) / 65536) * SCALE) for index in range(32768)]
    return np.array(values, "<u2").tobytes()


def export(decoder: Path, latents: Path, diffusion: Path, target: Path) -> None:
    """Writes the model folder from the checkpoints of the last two trainings and the latents' statistics."""
    target.mkdir(parents=True, exist_ok=True)
    unet, pixels, stored = torch.load(diffusion), torch.load(decoder), torch.load(latents)
    weights = {f"denoiser.{name}": value for name, value in unet["average"].items()}
    weights |= {f"decoder.{name}": value for name, value in pixels["decoder"].items()}
    halves = {name: value.half().contiguous() for name, value in sorted(weights.items())}
    save_file(halves, target / "weights.safetensors")
    (target / "weights.safetensors").chmod(0o644)
    card = {
        "schedule": _SCHEDULE,
        "latent_mean": [round(value, 6) for value in stored["mean"].tolist()],
        "latent_deviation": [round(value, 6) for value in stored["deviation"].tolist()],
    }
    (target / "model.json").write_text(json.dumps(card, indent=1, sort_keys=True) + "\n")
    (target / "normal.bin").write_bytes(normal_table())
