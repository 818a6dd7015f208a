"""The list of targets: what it may say, how each is called, and that nothing secret of it is ever shown."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from node.config import Config, load
from node.errors import ConfigError, KeyFileError
from node.keys.redaction import Redactor, redactor
from node.notices.targets import MAX_TARGETS, TargetUrl, parse_targets, read_targets, secret_parts

LIST = """
# where I look at night
phone critical tgram://123456789:AAF-x1y2z3_planted/998877/

mailto://me:mail-pass-4411@example.org?to=ops@example.org
warning json://alerts.example.org/notify/tok-77aa88bb99
json://127.0.0.1:9000/hook
"""
CONFIG = """
[chain]
id = 1
oracle = "0xdD870fA1b7C4700F2BD7f44238821C26f7392148"
endpoints = ["http://127.0.0.1:1"]
[[gossip.brokers]]
url = "mqtt://one.example:1883"
[notices]
"""


def configured(folder: Path, lines: str = "") -> Config:
    (folder / "config.toml").write_text(CONFIG + lines)
    return load(folder / "config.toml", environ={}, check_files=False)


def test_parse__list_of_an_operator__names_levels_and_urls() -> None:
    targets = parse_targets(LIST, "targets", "info")
    assert [(one.name, one.level) for one in targets] == [
        ("phone", "critical"), ("mailto", "info"), ("json", "warning"), ("json-2", "info"),
    ]  # fmt: skip
    assert targets[0].url.reveal() == "tgram://123456789:AAF-x1y2z3_planted/998877/"


def test_parse__every_part_that_may_be_a_token__is_masked_from_then_on() -> None:
    parse_targets(LIST, "targets", "info")
    text = "123456789 AAF-x1y2z3_planted 998877 mail-pass-4411 ops@example.org tok-77aa88bb99"
    assert redactor.redact(text) == "*** *** *** *** *** ***"
    assert redactor.redact("POST json://alerts.example.org/notify/tok-77aa88bb99") == "POST json://***"
    assert redactor.redact("notify alerts.example.org, 127.0.0.1:9000") == "notify alerts.example.org, 127.0.0.1:9000"


def test_target_url__shown__is_its_scheme_alone() -> None:
    url = TargetUrl("discord://417421629800/JHMHI8qBe7bk2ZwO5U711o3dV")
    assert (str(url), f"{url}") == ("discord://***", "discord://***")
    assert "JHMHI8" not in repr(url)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("mail me", "line 1: ends without an apprise URL"),
        ("json://h/x\nphone", "line 2: ends without an apprise URL"),
        ("a b json://h/x", "stands more than a name"),
        ("info warning json://h/x", "stands more than a name"),
        ("bad;name json://h/x", "stands more than a name"),
        ("me json://h/x\nme json://h/y", "two targets have the same name"),
        ("json://h/" + "x" * 9_000, "more than 8192 characters"),
        ("\n".join(f"json://h/{n}" for n in range(MAX_TARGETS + 1)), f"{MAX_TARGETS} are the most"),
    ],
)
def test_parse__what_no_list_may_say__is_refused_without_repeating_a_url(text: str, said: str) -> None:
    with pytest.raises(ConfigError, match=said) as caught:
        parse_targets(text, "targets", "info")
    assert "json://h" not in str(caught.value)


@contextmanager
def unregistered() -> Iterator[None]:
    """Secrets that are made meanwhile are masked nowhere: a thousand of them would slow every later log line."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("node.notices.targets.redactor", Redactor())
        patch.setattr("node.keys.secrets.redactor", Redactor())
        yield


@given(st.text(max_size=200))
def test_parse__any_text__gives_targets_or_one_clear_error(text: str) -> None:
    try:
        with unregistered():
            targets = parse_targets(text, "targets", "info")
    except ConfigError:
        return
    assert len({one.name for one in targets}) == len(targets)


def test_secret_parts__of_every_part_of_a_url__are_found() -> None:
    url = "slack://bot:pa%2Fss@T1234ABCD/planted-path/notify?token=planted-value&mode=markdown#planted-fragment"
    found = {"bot", "pa%2Fss", "pa/ss", "T1234ABCD", "planted-path", "planted-value", "planted-fragment"}
    assert set(secret_parts(url)) == found
    assert secret_parts("json://mail.example:8080/notify") == []


@given(st.from_regex(r"[a-z]{2,8}://[!-~]{0,60}", fullmatch=True))
def test_secret_parts__any_url__come_from_the_url(url: str) -> None:
    assert all(secret_parts(url))
    with unregistered():
        assert str(TargetUrl(url)) == f"{url.partition(':')[0]}://***"


def test_read__environment__stands_in_for_the_file(tmp_path: Path) -> None:
    config = configured(tmp_path, 'targets_file = "targets"\nlevel = "warning"')
    (tmp_path / "targets").write_text("json://one.example/a")
    (tmp_path / "targets").chmod(0o600)
    (one,) = read_targets(config, {})
    assert (one.name, one.level) == ("json", "warning")
    told = read_targets(config, {"PATINA_NOTICE_TARGETS": " discord://1/2 me critical json://two.example/b "})
    assert [(each.name, each.level) for each in told] == [("discord", "warning"), ("me", "critical")]


def test_read__file_that_others_can_read__is_refused(tmp_path: Path) -> None:
    config = configured(tmp_path, 'targets_file = "targets"')
    (tmp_path / "targets").write_text("json://one.example/a")
    (tmp_path / "targets").chmod(0o644)
    with pytest.raises(KeyFileError, match="chmod 600"):
        read_targets(config, {})


def test_read__nothing_configured__no_targets(tmp_path: Path) -> None:
    assert read_targets(configured(tmp_path), {}) == ()


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ('mute = ["low-balanse"]', r"notices.mute\[1\].*did you mean low-balance"),
        ('quiet_hours = "25:00-07:00"', "notices.quiet_hours.*22:00-07:00"),
        ('level = "debug"', "notices.level"),
    ],
)
def test_config__setting_that_means_nothing__is_named(tmp_path: Path, line: str, said: str) -> None:
    with pytest.raises(ConfigError, match=said):
        configured(tmp_path, line)
