"""Configurations as TOML: the example file, a node's own file, and what is shown."""

from __future__ import annotations

import tomllib
from dataclasses import fields
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from node.config import Config, load
from node.config.load import annotated
from node.config.reference import reference_markdown
from node.config.schema import SECTIONS, BrokerConfig, GossipConfig, PublishConfig
from node.config.text import example_toml, render_toml, show_toml, shown, toml_value

ROOT = Path(__file__).parents[3]
LEAST = {
    "chain": {
        "id": 1,
        "oracle": "0x1111111111111111111111111111111111111111",
        "endpoints": ["https://rpc.example/v2/abcdefabcdef0123"],
    },
    "gossip": {"brokers": [{"url": "mqtt://a"}, {"url": "mqtts://b", "username": "u"}]},
}


def as_config(folder: Path, text: str) -> Config:
    path = folder / "config.toml"
    path.write_text(text)
    return load(path, environ={}, check_files=False)


def test_example_file__in_the_repository__is_what_the_code_says() -> None:
    assert (ROOT / "config.example.toml").read_text() == example_toml()


def test_reference_page__in_the_repository__is_what_the_code_says() -> None:
    assert (ROOT / "docs" / "configuration.md").read_text() == reference_markdown()


def test_example_file__loaded__gives_the_defaults(tmp_path: Path) -> None:
    example = as_config(tmp_path, example_toml())
    least = as_config(tmp_path, render_toml(LEAST))
    for section in fields(Config):
        if section.name not in ("path", "chain", "gossip"):
            assert getattr(example, section.name) == getattr(least, section.name)
    for each, _, _ in annotated(SECTIONS["chain"]):
        if each.name not in LEAST["chain"]:
            assert getattr(example.chain, each.name) == getattr(least.chain, each.name)


def test_every_key__is_explained_everywhere() -> None:
    example, reference = example_toml(), reference_markdown()
    for section in (*SECTIONS.values(), BrokerConfig, PublishConfig):
        for each, _, key in annotated(section):
            assert key.doc.endswith("."), each.name
            if key.table is not None:
                assert f"[[content.{each.name}]]" in example
                assert f"[[content.{each.name}]]" in reference
            elif section is not GossipConfig:
                assert f"{each.name} = " in example
                assert f"`{each.name}`" in reference


def test_optional_keys_without_default__have_an_example_that_loads(tmp_path: Path) -> None:
    uncommented = "\n".join(
        line.removeprefix("# ") if line.startswith("# [[") or (line.startswith("# ") and " = " in line) else line
        for line in example_toml().splitlines()
        if not line.startswith("# deployment = ")  # whose file takes the place of keys that the example has
    )
    config = as_config(tmp_path, uncommented)
    assert config.keys.signing_password_file == tmp_path / "keys" / "password"
    assert config.gossip.brokers[0].username == "patina"
    assert [str(target.url) for target in config.content.publish] == ["http://127.0.0.1:5001"]


def test_render__given_settings__come_back(tmp_path: Path) -> None:
    config = as_config(tmp_path, render_toml({**LEAST, "web": {"port": 9}, "feeds": {"serve": [1, 2]}}))
    assert [broker.url.reveal() for broker in config.gossip.brokers] == ["mqtt://a", "mqtts://b"]
    assert (config.web.port, config.feeds.serve) == (9, (1, 2))


PLACES = [
    {"kind": "kubo", "url": "http://127.0.0.1:5001", "keep": 3},
    {"kind": "pinning", "url": "https://pins.example/psa", "name": "attic", "origins": ["/dns/a/tcp/4001"]},
]


def test_render__places_to_publish_to__come_back_and_are_shown(tmp_path: Path) -> None:
    config = as_config(tmp_path, render_toml({**LEAST, "content": {"publish": PLACES}}))
    assert [(each.kind, each.url.reveal(), each.keep) for each in config.content.publish] == [
        ("kubo", "http://127.0.0.1:5001", 3),
        ("pinning", "https://pins.example/psa", 0),
    ]
    again = as_config(tmp_path, show_toml(config).replace("***", "abcdefabcdef0123"))
    assert again.content == config.content


def test_render__defaults__stay_commented_out() -> None:
    assert tomllib.loads(render_toml(LEAST))["web"] == {}


def test_show__keys_in_urls__masked_and_the_rest_in_full(tmp_path: Path) -> None:
    config = as_config(tmp_path, render_toml(LEAST))
    for text in (show_toml(config), str(shown(config))):
        assert "abcdefabcdef0123" not in text
        assert "https://rpc.example/v2/***" in text
    parsed = tomllib.loads(show_toml(config))
    assert set(parsed) == set(SECTIONS)
    assert parsed["transmit"]["bump_percent"] == pytest.approx(12.5)
    assert len(parsed["gossip"]["brokers"]) == 2


@given(st.text(st.characters(exclude_categories=["Cs"])))
@settings(max_examples=100)
def test_toml_value__any_text__comes_back(text: str) -> None:
    assert tomllib.loads(f"x = {toml_value(text)}")["x"] == text
