"""Matches: within the window, of the lengths that deflate has."""

from __future__ import annotations

import zlib

import numpy as np
import pytest

from node.render.png.deflate import deflate
from node.render.png.matches import WINDOW, find


@pytest.mark.parametrize("apart", [WINDOW - 1, WINDOW, WINDOW + 1])
def test_find__repeat_at_the_windows_edge__only_within_it(apart: int) -> None:
    """RFC 1951 section 2: a distance is at most 32,768."""
    raw = np.random.default_rng(2).integers(0, 256, apart + 300, np.uint8)
    raw[apart:] = raw[:300]
    found = find(raw, np.full(256, 8), np.zeros(WINDOW + 1, np.int64))
    assert set(found.distances.tolist()) == ({apart} if apart <= WINDOW else set())
    assert zlib.decompress(deflate(raw), wbits=-15) == raw.tobytes()


def test_find__runs_of_every_length__matches_of_3_to_258() -> None:
    rng = np.random.default_rng(4)
    raw = np.concatenate([np.append(np.full(run, run % 251, np.uint8), rng.integers(0, 256, 30, np.uint8))
                          for run in range(1, 800, 7)])  # fmt: skip
    found = find(raw, np.full(256, 8), np.zeros(WINDOW + 1, np.int64))
    assert found.lengths.max() == 258
    assert found.lengths.min() >= 3
    assert (found.starts[1:] >= (found.starts + found.lengths)[:-1]).all()
    assert zlib.decompress(deflate(raw), wbits=-15) == raw.tobytes()
