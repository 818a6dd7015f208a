"""How far rendering is: figures for the status page and a log line now and then."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final

import structlog

from node.durations import PICTURE_S, Durations

_EVERY: Final = 10.0
"""Seconds between two log lines of one job."""

log = structlog.get_logger("render")


class Job:
    """One edition on its way: `done` of `of` pictures."""

    def __init__(self, of: int, progress: Progress) -> None:
        self.of = of
        self.done = 0
        self._progress = progress
        self._began = self._told = time.monotonic()

    @property
    def per_second(self) -> float:
        """Pictures a second since the job began, waiting for its turn included."""
        return round(self.done / max(time.monotonic() - self._began, 1e-3), 3)

    def drawn(self) -> None:
        """Count one picture."""
        self.done += 1
        self._progress.drawn += 1
        if time.monotonic() - self._told >= _EVERY and self.done < self.of:
            self._told = time.monotonic()
            log.info("drawing", **self.figures())

    def figures(self) -> dict[str, Any]:
        """The job in numbers."""
        return {"done": self.done, "of": self.of, "per_second": self.per_second}


class Progress:
    """What a pool has done since its start, and what it is at."""

    def __init__(self) -> None:
        self.drawn = 0
        self.died = 0
        self.full = 0
        self.cancelled = 0
        self.last_per_second = 0.0
        self.took = Durations(PICTURE_S)
        """How long workers took for a picture; of a batch, each picture's share."""
        self._jobs: list[Job] = []

    @contextmanager
    def job(self, of: int) -> Iterator[Job]:
        """Count a job for as long as the block runs."""
        job = Job(of, self)
        self._jobs.append(job)
        try:
            yield job
        finally:
            self._jobs.remove(job)
            if job.done < job.of:
                self.cancelled += 1
                log.info("drawing ended early", **job.figures())
            elif job.of:
                self.last_per_second = job.per_second
                log.info("drawn", **job.figures())

    def lost(self, *, full: bool) -> None:
        """Count a worker that died, or came to its memory cap, with pictures in hand."""
        if full:
            self.full += 1
        else:
            self.died += 1

    def status(self) -> dict[str, Any]:
        """The figures, JSON-encodable."""
        return {
            "jobs": [job.figures() for job in self._jobs],
            "drawn": self.drawn,
            "per_second": self.last_per_second,
            "jobs_ended_early": self.cancelled,
            "workers_died": self.died,
            "workers_full": self.full,
        }
