"""What running things takes on this machine: the program's start, an image, an empty block of the devnet."""

from __future__ import annotations

import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from typing import Any

ROUNDS = 5
HELP_MS = 400
"""Goal: so many milliseconds until `patina --help` has printed and ended."""

SIMULATED_MS = 30
"""Goal: the simulator's CPU milliseconds a round, which is 2,000 rounds a minute on one core."""


def median_seconds(work: Callable[[], object], rounds: int = ROUNDS) -> float:
    """Return the median wall time of `work`, after one call that is not counted."""
    work()
    taken = []
    for _ in range(rounds):
        started = time.perf_counter()
        work()
        taken.append(time.perf_counter() - started)
    return statistics.median(taken)


def start() -> float:
    """`patina --help` as a process of its own."""
    command = [sys.executable, "-m", "node.cli", "--help"]
    return median_seconds(lambda: subprocess.run(command, check=True, capture_output=True), 15)  # noqa: S603 - fixed words


def image() -> tuple[float, int]:
    """One artwork with one thread, model loaded: seconds, and bytes of its PNG."""
    import torch

    from node.render import render
    from node.render.png import encode
    from node.render.recipe import Recipe

    torch.set_num_threads(1)
    recipe = Recipe.for_bands(6, "bench")
    levels = (10**16, 10**16, 0)
    seconds = median_seconds(lambda: render(recipe, b"\x07" * 32, 3, levels))
    return seconds, len(encode(render(recipe, b"\x07" * 32, 3, levels)))


def png() -> float:
    """Encoding one artwork as PNG."""
    from node.render import render
    from node.render.png import encode
    from node.render.recipe import Recipe

    pixels = render(Recipe.for_bands(6, "bench"), b"\x07" * 32, 3, (10**16, 10**16, 0))
    return median_seconds(lambda: encode(pixels))


def block() -> float:
    """An empty block of the embedded chain."""
    from node.devnet.evm.chain import DevnetChain

    chain = DevnetChain()
    return median_seconds(lambda: chain.mine(100)) / 100


def simulated_round(seeds: int = 120) -> float:
    """CPU seconds that a round of the simulator takes on one core: seven nodes, troubles as its seeds draw them."""
    from node.agreement.simulator import drawn, simulate

    scenarios = [drawn(seed, nodes=7) for seed in range(seeds)]
    simulate(scenarios[0])
    started = time.process_time()
    for scenario in scenarios:
        simulate(scenario)
    rounds = sum(scenario.rounds * scenario.feeds for scenario in scenarios)
    return (time.process_time() - started) / rounds


def rows() -> list[dict[str, Any]]:
    """Every figure as one row: what, median, unit, and the goal where there is one."""
    seconds, size = image()
    return [
        {"what": "patina --help", "median": round(start() * 1000), "unit": "ms", "goal": HELP_MS},
        {"what": "one image, one thread, model loaded", "median": round(seconds * 1000), "unit": "ms"},
        {"what": "its PNG", "median": round(png() * 1000), "unit": "ms"},
        {"what": "its PNG's size", "median": size, "unit": "bytes"},
        {"what": "an empty block of the embedded chain", "median": round(block() * 1_000_000), "unit": "us"},
        {
            "what": "a simulated round of seven nodes in drawn troubles",
            "median": round(simulated_round() * 1000, 1),
            "unit": "ms",
            "goal": SIMULATED_MS,
        },
    ]
