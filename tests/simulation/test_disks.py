"""Disks of simulated nodes: what a killed process leaves, as files and in memory alike."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import pytest

from node.agreement.memory import Memory
from node.agreement.simulator import Outcome, Scenario, drawn, simulate
from node.agreement.simulator.nodes.disk import Disk, FileDisk, MemoryDisk
from node.agreement.simulator.scenario import Spell
from node.errors import EquivocationError, JournalError

PLACE = (b"c" * 32, 1, 100)


@pytest.fixture(params=[FileDisk, MemoryDisk])
def disk(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Disk]:
    made: Disk = FileDisk(tmp_path / "disk") if request.param is FileDisk else MemoryDisk()
    made.open()
    yield made
    made.close()


def write(disk: Disk) -> list[Callable[[], object]]:
    """Every way in which a node binds itself."""
    return [
        lambda: disk.journal.promises.remember(*PLACE, Memory(left=3)),
        lambda: disk.journal.attest(*PLACE, 0, b"d" * 32, b"report"),
    ]


def held(disk: Disk) -> tuple[Memory | None, dict[int, bytes]]:
    return disk.journal.promises.of(*PLACE), disk.journal.attestations.digests(*PLACE)


def test_kill__after_a_commit__the_next_process_finds_it(disk: Disk) -> None:
    for each in write(disk):
        each()
    disk.kill()
    with pytest.raises(RuntimeError, match="no process"):
        _ = disk.journal
    disk.open()
    assert held(disk) == (Memory(left=3), {0: b"d" * 32})
    with pytest.raises(EquivocationError):
        disk.journal.attest(*PLACE, 0, b"e" * 32, b"report")


def test_kill__about_to_commit__the_next_process_finds_nothing_and_writes_again(disk: Disk) -> None:
    for number in range(2):
        disk.kill_before_commit()
        with suppress(JournalError):
            write(disk)[number]()
        disk.kill()
        disk.open()
        assert held(disk) == (None, {})
    for each in write(disk):
        each()
    assert held(disk) == (Memory(left=3), {0: b"d" * 32})


def test_kill__in_the_middle_of_a_transaction__nothing_of_it_is_left(disk: Disk) -> None:
    disk.journal.rounds.open(1, 100, bytes(32), 1, (1,), "crossing")
    disk._connection.execute("BEGIN")
    disk.journal.rounds.open(1, 200, bytes(32), 1, (1,), "crossing")
    disk.kill()
    disk.open()
    assert [row.checkpoint for row in disk.journal.rounds.unfinished()] == [100]


def test_fill__full__refuses_every_write_in_this_life_and_the_next_until_there_is_room(disk: Disk) -> None:
    disk.fill(True)
    for _ in range(2):
        for each in write(disk):
            with pytest.raises(JournalError):
                each()
        disk.kill()
        disk.open()
    disk.fill(False)
    write(disk)[1]()
    assert held(disk) == (None, {0: b"d" * 32})


def told(scenario: Scenario) -> tuple[list[tuple[int, int, str]], Outcome]:
    story: list[tuple[int, int, str]] = []
    return story, simulate(scenario, tell=lambda *line: story.append(line))


def test_simulate__deaths_and_full_disks__files_and_memory_tell_the_same_story() -> None:
    deaths = refused = 0
    full = (Spell(0, 0, 6_000), Spell(1, 3_000, 12_000))
    for seed in range(6):
        scenario = replace(drawn(seed, 4, 1), crash=0.05, disk_full=full)
        files, memory = (told(replace(scenario, on_files=on_files)) for on_files in (True, False))
        assert files == memory
        deaths += memory[1].troubles["crashes"]
        refused += memory[1].troubles["refused writes"]
    assert deaths > 50
    assert refused > 5
