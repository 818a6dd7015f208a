"""What exact pictures cost: against float32 diffusers with the same network, by kind of step, with the pool, as PNG."""

from __future__ import annotations

import asyncio
import io
import os
import statistics
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import cache, partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from node import render
from node.errors import RenderError
from node.render.recipe import Recipe

MODEL = Path(render.__file__).parent / "model"
ROUNDS = 5
BAND = 3
SIGNALS = (10**16, 10**16, 0)
SEEDS = tuple(bytes([7 + i]) * 32 for i in range(4))
MOST = {"float32": 1.1, "int8": 0.9}
"""Kernel -> the most CPU time that it may take, as a ratio to float32 diffusers."""
FLOAT = "float32 diffusers"


@cache
def _asked() -> list[Any]:
    from node.render.exact.inputs import inputs

    return [inputs(Recipe.for_bands(6, "bench"), seed, BAND, SIGNALS) for seed in SEEDS]


def float_drawing(steps: int) -> Callable[[Sequence[Any]], object]:
    """UNet2DModel, DDIMScheduler and the decoder in float32, channels last, with weights of no meaning."""
    import torch
    from diffusers import DDIMScheduler

    from node.render.exact.quantise.export import SCHEDULE
    from node.render.network import Decoder, Denoiser, scaled_conditions, scaled_guide, scaled_layout

    torch.manual_seed(1)
    denoiser, decoder = Denoiser().eval(), Decoder().eval()
    for network in (denoiser, decoder):
        network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]

    def stacked(parts: Iterator[NDArray[Any]]) -> torch.Tensor:
        return torch.from_numpy(np.stack(list(parts)))

    def draw(pictures: Sequence[Any]) -> object:
        scheduler: Any = DDIMScheduler(**SCHEDULE)  # type: ignore[no-untyped-call]
        scheduler.set_timesteps(steps)
        layout = scaled_layout(stacked(picture.layout for picture in pictures))
        what = scaled_conditions(stacked(picture.conditions for picture in pictures))
        guide = scaled_guide(stacked(picture.guide for picture in pictures))
        latent = stacked(picture.noise for picture in pictures).float() / 4096
        with torch.inference_mode():
            for at in scheduler.timesteps:
                velocity = denoiser(latent.contiguous(memory_format=torch.channels_last), at, layout, what)
                latent = scheduler.step(velocity, int(at), latent).prev_sample
            out = decoder(latent.contiguous(memory_format=torch.channels_last), layout, what, guide)
            return (out * 127.5 + 128).floor().clamp(0, 255).to(torch.uint8).permute(0, 2, 3, 1).contiguous()

    return draw


@cache
def engines() -> dict[str, Any]:
    """The kernels that this machine can use, opened and probed."""
    from node.render.exact import probe

    found = {}
    for name in MOST:
        try:
            found[name] = probe.engine(MODEL, name)
        except RenderError as error:
            sys.stderr.write(f"{error}\n")
    return found


def _draw(engine: Any, steps: int, pictures: Any) -> Any:
    return engine.draw(pictures, steps)


def interleaved(batch: int) -> dict[str, list[float]]:
    """CPU seconds of one thread for an image, in rounds in which each takes its turn."""
    import torch

    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    steps = Recipe.for_bands(6, "bench").steps
    drawing = {FLOAT: float_drawing(steps)}
    for name, engine in engines().items():
        drawing[name] = partial(_draw, engine, steps)
    taken: dict[str, list[float]] = {name: [] for name in drawing}
    for turn in range(ROUNDS + 1):
        for name, draw in drawing.items():
            # Time on the CPU, since a machine that does other work too would be measured with it.
            started = time.process_time()
            draw(_asked()[:batch])
            if turn:
                taken[name].append((time.process_time() - started) / batch)
    torch.set_num_threads(threads)
    return taken


def kinds(name: str) -> dict[str, float]:
    """CPU milliseconds of one image by kind of step, on a kernel."""
    from node.render.exact import decoder, scheduler
    from node.render.exact.embedding import Embedding
    from node.render.exact.tensors import Tensors
    from node.render.png import encode

    engine, spent, inside = engines()[name], dict[str, float](), [0.0]

    @contextmanager
    def counted(kind: str) -> Iterator[None]:
        # What is counted within is not counted again without.
        started, outer = time.process_time(), inside[0]
        inside[0] = 0.0
        yield
        total = time.process_time() - started
        spent[kind] = spent.get(kind, 0.0) + total - inside[0]
        inside[0] = outer + total

    moving = dict.fromkeys(("operand", "concat", "double", "shuffle", "wide", "bytes"), "moving numbers about")
    places: list[tuple[type, str, str]] = [
        (Tensors, "conv", "convolutions"),
        (Tensors, "norm", "norms and their tables"),
        (Tensors, "attention", "attention"),
        (Tensors, "narrow", "narrowing"),
        (Tensors, "add", "residual sums"),
        (Embedding, "rows", "embedding"),
        (scheduler.Schedule, "step", "scheduler"),
        *((Tensors, part, kind) for part, kind in moving.items()),
    ]
    in_decoder = [""]
    saved = [(owner, part, getattr(owner, part)) for owner, part, _ in places]
    saved.append((decoder.Decoder, "pixels", decoder.Decoder.pixels))

    def wrapped(whole: Callable[..., Any], kind: str) -> Callable[..., Any]:
        def call(*arguments: Any) -> Any:
            with counted(f"{in_decoder[0]}{kind}"):
                return whole(*arguments)

        return call

    def pixels(*arguments: Any) -> Any:
        in_decoder[0] = "decoder: "
        with counted("other"):
            out = saved[-1][2](*arguments)
        in_decoder[0] = ""
        return out

    try:
        for (owner, part, whole), (_, _, kind) in zip(saved, places, strict=False):
            setattr(owner, part, wrapped(whole, kind))
        setattr(decoder.Decoder, "pixels", pixels)  # noqa: B010 - put back below, like the rest
        with counted("other"):
            (picture,) = engine.draw(_asked()[:1], Recipe.for_bands(6, "bench").steps)
    finally:
        for owner, part, whole in saved:
            setattr(owner, part, whole)
    with counted("PNG"):
        encode(picture)
    return {kind: 1000 * seconds for kind, seconds in sorted(spent.items(), key=lambda item: -item[1])}


def png() -> dict[str, float]:
    """Bytes and milliseconds of a picture's PNG, by the node and by Pillow at its defaults."""
    from PIL import Image

    from node.render.png import encode

    (picture,) = engines()["float32"].draw(_asked()[:1], Recipe.for_bands(6, "bench").steps)

    def pillow() -> bytes:
        into = io.BytesIO()
        Image.fromarray(picture).save(into, "PNG")
        return into.getvalue()

    figures: dict[str, float] = {}
    for name, make in (("node", partial(encode, picture)), ("Pillow", pillow)):
        taken = []
        for _ in range(ROUNDS):
            started = time.process_time()
            made = make()
            taken.append(time.process_time() - started)
        figures |= {f"{name} bytes": len(made), f"{name} ms": 1000 * statistics.median(taken)}
    return figures


def pooled(workers: int, count: int = 12) -> float:
    """Images per second, PNG included, of warm worker processes: wall time."""
    from node.render.pool import RenderSettings, local_pool

    async def work() -> float:
        settings = RenderSettings(workers=workers, batch=2, devices=("cpu",), nice=0)
        recipe = Recipe.for_bands(6, "bench")
        pool = local_pool(settings)
        try:
            await pool.render(recipe, [bytes([i]) * 32 for i in range(2 * workers)], BAND, SIGNALS)
            started = time.perf_counter()
            await pool.render(recipe, [bytes([100 + i]) * 32 for i in range(count)], BAND, SIGNALS)
            return count / (time.perf_counter() - started)
        finally:
            await pool.aclose()

    return asyncio.run(work())


@cache
def rows() -> list[dict[str, Any]]:
    """Every figure: what, value, unit, and for ratios the most that they may be."""
    found: list[dict[str, Any]] = []
    for batch in (1, 4):
        taken = interleaved(batch)
        for name, seconds in taken.items():
            found.append(_row(f"{name}, batch {batch}", round(statistics.median(seconds), 3), "CPU s an image"))
        for name in engines():
            ratio = statistics.median(a / b for a, b in zip(taken[name], taken[FLOAT], strict=True))
            found.append(_row(f"{name} to {FLOAT}, batch {batch}", round(ratio, 2), "ratio", MOST[name]))
    for name in engines():
        found += [_row(f"{name}: {kind}", round(spent, 1), "CPU ms") for kind, spent in kinds(name).items()]
    found += [_row(f"PNG, {what}", round(value), what.split()[-1]) for what, value in png().items()]
    workers = os.cpu_count() or 1
    found.append(_row(f"pool of {workers}", round(pooled(workers), 2), "images a second"))
    return found


def _row(what: str, value: float, unit: str, most: float | None = None) -> dict[str, Any]:
    return {"what": what, "value": value, "unit": unit, "most": most}


def main() -> int:
    """Print the table; 1 if a ratio is above what it may be."""
    missed = False
    for row in rows():
        over = row["most"] is not None and row["value"] > row["most"]
        missed |= over
        most = "" if row["most"] is None else f"at most {row['most']}"
        sys.stdout.write(f"{row['what']:44}{row['value']:>10}  {row['unit']:16}{most}{'  missed' if over else ''}\n")
    return int(missed)


if __name__ == "__main__":
    sys.exit(main())
