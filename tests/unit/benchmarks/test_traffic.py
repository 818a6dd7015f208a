"""What a round says: everyone's few messages, whatever the committee's size, and no more than n squared in all."""

from __future__ import annotations

import pytest

from benchmarks import traffic


@pytest.mark.parametrize("leader_silent", [False, True])
def test_measure__seven_nodes__every_live_node_speaks_and_its_bytes_are_counted(leader_silent: bool) -> None:
    found = traffic.measure(7, leader_silent=leader_silent)
    live = 6 if leader_silent else 7
    assert found.live == len(found.published) == live
    assert min(found.published) >= 3
    assert all(size > 100 * count for size, count in zip(found.published_bytes, found.published, strict=True))
    assert found.delivered == sum(found.kinds.values()) * (live + 1)
    assert {"observation", "proposal", "prepare", "attestation"} <= set(found.kinds)
    assert ("timeout" in found.kinds) == leader_silent


def test_rows__small_committees__messages_grow_no_faster_than_squared() -> None:
    rows = traffic.rows((4, 7))
    growths = [row for row in rows if "messages_exponent" in row]
    assert [row["missed"] for row in growths] == [False, False]
    assert all(1 < row["messages_exponent"] <= 2 for row in growths)
    assert [row["n"] for row in rows if "n" in row] == [4, 7, 4, 7]


def test_main__any_machine__prints_a_line_for_each_row(capsys: pytest.CaptureFixture[str]) -> None:
    assert traffic.main((4, 7)) == 0
    printed = capsys.readouterr().out.splitlines()
    assert len(printed) == 1 + len(traffic.rows((4, 7)))
