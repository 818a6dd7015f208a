"""Reads a recipe of either kind: exact, or agreed upon by tolerance."""

from __future__ import annotations

from pathlib import Path
from typing import TypeAlias

from node.bounded import read_at_most
from node.errors import RenderError
from node.render.document import MAX_BYTES, parse
from node.render.recipe import FORMAT, Recipe
from node.render.tolerance import recipe as pipelines
from node.render.tolerance.recipe import PipelineRecipe

AnyRecipe: TypeAlias = Recipe | PipelineRecipe


def read_recipe_file(path: Path) -> AnyRecipe:
    """The recipe in a file; RenderError, which names the file, for one that cannot be read or is no recipe."""
    try:
        return read_recipe(read_at_most(path, MAX_BYTES))
    except (OSError, ValueError) as error:
        said = error.strerror if isinstance(error, OSError) else "no file's name"
        raise RenderError(f"{path}: cannot be read ({said}); give a readable JSON file") from None
    except RenderError as error:
        raise RenderError(f"{path}: {error}") from None


def read_recipe(document: bytes) -> AnyRecipe:
    """The recipe in a JSON document, as its `format` says; RenderError lists everything that is wrong with it."""
    parsed = parse(document)
    kind = parsed.get("format") if isinstance(parsed, dict) else None
    if kind == FORMAT:
        return Recipe.from_json(document)
    if kind == pipelines.FORMAT:
        return pipelines.read(parsed)
    raise RenderError(f"recipe: format: must be {FORMAT!r} or {pipelines.FORMAT!r}")
