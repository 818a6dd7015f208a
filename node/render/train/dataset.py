"""Makes the training set: pictures and their conditions, in numbered parts that an interrupted run continues."""

from __future__ import annotations

import hashlib
import multiprocessing
import os
from pathlib import Path

import numpy as np

from node.render.scene import conditions, layout, scene
from node.render.train.textures import Bank
from node.render.train.world import paint

PART = 500


def levels(rng: np.random.Generator) -> tuple[int, int, int]:
    """Volatility, drawdown and flow (0..255): calm markets often, the extremes often enough."""
    volatility = int(255 * rng.uniform() ** 1.4)
    drawdown = 0 if rng.uniform() < 0.35 else int(255 * rng.uniform() ** 1.3)
    flow = 128 if rng.uniform() < 0.2 else int(np.clip(rng.normal(128, 64), 0, 255))
    return volatility, drawdown, flow


def make_part(folder: Path, part: int) -> None:
    """Writes part number `part` (500 pictures) unless it is there."""
    target = folder / f"part-{part:03d}.npz"
    if target.exists():
        return
    os.nice(5)
    bank = Bank.make(1000 + part)
    rng = np.random.default_rng(part)
    pictures, maps, vectors = [], [], []
    for index in range(PART):
        seed = hashlib.sha256(f"patina training {part} {index}".encode()).digest()
        volatility, drawdown, flow = levels(rng)
        mood = index % 8
        place = scene(seed, drawdown, flow)
        pictures.append(paint(place, mood, volatility, drawdown, bank, part * PART + index))
        maps.append(layout(place))
        vectors.append(conditions(place, mood, volatility, drawdown, flow))
    partial = target.with_suffix(".tmp")
    with partial.open("wb") as file:
        np.savez(file, pictures=np.stack(pictures), maps=np.stack(maps), vectors=np.stack(vectors))
    partial.replace(target)


def make(folder: Path, parts: int, processes: int) -> None:
    """Writes `parts` parts into `folder`, several processes at once."""
    folder.mkdir(parents=True, exist_ok=True)
    with multiprocessing.get_context("spawn").Pool(processes) as pool:
        pool.starmap(make_part, [(folder, part) for part in range(parts)], chunksize=1)


def load(folder: Path, name: str) -> np.ndarray:
    """One array ("pictures", "maps" or "vectors") over all parts."""
    parts = sorted(folder.glob("part-*.npz"))
    return np.concatenate([np.load(part)[name] for part in parts])
