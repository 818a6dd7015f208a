"""What a training says while it runs, kept as JSON lines, and what is left of it in the model card."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from node.errors import RenderError

FILE = "records.jsonl"
_LAST = 10  # records that a closing figure is the mean of: single batches scatter


@dataclass(frozen=True)
class Record:
    """One line: `seconds` are counted from the start of the run that wrote it; `psnr` in dB where there is one."""

    stage: str
    step: int
    loss: float
    seconds: float
    psnr: float | None = None

    def __str__(self) -> str:
        quality = "" if self.psnr is None else f" psnr {self.psnr:.2f} dB"
        return f"{self.stage} {self.step} loss {self.loss:.4f}{quality} {self.seconds:.0f} s"


@dataclass
class Recorder:
    """Takes what a stage tells of itself, adds the time, keeps it in a file and passes it on to `show`."""

    path: Path
    show: Callable[[Record], None]
    began: float = field(default_factory=time.monotonic)

    def __call__(self, told: Mapping[str, float | int | str]) -> None:
        """One record: "stage", "step", "loss" and, where there is one, "psnr"."""
        record = Record(
            str(told["stage"]),
            int(told["step"]),
            round(float(told["loss"]), 6),
            round(time.monotonic() - self.began, 1),
            round(float(told["psnr"]), 3) if "psnr" in told else None,
        )
        append(self.path, record)
        self.show(record)


def append(path: Path, record: Record) -> None:
    """Adds one line; what is there stays, so that a run that was cut off can be continued."""
    fields = {key: value for key, value in asdict(record).items() if value is not None}
    with path.open("a", encoding="utf-8") as file:
        file.write(json.dumps(fields) + "\n")


def read(path: Path) -> Iterator[Record]:
    """The records of a file, none if it is not there; RenderError names a line that is no record.

    A last line without an end is what a killed run leaves, and is left out.
    """
    text = path.read_text(encoding="utf-8") if path.exists() else ""
    for number, line in enumerate(text.split("\n")[:-1], 1):
        try:
            yield Record(**json.loads(line))
        except (TypeError, ValueError) as error:
            raise RenderError(f"{path.name}, line {number}: not a record of a training: {error}") from None


def summary(records: Iterable[Record]) -> list[dict[str, Any]]:
    """One row a stage, in the order they began: steps, seconds over all runs, loss and PSNR over the last records."""
    stages: dict[str, list[Record]] = {}
    for record in records:
        stages.setdefault(record.stage, []).append(record)
    return [_row(stage, kept) for stage, kept in stages.items()]


def _row(stage: str, records: list[Record]) -> dict[str, Any]:
    seconds, before = 0.0, 0.0
    for record in records:
        # A clock that went back is a run that was started again.
        seconds += record.seconds - (before if record.seconds >= before else 0)
        before = record.seconds
    steps = max(record.step for record in records)
    # A stage that went back to an earlier step repeats steps: the last record of a step is the one that counts.
    latest = {record.step: record for record in records}
    last = [latest[step] for step in sorted(latest)[-_LAST:]]
    row: dict[str, Any] = {"stage": stage, "steps": steps, "seconds": round(seconds)}
    row["loss"] = round(sum(record.loss for record in last) / len(last), 4)
    qualities = [record.psnr for record in last if record.psnr is not None]
    if qualities:
        row["psnr"] = round(sum(qualities) / len(qualities), 2)
    return row
