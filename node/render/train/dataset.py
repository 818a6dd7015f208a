"""Makes the training set: pictures with all that steers them, in numbered parts that an interrupted run continues."""

from __future__ import annotations

import hashlib
import multiprocessing
import os
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from node.errors import RenderError
from node.render.guide import guide, layout_map
from node.render.scene import conditions, scene
from node.render.train.textures import Bank
from node.render.train.world import paint

PART: Final = 100
FIELDS: Final = ("pictures", "guides", "maps", "vectors")


def levels(rng: np.random.Generator) -> tuple[int, int, int]:
    """Volatility, drawdown and flow (0..255): calm markets often, the extremes often enough."""
    volatility = int(255 * rng.uniform() ** 1.4)
    drawdown = 0 if rng.uniform() < 0.35 else int(255 * rng.uniform() ** 1.3)
    flow = 128 if rng.uniform() < 0.2 else int(np.clip(rng.normal(128, 64), 0, 255))
    return volatility, drawdown, flow


def make_part(folder: Path, part: int) -> None:
    """Writes part number `part`, a folder of one file per field, unless it is there."""
    target = folder / f"part-{part:03d}"
    if target.exists():
        return
    bank = Bank.make(1000 + part)
    rng = np.random.default_rng(part)
    rows: dict[str, list[NDArray[Any]]] = {field: [] for field in FIELDS}
    for index in range(PART):
        seed = hashlib.sha256(f"patina training {part} {index}".encode()).digest()
        volatility, drawdown, flow = levels(rng)
        mood = (part * PART + index) % 8
        place = scene(seed, drawdown, flow)
        rows["pictures"].append(paint(place, mood, volatility, drawdown, bank, part * PART + index))
        planes = guide(place, mood, volatility)
        rows["guides"].append(planes)
        rows["maps"].append(layout_map(place, planes))
        rows["vectors"].append(conditions(place, mood, volatility, drawdown, flow))
    partial = folder / f".part-{part:03d}.{os.getpid()}"
    partial.mkdir()
    for field, values in rows.items():
        np.save(partial / f"{field}.npy", np.stack(values))
    partial.rename(target)


def make(folder: Path, parts: int, processes: int) -> None:
    """Writes `parts` parts into `folder`, several processes at once."""
    folder.mkdir(parents=True, exist_ok=True)
    with multiprocessing.get_context("spawn").Pool(processes, os.nice, (5,)) as pool:
        pool.starmap(make_part, [(folder, part) for part in range(parts)], chunksize=1)


class Pictures:
    """The set on disk, mapped into memory: what has been made by now, in its order.

    Fields: pictures uint8 (512, 512, 3), guides uint8 (16, 256, 256), maps uint8 (34, 32, 32), vectors int16 (20,).
    """

    def __init__(self, folder: Path) -> None:
        parts = sorted(folder.glob("part-*"))
        if not parts:
            raise RenderError(f"{folder}: holds no training pictures; make some with the dataset stage first")
        self._fields = {field: [np.load(part / f"{field}.npy", mmap_mode="r") for part in parts] for field in FIELDS}
        self.count = PART * len(parts)

    def __len__(self) -> int:
        return self.count

    def rows(self, field: str, indices: NDArray[np.int64] | range) -> NDArray[Any]:
        """Those rows of a field, as one array."""
        parts = self._fields[field]
        return np.stack([parts[index // PART][index % PART] for index in (int(i) for i in indices)])
