"""Devices: what is found without torch, and what each worker is let see."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from node.render.pool.devices import gpus, places, visibility
from node.render.pool.local import RenderSettings, launch


def test_gpus__device_nodes__counted_and_nothing_else(tmp_path: Path) -> None:
    assert gpus(tmp_path, {}) == []
    for name in ("nvidia0", "nvidia1", "nvidiactl", "nvidia-uvm", "nvidia-caps", "null"):
        (tmp_path / name).touch()
    assert gpus(tmp_path, {}) == ["cuda:0", "cuda:1"]


@pytest.mark.parametrize(
    ("visible", "count"), [("", 0), ("-1", 0), ("3", 1), ("2,0", 2), ("0,-1,1", 1), ("GPU-5f, MIG-7", 2)]
)
def test_gpus__hidden_by_the_environment__are_not_used(tmp_path: Path, visible: str, count: int) -> None:
    for number in range(4):
        (tmp_path / f"nvidia{number}").touch()
    assert gpus(tmp_path, {"CUDA_VISIBLE_DEVICES": visible}) == [f"cuda:{number}" for number in range(count)]


@pytest.mark.parametrize(
    ("devices", "workers", "engine", "found", "expected"),
    [
        ("auto", 2, "auto", [], ["cpu", "cpu"]),
        ("auto", 2, "auto", ["cuda:0", "cuda:1"], ["cuda:0", "cuda:1"]),
        ("auto", 3, "torch", ["cuda:0"], ["cpu"] * 3),
        ("auto", 1, "numpy", ["cuda:0"], ["cpu"]),
        ("auto", 1, "cuda", ["cuda:0"], ["cuda:0"]),
        (("cuda:1", "cpu"), 2, "auto", [], ["cuda:1", "cpu", "cpu"]),
    ],
)
def test_places__settings_and_gpus__give_each_process_its_device(
    devices: str, workers: int, engine: str, found: list[str], expected: list[str]
) -> None:
    assert places(devices, workers, engine, found) == expected  # type: ignore[arg-type]


def test_visibility__each_worker__sees_its_own_device_alone() -> None:
    assert visibility("cpu", {}) == {"CUDA_VISIBLE_DEVICES": ""}
    assert visibility("cuda:1", {}) == {"CUDA_VISIBLE_DEVICES": "1"}
    assert visibility("cuda:1", {"CUDA_VISIBLE_DEVICES": "GPU-5f,7"}) == {"CUDA_VISIBLE_DEVICES": "7"}


def test_launch__gpu__is_given_its_engine_and_no_limit_on_reservations() -> None:
    settings = RenderSettings(memory=900, patience=7)
    gpu, cpu = launch("cuda:0", settings), launch("cpu", settings)
    assert gpu.arguments == ("--engine", "cuda", "--nice", "5")
    assert cpu.arguments == ("--engine", "auto", "--nice", "5", "--memory", "900")
    assert (gpu.memory, gpu.patience, gpu.name) == (900, 7, "cuda:0")
    assert launch("cuda:0", RenderSettings(engine="numpy")).arguments[1] == "numpy"


def test_pool__imported_and_made__loads_neither_torch_nor_ray() -> None:
    program = (
        "import sys\n"
        "from node.render.pool import RenderSettings, local_pool\n"
        "import asyncio\n"
        "async def main(): local_pool(RenderSettings())\n"
        "asyncio.run(main())\n"
        "print({'torch', 'ray', 'diffusers'} & set(sys.modules))\n"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout == "set()\n"
