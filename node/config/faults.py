"""Faults of a configuration, gathered so that all of them are told at once."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from node.errors import ConfigError


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing that is wrong: its key, what is wrong with it, and what to do."""

    key: str
    problem: str
    fix: str

    def __str__(self) -> str:
        return f"{self.key}: {self.problem}; {self.fix}"


class FaultyConfigError(ConfigError):
    """A ConfigError that also holds its faults one by one, for programs."""

    def __init__(self, path: Path, faults: tuple[Fault, ...]) -> None:
        many = f"{len(faults)} faults" if len(faults) > 1 else "1 fault"
        lines = [f"{path}: {many}", *(f"  {fault}" for fault in faults)]
        if len(faults) == 1 and faults[0].key == path.name:  # the file as a whole
            lines = [f"{path}: {faults[0].problem}; {faults[0].fix}"]
        super().__init__("\n".join(lines))
        self.faults = faults


@dataclass(slots=True)
class Faults:
    """Where a reader of a configuration notes what is wrong, and then reads on."""

    found: list[Fault] = field(default_factory=list)

    def add(self, key: str, problem: str, fix: str) -> None:
        """Note one fault; the same one twice counts once."""
        if (fault := Fault(key, problem, fix)) not in self.found:
            self.found.append(fault)

    def raise_if_any(self, path: Path) -> None:
        """Raise FaultyConfigError with all faults so far."""
        if self.found:
            raise FaultyConfigError(path, tuple(self.found))
