"""The digest matrix, small: one digest for each picture under settings that change the bytes of float pictures."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from types import ModuleType

import pytest

TOOL = Path(__file__).parents[3] / "tools" / "exactness.py"


@pytest.fixture(scope="module")
def tool() -> ModuleType:
    """tools/exactness.py, which is no part of a package."""
    spec = importlib.util.spec_from_file_location("exactness", TOOL)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["exactness"] = module
    spec.loader.exec_module(module)
    return module


def chosen(tool: ModuleType, *names: str) -> list[object]:
    """Settings by name."""
    found = [setting for setting in tool.QUICK if setting.name in names]
    assert len(found) == len(names)
    return found


@pytest.mark.timeout(900)  # a minute alone, many beside others
@pytest.mark.slow
def test_pictures__every_setting__one_digest_each(tool: ModuleType, capsys: pytest.CaptureFixture[str]) -> None:
    assert tool.table(tool.matrix(tool.MODEL, tool.QUICK, cases=2, steps=2)) == 0
    said = capsys.readouterr().out
    for setting in tool.QUICK:
        assert setting.name in said
    assert "DIFFER" not in said


@pytest.mark.slow
@pytest.mark.parametrize("fault", ["division", "randn"])
def test_pictures__a_float_in_the_path__is_seen(
    tool: ModuleType, fault: str, capsys: pytest.CaptureFixture[str]
) -> None:
    settings = chosen(tool, "numpy int64, the reference", "float32")
    assert tool.table(tool.matrix(tool.MODEL, settings, cases=1, steps=1, plant=fault)) == 1
    assert "1 DIFFER" in capsys.readouterr().out


def test_table__a_process_that_dies__is_a_failure(tool: ModuleType, tmp_path: Path) -> None:
    settings = chosen(tool, "float32", "float64")
    assert tool.table(tool.matrix(tmp_path / "none", settings, cases=1, steps=1)) == 1


def test_table__nothing_to_compare__is_a_failure(tool: ModuleType) -> None:
    assert tool.table(iter([("numpy int64, the reference", ["00"])])) == 1
    assert tool.table(iter([("float32", ["00"]), ("int8", {"lacking": "this CPU has none"})])) == 1


def test_table__what_is_drawn__must_be_drawn_the_same(tool: ModuleType) -> None:
    lacking = ("int8", {"lacking": "this CPU has none"})
    assert tool.table(iter([("float32", ["00"]), lacking, ("im2col", ["00"])])) == 0
    assert tool.table(iter([("float32", ["00"]), ("im2col", ["00"]), ("int8", "the convolution is off")])) == 1
    assert tool.table(iter([("float32", ["00", "01"]), ("im2col", ["00", "02"])])) == 1
