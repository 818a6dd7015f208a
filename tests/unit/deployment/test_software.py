"""Versions of this software, compared."""

from __future__ import annotations

import pytest

from node.deployment.software import is_older


@pytest.mark.parametrize(
    ("version", "least", "older"),
    [
        ("0.1.0", "0.1.0", False),
        ("0.1", "0.1.0", False),
        ("0.1.0", "0.1", False),
        ("0.9.9", "0.10.0", True),
        ("1.0.0.dev3", "1.0.0", False),
        ("1.2.3", "2", True),
        ("nonsense", "0.0.1", True),
    ],
)
def test_is_older__numbers_part_by_part(version: str, least: str, older: bool) -> None:
    assert is_older(version, least) is older
