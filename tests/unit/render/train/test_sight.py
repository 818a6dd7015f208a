"""What evaluation sees of a picture, on pictures whose answer is known."""

from __future__ import annotations

import numpy as np
import pytest

from node.render.train.sight import Pixels, fine_share, laplacian, luma, see, shrunk, structure


def noise(edge: int, seed: int = 1) -> Pixels:
    return np.random.default_rng(seed).integers(0, 256, (edge, edge, 3), np.uint8)


def waves(period: float, edge: int = 128) -> Pixels:
    line = 127.5 + 100 * np.sin(2 * np.pi * np.arange(edge) / period)
    return np.repeat(np.tile(line.round().astype(np.uint8), (edge, 1))[..., None], 3, 2)


def test_shrunk__blocks_of_one_colour__those_colours() -> None:
    small = noise(16)
    assert np.array_equal(shrunk(np.kron(small, np.ones((4, 4, 1), np.uint8)), 16), small)


def test_shrunk__same_size__the_picture_itself() -> None:
    assert np.array_equal(shrunk(noise(64), 64), noise(64))


def test_shrunk__a_size_that_does_not_divide__refused() -> None:
    with pytest.raises(ValueError, match="100 x 100"):
        shrunk(noise(100), 64)


def test_laplacian__a_flat_and_an_even_slope__zero() -> None:
    assert laplacian(np.full((32, 32), 9, np.float32)) == 0
    assert laplacian(np.tile(np.arange(32, dtype=np.float32), (32, 1))) == 0


def test_laplacian__one_bright_pixel__its_variance() -> None:
    grey = np.zeros((7, 7), np.float32)
    grey[3, 3] = 10
    # Of the 25 inner values one is -40 and four are 10.
    assert laplacian(grey) == pytest.approx((40**2 + 4 * 10**2) / 25)


def test_fine_share__waves_longer_and_shorter_than_eight_pixels__nothing_and_all() -> None:
    assert fine_share(luma(waves(32))) < 0.01
    assert fine_share(luma(waves(4))) > 0.99


def test_fine_share__a_flat_picture__zero() -> None:
    assert fine_share(np.full((64, 64), 3, np.float32)) == 0


def test_see__a_blurred_picture__less_crisp_by_both_measures() -> None:
    sharp = waves(128) // 2 + noise(128) // 2
    soft = np.repeat(np.repeat(shrunk(sharp, 64), 2, 0), 2, 1)
    assert see(soft).laplacian < see(sharp).laplacian
    assert see(soft).fine < see(sharp).fine
    assert np.array_equal(see(soft).thumbnail, see(sharp).thumbnail)


def test_structure__other_light_and_contrast__the_same_shapes() -> None:
    picture = np.zeros((64, 64, 3), np.uint8)
    picture[20:44, 10:30] = 200
    dark = picture // 3 + 20
    other = np.rot90(picture).copy()
    first, dimmed, turned = (structure(each) for each in (picture, dark, other))
    assert first @ dimmed / first.size > 0.95
    assert first @ turned / first.size < 0.5


def test_structure__any_picture__zero_mean_and_unit_variance() -> None:
    shapes = structure(noise(64))
    assert shapes.mean() == pytest.approx(0, abs=1e-5)
    assert shapes.std() == pytest.approx(1, abs=1e-4)


def test_structure__a_flat_picture__nothing() -> None:
    assert not structure(np.full((64, 64, 3), 80, np.uint8)).any()
