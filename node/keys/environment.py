"""The environment of a process that is started by another: without what is meant for one node alone."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Final

PREFIX: Final = "PATINA_"
"""What the names of a node's own variables begin with: passwords, tokens, endpoints, and where its files are."""


def without_secrets(environ: Mapping[str, str] | None = None) -> dict[str, str]:
    """The variables of this process but for PATINA_*: a renderer, a messenger or a trial network needs none of them."""
    given = os.environ if environ is None else environ
    return {name: value for name, value in given.items() if not name.upper().startswith(PREFIX)}
