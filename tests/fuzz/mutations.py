"""Strategies: noise, and valid encodings that were flipped, cut, spliced, repeated, grown, or told a lie."""

from __future__ import annotations

import copy
import json
from collections.abc import Sequence
from typing import Any, Final

from hypothesis import strategies as st

TOKENS: Final = (
    b"\0", b"\xff", b"\xff" * 4, b"\xff" * 8, b"\xff" * 32, b"\x7f" + b"\xff" * 7, b"\x80" + bytes(31), bytes(32),
    b"\xef\xbb\xbf", b"\xff\xfe", b"\r\n", b"\n", b"\r", b"\xed\xa0\x80", b"\xf4\x90\x80\x80", b"\xc0\x80",
    b'"\\ud800"', b'"\\u0000"', b'"\\u202e"', b"NaN", b"-Infinity", b"nan", b"inf", b"1e999", b"-0", b"1e-999",
    b"1e99999999999999999999", b"9" * 4_301, b"9" * 10_000, b"0x" + b"f" * 10_000, b"[" * 2_000, b'{"a":' * 2_000,
    b"a." * 500, b"null", b"true", b"[]", b"{}", b'""', b"0x", b"_", b",", b":", b'"', b"'", b'"""', b"\\", b"%00",
    b"\x1b[2J", b"\xe2\x80\xa8", b"\xc2\x85", b"-", b"+", b"=", b"..", b"/", b"\x92", b"\xdd\xff\xff\xff\xff",
)  # fmt: skip
ODD: Final[tuple[Any, ...]] = (
    None, True, False, 0, -1, 1, 2**31, 2**63, 2**64, 2**256, -(2**255), 10**4_000, 0.5, 1e308, float("nan"),
    float("inf"), "", "0", "0x", "0x0", "0x1_0", "0x 1", "0xg", "0x" + "f" * 64, "0x" + "f" * 65, "-1", "1e5", "\0",
    "\ud800", "\u202e", "\x1b[31m", "a\nb", "a" * 5_000, "9" * 5_000, "\u0661", "\u00b2", [], {}, [[]], [None],
    {"a": None}, {"": ""},
)  # fmt: skip
"""Values that a reader of JSON may meet where it expects another one."""
MOST: Final = 40_000

noise = st.binary(max_size=400) | st.lists(st.sampled_from(TOKENS), max_size=6).map(b"".join)
steps = st.lists(
    st.tuples(
        st.sampled_from(("flip", "set", "cut", "drop", "repeat", "grow", "splice", "swap", "token")),
        st.integers(0, 1 << 16),
        st.integers(0, 1 << 16),
        st.integers(0, 255),
    ),
    min_size=1,
    max_size=6,
)


def damaged(corpus: Sequence[bytes]) -> st.SearchStrategy[bytes]:
    """One of some valid encodings, with one to six faults in it."""
    return st.builds(lambda at, some: damage(corpus, at, some), st.integers(0, len(corpus) - 1), steps)


def any_input(corpus: Sequence[bytes]) -> st.SearchStrategy[bytes]:
    """Noise or, more often, a valid encoding with faults."""
    return st.one_of(noise, damaged(corpus), damaged(corpus))


def damage(corpus: Sequence[bytes], at: int, some: Sequence[tuple[str, int, int, int]]) -> bytes:
    """A valid encoding after some steps."""
    raw = corpus[at]
    for what, first, second, value in some:
        raw = _step(raw, corpus, what, first, second, value)[:MOST]
    return raw


def _step(raw: bytes, corpus: Sequence[bytes], what: str, first: int, second: int, value: int) -> bytes:
    start, stop = first % (len(raw) + 1), second % (len(raw) + 1)
    if what == "cut":
        return raw[:start]
    if what == "drop":
        return raw[:start] + raw[start + 1 + second % 16 :]
    if what == "repeat":
        low, high = sorted((start, stop))
        return raw[:high] + raw[low:high] * (1 + value % 4) + raw[high:]
    if what == "grow":
        return raw[:start] + bytes([value]) * (second % 600) + raw[start:]
    if what == "splice":
        other = corpus[value % len(corpus)]
        return raw[:start] + other[second % (len(other) + 1) :]
    if what == "token":
        return raw[:start] + TOKENS[value % len(TOKENS)] + raw[start + second % 8 :]
    if not raw:
        return bytes([value])
    changed, place = bytearray(raw), first % len(raw)
    if what == "flip":
        changed[place] ^= 1 << value % 8
    elif what == "set":
        changed[place] = value
    else:
        other = second % len(raw)
        changed[place], changed[other] = changed[other], changed[place]
    return bytes(changed)


changes = st.lists(
    st.tuples(
        st.integers(0, 1 << 16),
        st.sampled_from(("odd", "odd", "odd", "drop", "again", "nest", "wrong name")),
        st.integers(0, len(ODD) - 1),
    ),
    min_size=1,
    max_size=3,
)


def odd_json(document: Any) -> st.SearchStrategy[Any]:
    """A JSON document in which one to three values are of another kind, missing, doubled, or of a size nobody has."""
    return changes.map(lambda some: changed(document, some))


def spelled(document: Any) -> bytes:
    """A document as JSON, lone surrogates and NaN included."""
    return json.dumps(document).encode()


def changed(document: Any, some: Sequence[tuple[int, str, int]]) -> Any:
    """A copy of a document after some changes."""
    document = copy.deepcopy(document)
    for place, what, odd in some:
        spots = list(_spots(document))
        if not spots:
            return copy.deepcopy(ODD[odd])
        holder, key = spots[place % len(spots)]
        _change(holder, key, what, copy.deepcopy(ODD[odd]))
    return document


def _change(holder: Any, key: Any, what: str, odd: Any) -> None:
    if what == "drop":
        del holder[key]
    elif what == "again" and isinstance(holder, list):
        holder.insert(key, copy.deepcopy(holder[key]))
    elif what == "nest":
        holder[key] = [holder[key]]
    elif what == "wrong name" and isinstance(holder, dict):
        holder[f"{key}\n"] = odd
    else:
        holder[key] = odd


def _spots(document: Any) -> list[tuple[Any, Any]]:
    """Every (object or list, key or place) in a document."""
    keys = document.keys() if isinstance(document, dict) else range(len(document)) if isinstance(document, list) else ()
    here = [(document, key) for key in keys]
    return here + [spot for key in keys for spot in _spots(document[key])]
