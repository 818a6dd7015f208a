"""Looks at the configuration: every fault at once, and who else can read what should be secret."""

from __future__ import annotations

from dataclasses import is_dataclass
from typing import TYPE_CHECKING, Any, Final

from node.config.load import annotated
from node.config.schema import SECTIONS
from node.errors import KeyFileError
from node.keys.secrets import check_private

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from node.config import Config
    from node.preflight.facts import Facts
    from node.preflight.finding import Notes

_OPEN: Final = "other users can read"


async def check(facts: Facts, notes: Notes) -> None:
    """Note every fault by itself; where there is none, one line for each kind."""
    sound = facts.sound
    for fault in sound.settings:
        if _OPEN not in fault.problem:  # told below, of the file itself
            notes.fault("configuration.settings", fault.problem, fault.key, fault.fix)
    if not sound.settings:
        notes.ok("configuration.settings", f"{facts.path}: no fault in any key")
    files = [fault for fault in sound.files if _OPEN not in fault.problem]
    for fault in files:
        notes.fault("configuration.files", fault.problem, fault.key, fault.fix)
    if sound.config is None:
        notes.skip("configuration.files", "nothing of the configuration can be used")
        notes.skip("configuration.permissions", "nothing of the configuration can be used")
        return
    if not files:
        notes.ok("configuration.files", "every file that is named is there")
    _check_permissions(sound.config, notes)


def _check_permissions(config: Config, notes: Notes) -> None:
    closed, open_ = 0, False
    for name, path in dict.fromkeys(private_files(config)):
        try:
            check_private(path)
        except KeyFileError as error:
            if _OPEN in str(error):
                problem, _, fix = str(error).removeprefix(f"{path}: ").partition("; ")
                notes.fault("configuration.permissions", f"{path}: {problem}", name, fix)
                open_ = True
        else:
            closed += 1
    if not open_:
        notes.ok("configuration.permissions", f"{closed} files with secrets, for this user alone")


def private_files(config: Config) -> Iterator[tuple[str, Path]]:
    """Every file that is to be this user's alone, with the key that names it; those of the environment's are none."""
    for section in SECTIONS:
        yield from _private(getattr(config, section), section)


def _private(table: Any, where: str) -> Iterator[tuple[str, Path]]:
    for each, _, key in annotated(type(table)):
        value, name = getattr(table, each.name), f"{where}.{each.name}"
        if isinstance(value, tuple):
            for position, item in enumerate(value, 1):
                if is_dataclass(item):  # tables of their own: brokers, publishing targets
                    yield from _private(item, f"{name}[{position}]")
        elif key.exists == "private file" and value is not None:
            yield name, value
