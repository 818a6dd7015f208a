"""Pipeline folders: what is in one, whether it may be opened, and the digest that names it.

The digest is sha2-256 over every file: in the order of their names (relative, with slashes, as UTF-8), for each its
name, a zero byte, its length in 8 bytes and its bytes. Names that begin with a dot (`.git`, `.cache`) are no part of a
pipeline: nothing opens them.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import stat
from collections.abc import Iterator, Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any, Final

from node.errors import RenderError

INDEX: Final = "model_index.json"
SUFFIXES: Final = (".json", ".jinja", ".md", ".model", ".safetensors", ".txt")
"""What a pipeline may consist of. Everything that could hold a pickle or a program is outside."""
PLAIN: Final = re.compile(r"(LICEN[CS]E|NOTICE)[A-Za-z0-9._-]*")
MAX_FILES: Final = 10_000
_PIECE: Final = 1 << 20
_Print = tuple[tuple[str, int, int, int], ...]


def pipeline_digest(folder: Path) -> bytes:
    """The 32-byte digest of a pipeline folder.

    Hashed once for as long as no file's size, inode or time of change differs. Raises RenderError for a folder that
    must not be opened (a link, a pickle, a program or anything else that is no part of a safetensors pipeline),
    with everything that is wrong with it.
    """
    return _hashed(folder, _fingerprint(folder))


def find_pipeline(pipelines: Path, digest: bytes) -> Path:
    """The folder with this digest among the folders in `pipelines`; RenderError where there is none.

    A folder there that must not be opened does not stand in the way of another; it is named if none is found.
    """
    faults = []
    for folder in sorted(entry.parent for entry in pipelines.glob(f"*/{INDEX}")):
        try:
            if pipeline_digest(folder) == digest:
                return folder
        except RenderError as error:
            faults.append(str(error))
    seen = "; ".join(faults) or "put the folder that the artist published there"
    raise RenderError(f"no pipeline with digest {digest.hex()} in {pipelines}: {seen}")


def model_index(folder: Path) -> tuple[str, Mapping[str, tuple[str, str]]]:
    """The pipeline's class, and (library, class) of each component that it has.

    Raises RenderError unless model_index.json names them in diffusers' own way, without code of its own.
    """
    try:
        index: Any = json.loads((folder / INDEX).read_bytes())
    except (OSError, ValueError, RecursionError) as error:
        raise RenderError(f"pipeline {folder.name}: {INDEX} cannot be read: {error}") from None
    name = index.get("_class_name") if isinstance(index, dict) else None
    if not isinstance(name, str) or not name.isidentifier():
        raise RenderError(f"pipeline {folder.name}: {INDEX} names no pipeline of diffusers in _class_name")
    components: dict[str, tuple[str, str]] = {}
    for key, value in index.items():
        if key.startswith("_") or not isinstance(value, list) or value == [None, None]:
            continue
        if len(value) != 2 or not all(isinstance(part, str) and part.isidentifier() for part in value):
            raise RenderError(
                f"pipeline {folder.name}: {INDEX} says of {key!r} neither a library and a class, nor null"
            )
        components[key] = (value[0], value[1])
    return name, components


def _entries(folder: Path) -> Iterator[tuple[str, os.stat_result]]:
    """Every file and link below, by its relative name; links are told of and not followed."""
    try:
        for root, folders, files in os.walk(folder, followlinks=False, onerror=_raise):
            folders[:] = [name for name in folders if not name.startswith(".")]
            for name in [*folders, *files]:
                if not name.startswith("."):
                    path = Path(root, name)
                    found = path.lstat()
                    if not stat.S_ISDIR(found.st_mode):
                        yield path.relative_to(folder).as_posix(), found
    except OSError as error:
        raise RenderError(f"pipeline {folder.name}: cannot be read: {error.strerror}") from None


def _raise(error: OSError) -> None:
    raise error


def _fingerprint(folder: Path) -> _Print:
    faults, found = list[str](), list[tuple[str, int, int, int]]()
    for name, entry in _entries(folder):
        last = name.rpartition("/")[2]
        if stat.S_ISLNK(entry.st_mode):
            faults.append(f"{name} is a link: copy the file itself")
        elif not stat.S_ISREG(entry.st_mode):
            faults.append(f"{name} is no plain file")
        elif not last.endswith(SUFFIXES) and not PLAIN.fullmatch(last):
            faults.append(f"{name} is neither safetensors nor text: pickles and programs are never opened, remove it")
        found.append((name, entry.st_size, entry.st_ino, entry.st_mtime_ns))
        if len(found) > MAX_FILES:
            raise RenderError(f"pipeline {folder.name}: more than {MAX_FILES} files")
    if INDEX not in {name for name, *_ in found}:
        faults.append(f"{INDEX} is missing")
    if faults:
        raise RenderError(f"pipeline {folder.name}: " + "; ".join(sorted(faults)[:20]))
    return tuple(sorted(found, key=lambda one: one[0].encode("utf-8", "surrogateescape")))


@lru_cache(maxsize=64)
def _hashed(folder: Path, found: _Print) -> bytes:
    total = hashlib.sha256(b"patina-pipeline/1\0")
    try:
        for name, size, _, _ in found:
            total.update(name.encode("utf-8", "surrogateescape") + b"\0" + size.to_bytes(8, "big"))
            read = 0
            with (folder / name).open("rb") as file:
                while piece := file.read(_PIECE):
                    total.update(piece)
                    read += len(piece)
            if read != size:
                raise RenderError(f"pipeline {folder.name}: {name} changed while it was read")
    except OSError as error:
        raise RenderError(f"pipeline {folder.name}: cannot be read: {error.strerror}") from None
    return total.digest()
