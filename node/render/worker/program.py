"""The render worker as a program: its options, and its replies on a stdout that nothing else can reach."""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path

from node.render.worker.loop import Worker
from node.render.worker.memory import cap_memory
from node.render.worker.renderer import Draws, Renderer


def options() -> argparse.ArgumentParser:
    """What a pool tells its workers at their start."""
    parser = argparse.ArgumentParser(prog="node.render.worker")
    parser.add_argument("--engine", default="auto")
    parser.add_argument("--nice", type=int, default=0)
    parser.add_argument("--memory", type=int, default=0, help="MiB of private memory, 0 for no limit")
    parser.add_argument("--pipelines", type=Path)
    return parser


def serve(renderer: Draws) -> None:
    """Answer on a private copy of stdout, so that a library's print cannot break the framing."""
    with os.fdopen(os.dup(1), "wb") as replies:
        os.dup2(2, 1)
        Worker(renderer, sys.stdin.buffer, replies).run()
        replies.flush()
        # Not by way of the interpreter's end: the thread that reads stdin would hold it up.
        os._exit(0)


def main(renderer: type[Renderer] = Renderer) -> None:
    """Serve as the options say."""
    chosen = options().parse_args()
    os.nice(chosen.nice)
    cap_memory(chosen.memory)
    serve(renderer(chosen.engine, chosen.pipelines))
