"""Compressed answers: for those who take them, and made once."""

from __future__ import annotations

import gzip

import pytest
from aiohttp import web
from aiohttp.test_utils import make_mocked_request

from node.web import packing
from node.web.packing import WORTH, packed

LONG = b'{"a": 1}' * WORTH


def answer(accepted: str, body: bytes = LONG) -> web.Response:
    return packed(make_mocked_request("GET", "/", {"Accept-Encoding": accepted}), web.Response(body=body))


@pytest.mark.parametrize("accepted", ["gzip", "br, gzip", "GZIP;q=0.5, br", " gzip ", "deflate,gzip;q=1"])
def test_packed__visitor_that_takes_gzip__gets_it(accepted: str) -> None:
    found = answer(accepted)
    assert found.headers["Content-Encoding"] == "gzip"
    assert isinstance(found.body, bytes)
    assert gzip.decompress(found.body) == LONG


@pytest.mark.parametrize("accepted", ["", "br", "gzip;q=0", "gzip; q=0.0, br", "xgzip", "*;q=0"])
def test_packed__visitor_that_does_not__gets_it_as_it_is(accepted: str) -> None:
    found = answer(accepted)
    assert "Content-Encoding" not in found.headers
    assert found.body == LONG
    assert found.headers["Vary"] == "Accept-Encoding"


def test_packed__short_answer__is_left_alone() -> None:
    assert "Vary" not in answer("gzip", b"{}").headers


def test_packed__many_who_ask__cost_one_compression() -> None:
    packing._gzip.cache_clear()
    for _ in range(50):
        answer("gzip")
    assert packing._gzip.cache_info().misses == 1
