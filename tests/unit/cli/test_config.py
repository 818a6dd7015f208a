"""`patina config`: what it shows, and what it hides."""

from __future__ import annotations

import json
import tomllib
from pathlib import Path

import pytest
from click.testing import CliRunner

from node.cli import main
from node.config.text import example_toml, render_toml

KEY = "an-endpoint-key-0123"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    chain = {
        "id": 1,
        "oracle": "0x1111111111111111111111111111111111111111",
        "endpoints": [f"https://rpc.example/v2/{KEY}"],
    }
    settings = {"chain": chain, "gossip": {"brokers": [{"url": "mqtt://a"}]}}
    (tmp_path / "config.toml").write_text(render_toml(settings))
    return tmp_path


@pytest.mark.parametrize("name", ["", "config.toml"])
def test_show__folder_or_file__all_settings_with_secrets_masked(folder: Path, name: str) -> None:
    result = CliRunner().invoke(main, ["config", "show", "--config", str(folder / name)])
    assert result.exit_code == 0, result.output
    assert KEY not in result.output
    shown = tomllib.loads(result.stdout)
    assert shown["chain"]["endpoints"] == ["https://rpc.example/v2/***"]
    assert shown["web"]["port"] == 8080


def test_show__json__the_same_for_programs(folder: Path) -> None:
    result = CliRunner().invoke(main, ["config", "show", "-c", str(folder), "--json"])
    assert json.loads(result.stdout)["chain"]["endpoints"] == ["https://rpc.example/v2/***"]
    assert KEY not in result.output


def test_show__endpoints_from_the_environment__shown_in_force_and_masked(folder: Path) -> None:
    runner = CliRunner(env={"PATINA_ENDPOINTS": "https://other.example/v2/another-endpoint-key"})
    result = runner.invoke(main, ["config", "show", "-c", str(folder)])
    assert "https://other.example/v2/***" in result.stdout
    assert "another-endpoint-key" not in result.output


def test_show__faulty_file__all_faults_and_status_1(folder: Path) -> None:
    (folder / "config.toml").write_text('[chain]\nid = "x"\n[web]\nprt = 1\n')
    result = CliRunner().invoke(main, ["config", "show", "-c", str(folder)])
    assert result.exit_code == 1
    for key in ("chain.id", "chain.oracle", "web.prt", "gossip.brokers"):
        assert key in result.stderr
    assert result.stdout == ""


def test_show__no_file__says_how_to_get_one(tmp_path: Path) -> None:
    result = CliRunner().invoke(main, ["config", "show", "-c", str(tmp_path)])
    assert result.exit_code == 1
    assert "patina init" in result.stderr


def test_example__printed__is_the_example_file() -> None:
    assert CliRunner().invoke(main, ["config", "example"]).stdout == example_toml()
