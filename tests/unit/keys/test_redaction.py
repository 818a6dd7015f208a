"""Masking registered values in text, in every form they are written in."""

from __future__ import annotations

import base64
import html
import json
import reprlib
import textwrap
from collections.abc import Callable
from urllib.parse import quote, quote_plus

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from node.errors import printable
from node.keys.redaction import MASK, SHORTEST, Redactor
from node.keys.secrets import Secret

TEXTS = st.text(st.characters(exclude_categories=["Cs"]), min_size=SHORTEST, max_size=40)
KEY = bytes.fromhex("00ff" + "5a22" * 13 + "27" * 4)


def redactor_of(value: str | bytes) -> Redactor:
    redactor = Redactor()
    redactor.add(value)
    return redactor


@given(TEXTS)
@example('it\'s "both"')
@example("back\\slash\nand newline")
@settings(max_examples=100, deadline=None)
def test_redact__any_text_in_any_spelling__masked(secret: str) -> None:
    redactor = redactor_of(secret)
    for spelling in (
        secret,
        quote(secret),
        quote(secret, safe=""),
        quote_plus(secret),
        secret.encode().hex(),
        secret.encode().hex().upper(),
        json.dumps(secret)[1:-1],
        json.dumps(secret, ensure_ascii=False)[1:-1],
        html.escape(secret),
        quote(quote(secret)),
        quote(base64.b64encode(secret.encode())),
        base64.b64encode(secret.encode()).decode(),
        base64.urlsafe_b64encode(secret.encode()).decode().rstrip("="),
    ):
        redacted = redactor.redact(f"<{spelling}>")
        assert spelling.lower() not in redacted.lower()
        assert MASK in redacted


@given(TEXTS, st.sampled_from(["", "'", '"', "'\""]))
@settings(max_examples=100, deadline=None)
def test_redact__quoted_up_to_three_times__masked(secret: str, beside: str) -> None:
    redactor = redactor_of(secret)
    texts = {beside + secret + beside}
    for _ in range(3):
        texts = {json.dumps([text]) for text in texts} | {repr([text]) for text in texts}
        texts |= {repr(text.encode()) for text in texts}
        for text in texts:
            assert MASK in redactor.redact(text), text


@given(TEXTS, st.binary(max_size=5), st.binary(max_size=5))
@settings(max_examples=100, deadline=None)
def test_redact__base64_of_a_text_around_it__cannot_be_decoded(secret: str, before: bytes, after: bytes) -> None:
    # As in an HTTP Basic header, whose base64 begins somewhere before the password.
    encoded = base64.b64encode(before + secret.encode() + after).decode()
    redacted = redactor_of(secret).redact(f"Basic {encoded}")
    assert MASK in redacted
    # What is left around the mask tells at most the characters that share a base64 group with a neighbour's.
    assert len(redacted) - len("Basic ") - len(MASK) <= len(encoded) - 4 * len(secret.encode()) // 3 + 4


@pytest.mark.parametrize(
    "text",
    [
        KEY.hex(),
        "0x" + KEY.hex(),
        KEY.hex().upper(),
        "0x" + KEY.hex().lstrip("0"),
        str(int.from_bytes(KEY, "big")),
        repr(KEY),
        repr(bytearray(KEY)),
        repr([KEY, b"'"]),
        json.dumps(repr(KEY)),
        base64.b64encode(KEY).decode(),
        base64.b64encode(b"x" + KEY).decode(),
        KEY.hex(":"),
        str(list(KEY)),
    ],
)
def test_redact__key_bytes_in_any_spelling__masked(text: str) -> None:
    redacted = redactor_of(KEY).redact(f"key {text} end")
    assert MASK in redacted
    assert KEY.hex()[8:24] not in redacted.lower()


def test_redact__no_registered_value__unchanged() -> None:
    text = "report 0x1234 landed at https://gateway.example/ipfs/bafybeigdyrzt?x=1"
    assert redactor_of("a secret").redact(text) == text


def test_redact__userinfo_of_an_unknown_url__masked() -> None:
    assert Redactor().redact("at mqtt://me:pw@host:1 now") == "at mqtt://***@host:1 now"


def test_redact__value_with_its_own_mask__shown_as_that_and_not_by_its_parts() -> None:
    redactor = redactor_of("abcdef123456")
    redactor.add("https://host/abcdef123456", shown_as="https://host/***")
    assert redactor.redact("GET https://host/abcdef123456") == "GET https://host/***"


def test_redact__lines_of_a_long_secret__each_masked() -> None:
    assert "second" not in redactor_of("first line\nsecond line").redact("  | second line\n")


@pytest.mark.parametrize("width", [12, 16, 30])
@pytest.mark.parametrize("indent", ["", "    ", "  | "])
def test_redact__value_broken_over_lines__no_piece_of_it_is_left(width: int, indent: str) -> None:
    secret = "qV3xk29TzLw0aPn7Yb5cQ8mZt81mQpR5sXq22LkW"
    broken = textwrap.fill(f"refused: {secret} is not known", width, subsequent_indent=indent)
    for text in (broken, json.dumps(broken), json.dumps(json.dumps(broken)), broken.replace("\n", "\r\n")):
        told = redactor_of(secret).redact(text)
        assert not any(secret[at : at + 5] in told for at in range(len(secret) - 4)), told
        assert "known" in told


def test_redact__base64_in_lines_of_a_mail__cannot_be_decoded() -> None:
    secret = "a password that is told twice, a password that is told twice"
    told = redactor_of(secret).redact(base64.encodebytes(b"user:" * 9 + secret.encode()).decode())
    assert b"password" not in base64.b64decode(told.replace(MASK, ""), validate=False)
    assert "told twice" not in told


def test_redact__lines_without_a_secret__stay_as_they_are() -> None:
    text = "Traceback:\n  File x, line 3\n    send(key)\nOSError: no\\nfile\n"
    assert redactor_of("line send OSError").redact(text) == text


@pytest.mark.timeout(30)
@pytest.mark.parametrize("hostile", ["...", "x…", "\\", "\n", " ", "://", "".join(map(chr, range(256))), "value-0..."])
def test_redact__much_of_a_stranger_and_many_secrets__does_not_hold_up_the_node(hostile: str) -> None:
    # Took minutes when each mark of a cut was compared with each spelling of each value.
    redactor = redactor_of(KEY)
    for number in range(300):
        redactor.add(f"value-{number}-of-many-secrets")
    assert redactor.redact(hostile * (200_000 // len(hostile)))


def test_add__short_value__does_not_blot_out_ordinary_text() -> None:
    assert redactor_of("a").redact("a banana") == "a banana"


@given(TEXTS, st.text("xyz ", max_size=10), st.integers(0, 60))
@settings(max_examples=100, deadline=None)
def test_cut__text_cut_off_within_a_value__leaves_no_usable_part_of_it(secret: str, before: str, most: int) -> None:
    redacted = redactor_of(secret).cut(before + secret + " and more", most)
    assert all(secret[:size].lower() not in redacted.lower().removesuffix("...")[len(before) :] for size in range(6, 41)
               if len(secret) >= size and secret[:size].strip())  # fmt: skip


@pytest.mark.parametrize("write", [repr, reprlib.repr, lambda text: reprlib.repr(("GET", text))])
@pytest.mark.parametrize("mark", ["...", "…"])
def test_redact__value_shortened_by_a_library__neither_end_of_it_is_left(
    write: Callable[[str], str], mark: str
) -> None:
    secret = "qV3xk29TzLw0aPn7Yb5cQ8mZt81mQpR5sXq22LkW"
    redacted = redactor_of(secret).redact(f"Executing <Handle send({write(secret).replace('...', mark)})> took 0.2 s")
    assert MASK in redacted
    assert not any(secret[at : at + 7] in redacted for at in range(len(secret) - 6))


def test_redact__url_with_dots_at_its_end__stays_readable() -> None:
    redactor = redactor_of("qV3xk29TzLw0aPn7Yb5c")
    redactor.add("https://host.example/v2/qV3xk29TzLw0aPn7Yb5c", shown_as="https://host.example/v2/***")
    text = "endpoint https://host.example/... does not answer, trying again..."
    assert redactor.redact(text) == text


def test_redact__key_written_as_text_and_encoded_again__masked() -> None:
    text = KEY.hex()
    for spelling in (
        text.encode().hex(),
        base64.b64encode(text.encode()).decode(),
        f"Basic {base64.b64encode(b'x:' + text.encode()).decode()}",
    ):
        assert MASK in redactor_of(KEY).redact(spelling)


def test_printable__foreign_text_cut_off_within_a_secret__no_part_is_left() -> None:
    Secret("cut-within-this-token-99")
    for most in range(20, 60):
        told = printable("the endpoint says: bad key cut-within-this-token-99, ask again", most)
        assert "cut-wi" not in told
    assert printable("short") == "short"
