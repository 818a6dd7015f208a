"""Draws the same pictures under many settings and compares their digests: one each, or exit status 1.

`make exactness` runs it wide. Settings that a process reads once (instruction sets) get processes of their own.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from node.errors import RenderError

MODEL = Path(__file__).parents[1] / "node" / "render" / "model"
BANDS = 8
# Threads that wait for each other sleep: in a loop they would take minutes where something else wants a core.
_PATIENT = {"OMP_WAIT_POLICY": "passive"}


@dataclass(frozen=True)
class Setting:
    """How pictures are drawn: `engine` is numpy or a kernel, `env` what the process starts with.

    `precision` is asked of oneDNN and CUDA beforehand (bf16, tf32); `loose` leaves it in force while drawing.
    """

    name: str
    engine: str = "float32"
    env: dict[str, str] = field(default_factory=dict)
    threads: int = 1
    batch: int = 1
    onednn: bool = True
    planar: bool = False
    precision: str = ""
    loose: bool = False


QUICK = (
    Setting("numpy int64, the reference", "numpy"),
    Setting("float32"),
    Setting("float32, 2 threads, both at once", threads=2, batch=2),
    Setting("float32, planes first", planar=True),
    Setting("float32, oneDNN off", onednn=False),
    Setting("float32, bfloat16 asked for", precision="bf16"),
    Setting("float64", "float64"),
    Setting("im2col", "im2col"),
    Setting("int8", "int8"),
    Setting("float32, ATen without AVX", env={"ATEN_CPU_CAPABILITY": "default"}),
    Setting("float32, oneDNN up to AVX2", env={"ONEDNN_MAX_CPU_ISA": "AVX2"}),
    Setting("int8, oneDNN up to AVX2", "int8", env={"ONEDNN_MAX_CPU_ISA": "AVX2"}),
)
_ISAS = ("SSE41", "AVX2", "AVX2_VNNI", "AVX512_CORE", "AVX512_CORE_VNNI")
WIDE = (
    *QUICK,
    Setting("float32, 2 threads", threads=2),
    Setting("float32, 3 threads, batch 4", threads=3, batch=4),
    Setting("float32, batch 4", batch=4),
    Setting("float32, batch 16", batch=16),
    Setting("float32, batch 16, oneDNN off", batch=16, onednn=False),
    Setting("float32, planes first, batch 4", batch=4, planar=True),
    Setting("float32, TF32 asked for", precision="tf32"),
    Setting("float32, bfloat16 in force", precision="bf16", loose=True),
    Setting("float32, TF32 in force", precision="tf32", loose=True),
    Setting("float64, batch 4", "float64", batch=4),
    Setting("im2col, batch 4, 2 threads", "im2col", batch=4, threads=2),
    Setting("im2col, bfloat16 in force", "im2col", precision="bf16", loose=True),
    Setting("int8, 2 threads", "int8", threads=2),
    Setting("int8, batch 4", "int8", batch=4),
    Setting("int8, oneDNN off", "int8", onednn=False),
    Setting("float32, ATen up to AVX2", env={"ATEN_CPU_CAPABILITY": "avx2"}),
    Setting("float32, ATen up to AVX-512", env={"ATEN_CPU_CAPABILITY": "avx512"}),
    Setting("int8, ATen without AVX", "int8", env={"ATEN_CPU_CAPABILITY": "default"}),
    Setting("float32, bfloat16 as oneDNN's default", env={"ONEDNN_DEFAULT_FPMATH_MODE": "BF16"}),
    Setting("im2col, MKL up to AVX2", "im2col", env={"MKL_ENABLE_INSTRUCTIONS": "AVX2"}),
    *(Setting(f"float32, oneDNN up to {isa}", env={"ONEDNN_MAX_CPU_ISA": isa}) for isa in _ISAS),
    *(Setting(f"int8, oneDNN up to {isa}", "int8", env={"ONEDNN_MAX_CPU_ISA": isa}) for isa in _ISAS),
)
CUDA = (
    Setting("cuda", "cuda"),
    Setting("cuda, batch 4", "cuda", batch=4),
    Setting("cuda, TF32 asked for", "cuda", precision="tf32"),
)
Found = tuple[str, list[str] | str | dict[str, str]]
"""A setting's name with its pictures' digests, the fault that kept them from being drawn, or what the machine lacks."""


def drawn(model: Path, settings: Sequence[Setting], cases: int, steps: int, plant: str) -> Iterator[Found]:
    """Each setting's digests, drawn in this process."""
    from node.render import Recipe
    from node.render.exact.inputs import inputs

    recipe = Recipe.for_bands(BANDS, "Exactness")
    signals = [((i * 7 % 20) * 10**15, (i * 5 % 50) * 10**15, (i * 11 % 41 - 20) * 5 * 10**15) for i in range(cases)]
    asked = [inputs(recipe, bytes([i]) * 32, i % BANDS, signals[i]) for i in range(cases)]
    for setting in settings:
        if lacking := _lacking(setting):
            yield setting.name, {"lacking": lacking}
            continue
        try:
            draw = _drawing(model, setting, steps)
            if plant and setting.engine != "numpy":
                _plant(plant)
            with _in_force(setting):
                pictures = [
                    picture for at in range(0, cases, setting.batch) for picture in draw(asked[at : at + setting.batch])
                ]
        except RenderError as error:
            yield setting.name, str(error)
        else:
            yield setting.name, [hashlib.sha256(picture.tobytes()).hexdigest() for picture in pictures]


def _lacking(setting: Setting) -> str:
    """Why this machine has no such kernel; "" if it has."""
    from node.render.exact import kernels

    try:
        if setting.engine != "numpy":
            kernels.build(setting.engine)
    except RenderError as error:
        return str(error)
    return ""


def _drawing(model: Path, setting: Setting, steps: int) -> Any:
    from node.render.exact import probe

    if setting.engine == "numpy":
        numpy = probe.engine(model, "numpy")
        return lambda pictures: numpy.draw(pictures, steps)
    import torch

    from node.render.exact import kernels
    from node.render.exact.kernels import plain

    kernel = plain.Float("float32", torch.float32, torch.contiguous_format) if setting.planar else None
    engine = probe.opened_on(model, kernel or kernels.build(setting.engine))
    if not setting.loose:
        return lambda pictures: engine.draw(pictures, steps)
    return lambda pictures: torch.inference_mode()(engine.renderer.draw)(pictures, steps)


@contextmanager
def _in_force(setting: Setting) -> Iterator[None]:
    if setting.engine == "numpy":
        yield
        return
    import torch

    onednn: Any = torch.backends.mkldnn
    cudnn: Any = torch.backends.cudnn
    places: Any = (onednn.conv, onednn.matmul, torch.backends.cuda.matmul, cudnn.conv)
    before = [place.fp32_precision for place in places]
    torch.set_num_threads(setting.threads)
    try:
        onednn.enabled = setting.onednn
        for place in places if setting.precision else ():
            # CUDA has no bfloat16 in place of float32.
            place.fp32_precision = setting.precision if place in places[:2] else "tf32"
        yield
    finally:
        onednn.enabled = True
        for place, value in zip(places, before, strict=True):
            place.fp32_precision = value


def _plant(fault: str) -> None:
    """Put a float where none may be, as somebody might: to see the matrix find it."""
    import numpy as np
    import torch

    from node.render.exact import renderer, tensors

    if fault == "division":
        setattr(tensors.Tensors, "add", lambda _, a, b: a.add_(b).div_(7).mul_(7))  # noqa: B010 - a planted fault
    elif fault == "randn":
        draw = renderer.Renderer.draw

        def noisy(self: Any, pictures: Any, steps: int) -> Any:
            source = torch.Generator().manual_seed(1)
            start = torch.randn(pictures[0].noise.shape, generator=source).mul(4096).round().long().numpy()
            return draw(self, [type(each)(**vars(each) | {"noise": np.asarray(start)}) for each in pictures], steps)

        renderer.Renderer.draw = noisy  # type: ignore[method-assign,assignment]
    else:
        raise SystemExit(f"--plant {fault}: division or randn")


def matrix(model: Path, settings: Sequence[Setting], cases: int, steps: int, plant: str = "") -> Iterator[Found]:
    """Each setting's digests, in one process for each environment."""
    environments: dict[str, list[Setting]] = {}
    for setting in settings:
        # What plants a fault does so for good: the reference keeps to a process of its own.
        key = json.dumps([setting.env, bool(plant) and setting.engine == "numpy"], sort_keys=True)
        environments.setdefault(key, []).append(setting)
    for group in environments.values():
        asked = {"model": str(model), "cases": cases, "steps": steps, "plant": plant}
        command = [sys.executable, __file__, "--child"]
        with subprocess.Popen(  # noqa: S603 - this file
            command, env=_PATIENT | os.environ | group[0].env, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        ) as child:
            if child.stdin is None or child.stdout is None:
                raise RuntimeError("a process without pipes")
            child.stdin.write(json.dumps(asked | {"settings": [asdict(setting) for setting in group]}))
            child.stdin.close()
            told = 0
            for line in child.stdout:
                name, found = json.loads(line)
                told += 1
                yield name, found
        for setting in group[told:]:
            yield setting.name, f"the process ended with status {child.returncode} before it"


def main() -> int:
    """Print the table; 1 if any two settings differ, or if none but the reference could be used."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="fewer settings, two pictures of two steps")
    parser.add_argument("--model", type=Path, default=MODEL)
    parser.add_argument("--cases", type=int, help="how many tokens, one band after the other")
    parser.add_argument("--steps", type=int)
    parser.add_argument("--plant", default="", help="division or randn: a float in the path, which must be found")
    parser.add_argument("--child", action="store_true", help=argparse.SUPPRESS)
    chosen = parser.parse_args()
    if chosen.child:
        asked = json.load(sys.stdin)
        settings = [Setting(**each) for each in asked.pop("settings")]
        for found in drawn(Path(asked.pop("model")), settings, **asked):
            sys.stdout.write(json.dumps(found) + "\n")
            sys.stdout.flush()
        return 0
    cases, steps = (2, 2) if chosen.quick else (24, 4)
    settings = list(QUICK if chosen.quick else WIDE) + list(CUDA if _gpu() else ())
    return table(matrix(chosen.model, settings, chosen.cases or cases, chosen.steps or steps, chosen.plant))


def table(found: Iterator[Found]) -> int:
    """Print a row for each setting as it comes; 1 if any differs from the first."""
    want: list[str] = []
    compared = wrong = 0
    for name, digests in found:
        if isinstance(digests, dict):
            said = f"not on this machine: {digests['lacking']}"
        elif isinstance(digests, str):
            wrong += 1
            said = f"FAILED: {digests}"
        else:
            want = want or digests
            off = sum(a != b for a, b in zip(digests, want, strict=True))
            compared += 1
            wrong += off > 0
            said = f"{len(digests)} pictures, {'the same' if not off else f'{off} DIFFER'}"
        sys.stdout.write(f"{name:44} {said}\n")
        sys.stdout.flush()
    verdict = "one digest each" if not wrong and compared > 1 else f"NOT exact: {wrong} settings"
    sys.stdout.write(f"{compared} settings: {verdict}\n")
    return int(bool(wrong) or compared < 2)


def _gpu() -> bool:
    import torch

    return torch.cuda.is_available()


if __name__ == "__main__":
    sys.exit(main())
