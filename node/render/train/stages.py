"""The stages of the training in their order: each continues where it was cut off, and is skipped when complete."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import torch

from node.errors import RenderError
from node.render.train import autoencoder, dataset, decoder, diffusion
from node.render.train.autoencoder import Progress

STAGES: Final = ("dataset", "autoencoder", "latents", "diffusion", "decoder")
STEPS: Final[Mapping[str, int]] = {"autoencoder": 2200, "diffusion": 10_000, "decoder": 6000}
_NEEDS: Final[Mapping[str, tuple[str, ...]]] = {
    "dataset": (),
    "autoencoder": ("dataset",),
    "latents": ("dataset", "autoencoder"),
    "diffusion": ("dataset", "latents"),
    "decoder": ("dataset", "latents", "diffusion"),
}


@dataclass(frozen=True)
class Plan:
    """Where to work and how far each stage goes: `parts` of the training set, and steps of the three trainings.

    `batch` is each training's own if it is None.
    """

    work: Path
    parts: int = 32
    steps: Mapping[str, int] = field(default_factory=lambda: dict(STEPS))
    processes: int = 2
    batch: int | None = None

    @property
    def set(self) -> Path:
        """The folder of the training set."""
        return self.work / "set"

    def result(self, stage: str) -> Path:
        """What a stage writes: a checkpoint, or the folder of the set."""
        return self.set if stage == "dataset" else self.work / f"{stage}.pt"

    def done(self, stage: str) -> int:
        """How far a stage has come: parts made, pictures encoded, or steps."""
        if stage == "dataset":
            return len(list(self.set.glob("part-*")))
        if stage == "latents":
            return len(_stored(self.result(stage), "latents", ()))
        return int(_stored(self.result(stage), "step", 0))

    def wanted(self, stage: str) -> int:
        """How far a stage is to go, in the same terms."""
        if stage == "dataset":
            return self.parts
        return dataset.PART * self.done("dataset") if stage == "latents" else self.steps[stage]


def run(plan: Plan, stage: str, device: str, progress: Progress) -> bool:
    """Brings one stage to its end, and returns False if it was complete already.

    `progress` is told of every few steps. RenderError if a stage that it builds on has not begun.
    """
    for needed in _NEEDS[stage]:
        if not plan.done(needed):
            raise RenderError(f"{stage} builds on {needed}, which is not there: run `--stage {needed}` first")
    if plan.done(stage) >= plan.wanted(stage):
        return False
    plan.work.mkdir(parents=True, exist_ok=True)
    pictures, target = plan.set, plan.result(stage)
    latents = plan.result("latents")
    how: dict[str, Any] = {"device": device, "progress": progress}
    if plan.batch is not None:
        how["batch"] = plan.batch
    if stage == "dataset":
        dataset.make(pictures, plan.parts, plan.processes)
    elif stage == "autoencoder":
        autoencoder.train(pictures, target, plan.steps[stage], **how)
    elif stage == "latents":
        autoencoder.encode(pictures, plan.result("autoencoder"), target, device=device)
    elif stage == "diffusion":
        diffusion.train(pictures, latents, target, plan.steps[stage], **how)
    else:
        denoiser = plan.result("diffusion")
        decoder.train(pictures, latents, denoiser, target, plan.steps[stage], **how)
    return True


def chosen_device(name: str) -> str:
    """ "cpu" or "cuda" for "auto", "cpu" or "cuda"; RenderError for a GPU that is not there."""
    if name == "cuda" and not torch.cuda.is_available():
        raise RenderError("--device cuda: torch sees no CUDA device on this machine")
    return "cuda" if name != "cpu" and torch.cuda.is_available() else "cpu"


def _stored(checkpoint: Path, name: str, nothing: Any) -> Any:
    """One entry of a checkpoint, read without the rest of it; `nothing` if there is no checkpoint."""
    if not checkpoint.exists():
        return nothing
    try:
        return torch.load(checkpoint, map_location="cpu", mmap=True)[name]
    except Exception as error:  # torch raises half a dozen kinds for a file that is none of its own
        raise RenderError(f"{checkpoint} cannot be read ({type(error).__name__}): delete it to begin anew") from error
