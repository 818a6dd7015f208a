"""No command takes a secret as an argument without a word about it, and `config show` shows none."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator
from dataclasses import is_dataclass
from pathlib import Path
from typing import Any, get_args

import click
from click.testing import CliRunner

from node.cli import main
from node.cli.options import ENDPOINTS_VARIABLE, warn_of_secrets
from node.config.load import annotated
from node.config.schema import SECTIONS
from node.config.text import render_toml
from node.keys.secrets import SecretUrl

ORACLE = "0x1111111111111111111111111111111111111111"


def commands(command: click.Command, name: str = "patina") -> Iterator[tuple[str, click.Command]]:
    yield name, command
    if isinstance(command, click.Group):
        context = click.Context(command)
        for each in command.list_commands(context):
            found = command.get_command(context, each)
            assert found is not None
            yield from commands(found, f"{name} {each}")


OPTIONS = [
    (name, option)
    for name, command in commands(main)
    for option in command.params
    if isinstance(option, click.Option) and not option.is_flag
]
#: Options that are named like a secret and hold none: a token of a collection is a number.
HARMLESS = {"patina export --token"}


def test_options__named_like_a_secret__take_a_file() -> None:
    named = [(f"{name} {flag}", option) for name, option in OPTIONS for flag in option.opts]
    telling = re.compile(r"password|secret|token\b|token-|key\b|mnemonic|seed-phrase")
    wrong = [
        flag
        for flag, option in named
        if telling.search(flag.rpartition(" ")[2]) and not isinstance(option.type, click.Path)
    ]
    assert set(wrong) <= HARMLESS
    assert any("--password-file" in flag for flag, _ in named)


def test_options__that_take_urls__warn_of_secrets_in_them() -> None:
    telling = re.compile(r"\bURL\b|://|HTTP RPC|gateway")
    taking = [
        (f"{name} {option.opts[0]}", option)
        for name, option in OPTIONS
        if telling.search(f"{option.help} {option.metavar}") and not isinstance(option.type, click.Path)
    ]
    assert [flag for flag, option in taking if option.callback is not warn_of_secrets] == []
    assert len(taking) >= 6


def warned(*arguments: str, environ: dict[str, str] | None = None) -> str:
    @click.command()
    @click.option("--rpc", "rpcs", multiple=True, envvar=ENDPOINTS_VARIABLE, callback=warn_of_secrets)
    def command(rpcs: tuple[str, ...]) -> None:
        click.echo(len(rpcs))

    result = CliRunner(env=environ).invoke(command, arguments)
    assert result.exit_code == 0, result.output
    return result.stderr


def test_warn_of_secrets__url_with_a_key_as_an_argument__said_with_the_key_masked() -> None:
    told = warned("--rpc", "https://rpc.example/v2/planted-argument-key-1", "--rpc", "http://127.0.0.1:8545")
    assert told.count("Attention") == 1
    assert ENDPOINTS_VARIABLE in told
    assert "planted-argument-key-1" not in told


def test_warn_of_secrets__url_from_the_environment_or_without_a_key__nothing() -> None:
    assert not warned(environ={ENDPOINTS_VARIABLE: "https://rpc.example/v2/planted-argument-key-1 http://b"})
    assert not warned("--rpc", "https://rpc.example", "--rpc", "no url at all-and-quite-long-besides/for/a/key")


def test_options__endpoints_of_a_chain__are_read_from_the_variable_that_the_warning_names() -> None:
    chains = [(name, option) for name, option in OPTIONS if option.opts[0] == "--rpc" and option.multiple]
    unread = [name for name, option in chains if option.envvar != ENDPOINTS_VARIABLE]
    assert unread == ["patina init"]  # which writes a configuration, and that is read with the variable
    assert len(chains) >= 5


def planted_everywhere() -> tuple[dict[str, Any], set[str]]:
    """A configuration with a secret in every URL that there is, and the secrets."""
    secrets: set[str] = set()

    def url(scheme: str) -> str:
        secrets.add(secret := f"planted-shown-secret-{len(secrets)}x")
        return f"{scheme}://host.example/v2/{secret}" if scheme != "mqtt" else "mqtt://host.example"

    def table(section: type) -> dict[str, Any]:
        found: dict[str, Any] = {}
        for each, kind, key in annotated(section):
            if kind is SecretUrl:
                found[each.name] = url(key.schemes[0])
            elif SecretUrl in get_args(kind):
                found[each.name] = [url(key.schemes[0])]
            elif get_args(kind) and is_dataclass(inner := get_args(kind)[0]) and isinstance(inner, type):
                found[each.name] = [table(inner)]
        return found

    settings = {name: found for name, section in SECTIONS.items() if (found := table(section))}
    settings["chain"] |= {"id": 1, "oracle": ORACLE}
    for publish in settings["content"].get("publish", []):
        publish["kind"] = "kubo"
    return settings, secrets


def test_config_show__secret_planted_in_every_url__none_is_shown(tmp_path: Path) -> None:
    settings, secrets = planted_everywhere()
    assert len(secrets) >= 5
    (tmp_path / "config.toml").write_text(render_toml(settings))
    assert "planted-shown-secret-0x" in (tmp_path / "config.toml").read_text()
    for more in ([], ["--json"]):
        result = CliRunner().invoke(main, ["config", "show", "-c", str(tmp_path), *more])
        assert result.exit_code == 0, result.output
        assert "planted-shown-secret" not in result.output
        assert "host.example" in result.output
    shown = CliRunner().invoke(main, ["config", "show", "-c", str(tmp_path)]).stdout
    assert tomllib.loads(shown)["chain"]["oracle"] == ORACLE


def test_config_show__faulty_urls_with_secrets__named_without_them(tmp_path: Path) -> None:
    (tmp_path / "config.toml").write_text(
        f'[chain]\nid = 1\noracle = "{ORACLE}"\nendpoints = ["htp://user:planted-faulty-1@host/planted-faulty-key-2"]\n'
        '[[gossip.brokers]]\nurl = "mqtt://bob:planted-faulty-3@host"\n'
        '[content]\npeers = ["https://host:0/planted-faulty-4-is-long"]\n'
    )
    result = CliRunner().invoke(main, ["config", "show", "-c", str(tmp_path)])
    assert result.exit_code == 1
    for key in ("chain.endpoints", "gossip.brokers[1].url", "content.peers"):
        assert key in result.stderr
    assert "planted-faulty" not in result.output
