"""Quantises a trained model and writes it as a diffusers folder."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

import torch
from safetensors.numpy import save_file

from node.errors import RenderError
from node.render.exact.layers import Arrays
from node.render.exact.quantise import tables
from node.render.exact.quantise.calibration import Floating, Record, inputs
from node.render.exact.quantise.decoder import Decoder as DecoderQuantiser
from node.render.exact.quantise.unet import UNet as UNetQuantiser
from node.render.exact.quantise.unet import conditioner, numbers
from node.render.network import UNET, Decoder, Denoiser

# x0 is clipped at 4: latents have unit deviation, and what lies beyond is the sampler running off.
SCHEDULE: Final[dict[str, Any]] = {
    "num_train_timesteps": 1000,
    "beta_schedule": "squaredcos_cap_v2",
    "prediction_type": "v_prediction",
    "timestep_spacing": "trailing",
    "clip_sample": True,
    "clip_sample_range": 4.0,
    "set_alpha_to_one": True,
}
GROUPS: Final = 32
_HOME: Final = "node.render.pipeline"
INDEX: Final[dict[str, Any]] = {
    "_class_name": "PatinaPipeline",
    "unet": [_HOME, "ExactUNet"],
    "decoder": [_HOME, "ExactDecoder"],
    "scheduler": [_HOME, "ExactScheduler"],
}
"""What a diffusers folder says of its parts."""
WEIGHTS: Final = "diffusion_pytorch_model.safetensors"
_BATCH: Final = 8


def load(work: Path, decoder: str = "decoder.pt") -> Floating:
    """The float model of a training folder: diffusion.pt, latents.pt and the decoder; RenderError if one is missing."""
    try:
        unet, pixels = torch.load(work / "diffusion.pt"), torch.load(work / decoder)
        stored = torch.load(work / "latents.pt", mmap=True)
    except OSError as error:
        raise RenderError(f"quantise: {error.filename} cannot be read: {error.strerror}") from error
    denoiser, drawing = Denoiser(), Decoder()
    denoiser.load_state_dict(unet["average"])
    drawing.load_state_dict(pixels["decoder"])
    for network in (denoiser, drawing):
        network.eval().to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    return Floating(denoiser, drawing, stored["mean"].clone(), stored["deviation"].clone(), SCHEDULE)


def quantise(work: Path, target: Path, pictures: int = 48, steps: int = 20) -> None:
    """Writes the model folder `target` from the checkpoints in `work`, calibrated on drawing `pictures` pictures.

    RenderError if a checkpoint is missing or a layer's sums cannot be kept below 2**24.
    """
    write(integers(load(work), pictures, steps), target)


def integers(model: Floating, pictures: int, steps: int) -> dict[str, Arrays]:
    """The arrays of "unet" and "decoder", from what flows through the float networks while they draw."""
    coarse, fine = Record(24), Record(1500)
    drawn = inputs(pictures, "calibration")
    with coarse.of(model.denoiser.unet), fine.of(model.decoder):
        for start in range(0, pictures, _BATCH):
            model.draw(drawn[start : start + _BATCH], steps)
    unet = UNetQuantiser(model.denoiser.unet, coarse).run()
    unet |= conditioner(model.denoiser.conditioner) | tables.times(model.denoiser.unet)
    mean, deviation = numbers(model.mean), numbers(model.deviation)
    return {"unet": unet, "decoder": DecoderQuantiser(model.decoder, fine, mean, deviation).run()}


def write(
    parts: dict[str, Arrays],
    target: Path,
    widths: Sequence[int] = UNET["block_out_channels"],
    groups: int = GROUPS,
) -> None:
    """The folder: a file of arrays and a configuration for each network, the scheduler's tables, the noise table."""
    configurations: dict[str, dict[str, Any]] = {
        "unet": {"_class_name": "ExactUNet", "widths": list(widths), "groups": groups},
        "decoder": {"_class_name": "ExactDecoder"},
    }
    target.mkdir(parents=True, exist_ok=True)
    for name, arrays in parts.items():
        folder = target / name
        folder.mkdir(exist_ok=True)
        save_file(dict(sorted(arrays.items())), folder / WEIGHTS, {"format": "pt"})
        (folder / WEIGHTS).chmod(0o644)
        shapes = {key: [str(value.dtype), list(value.shape)] for key, value in sorted(arrays.items())}
        (folder / "config.json").write_text(_json(configurations[name] | {"arrays": shapes}))
    (target / "scheduler").mkdir(exist_ok=True)
    settings = {"_class_name": "ExactScheduler", **tables.schedule(SCHEDULE)}
    (target / "scheduler" / "scheduler_config.json").write_text(_json(settings))
    (target / "model_index.json").write_text(_json(INDEX))
    (target / "normal.bin").write_bytes(tables.normal())


def _json(value: dict[str, Any]) -> str:
    return json.dumps(value, sort_keys=True) + "\n"
