"""Who passes for the operator, by the configuration."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from aiohttp.test_utils import make_mocked_request
from multidict import CIMultiDict

from node.config import Config, load
from node.config.text import render_toml
from node.pages.service import guard_of


def config(folder: Path, **web: Any) -> Config:
    settings = {
        "chain": {"id": 1, "oracle": "0x1111111111111111111111111111111111111111", "endpoints": ["http://a"]},
        "gossip": {"brokers": [{"url": "mqtt://a"}]},
        "web": web,
    }
    (folder / "config.toml").write_text(render_toml(settings))
    return load(folder / "config.toml", environ={}, check_files=False)


@pytest.mark.parametrize(
    ("web", "allowed"),
    [({}, True), ({"operator_local": False}, False), ({"public_url": "https://art.example.org"}, False),
     ({"public_url": "https://art.example.org", "operator_local": True}, False)],
)  # fmt: skip
def test_guard_of__request_as_an_untold_nginx_hands_it_on__passes_only_where_no_proxy_is_said_to_be(
    tmp_path: Path, web: dict[str, Any], *, allowed: bool
) -> None:
    # nginx 1.29.7 and later: HTTP/1.1, the node's own address as Host, no header of its own.
    ends = {"peername": ("127.0.0.1", 5), "sockname": ("127.0.0.1", 8080)}
    transport: Any = SimpleNamespace(get_extra_info=lambda name, default=None: ends.get(name, default))
    request = make_mocked_request(
        "GET", "/api/operator/log", CIMultiDict({"Host": "127.0.0.1:8080", "User-Agent": "x"}), transport=transport
    )
    assert guard_of(config(tmp_path, **web)).allowed(request) is allowed
