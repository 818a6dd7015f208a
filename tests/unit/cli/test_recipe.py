"""`patina recipe`: what an artist sees of a recipe and of a pipeline's folder."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from node.cli import main
from node.render import model_digest
from node.render.recipe import Recipe
from node.render.tolerance.folder import pipeline_digest
from node.render.tolerance.margins import Margin
from node.render.tolerance.recipe import Band, PipelineRecipe, Style

EXACT = Recipe("Tide", b"\x07" * 32, 4, ("storm", "clear"), (10**16, 10**16, 10**17))
STYLE = Style(10**16, ())
LOOSE = PipelineRecipe(
    "Oil", b"\x07" * 32, "float16", 64, 64, 4, None, "token", (Band("storm", None, None, 1),), (STYLE,) * 3, 5_850
)


def patina(*arguments: object) -> tuple[int, str]:
    result = CliRunner().invoke(main, ["recipe", *map(str, arguments)])
    return result.exit_code, result.output


@pytest.mark.parametrize(
    ("recipe", "kind"), [(EXACT, "2 bands, exact"), (LOOSE, "1 band, agrees by tolerance, PSNR of 58.5 dB or more")]
)
def test_check__either_kind__says_what_it_is_and_its_digests(
    tmp_path: Path, recipe: Recipe | PipelineRecipe, kind: str
) -> None:
    (tmp_path / "one.json").write_text(json.dumps(json.loads(recipe.canonical), indent=2))
    status, said = patina("check", tmp_path / "one.json")
    assert status == 0
    assert kind in said
    assert f"recipe 0x{recipe.digest.hex()}" in said


@pytest.mark.parametrize("bands", [1, 6])
def test_new__a_name_and_bands__a_recipe_that_check_finds_drawable(tmp_path: Path, bands: int) -> None:
    status, said = patina("new", "Harbour", "--bands", bands)
    assert status == 0
    assert Recipe.from_json(said.encode()) == Recipe.for_bands(bands, "Harbour")
    (tmp_path / "one.json").write_text(said)
    status, said = patina("check", tmp_path / "one.json")
    assert status == 0
    assert "cannot draw it" not in said


def test_new__a_name_that_no_recipe_may_have__refused() -> None:
    status, said = patina("new", "two\nlines")
    assert status == 1
    assert "printable" in said


def test_check__recipe_of_another_model__says_that_this_build_cannot_draw_it(tmp_path: Path) -> None:
    (tmp_path / "one.json").write_bytes(EXACT.canonical)
    status, said = patina("check", tmp_path / "one.json")
    assert status == 0
    assert f"cannot draw it: its own model is 0x{model_digest().hex()}" in said


def test_check__faulty__names_every_fault(tmp_path: Path) -> None:
    faulty = json.loads(LOOSE.canonical) | {"name": "", "bands": []}
    (tmp_path / "one.json").write_text(json.dumps(faulty))
    status, said = patina("check", tmp_path / "one.json")
    assert status == 1
    assert "name:" in said
    assert "bands:" in said


def test_digest__folder__prints_what_a_recipe_names(tmp_path: Path) -> None:
    (tmp_path / "model_index.json").write_text('{"_class_name": "DDPMPipeline", "unet": ["diffusers", "UNet2DModel"]}')
    status, said = patina("digest", tmp_path)
    assert (status, said.splitlines()) == (0, ["DDPMPipeline: unet", pipeline_digest(tmp_path).hex()])
    (tmp_path / "weights.bin").write_bytes(b"")
    status, said = patina("digest", tmp_path)
    assert status == 1
    assert "weights.bin" in said


def test_margins__rows_and_a_floor__as_a_table_and_as_json(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    rows = [Margin("oneDNN off", True, 84.6, float("inf")), Margin("next band", False, 9.3, 43.8)]

    def measure(recipe: object, pipelines: Path, seeds: list[bytes], device: str, told: object) -> list[Margin]:
        assert (recipe, len(seeds), device) == (LOOSE, 2, "cpu")
        for row in rows:
            if callable(told):
                told(row)
        return rows

    monkeypatch.setattr("node.render.tolerance.margins.measure", measure)
    (tmp_path / "one.json").write_bytes(LOOSE.canonical)
    asked = ("margins", tmp_path / "one.json", "--pipelines", tmp_path, "--seeds", 2)
    status, said = patina(*asked)
    assert status == 0
    assert said.splitlines()[0].split() == ["oneDNN", "off", "must", "pass", "84.6", "to", "equal", "dB"]
    assert '"psnr_floor_db": "64"' in said
    found = json.loads(patina(*asked, "--json")[1])
    assert (found["psnr_floor_db"], found["margins"][1]["highest_db"]) == ("64", "43.8")


def test_margins__exact_recipe__has_none(tmp_path: Path) -> None:
    (tmp_path / "one.json").write_bytes(EXACT.canonical)
    status, said = patina("margins", tmp_path / "one.json", "--pipelines", tmp_path)
    assert status == 1
    assert "exact" in said
