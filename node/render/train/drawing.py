"""Draws the pictures that evaluation looks at: unseen tokens, each in every mood, in worker processes or on a GPU."""

from __future__ import annotations

import hashlib
import multiprocessing
import signal
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np

from node.render import Recipe, render
from node.render.recipe import MOODS
from node.render.train.dataset import levels
from node.render.train.sight import Pixels, Sight, see


@dataclass(frozen=True)
class Token:
    """A token that no training saw: its 32-byte seed, and the wads of the three signals that it is drawn under."""

    seed: bytes
    signals: tuple[int, int, int]


def recipe() -> Recipe:
    """One band per mood, as many steps as recipes usually ask for."""
    return Recipe.for_bands(len(MOODS), "Evaluation")


def tokens(count: int, full_scales: tuple[int, int, int]) -> list[Token]:
    """`count` tokens, always the same, under signals as the training set has them."""
    rng = np.random.default_rng(20)
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
        found.append(Token(hashlib.sha256(f"patina evaluation {index}".encode()).digest(), wads))
    return found


def sights(count: int, size: int | None, processes: int, progress: Callable[[int], None]) -> Iterator[Sight]:
    """What is to be seen of `count` tokens, token by token, each in every mood; `progress` is told the pictures drawn.

    Crispness is measured at `size` pixels, or at the model's own. A GPU, where the renderer uses one, is shared by
    the processes: one is best there.
    """
    jobs = [(token, mood, size) for token in tokens(count, recipe().full_scales) for mood in range(len(MOODS))]
    if processes <= 1:
        for done, job in enumerate(jobs, 1):
            yield _sight(*job)
            progress(done)
        return
    with multiprocessing.get_context("spawn").Pool(processes, _alone) as pool:
        for done, seen in enumerate(pool.imap(_job, jobs), 1):
            yield seen
            progress(done)


def picture(token: Token, mood: int) -> Pixels:
    """The token's artwork in a mood."""
    return render(recipe(), token.seed, mood, token.signals)


def _sight(token: Token, mood: int, size: int | None) -> Sight:
    return see(picture(token, mood), size)


def _job(job: tuple[Token, int, int | None]) -> Sight:
    return _sight(*job)


def _alone() -> None:
    """A worker draws on one thread, and leaves Ctrl-C to the process that started it."""
    import torch

    signal.signal(signal.SIGINT, signal.SIG_IGN)
    torch.set_num_threads(1)
