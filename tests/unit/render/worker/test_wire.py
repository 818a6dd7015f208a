"""The wire between node and worker: what is said comes back, and what no worker says is refused."""

from __future__ import annotations

import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from node.render import Recipe
from node.render.png import encode
from node.render.worker.wire import HEAD, MAX_BODY, Hello, Kind, Request, frame, is_png, parse_head


@given(st.sampled_from(Kind), st.integers(0, 2**32 - 1), st.binary(max_size=40))
def test_frame__any_reply__comes_back(kind: Kind, number: int, body: bytes) -> None:
    sent = frame(kind, number, body)
    assert parse_head(sent[:HEAD]) == (kind, number, len(body))
    assert sent[HEAD:] == body


@pytest.mark.parametrize("head", [bytes([9]) + bytes(8), bytes(5) + (MAX_BODY + 1).to_bytes(4, "big")])
def test_parse_head__what_no_worker_says__refused(head: bytes) -> None:
    with pytest.raises(ValueError):
        parse_head(head)


@given(
    st.lists(st.binary(min_size=32, max_size=32), max_size=3),
    st.integers(0, 7),
    st.tuples(*[st.integers(-(2**255), 2**255)] * 3),
)
def test_request__any_line__comes_back(seeds: list[bytes], band: int, signals: tuple[int, int, int]) -> None:
    request = Request(Recipe.for_bands(8, "Täg\n"[:3]), tuple(seeds), band, signals)
    line = request.line(7)
    assert line.count(b"\n") == 1
    assert Request.parse(json.loads(line)) == request


@pytest.mark.parametrize("body", [b"", b"[]", b"{}", b'{"engine": 1, "model": ""}', b'{"engine": "a", "model": "x"}'])
def test_hello__what_no_worker_says__refused(body: bytes) -> None:
    with pytest.raises(ValueError):
        Hello.parse(body)


def test_is_png__pictures_and_others__told_apart() -> None:
    picture = encode(np.zeros((2, 3, 3), np.uint8))
    assert is_png(picture)
    for wrong in (b"", picture[:20], b"x" + picture, picture[:16] + bytes(8), picture[:16] + b"\xff" * 8):
        assert not is_png(wrong)
