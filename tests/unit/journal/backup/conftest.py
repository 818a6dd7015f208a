"""Journals that know something, and children that are killed in the middle of what they do."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from pathlib import Path

from node.journal import Journal

CHAIN, ORACLE, SIGNER = 31337, "0x1111111111111111111111111111111111111111", "0x" + "aa" * 20
CONFIG = b"c" * 32


def fill(directory: Path, checkpoints: range, digest: bytes = b"d" * 32) -> None:
    """Let a node's journal attest at these checkpoints of feed 1."""
    with Journal(directory) as journal:
        journal.bind(CHAIN, ORACLE)
        journal.protection.own(SIGNER)
        for checkpoint in checkpoints:
            journal.attest(CONFIG, 1, checkpoint, 0, digest, b"")


def killed(work: Callable[[Callable[[], None]], object]) -> None:
    """Run `work` in a child that kills itself (-9) where `work` calls what it is given."""
    child = os.fork()
    if not child:
        try:
            work(lambda: os.kill(os.getpid(), signal.SIGKILL))
        finally:
            os._exit(99)
    _, status = os.waitpid(child, 0)
    assert os.WIFSIGNALED(status), f"the child was not killed: {status}"
    assert os.WTERMSIG(status) == signal.SIGKILL
