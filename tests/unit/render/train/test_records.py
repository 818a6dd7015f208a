"""Records of a training: written, read again after a cut, and summed up."""

from __future__ import annotations

from pathlib import Path

import pytest

from node.errors import RenderError
from node.render.train.records import Record, Recorder, append, read, summary


def test_append__records__read_as_they_were(tmp_path: Path) -> None:
    written = [Record("autoencoder", 20, 0.5, 3.25, 28.75), Record("diffusion", 50, 0.25, 9.0)]
    for record in written:
        append(tmp_path / "records.jsonl", record)
    assert list(read(tmp_path / "records.jsonl")) == written
    assert '"psnr"' not in (tmp_path / "records.jsonl").read_text().splitlines()[1]


def test_read__no_file__nothing(tmp_path: Path) -> None:
    assert list(read(tmp_path / "records.jsonl")) == []


def test_read__killed_within_a_line__all_lines_before_it(tmp_path: Path) -> None:
    path = tmp_path / "records.jsonl"
    append(path, Record("diffusion", 50, 0.25, 9.0))
    path.write_text(path.read_text() + '{"stage": "diffu')
    assert [record.step for record in read(path)] == [50]


@pytest.mark.parametrize("line", ["[]", "{}", '{"stage": 1', '{"stage": "a", "other": 2}'])
def test_read__a_line_that_is_no_record__named(tmp_path: Path, line: str) -> None:
    (tmp_path / "records.jsonl").write_text(line + "\n")
    with pytest.raises(RenderError, match=r"records\.jsonl, line 1"):
        list(read(tmp_path / "records.jsonl"))


def test_recorder__what_a_stage_tells__kept_and_passed_on_with_the_time(tmp_path: Path) -> None:
    shown: list[Record] = []
    recorder = Recorder(tmp_path / "records.jsonl", shown.append)
    recorder({"stage": "autoencoder", "step": 20, "loss": 0.5, "psnr": 28.75})
    recorder({"stage": "diffusion", "step": 50, "loss": 0.25})
    assert list(read(tmp_path / "records.jsonl")) == shown
    assert [(record.stage, record.step, record.psnr) for record in shown] == [
        ("autoencoder", 20, 28.75),
        ("diffusion", 50, None),
    ]
    assert 0 <= shown[0].seconds <= shown[1].seconds


def test_record__as_a_line__all_it_holds() -> None:
    assert str(Record("decoder", 2820, 0.05412, 252.3, 27.434)) == "decoder 2820 loss 0.0541 psnr 27.43 dB 252 s"
    assert str(Record("diffusion", 7, 0.25, 0.0)) == "diffusion 7 loss 0.2500 0 s"


def test_summary__a_stage_in_two_runs__steps_and_time_of_both_and_the_last_losses() -> None:
    first = [Record("diffusion", 10 * n, 9.0, 60.0 * n) for n in range(1, 11)]
    second = [Record("diffusion", 100 + 10 * n, 0.2, 30.0 * n) for n in range(1, 11)]
    assert summary(first + second) == [{"stage": "diffusion", "steps": 200, "seconds": 900, "loss": 0.2}]


def test_summary__steps_done_again_after_a_crash__counted_once_but_their_time_twice() -> None:
    records = [Record("decoder", 100, 5.0, 50.0, 20.0), Record("decoder", 200, 6.0, 100.0, 20.0),
               Record("decoder", 200, 4.0, 40.0, 30.0)]  # fmt: skip
    assert summary(records) == [{"stage": "decoder", "steps": 200, "seconds": 140, "loss": 4.5, "psnr": 25.0}]


def test_summary__stages__in_the_order_they_began() -> None:
    records = [Record("decoder", 1, 1.0, 1.0), Record("autoencoder", 1, 1.0, 1.0), Record("decoder", 2, 1.0, 2.0)]
    assert [row["stage"] for row in summary(records)] == ["decoder", "autoencoder"]
