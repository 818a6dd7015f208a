"""A process with keys leaves none of them to a core dump, or to whoever else runs as its user."""

from __future__ import annotations

import subprocess
import sys

import pytest

SCRIPT = """
import ctypes, os, resource
from node.keys.dumps import keep_memory_private
keep_memory_private()
owner = os.stat(f"/proc/{os.getpid()}/environ").st_uid if os.path.exists("/proc/self/environ") else 0
print(resource.getrlimit(resource.RLIMIT_CORE)[0], ctypes.CDLL(None).prctl(3, 0, 0, 0, 0), owner)
print(open("/proc/self/status").readline().split()[0], len(os.listdir("/proc/self/fd")) > 0)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="prctl is Linux's")
def test_keep_memory_private__process__writes_no_core_and_shows_its_memory_to_root_alone() -> None:
    done = subprocess.run([sys.executable, "-c", SCRIPT], capture_output=True, text=True, check=True, timeout=60)
    # What the node itself reads of its own process is still there.
    assert done.stdout.split() == ["0", "0", "0", "Name:", "True"]
