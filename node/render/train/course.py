"""How a stage of the training runs: on which device, seeded step by step, recorded, saved, and stopped in between."""

from __future__ import annotations

import hashlib
import math
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from node.errors import RenderError
from node.render.train.records import Record


def show(record: Record) -> None:
    """Prints a record as one line."""
    print(record, flush=True)  # noqa: T201


@dataclass(frozen=True)
class Course:
    """What a stage is told from outside: its device, who takes its records, and whether it is to stop."""

    device: torch.device = field(default_factory=lambda: torch.device("cpu"))
    record: Callable[[Record], None] = show
    stopped: Callable[[], bool] = lambda: False

    def follow(
        self,
        stage: str,
        start: int,
        steps: int,
        advance: Callable[[int], tuple[float | Tensor, float | Tensor | None]],
        save: Callable[[int], None],
        every: int = 100,
        lines: int = 20,
    ) -> None:
        """Calls `advance(step)` for start..steps-1: it returns the loss and, where it has one, the squared error.

        Calls `save(step + 1)` after every `every` steps, at the end, and before it stops early. A record is the mean
        of its `lines` steps.
        """
        began = time.monotonic()
        losses: list[float | Tensor] = []
        errors: list[float | Tensor] = []
        for step in range(start, steps):
            loss, error = advance(step)
            losses.append(loss)
            if error is not None:
                errors.append(error)
            last = step == steps - 1 or self.stopped()
            if step % lines == lines - 1 or last:
                psnr = 10 * math.log10(4 / _mean(errors)) if errors else None  # pixels span -1..1
                self.record(Record(stage, step + 1, _mean(losses), time.monotonic() - began, psnr))
                losses.clear()
                errors.clear()
            if step % every == every - 1 or last:
                save(step + 1)
            if last:
                return

    def load(self, checkpoint: Path) -> dict[str, Any] | None:
        """A checkpoint's parts on this course's device; None if there is none, RenderError if it cannot be read."""
        return load(checkpoint, self.device)


def load(checkpoint: Path, device: torch.device | None = None) -> dict[str, Any] | None:
    """A checkpoint's parts; None if there is none yet, RenderError if it cannot be read."""
    if not checkpoint.exists():
        return None
    try:
        parts: dict[str, Any] = torch.load(checkpoint, map_location=device or "cpu", weights_only=True)
    except Exception as error:  # torch raises half a dozen kinds for a damaged file
        raise RenderError(f"{checkpoint} cannot be read ({type(error).__name__}): delete it to begin anew") from error
    return parts


def store(checkpoint: Path, parts: Mapping[str, Any], step: int) -> None:
    """Writes the state of modules and optimisers and the step, all or nothing."""
    partial = checkpoint.with_suffix(".tmp")
    torch.save({name: part.state_dict() for name, part in parts.items()} | {"step": step}, partial)
    partial.replace(checkpoint)


def seeded(stage: str, step: int) -> torch.Generator:
    """The randomness of one step, on the CPU: of (stage, step) alone, so that a stop between steps changes nothing."""
    return torch.Generator().manual_seed(_seed(stage, step))


def drawn(stage: str, step: int) -> np.random.Generator:
    """As `seeded`, for what numpy draws."""
    return np.random.default_rng(_seed(stage, step))


def _seed(stage: str, step: int) -> int:
    return int.from_bytes(hashlib.sha256(f"patina {stage} {step}".encode()).digest()[:7], "big")


def pace(optimiser: torch.optim.Optimizer, rate: float, step: int, steps: int, warm: int, least: float) -> None:
    """Sets the learning rate: up over `warm` steps, then down a cosine to `least` times `rate`."""
    share = least + (1 - least) * 0.5 * (1 + math.cos(math.pi * step / steps))
    for group in optimiser.param_groups:
        group["lr"] = rate * min(1.0, (step + 1) / warm) * share


def _mean(values: list[float | Tensor]) -> float:
    return sum(float(value) for value in values) / len(values)
