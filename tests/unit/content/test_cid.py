"""CIDs: equal to another implementation's, and one spelling only."""

import json
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from node.content.cid import DAG_PB, RAW, Cid, directory_cid, parse, parse_binary, raw_cid, sha256
from node.errors import ContentError

VECTORS = json.loads((Path(__file__).parent / "vectors.json").read_text())
HELLO = "bafkreifzjut3te2nhyekklss27nh3k72ysco7y32koao5eei66wof36n5e"
digests = st.binary(min_size=32, max_size=32)


@pytest.mark.parametrize("vector", VECTORS["raw"], ids=lambda v: v["text"] or "empty")
def test_raw_cid__other_implementation__equal(vector):
    digest = sha256(vector["text"].encode())
    assert raw_cid(digest) == vector["cid"]
    assert parse(vector["cid"]) == (RAW, digest)


@given(st.sampled_from([RAW, DAG_PB]), digests)
def test_parse__any_cid__round_trips(codec, digest):
    text = raw_cid(digest) if codec == RAW else directory_cid(digest)
    assert len(text) == 59
    assert parse(text) == Cid(codec, digest)
    assert parse_binary(parse(text).binary) == Cid(codec, digest)


@given(st.text(max_size=70) | st.text("abcdefghijklmnopqrstuvwxyz234567", min_size=59, max_size=59))
def test_parse__any_text__canonical_or_refused(text):
    with suppress(ContentError):
        assert str(parse(text)) == text


@given(st.text("abcdefghijklmnopqrstuvwxyz234567", min_size=51, max_size=51), st.sampled_from("abcdefgh"))
def test_parse__right_prefix_any_digest__one_spelling_per_digest(tail, first):
    text = "bafkrei" + first + tail
    # 288 bits fill 57.6 characters, so the last one carries two bits that must be zero.
    if tail[-1] in "aeimquy4":
        assert str(parse(text)) == text
    else:
        with pytest.raises(ContentError, match="stray bits"):
            parse(text)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "b",
        HELLO.upper(),
        HELLO[:-1] + "f",
        HELLO[:-1],
        HELLO + "a",
        HELLO + "======",
        " " + HELLO[1:],
        "z" + HELLO[1:],
        HELLO[:-1] + "1",
        HELLO[:-1] + "\u00e4",
        "QmUNLLsPACCz1vLxQVkXqqLX5R1X345qqfHbsf67hvA3Nn",
        "bafyreidykglsfhoixmivffc5uwhcgshx4j465xwqntbmu43nb2dzqwfvae",
    ],
    ids=str,
)
def test_parse__another_form__refused(text):
    with pytest.raises(ContentError):
        parse(text)


@pytest.mark.parametrize("digest", [b"", b"\0" * 31, b"\0" * 33])
def test_raw_cid__digest_of_wrong_length__refused(digest):
    with pytest.raises(ContentError, match="32 bytes"):
        raw_cid(digest)
    with pytest.raises(ContentError):
        parse_binary(b"\x01\x55\x12\x20" + digest)
