"""Puts a quantised model in its place: checked first, with its card, and all or nothing."""

from __future__ import annotations

import hashlib
import shutil
from pathlib import Path
from typing import Any, Final

from node.errors import RenderError
from node.render.train import card, records

LARGEST: Final = 12_000_000  # bytes of a model folder: it lives in git and on every node


def put(quantised: Path, model: Path, known: dict[str, Any]) -> None:
    """Replaces the folder `model` by a copy of `quantised` with its card; `known` is what the card tells.

    The copy is complete before the old folder moves away, so whatever is cut off leaves a whole model: the old one,
    the new one, or, between two renames, the old one under the name `.model.old`, which the next call puts back.
    """
    fresh, old = model.with_name(f".{model.name}.new"), model.with_name(f".{model.name}.old")
    restore(model)
    shutil.rmtree(fresh, ignore_errors=True)
    try:
        shutil.copytree(quantised, fresh)
        card.write(fresh, known)
        for path in fresh.rglob("*"):
            path.chmod(0o755 if path.is_dir() else 0o644)
        if model.exists():
            model.rename(old)
        try:
            fresh.rename(model)
        except OSError:
            restore(model)
            raise
    except OSError as error:
        raise RenderError(f"{model} cannot be written: {error}") from error
    finally:
        shutil.rmtree(fresh, ignore_errors=True)
    shutil.rmtree(old, ignore_errors=True)


def restore(model: Path) -> None:
    """Puts back the old model that a cut-off `put` had moved away."""
    old = model.with_name(f".{model.name}.old")
    if old.exists():
        if model.exists():
            shutil.rmtree(old)
        else:
            old.rename(model)


def files(folder: Path) -> dict[str, dict[str, Any]]:
    """Size and digest of every file of a model but its card; RenderError if there are none, or too many bytes."""
    found: dict[str, dict[str, Any]] = {}
    for path in sorted(folder.rglob("*")):
        name = path.relative_to(folder).as_posix()
        if path.is_file() and name not in (card.CARD, card.FACTS):
            content = path.read_bytes()
            found[name] = {"bytes": len(content), "sha256": hashlib.sha256(content).hexdigest()}
    if not found:
        raise RenderError(f"{folder} holds no model: `patina model quantise` makes one")
    total = sum(int(file["bytes"]) for file in found.values())
    if total > LARGEST:
        raise RenderError(f"{folder}: {total:,} bytes, a model may have {LARGEST:,}")
    return found


def known(work: Path, folder: Path, parameters: int, pictures: int, size: int) -> dict[str, Any]:
    """What the card of a quantised model tells before it is measured."""
    return {
        "data": {"pictures": pictures, "size": size},
        "parameters": parameters,
        "training": records.summary(records.read(work / records.FILE)),
        "files": files(folder),
    }
