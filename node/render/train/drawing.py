"""Draws the pictures that evaluation looks at: unseen tokens, each in every mood, in worker processes or on a GPU."""

from __future__ import annotations

import hashlib
import multiprocessing
import signal
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np

from node.render.exact import probe
from node.render.exact.inputs import inputs
from node.render.recipe import MOODS, Recipe
from node.render.train.dataset import levels
from node.render.train.sight import Pixels, Sight, see

_BATCH = 4


@dataclass(frozen=True)
class Token:
    """A token that no training saw: its 32-byte seed, and the wads of the three signals that it is drawn under."""

    seed: bytes
    signals: tuple[int, int, int]


@dataclass(frozen=True)
class Brush:
    """What draws: a model folder, and an engine by the name that the renderer knows it by."""

    folder: Path
    engine: str

    def draw(self, token: Token) -> list[Pixels]:
        """The token's artworks in every mood, worst to best."""
        asked = recipe()
        wanted = [inputs(asked, token.seed, mood, token.signals) for mood in range(len(MOODS))]
        drawn: list[Pixels] = []
        for start in range(0, len(wanted), _BATCH):
            drawn += probe.engine(self.folder, self.engine).draw(wanted[start : start + _BATCH], asked.steps)
        return drawn


@cache
def recipe() -> Recipe:
    """One band per mood, as many steps as recipes usually ask for."""
    return Recipe.for_bands(len(MOODS), "Evaluation")


def tokens(count: int, seed: str = "") -> list[Token]:
    """`count` tokens, always the same for a seed, under signals as the training set has them."""
    full_scales = recipe().full_scales
    name = f"patina evaluation {seed} " if seed else "patina evaluation "
    rng = np.random.default_rng(list(name.encode()) if seed else 20)
    found = []
    for index in range(count):
        volatility, drawdown, flow = levels(rng)
        shift = flow - 128
        # One wad further from rest, so that the recipe's rounding towards rest lands on the level.
        wads = (
            volatility * full_scales[0] // 255 + 1,
            drawdown * full_scales[1] // 255 + 1,
            (abs(shift) * full_scales[2] // 128 + 1) * (1 if shift >= 0 else -1),
        )
        found.append(Token(hashlib.sha256(f"{name}{index}".encode()).digest(), wads))
    return found


def sights(by: Brush, shown: Sequence[Token], processes: int, progress: Callable[[int], None]) -> Iterator[Sight]:
    """What is to be seen of tokens, one after another, each in every mood; `progress` is told the pictures drawn.

    A GPU is used from this process alone.
    """
    jobs = [(by, token) for token in shown]
    if processes <= 1 or by.engine == "cuda":
        yield from _counted(map(_job, jobs), progress)
        return
    with multiprocessing.get_context("spawn").Pool(processes, _alone) as pool:
        yield from _counted(pool.imap(_job, jobs), progress)


def _counted(tokens: Iterator[list[Sight]], progress: Callable[[int], None]) -> Iterator[Sight]:
    for done, seen in enumerate(tokens, 1):
        yield from seen
        progress(done * len(seen))


def _job(job: tuple[Brush, Token]) -> list[Sight]:
    by, token = job
    return [see(picture) for picture in by.draw(token)]


def _alone() -> None:
    """A worker draws on one thread, and leaves Ctrl-C to the process that started it."""
    import torch

    signal.signal(signal.SIGINT, signal.SIG_IGN)
    torch.set_num_threads(1)
