"""Draws a pipeline recipe's picture: precision pinned, seeds ours, nothing fetched, no foreign code."""

from __future__ import annotations

import inspect
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from node.errors import RenderError
from node.render.tolerance.chance import OwnNoise, noise_seed
from node.render.tolerance.folder import find_pipeline, model_index, pipeline_digest
from node.render.tolerance.recipe import PipelineRecipe
from node.render.worker.memory import is_full

LIBRARIES = ("diffusers", "transformers")


def render(
    recipe: PipelineRecipe, seed: bytes, band: int, signals: Sequence[int], *, pipelines: Path, device: str = "auto"
) -> NDArray[np.uint8]:
    """The picture of a 32-byte token seed in a band under signed wads, uint8 (height, width, 3).

    `pipelines` is the folder of pipeline folders; `device` a torch device, or "auto": CUDA where there is one. Call
    it in a worker process. Raises RenderError for a pipeline that is not there, cannot be loaded or does not take what
    the recipe tells it, for a band or signals that the recipe does not have, and for a seed that is not 32 bytes.
    """
    recipe.band(band, signals)
    folder = find_pipeline(pipelines, recipe.model)
    place = device if device != "auto" else "cuda" if torch.cuda.is_available() else "cpu"
    return draw(load(folder, recipe.model, recipe.precision, place), recipe, seed, band, signals)


@lru_cache(maxsize=1)
def load(folder: Path, digest: bytes, precision: str, device: str) -> Any:
    """The pipeline of a folder, ready to draw. The last one is kept: a large one fills a machine.

    Raises RenderError unless the folder has this digest and holds a pipeline of diffusers with safetensors weights.
    """
    import diffusers

    if pipeline_digest(folder) != digest:
        raise RenderError(f"pipeline {folder.name}: is {pipeline_digest(folder).hex()}, not {digest.hex()}")
    name, components = model_index(folder)
    kind = getattr(diffusers, name, None)
    if not inspect.isclass(kind) or not issubclass(kind, diffusers.DiffusionPipeline):
        raise RenderError(f"pipeline {folder.name}: diffusers {diffusers.__version__} has no pipeline {name}")
    for key, (library, _) in components.items():
        if library not in LIBRARIES and not hasattr(diffusers.pipelines, library):
            raise RenderError(f"pipeline {folder.name}: {key} comes from {library!r}, which is no part of diffusers")
    _be_quiet()
    try:
        loaded: Any = kind.from_pretrained(  # type: ignore[no-untyped-call]
            str(folder),
            dtype=getattr(torch, precision),
            local_files_only=True,
            use_safetensors=True,
            trust_remote_code=False,
        ).to(device)
    except Exception as error:  # foreign weights and configurations fail in every way there is
        if is_full(error):
            raise
        raise RenderError(f"pipeline {folder.name}: cannot be loaded: {type(error).__name__}: {error}") from error
    loaded.set_progress_bar_config(disable=True)
    for component in loaded.components.values():
        if isinstance(component, torch.nn.Module):
            component.eval()
    return loaded


def draw(pipeline: Any, recipe: PipelineRecipe, seed: bytes, band: int, signals: Sequence[int]) -> NDArray[np.uint8]:
    """The picture that a loaded pipeline draws, uint8 (height, width, 3); RenderError as `render` says."""
    if len(seed) != 32:
        raise RenderError(f"seed: {len(seed)} bytes instead of 32")
    told = _told(pipeline, recipe, band, signals)
    start = noise_seed(bytes(seed), band if recipe.noise == "band" else None)
    try:
        with pinned(), torch.inference_mode(), OwnNoise(start):
            pictures = pipeline(**told).images
    except RenderError:
        raise
    except Exception as error:  # whatever a foreign pipeline does, the node must hear of it in one line
        if is_full(error):
            raise
        raise RenderError(f"recipe {recipe.name!r}: the pipeline failed: {type(error).__name__}: {error}") from error
    picture = np.asarray(pictures)[0]
    if picture.shape != (recipe.height, recipe.width, 3):
        raise RenderError(
            f"recipe {recipe.name!r}: the pipeline drew {picture.shape}, not {(recipe.height, recipe.width, 3)}"
        )
    if not np.isfinite(picture).all():
        raise RenderError(f"recipe {recipe.name!r}: the pipeline drew numbers that are none, in {recipe.precision}")
    # As diffusers itself turns 0..1 into pixels (image_processor.numpy_to_pil).
    return np.asarray((picture.astype(np.float64) * 255).round().clip(0, 255), np.uint8)


def _told(pipeline: Any, recipe: PipelineRecipe, band: int, signals: Sequence[int]) -> dict[str, Any]:
    """The arguments of the pipeline's call; RenderError names all that the recipe says and the pipeline cannot hear."""
    takes = inspect.signature(pipeline.__call__).parameters
    chosen = recipe.band(band, signals)
    wanted: dict[str, Any] = {"num_inference_steps": recipe.steps, "output_type": "np"}
    if recipe.guidance is not None:
        wanted["guidance_scale"] = recipe.guidance / 100
    if chosen.prompt is not None:
        wanted["prompt"] = chosen.prompt
    if chosen.negative_prompt is not None:
        wanted["negative_prompt"] = chosen.negative_prompt
    if chosen.class_label is not None:
        wanted["class_labels"] = [chosen.class_label]
    deaf = [name for name in wanted if name not in takes]
    if deaf:
        raise RenderError(f"recipe {recipe.name!r}: {type(pipeline).__name__} does not take {', '.join(deaf)}")
    # A pipeline without these draws in the size that its folder says, which is checked on the picture.
    sides = {"width": recipe.width, "height": recipe.height}
    return wanted | {side: length for side, length in sides.items() if side in takes}


def _be_quiet() -> None:
    from diffusers.utils import logging

    logging.disable_progress_bar()
    logging.set_verbosity_error()
    try:
        import transformers
    except ImportError:  # the extra `pipelines`: text-free pipelines do without
        return
    transformers.utils.logging.disable_progress_bar()  # type: ignore[no-untyped-call]
    transformers.utils.logging.set_verbosity_error()  # type: ignore[no-untyped-call]


@contextmanager
def pinned() -> Iterator[None]:
    """Full precision, and deterministic kernels where there are any, while a picture is drawn; then as it was."""
    # cuBLAS is deterministic only with this (PyTorch notes, "Reproducibility"); it is read when CUDA starts.
    os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")
    cuda, cudnn = torch.backends.cuda.matmul, torch.backends.cudnn
    strict, warn = torch.are_deterministic_algorithms_enabled(), torch.is_deterministic_algorithms_warn_only_enabled()
    before = torch.get_float32_matmul_precision(), cudnn.allow_tf32, cudnn.benchmark
    reduced = cuda.allow_fp16_reduced_precision_reduction
    try:
        # No kernel at all is no reason to refuse: what it may differ by is what the tolerance is for.
        torch.use_deterministic_algorithms(True, warn_only=True)
        torch.set_float32_matmul_precision("highest")
        cudnn.allow_tf32, cudnn.benchmark = False, False
        cuda.allow_fp16_reduced_precision_reduction = False
        yield
    finally:
        cuda.allow_fp16_reduced_precision_reduction = reduced
        torch.set_float32_matmul_precision(before[0])
        cudnn.allow_tf32, cudnn.benchmark = before[1], before[2]
        torch.use_deterministic_algorithms(strict, warn_only=warn)
