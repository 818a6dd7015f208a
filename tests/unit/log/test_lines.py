"""Logs: their two forms, and that no registered secret gets into either."""

from __future__ import annotations

import asyncio
import base64
import io
import json
import logging
import sys
import threading
import warnings
from collections.abc import Iterator
from urllib.parse import quote

import pytest
import structlog

from node.keys.secrets import Secret, SecretUrl
from node.keys.signing import LocalSigner
from node.log.lines import LONGEST, Format, configure

RPC_KEY = "qV3xk29TzLw0aPn7Yb5c"
URL = f"https://mainnet.example/v2/{RPC_KEY}?apikey=Zt81mQpR5&chain=main"
PASSWORD = 'it\'s a "pass\\word" ü/+'
PRIVATE_KEY = bytes.fromhex("4c0883a69102937d6231471b5dbb6204fe5129617082792ae468d01a3f362318")
BROKER = "mqtts://bob:broker-pass-1@broker.example:8883"


@pytest.fixture(autouse=True)
def _restored() -> Iterator[None]:
    root = logging.getLogger()
    hooks = sys.excepthook, threading.excepthook, sys.unraisablehook
    handlers, level = root.handlers[:], root.level
    yield
    root.handlers[:] = handlers
    root.setLevel(level)
    sys.excepthook, threading.excepthook, sys.unraisablehook = hooks
    logging.captureWarnings(False)
    structlog.reset_defaults()


def started(form: Format = "json", level: str = "debug") -> io.StringIO:
    stream = io.StringIO()
    configure(level, form, stream)
    return stream


def spellings() -> list[str]:
    key = PRIVATE_KEY.hex()
    basic = base64.b64encode(f"bob:{PASSWORD}".encode()).decode()
    return [
        URL, RPC_KEY, "Zt81mQpR5", quote(URL, safe=""), BROKER, "broker-pass-1",
        PASSWORD, quote(PASSWORD), json.dumps(PASSWORD), repr(PASSWORD), base64.b64encode(PASSWORD.encode()).decode(),
        basic, key, "0x" + key, "0X" + key.upper(), repr(PRIVATE_KEY), base64.b64encode(PRIVATE_KEY).decode(),
        str(int(key, 16)),
    ]  # fmt: skip


def unquoted(text: str) -> str:
    """A text with its backslash escapes undone."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        return text.encode("latin-1", "backslashreplace").decode("unicode_escape", "ignore")


def leaks(text: str) -> list[str]:
    """Planted secrets that can be read in a text, its quoting undone up to three times."""
    read = [text, unquoted(text), unquoted(unquoted(text)), unquoted(unquoted(unquoted(text)))]
    needles = [
        RPC_KEY, "Zt81mQpR5", "broker-pass-1", PASSWORD, quote(PASSWORD), "pass\\word",
        PRIVATE_KEY.hex(), PRIVATE_KEY.hex()[10:40], str(int.from_bytes(PRIVATE_KEY, "big")),
        base64.b64encode(PRIVATE_KEY).decode()[4:24], base64.b64encode(PASSWORD.encode()).decode()[4:20],
        base64.b64encode(f"bob:{PASSWORD}".encode()).decode()[8:24], PRIVATE_KEY.decode("latin-1"),
    ]  # fmt: skip
    return [needle for needle in needles for each in read if needle.lower() in each.lower()]


def plant() -> None:
    SecretUrl(URL)
    SecretUrl(BROKER)
    Secret(PASSWORD)
    LocalSigner(PRIVATE_KEY)


@pytest.mark.parametrize("form", ["json", "human"])
@pytest.mark.parametrize("level", ["debug", "info", "warning", "error", "critical"])
def test_incident__keys_in_rpc_urls_written_to_logs__planted_secrets_never_appear(form: Format, level: str) -> None:
    """near/mpc#2362, vega#11319: an endpoint's key, logged with the URL of a failed request."""
    plant()
    stream = started(form)
    log, library = structlog.get_logger("node.chain"), logging.getLogger("aiohttp.client")
    lines = 0
    for spelling in spellings():
        for emit in (
            lambda text: getattr(log, level)(f"asked {text} in vain", at=text, nested={"urls": [text, {text: 1}]}),
            lambda text: getattr(log, level)("asked %s", text, raw=text.encode(), error=ValueError(text)),
            lambda text: getattr(library, level)("request to %s failed: %r", text, {"url": text}),
            lambda text: getattr(library, level)(f"request to {text} failed", extra={"url": text}),
        ):
            emit(spelling)
            lines += 1
    text = stream.getvalue()
    assert text.count("\n") >= lines
    assert "***" in text
    assert leaks(text) == []


def fail_deep(text: str) -> None:
    def connect(url: str) -> None:
        raise ConnectionError(f"cannot connect to {url}")

    try:
        connect(text)
    except ConnectionError as error:
        error.add_note(f"while asking {text}")
        raise ExceptionGroup(f"endpoints of {text}", [error, KeyError(text)]) from RuntimeError(text.encode())


@pytest.mark.parametrize("form", ["json", "human"])
def test_incident__keys_in_rpc_urls_written_to_logs__nor_in_tracebacks(form: Format) -> None:
    plant()
    stream = started(form)
    log, library = structlog.get_logger("node.chain"), logging.getLogger("web3")
    for spelling in spellings():
        try:
            fail_deep(spelling)
        except ExceptionGroup as error:
            log.exception("a keeper failed")
            library.error("provider failed", exc_info=True)
            log.warning("and again", exc_info=error, stack_info=True)
    text = stream.getvalue()
    assert "ConnectionError" in text
    assert "fail_deep" in text
    assert leaks(text) == []


@pytest.mark.parametrize("form", ["json", "human"])
def test_incident__keys_in_rpc_urls_written_to_logs__nor_when_nobody_catches_the_error(
    form: Format, capsys: pytest.CaptureFixture[str]
) -> None:
    plant()
    stream = started(form)
    try:
        fail_deep(URL)
    except ExceptionGroup as error:
        sys.excepthook(type(error), error, error.__traceback__)
    thread = threading.Thread(target=fail_deep, args=(URL,), name="paho")
    thread.start()
    thread.join()

    async def forgotten() -> None:
        loop = asyncio.get_running_loop()
        loop.call_exception_handler({"message": f"lost {URL}", "exception": ValueError(PASSWORD)})

    asyncio.run(forgotten())
    with warnings.catch_warnings():
        warnings.simplefilter("always")
        warnings.warn(f"slow endpoint {URL}", ResourceWarning, stacklevel=1)
    text = stream.getvalue()
    assert text.count("an error was not caught") == 2
    assert "slow endpoint" in text
    assert "lost https://mainnet.example" in text
    assert leaks(text) == []
    assert leaks("".join(capsys.readouterr())) == []


def test_log__line_that_cannot_be_formatted__reported_without_its_arguments(
    capsys: pytest.CaptureFixture[str],
) -> None:
    plant()
    started()
    logging.getLogger("paho").error("connecting to %d", URL)
    err = capsys.readouterr().err
    assert "could not be written" in err
    assert "test_lines.py" in err
    assert leaks(err) == []


def test_json__each_line__is_one_object_with_time_level_and_logger() -> None:
    stream = started()
    structlog.get_logger("node.daemon").info("landed", feed=1, root=b"\1")
    logging.getLogger("paho").warning("gone\nand back", extra={"broker": 2})
    own, foreign = (json.loads(line) for line in stream.getvalue().splitlines())
    assert own["event"] == "landed"
    assert (own["feed"], own["root"], own["level"], own["logger"]) == (1, "b'\\x01'", "info", "node.daemon")
    assert own["timestamp"].endswith("Z")
    assert (foreign["event"], foreign["broker"], foreign["logger"]) == ("gone\nand back", 2, "paho")


def test_human__foreign_text_with_controls__stays_on_its_line_and_cannot_move_the_cursor() -> None:
    stream = started("human")
    structlog.get_logger("node").info("token\n2099-01-01 [error] forged", name="\x1b[2J\rclear")
    text = stream.getvalue()
    assert text.count("\n") == 1
    assert "\x1b" not in text
    assert "\r" not in text
    assert "\\x0a" in text


def test_auto__not_a_terminal__json() -> None:
    stream = started("auto")
    structlog.get_logger("node").info("hello")
    assert json.loads(stream.getvalue())["event"] == "hello"


def test_auto__terminal__human() -> None:
    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    stream = Terminal()
    configure("info", "auto", stream)
    structlog.get_logger("node").info("hello")
    assert "hello" in stream.getvalue()
    assert not stream.getvalue().startswith("{")


def test_level__below_it__nothing_is_logged() -> None:
    stream = started(level="warning")
    structlog.get_logger("node").info("quiet")
    logging.getLogger("anything").info("quiet")
    structlog.get_logger("node").warning("loud")
    assert [json.loads(line)["event"] for line in stream.getvalue().splitlines()] == ["loud"]


def test_level__chatty_library__heard_at_debug_alone() -> None:
    stream = started(level="info")
    logging.getLogger("amqtt.broker").info("a packet")
    assert stream.getvalue() == ""
    stream = started(level="debug")
    logging.getLogger("amqtt.broker").info("a packet")
    assert "a packet" in stream.getvalue()


def test_configure__again__replaces_the_first() -> None:
    first, second = started(), started()
    structlog.get_logger("node").info("once")
    assert first.getvalue() == ""
    assert second.getvalue().count("once") == 1


ACTING = "\x1b]0;owned\x07\x9b2J\rlate\u202egnp.exe\u2066\u2028\u200b"


def test_log__exception_of_a_stranger__neither_obeyed_by_a_terminal_nor_written_backwards() -> None:
    stream = started("human")
    try:
        raise OSError(f"said {ACTING}\nsecond line")
    except OSError:
        structlog.get_logger("node").exception("failed", name=ACTING)
    text = stream.getvalue()
    assert [letter for letter in text if not letter.isprintable() and letter != "\n"] == []
    assert "\nsecond line" in text
    assert text.count("\\u202e") == 2


@pytest.mark.parametrize("form", ["json", "human"])
def test_log__endless_text__both_ends_of_it_and_no_secret_in_the_cut(form: Format) -> None:
    plant()
    stream = started(form)
    endless = f"begin {RPC_KEY * 30_000} end"
    try:
        raise ValueError(endless)
    except ValueError:
        structlog.get_logger("node").exception(endless, field=endless, raw=endless.encode())
    logging.getLogger("amqtt").error("received %r", endless)
    text = stream.getvalue()
    assert len(text) < 5 * LONGEST
    assert "begin" in text
    assert "end" in text
    assert leaks(text) == []
