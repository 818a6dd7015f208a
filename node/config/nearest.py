"""Guess which name was meant by a misspelt one."""

from __future__ import annotations

import difflib
from collections.abc import Iterable


def suggest(word: str, names: Iterable[str]) -> str:
    """A clause such as ` (did you mean poll_ms?)`, or nothing where no name is near."""
    near = difflib.get_close_matches(word.lower().replace("-", "_"), list(names), n=1, cutoff=0.6)
    return f" (did you mean {near[0]}?)" if near else ""
