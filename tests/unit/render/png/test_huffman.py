"""Huffman codes: complete, and within their limit."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from node.render.png import huffman


@settings(max_examples=100, deadline=None)
@given(st.lists(st.integers(0, 10**9), min_size=2, max_size=60), st.sampled_from([7, 15]))
def test_lengths__any_counts__complete_code_within_the_limit(counts: list[int], limit: int) -> None:
    lengths = huffman.lengths(counts, limit)
    used = [length for length in lengths if length]
    assert [bool(count) for count in counts] == [bool(length) for length in lengths]
    assert all(length <= limit for length in used)
    if len(used) > 1:
        assert sum(2.0**-length for length in used) == 1


def test_lengths__fibonacci_counts__limited_and_never_longer_for_the_more_frequent() -> None:
    """Fibonacci counts drive an unlimited Huffman code to its greatest depth."""
    counts = [1, 1]
    while len(counts) < 30:
        counts.append(counts[-1] + counts[-2])
    lengths = huffman.lengths(counts, 15)
    assert max(lengths) == 15
    assert lengths == sorted(lengths, reverse=True)
