"""The scheduler in int64: diffusers' timesteps and, as near as its integers are, diffusers' steps."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import numpy as np
import pytest
import torch
from diffusers import DDIMScheduler
from hypothesis import given, settings
from hypothesis import strategies as st

from node.errors import RenderError
from node.render.exact.quantise import tables
from node.render.exact.quantise.export import SCHEDULE
from node.render.exact.scheduler import Schedule

TABLES = tables.schedule(SCHEDULE)
EXACT = Schedule.of(TABLES["signal"], TABLES["spread"])


def floating(steps: int) -> Any:
    scheduler = DDIMScheduler(**SCHEDULE)
    scheduler.set_timesteps(steps)
    return scheduler


@pytest.mark.parametrize("steps", [1, 2, 3, 4, 5, 8, 10, 16, 20, 25, 40, 50, 64, 80, 100])
def test_timesteps__usual_numbers_of_steps__as_diffusers(steps: int) -> None:
    assert EXACT.timesteps(steps) == floating(steps).timesteps.tolist()


@pytest.mark.parametrize("steps", range(1, 101))
def test_timesteps__any_number_of_steps__as_many_falling_and_in_range(steps: int) -> None:
    found = EXACT.timesteps(steps)
    assert len(set(found)) == steps
    assert found == sorted(found, reverse=True)
    assert found[0] == 999
    assert found[-1] >= 0


@pytest.mark.parametrize("steps", [0, -1, 1001])
def test_timesteps__impossible__refused(steps: int) -> None:
    with pytest.raises(RenderError, match="steps"):
        EXACT.timesteps(steps)


@pytest.mark.parametrize("steps", [1, 4, 20, 100])
def test_step__whole_sampling__close_to_diffusers(steps: int) -> None:
    rng = np.random.default_rng(steps)
    scheduler = floating(steps)
    latent = rng.integers(-4 << 16, 4 << 16, (2, 8, 4, 4))
    real = torch.from_numpy(latent / 2**16)
    for time in EXACT.timesteps(steps):
        velocity = rng.integers(-3 << 12, 3 << 12, latent.shape)
        latent = EXACT.step(velocity, time, steps, latent)
        real = scheduler.step(torch.from_numpy(velocity / 2**12), time, real).prev_sample
    assert np.abs(latent / 2**16 - real.numpy()).max() < 2e-3


@settings(max_examples=50, deadline=None)
@given(
    st.integers(-(2**15), 2**15), st.integers(-(2**20), 2**20), st.sampled_from([1, 4, 7, 20, 100]), st.data()
)  # fmt: skip
def test_step__one_number__is_what_python_computes(velocity: int, latent: int, steps: int, data: st.DataObject) -> None:
    time = data.draw(st.sampled_from(EXACT.timesteps(steps)))
    before = time - 1000 // steps
    signal, spread = TABLES["signal"][time], TABLES["spread"][time]
    later, less = (TABLES["signal"][before], TABLES["spread"][before]) if before >= 0 else (2**30, 0)

    def rounded(product: int) -> int:
        return (product + 2**29) // 2**30

    picture = max(min(rounded(signal * latent - spread * velocity * 16), 4 << 16), -4 << 16)
    noise = rounded(spread * latent + signal * velocity * 16)
    got = EXACT.step(np.array([velocity]), time, steps, np.array([latent]))
    assert got.tolist() == [rounded(later * picture + less * noise)]


def test_schedule__tables__are_roots_that_square_to_one() -> None:
    for signal, spread in zip(TABLES["signal"], TABLES["spread"], strict=True):
        assert abs(Fraction(signal**2 + spread**2, 2**60) - 1) < Fraction(1, 2**29)


@pytest.mark.parametrize(("signal", "spread"), [([], []), ([1], []), ([1, 2], [1])])
def test_schedule__tables_of_unequal_length__refused(signal: list[int], spread: list[int]) -> None:
    with pytest.raises(RenderError, match="scheduler"):
        Schedule.of(signal, spread)
