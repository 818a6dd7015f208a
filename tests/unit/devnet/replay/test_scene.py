"""The replay's second story: what it demands of its end, and how it is told."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any, cast

import pytest

from node.devnet.replay.network import Member
from node.devnet.replay.process import NodeProcess
from node.devnet.replay.scene import Punishment, Row, Scene, as_json, tokens
from node.devnet.staking import UNIT

MEMBERS = [Member(NodeProcess(Path(f"node-{n}"), 0), f"0x{n:040x}", bytes([n]) * 32) for n in range(1, 6)]
BONDED = Row("node-1", 0, 2_000 * UNIT, False, 4, 4, 10**15, 10**14)
ENDED = [
    BONDED,
    replace(BONDED, node="node-2", seat=1),
    replace(BONDED, node="node-3", seat=2),
    replace(BONDED, node="node-4", seat=None, bond=0, slashed=True),
    replace(BONDED, node="node-5", seat=3, bond=1_500 * UNIT),
]
PUNISHMENT = Punishment("node-4", "node-2", 2_000 * UNIT, 100 * UNIT, 77, ("node-5",))


def make_scene(punishment: Punishment | None = PUNISHMENT, signed: tuple[int, int] | None = (1, 1120)) -> Scene:
    unused = cast("Any", None)
    scene = Scene(unused, unused, unused, MEMBERS, lambda _: None)
    scene.punishment, scene._signed = punishment, signed
    return scene


def test_faults__slashed_and_replaced__there_are_none() -> None:
    assert make_scene().faults(ENDED, 3) == []


def test_faults__histories_ended_before_anyone_could_sign_twice__there_are_none() -> None:
    assert make_scene(None, None).faults(ENDED, 0) == []


@pytest.mark.parametrize(
    ("scene", "rows", "landed", "fault"),
    [
        (make_scene(None), ENDED, 3, "node-4 signed twice and was not slashed"),
        (make_scene(), ENDED, 0, "no crossing landed after the slash"),
        (make_scene(), [*ENDED[:4], replace(ENDED[4], seat=None)], 1, "node-5 was to take the seat"),
        (
            make_scene(),
            [*ENDED[:3], replace(ENDED[3], bond=1), ENDED[4]],
            1,
            "node-4 was to lose its bond and its seat",
        ),
        (
            make_scene(),
            [*ENDED[:3], replace(ENDED[3], seat=3), ENDED[4]],
            1,
            "node-4 was to lose its bond and its seat",
        ),
        (make_scene(), [replace(BONDED, slashed=True), *ENDED[1:]], 1, "node-1 is honest and was slashed"),
    ],
)
def test_faults__each_kind__is_named(scene: Scene, rows: list[Row], landed: int, fault: str) -> None:
    assert scene.faults(rows, landed) == [fault]


def test_as_json__amounts_beyond_2_to_the_53__travel_as_text() -> None:
    document = as_json(ENDED, PUNISHMENT)
    assert document["nodes"][4]["bond"] == str(1_500 * UNIT)
    assert [row["seat"] for row in document["nodes"]] == [0, 1, 2, None, 3]
    assert document["slashed"] == {
        "node": "node-4",
        "reporter": "node-2",
        "amount": str(2_000 * UNIT),
        "reward": str(100 * UNIT),
        "block": 77,
        "replaced_by": ["node-5"],
    }
    assert as_json(ENDED, None)["slashed"] is None


@pytest.mark.parametrize(
    ("amount", "text"),
    [(0, "0 tokens"), (UNIT, "1 tokens"), (1_500 * UNIT + UNIT // 4, "1,500.25 tokens"), (1, f"0.{1:018d} tokens")],
)
def test_tokens__any_amount__is_exact(amount: int, text: str) -> None:
    assert tokens(amount) == text
