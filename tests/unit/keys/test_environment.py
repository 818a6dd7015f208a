"""What a process that is started gets of this one's environment."""

from __future__ import annotations

from node.keys.environment import without_secrets


def test_without_secrets__variables_of_a_node__stay_with_it() -> None:
    given = {
        "PATH": "/bin",
        "PATINA_SIGNING_PASSWORD": "x",
        "PATINA_NOTICE_TARGETS": "y",
        "patina_config": "z",
        "A": "b",
    }
    assert without_secrets(given) == {"PATH": "/bin", "A": "b"}
