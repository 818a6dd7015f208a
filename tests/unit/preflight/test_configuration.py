"""A faulty configuration: every fault named, and all that is sound of it still to be looked at."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from node.config.load import annotated
from node.config.schema import SECTIONS
from node.preflight.lenient import read_sound
from tests.unit.preflight.conftest import ORACLE, Look, verdicts

BASE = {
    "chain": [f'id = 31337\noracle = "{ORACLE}"', 'endpoints = ["http://127.0.0.1:8545"]'],
    "gossip.brokers": ['url = "mqtt://127.0.0.1:1883"'],
}
#: What is planted: the lines of a section, and the key that is named for it.
FAULTS = {
    "chain.colour": ("chain", 'colour = "red"'),
    "chain.poll_ms": ("chain", "poll_ms = 1"),
    "render.workers": ("render", "workers = 0"),
    "render.devices[1]": ("render", 'devices = ["gpu"]'),
    "web.port": ("web", "port = 70000"),
    "feeds.serve": ("feeds", "serve = []"),
    "log.level": ("log", 'level = "loud"'),
    "transmit.max_fee_gwei": ("transmit", "max_fee_gwei = 0.5\npriority_fee_gwei = 2"),
    "weather": ("weather", "sun = true"),
}


def written(path: Path, planted: set[str], base: dict[str, list[str]]) -> Path:
    sections: dict[str, list[str]] = {name: list(lines) for name, lines in base.items()}
    for key in sorted(planted):
        section, line = FAULTS[key]
        sections.setdefault(section, []).append(line)
    text = ""
    for name, lines in sections.items():
        text += (f"[[{name}]]\n" if name == "gossip.brokers" else f"[{name}]\n") + "\n".join(lines) + "\n"
    path.write_text(text)
    return path


@given(st.sets(st.sampled_from(sorted(FAULTS))))
@settings(max_examples=12)
def test_read_sound__any_faults__all_named_and_the_rest_read(tmp_path_factory: Any, planted: set[str]) -> None:
    path = written(tmp_path_factory.mktemp("c") / "config.toml", planted, BASE)
    sound = read_sound(path, {})
    assert {fault.key for fault in sound.settings} == planted
    assert sound.config is not None
    assert (sound.config.chain.id, sound.config.chain.oracle) == (31337, ORACLE)
    assert sound.config.web.port == 8_080
    assert not sound.lacking


_VALUES = st.sampled_from(["1", "-1", '""', '"x"', "true", "[]", "[{}]", '["x", "x"]', "{}", "1e400", '"~nobody/x"'])
_KEYS = [(name, each.name) for name, section in SECTIONS.items() for each, _, _ in annotated(section)]


@given(st.dictionaries(st.sampled_from(_KEYS), _VALUES, max_size=8))
@settings(max_examples=15)
def test_read_sound__any_values__nothing_is_raised_and_what_is_read_is_whole(
    tmp_path_factory: Any, values: dict[tuple[str, str], str]
) -> None:
    path = tmp_path_factory.mktemp("c") / "config.toml"
    sections: dict[str, list[str]] = {}
    for (section, name), value in values.items():
        sections.setdefault(section, []).append(f"{name} = {value}")
    path.write_text("".join(f"[{name}]\n" + "\n".join(lines) + "\n" for name, lines in sections.items()))
    sound = read_sound(path, {})
    assert sound.settings  # at least the chain and the brokers are missing
    assert sound.config is not None


@pytest.mark.parametrize(
    ("base", "lacking"),
    [
        ({**BASE, "chain": ["id = 31337"]}, {"chain"}),
        ({**BASE, "chain": [f'oracle = "{ORACLE}"', 'endpoints = ["ftp://x"]']}, {"chain"}),
        ({**BASE, "gossip.brokers": ['url = "http://x"']}, {"brokers"}),
        ({"chain": BASE["chain"]}, {"brokers"}),
        ({}, {"chain", "brokers"}),
    ],
)
def test_read_sound__required_keys_at_fault__told_what_is_lacking(
    tmp_path: Path, base: dict[str, list[str]], lacking: set[str]
) -> None:
    sound = read_sound(written(tmp_path / "config.toml", set(), base), {})
    assert sound.settings
    assert sound.config is not None
    assert sound.lacking == lacking


def test_read_sound__second_broker_at_fault__the_first_is_kept(tmp_path: Path) -> None:
    path = written(tmp_path / "config.toml", set(), BASE)
    path.write_text(path.read_text() + '[[gossip.brokers]]\nurl = "nonsense"\n')
    sound = read_sound(path, {})
    assert sound.config is not None
    assert [broker.url.reveal() for broker in sound.config.gossip.brokers] == ["mqtt://127.0.0.1:1883"]
    assert not sound.lacking


def test_read_sound__endpoints_file_open_to_others__its_urls_are_still_read(tmp_path: Path) -> None:
    base = {**BASE, "chain": [BASE["chain"][0], 'endpoints_file = "urls"']}
    path = written(tmp_path / "config.toml", set(), base)
    (tmp_path / "urls").write_text("# ours\nhttps://rpc.example/v2/a-key-that-is-long\n")
    (tmp_path / "urls").chmod(0o644)
    sound = read_sound(path, {})
    assert sound.config is not None
    assert [url.reveal() for url in sound.config.chain.endpoints] == ["https://rpc.example/v2/a-key-that-is-long"]


@pytest.mark.parametrize("content", [None, b"[chain", b"\xff\xfe", b"x" * (2 << 20)])
def test_read_sound__no_toml__one_fault_and_nothing_else(tmp_path: Path, content: bytes | None) -> None:
    path = tmp_path / "config.toml"
    if content is not None:
        path.write_bytes(content)
    sound = read_sound(path, {})
    assert sound.config is None
    assert len(sound.settings) == 1


async def test_check__sound_folder__three_lines_that_are_well(look: Look) -> None:
    found = await look("configuration")
    assert set(verdicts(found).values()) == {"ok"}
    assert len(found) == 3


async def test_check__files_open_to_others_and_missing__each_told_where_it_belongs(look: Look, folder: Path) -> None:
    (folder / "keys" / "password").chmod(0o640 | 0o004)
    (folder / "keys" / "transport.pem").unlink()
    found = await look("configuration")
    assert verdicts(found) == {
        "configuration.settings": "ok", "configuration.files": "fault", "configuration.permissions": "fault",
    }  # fmt: skip
    assert "keys.transport_key" in found["configuration.files"].about
    assert found["configuration.permissions"].remedy == f"run: chmod 600 {folder / 'keys' / 'password'}"
