"""Whether this software is too old for a deployment."""

from __future__ import annotations

import re


def is_older(version: str, least: str) -> bool:
    """Whether `version` comes before `least`; both are numbers with dots, and what follows them does not count."""
    return _numbers(version) < _numbers(least)


def _numbers(version: str) -> tuple[int, ...]:
    found = re.match(r"\d+(?:\.\d+)*", version)
    numbers = [int(part) for part in found.group().split(".")] if found else []
    while numbers and not numbers[-1]:
        numbers.pop()  # 1.2 and 1.2.0 are the same
    return tuple(numbers)
