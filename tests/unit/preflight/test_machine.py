"""The machine: memory within limits, a disk that takes writes, and who runs the check."""

from __future__ import annotations

import resource
from pathlib import Path

import pytest

from node.preflight import machine
from tests.unit.preflight.conftest import Look, verdicts


def everything(folder: Path) -> list[Path]:
    return sorted(folder.rglob("*"))


async def test_check__this_machine__well_and_nothing_left_in_the_folder(look: Look, folder: Path) -> None:
    before = everything(folder)
    found = await look("machine")
    assert verdicts(found)["machine.write"] == "ok"
    assert verdicts(found)["machine.user"] == "ok"
    assert "fault" not in verdicts(found).values()
    assert everything(folder) == before


async def test_check__state_folder_behind_a_file__cannot_be_written(look: Look, folder: Path) -> None:
    config = folder / "config.toml"
    config.write_text(config.read_text().replace("[node]\n", '[node]\ndirectory = "config.toml/state"\n'))
    found = await look("machine")
    assert found["machine.write"].verdict == "fault"
    assert "cannot be written" in found["machine.write"].detail


@pytest.mark.parametrize(("free", "verdict"), [(1 << 20, "fault"), (1 << 30, "warning"), (1 << 40, "ok")])
async def test_check__free_space__judged(look: Look, monkeypatch: pytest.MonkeyPatch, free: int, verdict: str) -> None:
    class Usage:
        def __init__(self, path: object) -> None:
            self.free = free

    monkeypatch.setattr("shutil.disk_usage", Usage)
    assert (await look("machine"))["machine.space"].verdict == verdict


@pytest.mark.parametrize(
    ("limit", "verdict"), [(100, "fault"), (512, "warning"), (4_096, "ok"), (resource.RLIM_INFINITY, "ok")]
)
async def test_check__open_files__judged(look: Look, monkeypatch: pytest.MonkeyPatch, limit: int, verdict: str) -> None:
    monkeypatch.setattr("resource.getrlimit", lambda _: (limit, limit))
    assert (await look("machine"))["machine.files"].verdict == verdict


async def test_check__somebody_elses_folder__said(look: Look, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("os.getuid", lambda: 54_321)
    found = (await look("machine"))["machine.user"]
    assert found.verdict == "warning"
    assert "user 54321" in found.detail


@pytest.mark.parametrize(
    ("told", "limit", "used", "available"),
    [
        ("MemTotal: 9 kB\nMemAvailable:    2048 kB\n", None, None, 2 << 20),
        ("MemAvailable:    2048 kB\n", "max\n", "5\n", 2 << 20),
        ("MemAvailable:    2048 kB\n", "1500\n", "500\n", 1_000),
        ("MemAvailable:    2048 kB\n", "1500\n", "2500\n", 0),
        ("MemAvailable: nonsense\n", None, None, None),
        (None, None, None, None),
    ],
)
def test_available_memory__of_the_machine_and_of_a_container__the_less_counts(
    tmp_path: Path, told: str | None, limit: str | None, used: str | None, available: int | None
) -> None:
    for name, text in (("meminfo", told), ("memory.max", limit), ("memory.current", used)):
        if text is not None:
            (tmp_path / name).write_text(text)
    assert machine.available_memory(tmp_path / "meminfo", tmp_path) == available
