"""Reads what is sound of a faulty configuration, so that one wrong key keeps nothing else from being looked at."""

from __future__ import annotations

import copy
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from node.config import Config
from node.config.faults import Fault, FaultyConfigError
from node.config.load import ENDPOINTS_VARIABLE, parse, read_document
from node.config.schema import HTTP
from node.config.values import fault_of_url
from node.errors import KeyFileError
from node.keys.address import checksum_address
from node.keys.secrets import read_unguarded

_ROUNDS: Final = 6
"""A key that is taken out may uncover the fault of another; beyond so many, the rest is not looked at."""
_BROKER: Final = re.compile(r"gossip\.brokers\[(\d+)\](?:\.(\w+))?")
_PLACEHOLDERS: Final[dict[str, Any]] = {
    "id": 1,
    "oracle": checksum_address("0x" + "00" * 19 + "01"),
    "endpoints": ["http://127.0.0.1:1"],
}
_NO_BROKER: Final = {"url": "mqtt://127.0.0.1:1"}


@dataclass(frozen=True, slots=True)
class Sound:
    """A configuration without its faults; `lacking` says of what else it says nothing ("chain", "brokers").

    `settings` are the faults of what stands in the file, `files` those of what it names.
    """

    config: Config | None
    settings: tuple[Fault, ...]
    files: tuple[Fault, ...]
    lacking: frozenset[str]


def read_sound(path: Path, environ: Mapping[str, str] | None = None) -> Sound:
    """Read a configuration, its faults aside; nothing is raised for what is wrong with it."""
    environ = os.environ if environ is None else environ
    path = path.absolute()
    try:
        tables = parse(path)
    except FaultyConfigError as error:
        return Sound(None, error.faults, (), frozenset())
    settings = _faults(tables, path, environ, check_files=False)
    files = [one for one in _faults(tables, path, environ, check_files=True) if one not in settings]
    lacking: set[str] = set()
    for _ in range(_ROUNDS):
        try:
            config = read_document(copy.deepcopy(tables), path, environ=environ, check_files=False)
        except FaultyConfigError as error:
            if any(fault.key == ENDPOINTS_VARIABLE for fault in error.faults):
                environ = {name: value for name, value in environ.items() if name != ENDPOINTS_VARIABLE}
                lacking.add("chain")
            lacking |= _mend(tables, error.faults, path.parent)
        else:
            return Sound(config, tuple(settings), tuple(files), frozenset(lacking))
    return Sound(None, tuple(settings), tuple(files), frozenset())


def _faults(tables: dict[str, Any], path: Path, environ: Mapping[str, str], *, check_files: bool) -> list[Fault]:
    try:
        read_document(copy.deepcopy(tables), path, environ=environ, check_files=check_files)
    except FaultyConfigError as error:
        return list(error.faults)
    return []


def _mend(tables: dict[str, Any], faults: tuple[Fault, ...], base: Path) -> set[str]:
    """Take what is at fault out of `tables`; return what then is not told any more."""
    lacking: set[str] = set()
    # From behind, so that the positions of the others stay what they were.
    for fault in sorted(faults, key=lambda one: one.key, reverse=True):
        if fault.key.startswith("gossip.brokers") or fault.key == "gossip":
            lacking |= _mend_brokers(tables, fault.key)
            continue
        section, _, name = fault.key.partition(".")
        name = re.split(r"[ \[]", name, maxsplit=1)[0]
        table = tables.get(section)
        if section == "chain" and name in _PLACEHOLDERS:
            lacking.add("chain")
            tables["chain"] = {**(table if isinstance(table, dict) else {}), name: _PLACEHOLDERS[name]}
        elif not name or not isinstance(table, dict):
            tables.pop(section, None)
        elif name == "endpoints_file":
            urls = _readable(base, table.pop(name, None))
            table["endpoints"] = [*table.get("endpoints", []), *urls]
        else:
            table.pop(name, None)
    return lacking


def _mend_brokers(tables: dict[str, Any], key: str) -> set[str]:
    gossip = tables.get("gossip")
    brokers = gossip.get("brokers") if isinstance(gossip, dict) else None
    found = _BROKER.fullmatch(key)
    if not isinstance(brokers, list) or found is None:
        tables["gossip"] = {"brokers": [_NO_BROKER]}
        return {"brokers"}
    position, name = int(found[1]) - 1, found[2]
    if position < len(brokers) and isinstance(brokers[position], dict) and name in brokers[position] and name != "url":
        del brokers[position][name]
    elif position < len(brokers):
        del brokers[position]
    if not brokers:
        brokers.append(dict(_NO_BROKER))
        return {"brokers"}
    return set()


def _readable(base: Path, named: object) -> list[str]:
    """The sound URLs of an endpoints file, whoever else can read it."""
    if not isinstance(named, str):
        return []
    try:
        lines = [line.strip() for line in read_unguarded(base / Path(named).expanduser()).splitlines()]
    except (KeyFileError, RuntimeError, ValueError):
        return []
    return [one for one in lines if one and not one.startswith("#") and not fault_of_url(one, HTTP)]
