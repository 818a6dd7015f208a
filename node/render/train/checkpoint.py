"""What every training loop shares: a checkpoint that it continues from, its optimiser, and its rate."""

from __future__ import annotations

import math
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

_EVERY = 100


def cosine(step: int, steps: int, *, warm: int, floor: float) -> float:
    """The share of the full rate at a step: a linear start over `warm` steps, then half a cosine down to `floor`."""
    fall = floor + (1 - floor) * 0.5 * (1 + math.cos(math.pi * min(step / steps, 1.0)))
    return min(1.0, (step + 1) / warm) * fall


@contextmanager
def _between_steps() -> Iterator[threading.Event]:
    """Ctrl-C and SIGTERM set the event instead; only the main thread is ever sent them."""
    asked = threading.Event()
    if threading.current_thread() is not threading.main_thread():
        yield asked
        return
    kept = {number: signal.signal(number, lambda *_: asked.set()) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield asked
    finally:
        for number, handler in kept.items():
            signal.signal(number, handler)


class Checkpoint:
    """Networks, their optimiser and the number of steps done, in one file that is replaced whole."""

    def __init__(
        self, path: Path, device: str, rate: float, *, average: nn.Module | None = None, decay: float = 1e-4,
        **networks: nn.Module,
    ) -> None:  # fmt: skip
        self._path = path
        self._networks = networks
        self._average = average
        self._rate = rate
        self.done = 0
        self._torn = False  # within an update: nothing to save
        for network in (*networks.values(), *([average] if average is not None else [])):
            network.to(device=device, memory_format=torch.channels_last)  # type: ignore[call-overload]
        self._parameters = [each for network in networks.values() for each in network.parameters()]
        self._optimiser = torch.optim.AdamW(self._parameters, rate, weight_decay=decay, betas=(0.9, 0.99))
        if path.exists():
            state = torch.load(path, map_location=device)
            for name, part in self._parts().items():
                part.load_state_dict(state[name])
            self.done = state["step"]

    def _parts(self) -> dict[str, Any]:
        extra = {"average": self._average} if self._average is not None else {}
        return {**self._networks, **extra, "optimiser": self._optimiser}

    def steps(self, until: int) -> Iterator[int]:
        """The steps still to do; what is done is saved every hundred, at the end, and when the loop is cut off.

        Ctrl-C waits for the end of a step: what is saved is then what an uninterrupted run had at that step.
        """
        with _between_steps() as asked:
            try:
                while self.done < until:
                    yield self.done
                    if asked.is_set():
                        raise KeyboardInterrupt
                    if self.done % _EVERY == 0:
                        self.save()
            finally:
                if not self._torn:
                    self.save()

    def rate(self, share: float) -> None:
        """Sets the learning rate to a share of the full one."""
        for group in self._optimiser.param_groups:
            group["lr"] = self._rate * share

    def descend(self, loss: Tensor, clip: float = 1.0) -> None:
        """One optimiser step down the loss, once in each step; the averaged copy follows, and the step is done."""
        self._optimiser.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        nn.utils.clip_grad_norm_(self._parameters, clip)
        self._torn = True
        self._optimiser.step()
        if self._average is not None:
            keep = min(0.999, (self.done + 1) / (self.done + 10))
            with torch.no_grad():
                for kept, now in zip(self._average.parameters(), self._parameters, strict=True):
                    kept.lerp_(now, 1 - keep)
        self.done += 1
        self._torn = False

    def save(self) -> None:
        """Writes everything beside the old file, then takes its place."""
        partial = self._path.with_suffix(".tmp")
        state = {name: part.state_dict() for name, part in self._parts().items()} | {"step": self.done}
        torch.save(state, partial)
        partial.replace(self._path)
