"""A small network that reads the mood from a thumbnail: taught by the generator's pictures, asked about the model's."""

from __future__ import annotations

import itertools
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from node.render.recipe import MOODS

FEATURES = 64
_BATCH = 64
_EPOCHS = 14


class _Network(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        widths = (3, 16, 32, 48, FEATURES)
        layers: list[nn.Module] = []
        for before, after in itertools.pairwise(widths):
            layers += [nn.Conv2d(before, after, 3, stride=2, padding=1), nn.BatchNorm2d(after), nn.ReLU()]
        self.body = nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten())
        self.head = nn.Linear(FEATURES, len(MOODS))

    def forward(self, pictures: Tensor) -> Tensor:
        out: Tensor = self.head(self.body(pictures))
        return out


@dataclass(frozen=True)
class Classifier:
    """A trained reader of moods."""

    network: nn.Module

    def read(self, thumbnails: NDArray[np.uint8]) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
        """The moods (n,) that it sees in thumbnails (n, 64, 64, 3), and the features (n, 64) it sees them by."""
        moods, features = [], []
        with torch.inference_mode():
            for start in range(0, len(thumbnails), 256):
                seen = self.network.body(_floats(thumbnails[start : start + 256]))  # type: ignore[operator]
                features.append(seen.numpy())
                moods.append(self.network.head(seen).argmax(1).numpy())  # type: ignore[operator]
        return np.concatenate(moods), np.concatenate(features).astype(np.float64)


def train(thumbnails: NDArray[np.uint8], moods: NDArray[np.int64], seed: int = 5, epochs: int = _EPOCHS) -> Classifier:
    """Trains on thumbnails (n, 64, 64, 3) and their moods (n,); the same pictures and seed give the same reader.

    Every picture is shown with a little blur, noise and other light, so that what is read is the scene and not how
    crisp the generator's edges are.
    """
    generator = torch.Generator().manual_seed(seed)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        network = _Network()
    pictures, wanted = _floats(thumbnails), torch.from_numpy(np.asarray(moods, np.int64))
    steps = epochs * -(-len(pictures) // _BATCH)
    optimiser = torch.optim.AdamW(network.parameters(), 2e-3, weight_decay=1e-3)
    slope = torch.optim.lr_scheduler.OneCycleLR(optimiser, 4e-3, total_steps=steps)
    for _ in range(epochs):
        for chosen in torch.split(torch.randperm(len(pictures), generator=generator), _BATCH):
            seen = _roughened(pictures[chosen], generator)
            loss = nn.functional.cross_entropy(network(seen), wanted[chosen], label_smoothing=0.02)
            optimiser.zero_grad()
            loss.backward()  # type: ignore[no-untyped-call]
            optimiser.step()
            slope.step()
    return Classifier(network.eval())


def confusion(moods: NDArray[np.int64], read: NDArray[np.int64]) -> NDArray[np.int64]:
    """How often each mood (row) was read as each (column), (8, 8)."""
    table = np.zeros((len(MOODS), len(MOODS)), np.int64)
    np.add.at(table, (moods, read), 1)
    return table


def _floats(thumbnails: NDArray[np.uint8]) -> Tensor:
    return torch.from_numpy(np.ascontiguousarray(thumbnails)).permute(0, 3, 1, 2).float() / 127.5 - 1


def _roughened(pictures: Tensor, generator: torch.Generator) -> Tensor:
    def level(spread: float) -> Tensor:
        return spread * torch.rand(len(pictures), 1, 1, 1, generator=generator)

    soft = nn.functional.avg_pool2d(nn.functional.pad(pictures, (1, 1, 1, 1), mode="replicate"), 3, 1)
    mixed = torch.lerp(pictures, soft, level(1.0))
    noise = level(0.06) * torch.randn(pictures.shape, generator=generator)
    return mixed * (1 + level(0.1) - 0.05) + level(0.1) - 0.05 + noise
