"""Places to publish to: read with their secrets apart, and every fault named."""

from __future__ import annotations

from pathlib import Path

import pytest

from node.config import Config, FaultyConfigError, load, publish_token

LEAST = """
[chain]
id = 31337
oracle = "0x1111111111111111111111111111111111111111"
endpoints = ["http://127.0.0.1:8545"]
[[gossip.brokers]]
url = "mqtt://127.0.0.1:1883"
"""
PLACE = '[[content.publish]]\nkind = "kubo"\nurl = "http://a:5001"\n'


def read(folder: Path, text: str, **environ: str) -> Config:
    path = folder / "config.toml"
    path.write_text(LEAST + text)
    return load(path, environ=environ, check_files=False)


def faults(folder: Path, text: str) -> dict[str, str]:
    with pytest.raises(FaultyConfigError) as caught:
        read(folder, text)
    return {fault.key: f"{fault.problem}; {fault.fix}" for fault in caught.value.faults}


def test_load__places__with_defaults_and_absolute_paths(tmp_path: Path) -> None:
    [place, other] = read(
        tmp_path, PLACE + 'token_file = "t"\n[[content.publish]]\nkind = "pinning"\nurl = "https://b/psa"\n'
    ).content.publish
    assert (place.kind, place.url.reveal(), place.keep, place.name) == ("kubo", "http://a:5001", 0, None)
    assert place.token_file == tmp_path / "t"
    assert (other.kind, other.origins) == ("pinning", ())


@pytest.mark.parametrize(
    ("text", "key", "words"),
    [
        ("[content]\npublish = 3", "content.publish", "[[content.publish]]"),
        ('[[content.publish]]\nurl = "http://a"', "content.publish[1].kind", "is missing"),
        ('[[content.publish]]\nkind = "kubo"', "content.publish[1].url", "is missing"),
        (PLACE.replace('"kubo"', '"ftp"'), "content.publish[1].kind", '"kubo", "pinning"'),
        (PLACE + "token = 3", "content.publish[1].token", "did you mean token_file?"),
        (PLACE.replace("a:5001", "me:hunter22@a"), "content.publish[1].url", "username and token_file"),
        (PLACE.replace("a:5001", "a/?key=hunter22"), "content.publish[1].url", "token_file"),
        (PLACE + PLACE, "content.publish[2].name", "a name of its own"),
        (PLACE + 'origins = ["/dns/a"]', "content.publish[1].origins", "has no use"),
        (PLACE + 'username = "a:b"\ntoken_file = "t"', "content.publish[1].username", "colon"),
        (PLACE + "keep = -1", "content.publish[1].keep", "too small"),
        ("".join(PLACE.replace("a:", f"a{n}:") for n in range(17)), "content.publish", "at most 16"),
    ],
)
def test_load__faulty_place__says_what_is_wrong(tmp_path: Path, text: str, key: str, words: str) -> None:
    found = faults(tmp_path, text)
    assert words in found[key]
    assert "hunter22" not in str(found)


def test_publish_token__environment_or_file__the_file_second(tmp_path: Path) -> None:
    config = read(tmp_path, PLACE + 'token_file = "t"\n')
    (tmp_path / "t").write_text("of-the-file\n")
    (tmp_path / "t").chmod(0o600)
    [place] = config.content.publish
    assert str(publish_token(config, place, environ={})) == "***"
    found = publish_token(config, place, environ={"PATINA_PUBLISH_1_TOKEN": "of-the-environment"})
    assert found is not None
    assert found.reveal() == "of-the-environment"
