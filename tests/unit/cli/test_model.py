"""`patina model`: its commands as a person types them, as far as they go without hours of training."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from node.cli import main
from node.cli.model import _STAGES, _progress, model
from node.cli.progress import Bar
from node.render.train import card, evaluate, release, stages


def patina(*arguments: str | Path) -> Result:
    return CliRunner().invoke(main, ["model", *map(str, arguments)])


@pytest.fixture
def figures() -> dict[str, Any]:
    """An evaluation in which every floor is held."""
    ratio = {"model": 10.0, "training": 10.5, "ratio": 0.952}
    return {
        "model": "",
        "pictures": 480,
        "tokens": 60,
        "size": 512,
        "steps": 20,
        "fidelity": {"pictures": 60, "worst": 36.1, "median": 44.25},
        "classifier": {"taught": 2500, "model": 0.975, "training": 1.0, "confusion": [[60] * 8] * 8},
        "diversity": {"features": ratio, "pixels": ratio},
        "crispness": {"laplacian": ratio, "fine": ratio},
        "composition": {"same": 0.53, "other": 0.03, "found": 0.999},
    }


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A model folder with its card."""
    found = tmp_path / "model"
    found.mkdir()
    (found / "normal.bin").write_bytes(b"table")
    known = {"data": {"pictures": 100, "size": 512}, "parameters": 10**6, "training": [], "files": card.files(found)}
    card.write(found, known)
    return found


def test_help__every_command__loads_no_torch() -> None:
    script = (
        "import sys\n"
        "from click.testing import CliRunner\n"
        "from node.cli import main\n"
        "for name in ('train', 'sheet', 'quantise', 'export', 'evaluate', 'card'):\n"
        "    assert CliRunner().invoke(main, ['model', name, '--help']).exit_code == 0, name\n"
        "print('torch' in sys.modules, 'numpy' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["False", "False"]


def test_train__stages_to_choose_from__those_that_there_are() -> None:
    assert _STAGES == stages.STAGES
    assert set(model.commands) == {"train", "sheet", "quantise", "export", "evaluate", "margins", "card"}


@pytest.mark.parametrize("stage", ["all", "dataset", "latents"])
def test_train__steps_of_what_has_none__usage_error(stage: str) -> None:
    result = patina("train", "--stage", stage, "--steps", "5")
    assert result.exit_code == 2
    assert "--steps needs --stage" in result.output


def test_train__nothing_to_build_on__exit_status_1_and_the_stage_to_run(tmp_path: Path) -> None:
    result = patina("train", "--stage", "diffusion", "--work", tmp_path, "--device", "cpu")
    assert result.exit_code == 1
    assert "run `--stage dataset` first" in result.output


def test_train__stopped__exit_status_130_and_how_to_go_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def stopped(*_: object) -> bool:
        raise KeyboardInterrupt

    monkeypatch.setattr(stages, "run", stopped)
    result = patina("train", "--stage", "dataset", "--work", tmp_path, "--device", "cpu")
    assert result.exit_code == 130
    assert "the same command continues" in result.output


def test_train__a_stage__told_its_plan_and_its_records_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    ran: list[tuple[str, stages.Plan]] = []

    def run(plan: stages.Plan, stage: str, device: str, progress: Any) -> bool:
        ran.append((stage, plan))
        progress({"stage": stage, "step": 7, "loss": 0.5})
        return device == "cpu"

    monkeypatch.setattr(stages, "run", run)
    arguments = ["--stage", "decoder", "--steps", "7", "--batch", "3", "--parts", "2", "--device", "cpu"]
    result = patina("train", *arguments, "--work", tmp_path)
    assert result.exit_code == 0, result.output
    [(stage, plan)] = ran
    assert (stage, plan.steps["decoder"], plan.batch, plan.parts) == ("decoder", 7, 3, 2)
    assert plan.steps["diffusion"] == stages.STEPS["diffusion"]
    assert json.loads((tmp_path / "records.jsonl").read_text())["step"] == 7


@pytest.mark.parametrize("command", ["quantise", "export"])
def test_release__nothing_trained__exit_status_1_and_what_is_missing(tmp_path: Path, command: str) -> None:
    result = patina(command, "--work", tmp_path)
    assert result.exit_code == 1
    assert result.output.startswith("patina: ")
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(("worst", "status"), [(36.1, 0), (34.9, 1)])
def test_evaluate__a_floor_held_or_missed__table_and_exit_status(
    figures: dict[str, Any], monkeypatch: pytest.MonkeyPatch, worst: float, status: int
) -> None:
    figures["fidelity"]["worst"] = worst
    monkeypatch.setattr(evaluate, "evaluate", lambda *_: figures)
    result = patina("evaluate")
    assert result.exit_code == status
    assert f"{worst} dB" in result.output
    assert ("below its floor: float against integer, worst picture" in result.output) == bool(status)


def test_evaluate__seed__its_tokens_are_drawn_and_the_figures_say_so(
    figures: dict[str, Any], folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    figures["model"] = card.fingerprint(card.files(folder))
    monkeypatch.setattr(evaluate, "evaluate", lambda *given: {**figures, "seed": given[-1]})
    assert patina("evaluate", "--model", folder, "--seed", "my own", "--write").exit_code == 0
    assert "512 x 512 px, with `--seed 'my own'`." in (folder / card.CARD).read_text()
    assert "with `--seed" not in card.text({**json.loads((folder / card.FACTS).read_text()), "figures": figures})


@pytest.mark.parametrize("seed", ["two\nlines", "x" * 81])
def test_evaluate__seed_that_no_line_can_show__usage_error(seed: str) -> None:
    assert patina("evaluate", "--seed", seed).exit_code == 2


def test_evaluate__json__the_figures(figures: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(evaluate, "evaluate", lambda *_: figures)
    assert json.loads(patina("evaluate", "--json").stdout) == figures


def test_evaluate__write__into_the_card_of_that_folder(
    figures: dict[str, Any], folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    figures["model"] = card.fingerprint(card.files(folder))
    monkeypatch.setattr(evaluate, "evaluate", lambda *_: figures)
    assert patina("evaluate", "--model", folder, "--write").exit_code == 0
    assert card.facts(folder)["figures"] == figures
    assert "36.1 dB" in (folder / "README.md").read_text()


def test_card__edited_by_hand__check_refuses_and_the_command_mends_it(folder: Path) -> None:
    assert patina("card", "--model", folder, "--check").exit_code == 0
    (folder / "README.md").write_text("Perfect in every way.\n")
    refused = patina("card", "--model", folder, "--check")
    assert refused.exit_code == 1
    assert "not up to date" in refused.output
    assert patina("card", "--model", folder).exit_code == 0
    assert patina("card", "--model", folder, "--check").exit_code == 0


def test_progress__many_steps__every_tenth_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    show = _progress(Bar("measuring"))
    for done in range(1, 201):
        show("drawing", done, 200)
    assert len(capsys.readouterr().err.splitlines()) == 11


def test_digest__a_folder_elsewhere__none(folder: Path) -> None:
    assert release.digest(folder) is None
