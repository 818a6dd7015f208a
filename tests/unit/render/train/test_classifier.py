"""The reader of moods, on thumbnails that are easy, and on some that tell nothing."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from node.render.train import classifier
from node.render.train.classifier import FEATURES, Classifier

Set = tuple[NDArray[np.uint8], NDArray[np.int64]]


def coloured(count: int, seed: int) -> Set:
    """Noise around a brightness and a hue of each mood's own."""
    rng = np.random.default_rng(seed)
    moods = np.arange(count) % 8
    centres = np.array([[40 + 160 * (mood >> bit & 1) for bit in range(3)] for mood in range(8)])
    noise = rng.normal(0, 25, (count, 64, 64, 3))
    return np.clip(centres[moods][:, None, None] + noise, 0, 255).astype(np.uint8), moods


@pytest.fixture(scope="module")
def reader() -> Classifier:
    return classifier.train(*coloured(128, 1), epochs=8)


def test_read__pictures_like_those_it_was_taught__reads_them(reader: Classifier) -> None:
    pictures, moods = coloured(64, 2)
    read, features = reader.read(pictures)
    assert (read == moods).mean() >= 0.95
    assert features.shape == (64, FEATURES)


def test_read__pictures_of_other_moods__does_not_flatter(reader: Classifier) -> None:
    pictures, moods = coloured(64, 3)
    read, _ = reader.read(pictures[:, ::-1] * 0 + pictures[0])
    assert (read == moods).mean() == pytest.approx(1 / 8)


def test_train__same_pictures_and_seed__same_reader_and_nothing_else_is_seeded(reader: Classifier) -> None:
    torch.manual_seed(99)
    expected = torch.rand(3)
    torch.manual_seed(99)
    again = classifier.train(*coloured(128, 1), epochs=8)
    assert torch.equal(torch.rand(3), expected)
    for first, second in zip(reader.network.state_dict().values(), again.network.state_dict().values(), strict=True):
        assert torch.equal(first, second)


def test_confusion__rows_are_what_was_drawn() -> None:
    table = classifier.confusion(np.array([0, 0, 3, 7]), np.array([0, 1, 3, 3]))
    assert table.sum() == 4
    assert (table[0, 0], table[0, 1], table[3, 3], table[7, 3]) == (1, 1, 1, 1)
