"""Scenes and their layout maps: what a seed fixes, what the levels move, and that all of it is integers."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from node.render.scene import CHANNELS, SIZE, Scene, conditions, height_at, layout, scene

SEEDS = st.binary(min_size=32, max_size=32)
LEVELS = st.integers(0, 255)
PX = 16


@settings(max_examples=150, deadline=None)
@given(SEEDS, LEVELS, LEVELS)
def test_scene__any_seed_and_levels__everything_stands_in_the_picture(seed: bytes, drawdown: int, flow: int) -> None:
    place = scene(seed, drawdown, flow)
    assert 0 <= place.sun_y < place.horizon < SIZE * PX
    assert all(0 <= y < SIZE * PX for y in place.near)
    assert max(place.far) < SIZE * PX
    assert 1 <= len(place.trees) <= 5
    for thing in (*place.trees, place.landmark, *place.boats):
        assert 0 <= thing.x < SIZE * PX
        assert thing.y - thing.height > 0
    assert layout(place).shape == (CHANNELS, 32, 32)
    assert conditions(place, 3, 9, drawdown, flow).shape == (20,)


@settings(max_examples=60, deadline=None)
@given(SEEDS, LEVELS, LEVELS, LEVELS, LEVELS)
def test_scene__other_levels__same_place(seed: bytes, d1: int, f1: int, d2: int, f2: int) -> None:
    """Levels may move the sun, the tide and the boats; the land and what stands on it stay."""
    moving = {"sun_y": 0, "horizon": 0, "boats": ()}
    first = dataclasses.replace(scene(seed, d1, f1), **moving)  # type: ignore[arg-type]
    assert first == dataclasses.replace(scene(seed, d2, f2), **moving)  # type: ignore[arg-type]


def test_scene__drawdown_and_flow__sun_sinks_and_tide_rises() -> None:
    seed = bytes(32)
    heights = [scene(seed, level, 128).sun_y for level in (0, 128, 255)]
    assert heights == sorted(set(heights))
    tides = [scene(seed, 0, level).horizon for level in (0, 128, 255)]
    assert tides == sorted(set(tides), reverse=True)
    assert [len(scene(seed, 0, level).boats) for level in (0, 128, 255)] == [0, 1, 2]


def test_scene__many_seeds__places_differ() -> None:
    places = {scene(bytes([n]) * 32, 0, 128) for n in range(64)}
    assert len(places) == 64
    assert len({place.landmark.kind for place in places}) == 3
    assert len({place.trees[0].kind for place in places}) == 3


@settings(max_examples=60, deadline=None)
@given(SEEDS, st.integers(0, 255), st.integers(0, 255))
def test_scene__palette_ranges__are_kept(seed: bytes, a: int, b: int) -> None:
    span = (min(a, b), max(a, b))
    place = scene(seed, 0, 128, span, (7, 7))
    assert span[0] <= place.hue <= span[1]
    assert place.accent == 7


def test_height_at__knots_and_between__linear() -> None:
    profile = tuple(range(0, 17 * 256, 256))
    assert [height_at(profile, x) for x in (0, 128, 256, 4095)] == [0, 128, 256, 4095]
    assert height_at(profile, -5) == 0


def test_layout__ridge__sign_changes_at_the_line() -> None:
    place = scene(bytes(range(32)), 0, 128)
    near = layout(place)[2].astype(int) - 128
    for column in range(32):
        line = height_at(place.near, column * 128 + 64)
        rows = np.arange(32) * 128 + 64
        assert bool((near[rows >= line + 4, column] > 0).all())
        assert bool((near[rows < line, column] < 0).all())


def test_conditions__extremes__within_int8_reach() -> None:
    place: Scene = scene(bytes(32), 0, 128)
    for mood in range(8):
        for level in (0, 255):
            vector = conditions(place, mood, level, level, level)
            assert vector.dtype == np.int16
            assert int(np.abs(vector).max()) <= 127
            assert vector[:8].tolist() == [127 * (index == mood) for index in range(8)]


@pytest.mark.parametrize("mood", range(8))
def test_conditions__mood__changes_the_mood_alone(mood: int) -> None:
    place = scene(bytes(32), 0, 128)
    assert conditions(place, mood, 1, 2, 3)[8:].tolist() == conditions(place, 0, 1, 2, 3)[8:].tolist()
