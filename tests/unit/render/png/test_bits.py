"""Packed bits: the fields as one long number."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from node.render.png.bits import pack


@settings(max_examples=100, deadline=None)
@given(st.lists(st.integers(0, 48).flatmap(lambda width: st.tuples(st.integers(0, 2**width - 1), st.just(width)))))
def test_pack__any_fields__as_one_long_number(fields: list[tuple[int, int]]) -> None:
    number = shift = 0
    for value, width in fields:
        number |= value << shift
        shift += width
    packed = pack(np.array([v for v, _ in fields], np.uint64), np.array([w for _, w in fields], np.int64))
    assert packed == number.to_bytes((shift + 7) // 8, "little")
