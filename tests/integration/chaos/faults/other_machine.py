"""The ordinary program as it would run on another machine: what this one remembers of keys is out of its sight."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import node.journal.safety.lock
from node.cli import main

elsewhere = Path(sys.argv[-1]).absolute().parent / ".elsewhere"
elsewhere.mkdir(mode=0o700, exist_ok=True)
os.environ["XDG_STATE_HOME"] = str(elsewhere)
assert callable(node.journal.safety.lock.runtime_directories)
node.journal.safety.lock.runtime_directories = lambda *_, **__: [elsewhere]
main()
