"""What is published: built from tracked files, whole, the same bytes twice, and at work in an empty environment."""

from __future__ import annotations

import ast
import json
import os
import re
import subprocess
import sys
import sysconfig
import tomllib
import zipfile
from dataclasses import dataclass
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from tools import wheel

ROOT = Path(__file__).parents[3]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
# Modules that only a part of users needs, and the extra that brings what they import.
EXTRAS = {"node/devnet/": "devnet", "node/render/ray/": "ray", "node/render/tolerance/": "pipelines"}
AT_WORK = """
import json, sys
from importlib.resources import files
from node.chain.interface import artifact
from node.render import model_digest

print(json.dumps({
    "from": sys.modules["node"].__file__,
    "contracts": sorted(artifact(name)["bytecode"][:2] for name in ("StrategyOracle", "NodeStaking", "TestToken")),
    "page": (files("node.web") / "static" / "index.html").read_text(encoding="utf-8")[:15],
    "model": model_digest().hex(),
}))
"""


@dataclass(frozen=True)
class Installed:
    """An environment with this package's wheel, and what the suite's own environment has beside it."""

    folder: Path
    home: Path

    def run(self, program: str, *arguments: str) -> subprocess.CompletedProcess[str]:
        environment = {"PATH": os.environ["PATH"], "HOME": str(self.home), "LC_ALL": "C.UTF-8"}
        return subprocess.run(
            [str(self.folder / "bin" / program), *arguments],
            cwd=self.home, env=environment, capture_output=True, text=True, timeout=120, check=False,
        )  # fmt: skip


@pytest.fixture(scope="module")
def checkout(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The tracked files as they stand at one moment: somebody may be at work in the tree."""
    folder = tmp_path_factory.mktemp("checkout")
    wheel.export(folder)
    return folder


@pytest.fixture(scope="module")
def built(checkout: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """The wheel and the sdist."""
    made = wheel.build(tmp_path_factory.mktemp("dist"), 1_700_000_000, checkout)
    sdist, found = sorted(made, key=lambda path: path.suffix)
    return found, sdist


@pytest.fixture(scope="module")
def installed(built: tuple[Path, Path], tmp_path_factory: pytest.TempPathFactory) -> Installed:
    folder, home = tmp_path_factory.mktemp("environment"), tmp_path_factory.mktemp("empty")
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(folder)], check=True)
    pip = [sys.executable, "-m", "pip", "--python", str(folder / "bin" / "python"), "install", "--quiet"]
    subprocess.run([*pip, "--no-deps", "--no-index", "--no-compile", str(built[0])], check=True, capture_output=True)
    # What others publish is borrowed from the suite's environment; a .pth does not bring that one's own .pth files,
    # so the checkout that is installed there for editing stays out of sight.
    place = folder / "lib" / f"python{sys.version_info.major}.{sys.version_info.minor}" / "site-packages"
    (place / "borrowed.pth").write_text(sysconfig.get_paths()["purelib"] + "\n")
    return Installed(folder, home)


def test_wheel__everything_tracked__is_in_it(built: tuple[Path, Path], checkout: Path) -> None:
    with zipfile.ZipFile(built[0]) as archive:
        packed = {name for name in archive.namelist() if ".dist-info/" not in name}
    wanted = {path for name in wheel.PACKAGES for path in (checkout / name).rglob("*") if path.is_file()}
    assert packed == {str(path.relative_to(checkout)) for path in wanted}


def test_wheel__what_it_says_of_itself__is_single_sourced(built: tuple[Path, Path]) -> None:
    with zipfile.ZipFile(built[0]) as archive:
        name = next(name for name in archive.namelist() if name.endswith(".dist-info/METADATA"))
        said = archive.read(name).decode()
        licences = [one for one in archive.namelist() if "/licenses/" in one]
    assert f"\nVersion: {PROJECT['version']}\n" in said
    assert f"\nLicense-Expression: {PROJECT['license']}\n" in said
    assert len(licences) == 2
    assert {line for line in said.splitlines() if line.startswith("Provides-Extra")} == {
        f"Provides-Extra: {extra}" for extra in PROJECT["optional-dependencies"]
    }
    everywhere = subprocess.run(
        ["git", "grep", "-lF", f'"{PROJECT["version"]}"', "--", "node", "keepers"],
        cwd=ROOT, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert everywhere.stdout == ""


def test_wheel__built_again__has_the_same_bytes(built: tuple[Path, Path], checkout: Path, tmp_path: Path) -> None:
    again = wheel.build(tmp_path, 1_700_000_000, checkout)
    assert {path.name: path.read_bytes() for path in built} == {path.name: path.read_bytes() for path in again}


def test_dependencies__what_the_code_imports__is_declared() -> None:
    """An import that only comes with somebody else's package ends the day that one lets go of it."""
    distributions = packages_distributions()
    declared = {"": _names(PROJECT["dependencies"])}
    declared |= {extra: _names(wanted) for extra, wanted in PROJECT["optional-dependencies"].items()}
    missing = set()
    for path in wheel.tracked(*wheel.PACKAGES):
        if not path.endswith(".py"):
            continue
        extra = next((extra for folder, extra in EXTRAS.items() if path.startswith(folder)), "")
        for package in _imports(ROOT / path) - {"node", "keepers"} - set(sys.stdlib_module_names):
            brought = {canonicalize_name(one) for one in distributions.get(package, ())}
            if not brought & (declared[""] | declared[extra]):
                missing.add((path, package))
    assert missing == set()


def test_installed__in_an_empty_environment__works(installed: Installed) -> None:
    assert installed.run("patina", "--version").stdout == f"patina, version {PROJECT['version']}\n"
    help_text = installed.run("patina", "--help")
    assert help_text.returncode == 0
    assert "init" in help_text.stdout
    done = installed.run(
        "patina", "init", "node-1", "--chain-id", "1", "--oracle", "0x" + "11" * 20, "--rpc", "http://127.0.0.1:1",
        "--broker", "mqtt://127.0.0.1:1", "--generate-password", "--light",
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert (installed.home / "node-1" / "config.toml").is_file()
    shown = installed.run("patina", "config", "show", "--config", "node-1")
    assert shown.returncode == 0, shown.stderr


def test_installed__what_comes_with_the_code__is_found(installed: Installed) -> None:
    done = installed.run("python", "-c", AT_WORK)
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert found["from"].startswith(str(installed.folder))
    assert found["contracts"] == ["0x"] * 3
    assert found["page"].lower() == "<!doctype html>"
    assert re.fullmatch("[0-9a-f]{64}", found["model"])


def _names(requirements: list[str]) -> set[str]:
    return {canonicalize_name(Requirement(one).name) for one in requirements}


def _imports(path: Path) -> set[str]:
    found = set()
    for node in ast.walk(ast.parse(path.read_bytes())):
        if isinstance(node, ast.Import):
            found |= {alias.name.partition(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.level == 0 and node.module:
            found.add(node.module.partition(".")[0])
    return found
