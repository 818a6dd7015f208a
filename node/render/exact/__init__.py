"""The exact renderer: diffusion in integers, one digest on every machine."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from node.render.exact.renderer import Renderer

__all__ = ["open_model"]


def open_model(folder: Path, engine: str = "numpy") -> Renderer:
    """The renderer of a model folder on an engine or a kernel: "numpy", "torch", or a name of `kernels.NAMES`.

    RenderError for a folder that cannot be loaded, or a kernel that this machine does not have.
    """
    from node.render.exact import renderer
    from node.render.exact.reference import Reference

    if engine == "numpy":
        return renderer.opened(folder, Reference())
    from node.render.exact import kernels
    from node.render.exact.tensors import Tensors

    return renderer.opened(folder, Tensors(kernels.build("float32" if engine == "torch" else engine)))
