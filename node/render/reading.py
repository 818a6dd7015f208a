"""Reads a recipe of either kind: exact, or agreed upon by tolerance."""

from __future__ import annotations

from typing import TypeAlias

from node.errors import RenderError
from node.render.document import parse
from node.render.recipe import FORMAT, Recipe
from node.render.tolerance import recipe as pipelines
from node.render.tolerance.recipe import PipelineRecipe

AnyRecipe: TypeAlias = Recipe | PipelineRecipe


def read_recipe(document: bytes) -> AnyRecipe:
    """The recipe in a JSON document, as its `format` says; RenderError lists everything that is wrong with it."""
    parsed = parse(document)
    kind = parsed.get("format") if isinstance(parsed, dict) else None
    if kind == FORMAT:
        return Recipe.from_json(document)
    if kind == pipelines.FORMAT:
        return pipelines.read(parsed)
    raise RenderError(f"recipe: format: must be {FORMAT!r} or {pipelines.FORMAT!r}")
