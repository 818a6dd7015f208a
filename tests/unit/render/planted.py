"""A render worker without a model, whose recipe's name says what it does: plain, paced, slow, greedy, poison and so on.

Each picture that it begins is noted as a line in the file that PLANTED names: its seed and the process.
"""

from __future__ import annotations

import hashlib
import mmap
import os
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from node.errors import KernelError, RenderError
from node.render import model_digest
from node.render.png import encode
from node.render.recipe import Recipe
from node.render.worker.program import main
from node.render.worker.renderer import Renderer
from node.render.worker.wire import Hello, Request

MARKED = b"\xff" * 32
"""The seed at which a planted fault shows."""


def picture(recipe: Recipe, seed: bytes, band: int, signals: tuple[int, ...]) -> bytes:
    """Four pixels that depend on everything asked for."""
    canonical = b"|".join((recipe.canonical, seed, b"%d" % band, b",".join(b"%d" % signal for signal in signals)))
    return encode(np.frombuffer(hashlib.sha256(canonical).digest()[:12], np.uint8).reshape(2, 2, 3))


def notes() -> list[str]:
    """The lines of all pictures begun so far, in order: the seed as hex and the process."""
    path = Path(os.environ["PLANTED"])
    return path.read_text().splitlines() if path.exists() else []


def begun() -> list[str]:
    """The seeds of all pictures begun so far, in order, as hex."""
    return [line.split()[0] for line in notes()]


class Planted(Renderer):
    """Draws what `picture` does, with the fault that is planted."""

    warm = False

    def prepare(self) -> Hello:
        if self.engine == "unfit":
            raise RenderError("kernel int8 gives 32767 where 40005 is right")
        if self.engine == "dies":
            os._exit(3)
        while self.engine == "late" and not Path(os.environ["PLANTED"] + ".go").exists():
            time.sleep(0.01)
        if self.engine == "eats":
            bytearray(2**40)
        return Hello(self.engine, bytes(32) if self.engine == "other" else model_digest())

    def draw(self, request: Request) -> Iterator[bytes]:
        print("noise on stdout", flush=True)
        fault, count = request.recipe.name, len(request.seeds)
        for seed in request.seeds:
            note(seed)
            if fault == "slow":
                while True:
                    time.sleep(0.001)
            if fault == "paced":
                time.sleep(0.1)
            if fault == "deaf":
                stubborn()
            if seed == MARKED:
                meet(fault, self.engine)
            if fault == "greedy batch" and count > 1:
                self.kept = bytearray(os.urandom(2**20)) * 400
            yield picture(request.recipe, seed, request.band, request.signals)
            self.warm = True

    def loaded(self, request: Request) -> bool:
        return self.warm


def note(seed: bytes) -> None:
    with Path(os.environ["PLANTED"]).open("a") as file:
        file.write(f"{seed.hex()} {os.getpid()}\n")


def meet(fault: str, engine: str) -> None:
    """What happens at the marked seed."""
    if fault == "poison":
        os._exit(9)
    if fault == "refused":
        raise RenderError("nobody can draw this")
    if fault == "inexact" and engine != "numpy":
        raise KernelError("kernel int8 gives 32767 where 40005 is right")
    if fault == "unforeseen":
        raise ZeroDivisionError
    if fault == "greedy":
        bytearray(os.urandom(2**20)) * 400
    if fault == "greedy and shared":
        memory = mmap.mmap(-1, 400 * 2**20)
        for at in range(0, len(memory), 4_096):
            memory[at] = 1
        time.sleep(60)


def stubborn() -> None:
    """Go on whatever the node says, as a kernel that never returns would."""
    while True:
        try:
            time.sleep(1)
        except BaseException:
            continue


if __name__ == "__main__":
    main(Planted)
