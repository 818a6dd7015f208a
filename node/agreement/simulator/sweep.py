"""Many seeds, one after the other or on several processes: what was tried, and which of them failed."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, ProcessPoolExecutor, wait
from dataclasses import dataclass, field
from itertools import islice
from multiprocessing import get_context
from typing import Final

from node.agreement.simulator.checks.failure import InvariantError
from node.agreement.simulator.draw import drawn
from node.agreement.simulator.run import simulate

CHUNK: Final = 10
"""Seeds that a process is given at once."""


@dataclass(slots=True)
class Tried:
    """What a number of seeds came to; `failures` are the texts of those that broke a promise."""

    seeds: int = 0
    rounds: int = 0
    landed: int = 0
    messages: int = 0
    processor_seconds: float = 0.0
    highest_view: int = 0
    views: int = 0
    heaviest: int = 0
    byzantine: int = 0
    failures: list[str] = field(default_factory=list)
    troubles: Counter[str] = field(default_factory=Counter)

    def add(self, other: Tried) -> None:
        """Count what others came to."""
        for name in ("seeds", "rounds", "landed", "messages", "processor_seconds", "byzantine"):
            setattr(self, name, getattr(self, name) + getattr(other, name))
        for name in ("highest_view", "views", "heaviest"):
            setattr(self, name, max(getattr(self, name), getattr(other, name)))
        self.failures += other.failures
        self.troubles += other.troubles


def attempt(seeds: Iterable[int], nodes: int | None, rounds: int | None) -> Tried:
    """Run the scenarios of these seeds, whatever becomes of them."""
    tried, began = Tried(), time.process_time()
    for seed in seeds:
        scenario = drawn(seed, nodes, rounds)
        tried.seeds += 1
        tried.rounds += scenario.rounds * scenario.feeds
        tried.byzantine += len(scenario.behaviours)
        try:
            outcome = simulate(scenario)
        except InvariantError as error:
            tried.failures.append(str(error))
            continue
        except Exception as error:
            # A machine that raises is broken too, and the night must go on.
            tried.failures.append(f"{type(error).__name__}: {error}\nreplay it: {scenario.command}\n{scenario}")
            continue
        tried.landed += outcome.landed
        tried.messages += outcome.messages
        tried.highest_view = max(tried.highest_view, outcome.highest_view)
        tried.views = max(tried.views, outcome.views)
        tried.heaviest = max(tried.heaviest, outcome.heaviest)
        tried.troubles += outcome.troubles
    tried.processor_seconds = time.process_time() - began
    return tried


def sweep(
    seeds: Iterable[int],
    nodes: int | None,
    rounds: int | None,
    *,
    jobs: int,
    enough: Callable[[], bool],
) -> Iterator[Tried]:
    """What chunks of seeds came to, as they are done, until there are no more or it is `enough`."""
    coming = iter(seeds)
    chunks = iter(lambda: list(islice(coming, CHUNK)), [])
    if jobs == 1:
        for chunk in chunks:
            if enough():
                return
            yield attempt(chunk, nodes, rounds)
        return
    # Spawned: a fork would share open files and locks with whatever runs here.
    with ProcessPoolExecutor(jobs, mp_context=get_context("spawn")) as pool:
        running = {pool.submit(attempt, chunk, nodes, rounds) for chunk in islice(chunks, 2 * jobs)}
        try:
            while running:
                done, running = wait(running, return_when=FIRST_COMPLETED)
                for each in done:
                    yield each.result()
                    chunk = [] if enough() else next(chunks, [])
                    if chunk:
                        running.add(pool.submit(attempt, chunk, nodes, rounds))
        finally:
            pool.shutdown(cancel_futures=True)
