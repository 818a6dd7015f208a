"""Which devices of this machine can render, found without loading torch."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final, Literal

CPU: Final = "cpu"
_NODES: Final = Path("/dev")
_VISIBLE: Final = "CUDA_VISIBLE_DEVICES"


def gpus(nodes: Path = _NODES, environ: Mapping[str, str] = os.environ) -> list[str]:
    """The CUDA devices that a process of this node may use: "cuda:0" and so on, numbered as torch numbers them."""
    if (visible := environ.get(_VISIBLE)) is not None:
        return [f"cuda:{number}" for number, _ in enumerate(_entries(visible))]
    found = [path for path in nodes.glob("nvidia*") if re.fullmatch(r"nvidia\d+", path.name)]
    return [f"cuda:{number}" for number in range(len(found))]


def places(
    devices: Literal["auto"] | Sequence[str], workers: int, engine: str, found: Sequence[str] | None = None
) -> list[str]:
    """The device of each worker process: one for every GPU, `workers` for the CPU.

    "auto" takes the GPUs where there are any (`found`, by default what `gpus` sees) and the engine can use them.
    """
    if devices != "auto":
        return [device for device in devices for _ in range(workers if device == CPU else 1)]
    capable = (gpus() if found is None else list(found)) if engine in ("auto", "cuda") else []
    return capable or [CPU] * workers


def visibility(device: str, environ: Mapping[str, str] = os.environ) -> dict[str, str]:
    """The environment in which a worker sees its own GPU alone, or none."""
    if device == CPU:
        return {_VISIBLE: ""}
    number = int(device.removeprefix("cuda:"))
    entries = _entries(environ[_VISIBLE]) if _VISIBLE in environ else []
    return {_VISIBLE: entries[number] if number < len(entries) else str(number)}


def _entries(visible: str) -> list[str]:
    """The devices of CUDA_VISIBLE_DEVICES; -1 and what follows it hide devices (CUDA programming guide)."""
    entries = [entry.strip() for entry in visible.split(",")]
    return entries[: next((at for at, entry in enumerate(entries) if entry in ("", "-1")), len(entries))]
