"""Composition across moods, on shapes whose answer is known."""

from __future__ import annotations

import numpy as np
import pytest

from node.render.train.composition import compare


def shapes(tokens: int, moods: int, seed: int = 1) -> np.ndarray:
    drawn = np.random.default_rng(seed).normal(size=(tokens, moods, 400)).astype(np.float32)
    drawn -= drawn.mean(2, keepdims=True)
    return drawn / drawn.std(2, keepdims=True)


def test_compare__tokens_that_keep_their_shapes__found_every_time() -> None:
    kept = np.repeat(shapes(5, 1), 3, 1)
    found = compare(kept)
    assert found.found == 1
    assert found.same == pytest.approx(1, abs=1e-4)
    assert abs(found.other) < 0.2


def test_compare__shapes_that_change_with_the_mood__found_by_chance_alone() -> None:
    found = compare(shapes(30, 4))
    assert found.found < 0.15
    assert abs(found.same) < 0.05


def test_compare__every_token_in_another_mood_as_its_neighbour__never_found() -> None:
    kept = np.repeat(shapes(6, 1), 2, 1)
    kept[:, 1] = np.roll(kept[:, 1], 1, 0)
    assert compare(kept).found == 0


@pytest.mark.parametrize(("tokens", "moods"), [(1, 3), (3, 1)])
def test_compare__nothing_to_compare__refused(tokens: int, moods: int) -> None:
    with pytest.raises(ValueError, match="nothing to compare"):
        compare(shapes(tokens, moods))
