"""The Vendi score on sets whose answer is known."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from node.render.train.diversity import against, cosine, vendi


def test_vendi__identical_items__one() -> None:
    assert vendi(np.ones((7, 7))) == pytest.approx(1)


def test_vendi__orthogonal_items__their_number() -> None:
    assert vendi(np.eye(9)) == pytest.approx(9)


def test_vendi__two_groups_of_identical_items__two_however_large_they_are() -> None:
    kernel = np.kron(np.eye(2), np.ones((5, 5)))
    assert vendi(kernel) == pytest.approx(2)


def test_vendi__two_items_at_a_similarity__the_entropy_of_the_two_eigenvalues() -> None:
    shares = np.array([0.8, 0.2])  # (1 +- 0.6) / 2
    assert vendi(np.array([[1, 0.6], [0.6, 1]])) == pytest.approx(np.exp(-(shares * np.log(shares)).sum()))


@pytest.mark.parametrize("kernel", [np.zeros((0, 0)), np.ones((2, 3)), 2 * np.eye(3)])
def test_vendi__no_kernel_matrix__refused(kernel: np.ndarray) -> None:
    with pytest.raises(ValueError, match="kernel"):
        vendi(kernel)


@settings(max_examples=25)
@given(st.integers(1, 12), st.integers(1, 6), st.integers(0, 2**32 - 1))
def test_vendi__any_features__between_one_and_their_number_in_any_order(count: int, width: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    rows = rng.normal(size=(count, width))
    score = vendi(cosine(rows, np.zeros(width)))
    assert 1 - 1e-9 <= score <= min(count, width) + 1e-9
    assert vendi(cosine(rows[rng.permutation(count)], np.zeros(width))) == pytest.approx(score)


def test_cosine__rows_on_the_centre__alike_and_no_division_by_zero() -> None:
    kernel = cosine(np.array([[1.0, 2.0], [1.0, 2.0], [1.0, 5.0]]), np.array([1.0, 2.0]))
    assert kernel.tolist() == [[1, 1, 0], [1, 1, 0], [0, 0, 1]]


def test_against__a_collapsed_set__one_against_many() -> None:
    reference = np.random.default_rng(3).normal(size=(40, 20)) + 7
    model, training = against(np.tile(reference[0], (40, 1)), reference)
    assert model == pytest.approx(1)
    assert training > 10


def test_against__the_same_set__equal_scores() -> None:
    rows = np.random.default_rng(4).normal(size=(12, 5))
    model, training = against(rows[::-1], rows)
    assert model == pytest.approx(training)


def test_against__unequal_counts__refused() -> None:
    with pytest.raises(ValueError, match="3 items against 4"):
        against(np.ones((3, 2)), np.ones((4, 2)))
