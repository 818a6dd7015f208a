"""docs/pages.md: its limits are the code's, and each page and path of its tables is served."""

from __future__ import annotations

import re
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from node.content.store import BlockStore
from node.web.app import create_app
from node.web.doors import HANDLING, Limits
from node.web.events import MAX_STREAMS
from node.web.guard import WRONG_TOKENS
from node.web.operator import LISTENERS
from node.web.streams import EACH

LIMITS = Limits()
TEXT = (Path(__file__).parents[3] / "docs/pages.md").read_text()


@pytest.mark.parametrize(
    "said",
    [
        f"{LIMITS.connections}, of which {LIMITS.reserved} are kept for this machine; {LIMITS.each} from one address",
        f"{LIMITS.requests.burst} at once and {LIMITS.requests.per_second} a second from one address",
        f"| streams of events | {MAX_STREAMS}, {EACH} from one address; {LISTENERS} of the operator's",
        f"{HANDLING['max_line_size'] // 1024} KiB of path, {HANDLING['max_headers']} headers of 8 KiB, no body; "
        f"{LIMITS.head // 1024} KiB from one request to the next; whole within {HANDLING['keepalive_timeout']:g} s",
        f"{LIMITS.stall:g} s without a byte taken, {LIMITS.unsent // 2**20} MiB in all",
    ],
)
def test_limits__as_documented__are_those_in_force(said: str) -> None:
    assert said in TEXT


def test_tokens__wrong_ones__are_counted_as_documented() -> None:
    assert (WRONG_TOKENS.burst, WRONG_TOKENS.per_second) == (10, 1)
    assert "After ten wrong tokens an address\nmay try one a second" in TEXT


def test_paths__of_the_tables__are_served(tmp_path: Path) -> None:
    source: Any = SimpleNamespace(revision=1, editions=list)
    app = create_app(source, BlockStore(tmp_path), network=source, operator=source)
    served = {resource.canonical for resource in app.router.resources()}
    named = {path for row in re.findall(r"^\| (`/.*?) \|", TEXT, re.M) for path in re.findall(r"`(/[a-z/]*)`", row)}
    assert named >= {"/", "/network", "/operator", "/api/network", "/api/events", "/livez"}
    assert named - {"/metrics"} <= served
