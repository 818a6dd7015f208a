"""What a render worker draws with: an exact engine, or the pipelines in a folder."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Final, Protocol

from node.errors import RenderError
from node.render.worker.wire import Hello, Request

if TYPE_CHECKING:
    from node.render.tolerance.recipe import PipelineRecipe

_MODEL: Final = Path(__file__).parents[1] / "model"


class AbsentError(Exception):
    """There is nothing to draw with now, and later there may be; the text says why."""


class Draws(Protocol):
    """What a worker process draws with."""

    def prepare(self) -> Hello:
        """Load and probe. Raises RenderError when nothing must be drawn with it, AbsentError when it is not there."""

    def draw(self, request: Request) -> Iterator[bytes]:
        """The PNGs of a request, in the order of its seeds. Raises RenderError."""

    def loaded(self, request: Request) -> bool:
        """Whether drawing it loads nothing more: only then may a cancellation break in."""


class Renderer:
    """How a worker draws. `engine` and `pipelines` are the configuration's render.engine and render.pipelines."""

    def __init__(self, engine: str = "auto", pipelines: Path | None = None) -> None:
        self.engine = engine
        self.pipelines = pipelines
        self._models: set[bytes] = set()

    def prepare(self) -> Hello:
        """Load and probe the engine. Raises RenderError when this machine must not render with it."""
        from node.render import model_digest
        from node.render.exact import probe

        found = probe.engine(_MODEL, self.engine)
        self._models.add(model_digest())
        return Hello(found.name, model_digest())

    def draw(self, request: Request) -> Iterator[bytes]:
        """The PNGs of a request, in the order of its seeds. Raises RenderError."""
        from node.render import render_batch
        from node.render.png import encode
        from node.render.recipe import Recipe

        recipe = request.recipe
        if not isinstance(recipe, Recipe):
            yield from self._pipeline(recipe, request)
            return
        pictures = render_batch(recipe, request.seeds, request.band, request.signals, engine=self.engine)
        self._models.add(recipe.model)
        for picture in pictures:
            yield encode(picture)

    def _pipeline(self, recipe: PipelineRecipe, request: Request) -> Iterator[bytes]:
        from node.render.png import encode
        from node.render.tolerance.painter import render as draw

        if self.pipelines is None:
            raise RenderError(f"recipe {recipe.name!r} names a pipeline, and render.pipelines names no folder of them")
        device = {"cuda": "cuda", "torch": "cpu"}.get(self.engine, "auto")
        for seed in request.seeds:
            yield encode(draw(recipe, seed, request.band, request.signals, pipelines=self.pipelines, device=device))
            self._models.add(recipe.model)

    def loaded(self, request: Request) -> bool:
        """Whether a picture of that model was drawn before, or its engine probed."""
        return request.recipe.model in self._models
