"""JSON that an endpoint sent, whatever it is: parsed within bounds, or not at all."""

from __future__ import annotations

import json
import re
from typing import Any

_MAX_DEPTH = 64
_MAX_BRACKETS = 1_000_000
# Possessive, and an unclosed string ends with the text: else a hostile answer of escaped quotes takes hours to search.
_STRING = re.compile(rb'"[^"\\]*+(?:\\.[^"\\]*+)*+"?', re.DOTALL)
_NO_BRACKETS = bytes(set(range(256)) - set(b"[]{}"))


def parsed(raw: bytes) -> dict[str, Any] | None:
    """The JSON object in `raw`, or None where it is none, or nests too deeply."""
    if _too_deep(raw):
        return None
    try:
        answer = json.loads(raw)
    except (ValueError, RecursionError):
        return None
    return answer if isinstance(answer, dict) else None


def _too_deep(raw: bytes) -> bool:
    """Whether JSON nests deeper than any answer of an Ethereum client does, or has absurdly many brackets.

    The C parsers recurse on the machine's stack, and Python's own limit does not protect it wherever some
    library has raised that limit (py-evm does): nested brackets alone would then end the process.
    """
    openings = raw.count(b"[") + raw.count(b"{")
    if openings <= _MAX_DEPTH:
        return False
    if openings > _MAX_BRACKETS:
        return True
    depth = 0
    for bracket in _STRING.sub(b"", raw).translate(None, _NO_BRACKETS):
        depth += 1 if bracket in b"[{" else -1
        if depth > _MAX_DEPTH:
            return True
    return False
