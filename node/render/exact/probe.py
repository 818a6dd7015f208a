"""Lets an engine draw only after it was right here: each layer's shape against int64, and one known picture."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from node.errors import RenderError
from node.render import noise
from node.render.exact import kernels
from node.render.exact.inputs import LATENT, Inputs
from node.render.exact.kernels import Kernel
from node.render.exact.reference import Reference
from node.render.exact.renderer import Renderer, opened
from node.render.guide import guide, layout_map
from node.render.scene import CELLS, conditions, scene

GOLDEN: Final = "golden.json"
"""The known picture's file in a model folder."""
ENGINES: Final = ("auto", "numpy", "torch", "cuda")
"""What can be asked for, beside the kernels' own names: `auto` is a GPU if there is one, then the best CPU kernel."""
_KERNELS: Final = {"torch": ("int8", "float32"), "cuda": ("cuda",)}
# Every layer is used in the first step already; the second one shows that the scheduler feeds it what came of it.
_STEPS: Final = 2
_SEED: Final = bytes(range(32))
_MOOD: Final = 6
_LEVELS: Final = (90, 60, 150)
"""Volatility, drawdown and flow."""


@dataclass(frozen=True)
class Engine:
    """A renderer that was found right, and what must be held while it draws."""

    name: str
    renderer: Renderer
    torch: bool

    def draw(self, pictures: Sequence[Inputs], steps: int) -> list[NDArray[np.uint8]]:
        """Draw one batch: uint8 (512, 512, 3) each."""
        with self.pinned():
            return self.renderer.draw(pictures, steps)

    def pinned(self) -> AbstractContextManager[None]:
        """What holds torch to exact sums; nothing for numpy."""
        return kernels.pinned() if self.torch else nullcontext()


@cache
def engine(folder: Path, name: str = "auto") -> Engine:
    """The engine of this name for a model folder, opened and probed once per process.

    Raises:
        RenderError: there is no such engine, or no kernel of it gives the right sums on this machine: the text says
            which ones failed, how, and what to do.
    """
    if name == "numpy":
        return Engine(name, opened(folder, Reference()), torch=False)
    refused = []
    for kernel in _choice(name):
        try:
            found = opened_on(folder, kernels.build(kernel))
            check(found, folder)
        except RenderError as error:
            refused.append(str(error))
        else:
            return found
    raise RenderError(f"engine {name}: this machine cannot draw exactly with it: {'; '.join(refused)}")


def check(found: Engine, folder: Path) -> None:
    """Draw the model folder's known picture.

    Raises:
        RenderError: it came out otherwise than on the machine that exported the model, or the file is missing.
    """
    try:
        want = json.loads((folder / GOLDEN).read_bytes())["sha256"]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise RenderError(f"model: {folder.name}/{GOLDEN} cannot be read: {error}") from error
    got = _picture(found)
    if got != want:
        raise RenderError(
            f"kernel {found.name}: the model's known picture has the digest {got} here instead of {want}, though each"
            " layer's sums are right: this torch does something else between them; choose engine numpy"
        )


def golden(folder: Path, name: str = "numpy") -> str:
    """The text of a model folder's `golden.json`, drawn by the reference: some 20 seconds."""
    found = opened_on(folder, kernels.build(name)) if name != "numpy" else engine.__wrapped__(folder, name)
    return json.dumps({"sha256": _picture(found)}, indent=2) + "\n"


def opened_on(folder: Path, kernel: Kernel) -> Engine:
    """A model folder's renderer on a kernel, each new shape held to int64, the known picture not asked for."""
    from node.render.exact.kernels.witness import Witnessed
    from node.render.exact.tensors import Tensors

    return Engine(kernel.name, opened(folder, Tensors(Witnessed(kernel))), torch=True)


def _choice(name: str) -> tuple[str, ...]:
    if name == "auto":
        return (*(_KERNELS["cuda"] if _has_gpu() else ()), *_KERNELS["torch"])
    if name in _KERNELS:
        return _KERNELS[name]
    if name in kernels.NAMES:
        return (name,)
    raise RenderError(f"engine {name!r}: there is none of this name; known are {', '.join(ENGINES)}")


def _has_gpu() -> bool:
    import torch

    return torch.cuda.is_available()


def _picture(found: Engine) -> str:
    """The digest of the known picture's pixels. It needs no recipe: a recipe names the digest of the whole model."""
    volatility, drawdown, flow = _LEVELS
    place = scene(_SEED, drawdown, flow)
    start = noise.normal(_SEED, LATENT * CELLS * CELLS).reshape(LATENT, CELLS, CELLS)
    what = conditions(place, _MOOD, volatility, drawdown, flow).astype(np.int64)
    sharp = guide(place, _MOOD, volatility)
    (picture,) = found.draw([Inputs(start, layout_map(place, sharp), what, sharp)], _STEPS)
    return hashlib.sha256(picture.tobytes()).hexdigest()
