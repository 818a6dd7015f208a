"""A worker's answers to what cannot be drawn."""

from __future__ import annotations

import io
import json
from typing import Any

from node.render import Recipe
from node.render.worker.loop import Worker
from node.render.worker.renderer import Renderer
from node.render.worker.wire import Kind, Request

SEEDS = [bytes([token]) * 32 for token in (1, 2, 3)]


def answer(fields: dict[str, Any]) -> tuple[Kind, bytes]:
    """How a worker of this process ends a request."""
    return Worker(Renderer(), io.BytesIO(), io.BytesIO())._answer(fields)


def test_answer__request_the_renderer_refuses__reason_not_traceback() -> None:
    kind, body = answer({"recipe": "{}", "seeds": ["00"], "band": 0, "signals": []})
    assert kind is Kind.REFUSED
    assert b"recipe" in body


def test_answer__failure_nobody_foresaw__reason_not_a_dead_worker(quick: Recipe) -> None:
    fields = json.loads(Request(quick, SEEDS[:1], 0, (0, 0, 0)).line(1))  # type: ignore[arg-type]
    kind, body = answer({**fields, "seeds": ["no hex"]})
    assert kind is Kind.REFUSED
    assert b"ValueError" in body
