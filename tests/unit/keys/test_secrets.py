"""Secret values: hidden wherever they are shown, and read from files that nobody else can read."""

from __future__ import annotations

import copy
import pickle
from pathlib import Path

import pytest

from node.errors import KeyFileError
from node.keys.redaction import redactor
from node.keys.secrets import Secret, SecretSource, SecretUrl, mask_url, read_secret

VALUE = "hunter2-hunter2"


def write(path: Path, text: str | bytes, mode: int = 0o600) -> Path:
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    path.chmod(mode)
    return path


def test_secret__shown_in_any_way__masked() -> None:
    secret = Secret(VALUE)
    shown = [str(secret), repr(secret), f"{secret}", f"{secret!r}", f"{[secret]}"]
    assert all(VALUE not in text for text in shown)
    assert secret.reveal() == VALUE


def test_secret__made__is_masked_in_any_text_from_then_on() -> None:
    Secret("a quite new secret")
    assert redactor.redact("tell a quite new secret") == "tell ***"


def test_secret__pickled_or_copied_out__refused() -> None:
    with pytest.raises(TypeError, match="not written out"):
        pickle.dumps(Secret(VALUE))
    with pytest.raises(TypeError):
        copy.copy(Secret(VALUE))


def test_secret__equality__by_value_and_kind() -> None:
    assert Secret("xyzxyz") == Secret("xyzxyz") != Secret("zzzzzz")
    assert Secret("http://a") != SecretUrl("http://a")
    assert len({Secret("xyzxyz"), Secret("xyzxyz")}) == 1


@pytest.mark.parametrize(
    ("url", "masked"),
    [
        ("http://127.0.0.1:8545", "http://127.0.0.1:8545"),
        ("https://eth.example/v2/abcdefabcdef0123", "https://eth.example/v2/***"),
        ("https://eth.example/rpc?apikey=k1&x", "https://eth.example/rpc?apikey=***&***"),
        ("https://u:p@eth.example:8/", "https://***@eth.example:8/"),
        ("wss://eth.example/ws/abcdefabcdef0123/mainnet#frag", "wss://eth.example/ws/***/mainnet#***"),
        ("https://eth.example/ext/bc/C/rpc", "https://eth.example/ext/bc/C/rpc"),
        ("http://[::1", "***"),
    ],
)
def test_mask_url__keeps_host_and_routes__hides_what_may_be_a_key(url: str, masked: str) -> None:
    assert mask_url(url) == masked


def test_secret_url__its_key_alone__masked_too() -> None:
    SecretUrl("https://eth.example/v2/0011223344556677aa?token=qqwweerrtt")
    text = redactor.redact("path /v2/0011223344556677AA token qqwweerrtt")
    assert text == "path /v2/*** token ***"


def test_secret_url__as_a_whole__shown_with_its_host() -> None:
    url = SecretUrl("https://other.example/v2/99887766554433221100")
    assert redactor.redact(f"at {url.reveal()}") == "at https://other.example/v2/***"
    assert url.carries_secret
    assert not SecretUrl("http://127.0.0.1:8545").carries_secret


@pytest.mark.parametrize(
    ("content", "value"),
    [("pass word\n", "pass word"), ("pass word", "pass word"), ("pass word\r\n", "pass word"), ("a b\n\n", "a b\n")],
)
def test_read_secret__file__without_its_last_newline_alone(tmp_path: Path, content: str, value: str) -> None:
    assert read_secret(write(tmp_path / "s", content)).reveal() == value


@pytest.mark.parametrize("mode", [0o644, 0o604, 0o602, 0o620, 0o666])
def test_read_secret__file_open_to_others__refused_with_the_command(tmp_path: Path, mode: int) -> None:
    file = write(tmp_path / "s", VALUE, mode)
    with pytest.raises(KeyFileError, match=f"chmod 600 {file}"):
        read_secret(file)


@pytest.mark.parametrize("mode", [0o400, 0o600, 0o440, 0o640])
def test_read_secret__owner_and_reading_group__allowed(tmp_path: Path, mode: int) -> None:
    assert read_secret(write(tmp_path / "s", VALUE, mode)).reveal() == VALUE


@pytest.mark.parametrize(("content", "words"), [("", "empty"), ("\n", "empty"), (b"\xff\xfe", "UTF-8")])
def test_read_secret__useless_file__refused(tmp_path: Path, content: str | bytes, words: str) -> None:
    with pytest.raises(KeyFileError, match=words):
        read_secret(write(tmp_path / "s", content))


def test_read_secret__no_file_or_a_folder__refused(tmp_path: Path) -> None:
    with pytest.raises(KeyFileError, match="no such file"):
        read_secret(tmp_path / "none")
    (tmp_path / "folder").mkdir(mode=0o700)
    with pytest.raises(KeyFileError, match="cannot be read"):
        read_secret(tmp_path / "folder")


def test_source__variable_names_a_file__is_read_before_the_configured_one(tmp_path: Path) -> None:
    handed, configured = tmp_path / "handed", tmp_path / "configured"
    for path in (handed, configured):
        path.write_text(f"{path.name}-secret\n")
        path.chmod(0o600)
    environ = {"PATINA_X_FILE": str(handed)}
    source = SecretSource("password", variable="PATINA_X", file=configured, environ=environ)
    assert source.read().reveal() == "handed-secret"
    assert SecretSource("password", variable="PATINA_X", environ=environ | {"PATINA_X": "plain"}).read().reveal() == (
        "plain"
    )
    handed.chmod(0o644)
    with pytest.raises(KeyFileError, match="chmod 600"):
        source.read()
