"""The ordinary program as it would run on another machine: this machine's locks on keys are out of its sight."""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

from node.cli import main
from node.journal import lock

assert callable(lock.runtime_directories)
elsewhere = Path(tempfile.mkdtemp(prefix="patina-elsewhere-", dir=Path(sys.argv[-1]).parent))
lock.runtime_directories = lambda *_, **__: [elsewhere]
main()
