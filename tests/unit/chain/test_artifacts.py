"""The shipped ABIs and bytecode are those of the sources in the tree."""

from __future__ import annotations

import importlib.util
import json
from pathlib import Path
from types import ModuleType

import pytest

from tests.contracts import Compile

ROOT = Path(__file__).parents[3]
ARTIFACTS = ROOT / "node" / "chain" / "artifacts"


@pytest.fixture(scope="module")
def tool() -> ModuleType:
    """The command behind `make artifacts`."""
    spec = importlib.util.spec_from_file_location("artifacts_tool", ROOT / "tools" / "artifacts.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_artifacts__all_contracts__equal_their_sources(tool: ModuleType, compiled: Compile) -> None:
    for source in tool.deployable():
        shipped = (ARTIFACTS / f"{source.stem}.json").read_text(encoding="utf-8")
        assert tool.text(tool.artifact(source.stem, compiled(source).compiler_data)) == shipped, "run `make artifacts`"


def test_artifacts__every_deployable_contract__has_one(tool: ModuleType) -> None:
    names = {path.stem for path in ARTIFACTS.glob("*.json")}
    assert names == {path.stem for path in tool.deployable()}
    assert {"StrategyOracle", "DynamicCollection", "YieldVault", "TestToken"} <= names


@pytest.mark.parametrize("path", sorted(ARTIFACTS.glob("*.json")), ids=lambda path: path.stem)
def test_artifacts__each__is_within_the_code_size_limits(path: Path) -> None:
    artifact = json.loads(path.read_text(encoding="utf-8"))
    assert set(artifact) == {"abi", "bytecode", "runtime", "immutables"}
    # EIP-3860 limits creation code to 49,152 bytes; EIP-170's 24,576 for what is deployed shows on deploying.
    assert 0 < len(bytes.fromhex(artifact["bytecode"][2:])) <= 49_152


def test_artifacts__source_changed__is_noticed(
    tool: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "artifacts"
    folder.mkdir()
    (folder / "TestToken.json").write_text((ARTIFACTS / "TestToken.json").read_text().replace("mint", "mint2"))
    (folder / "Gone.json").write_text("{}")
    monkeypatch.setattr(tool, "ARTIFACTS", folder)
    monkeypatch.setattr(tool, "ROOT", tmp_path)
    assert tool.main(["--check", "TestToken"]) == 1
    assert capsys.readouterr().out == "artifacts/TestToken.json: out of date\nartifacts/Gone.json: has no source\n"
    assert tool.main(["TestToken"]) == 0
    assert (folder / "TestToken.json").read_text() == (ARTIFACTS / "TestToken.json").read_text()
    assert not (folder / "Gone.json").exists()
