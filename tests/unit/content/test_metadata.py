"""Metadata: canonical, complete for rendering again, and strict when read."""

import json
from contextlib import suppress
from dataclasses import fields as members
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from node.content.cid import DAG_PB, RAW, Cid, raw_cid
from node.content.metadata import MAX_METADATA, Metadata, Provenance, parse_metadata, percent, token_metadata
from node.errors import ContentError

digests = st.binary(min_size=32, max_size=32)
texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=30)
uints = st.integers(0, 2**256 - 1)
wads = st.integers(-(2**255), 2**255 - 1)
provenances = st.builds(
    Provenance,
    chain_id=uints,
    collection=texts,
    edition=uints,
    token_id=uints,
    feed=uints,
    checkpoint=uints,
    block_hash=digests,
    band=st.integers(0, 15),
    signals=st.lists(st.tuples(texts, wads), max_size=4).map(tuple),
    recipe=digests,
    model=digests,
    seed=digests,
)
cids = st.builds(Cid, st.sampled_from([RAW, DAG_PB]), digests)
documents = st.builds(Metadata, texts, texts, cids, texts, st.integers(1, 16), provenances) | st.builds(
    Metadata, texts, texts, cids
)

PAINTED = Metadata(
    name="Tide #1",
    description="Light over water.",
    image=Cid(RAW, b"\x01" * 32),
    mood="Glow",
    bands=6,
    provenance=Provenance(
        chain_id=31337,
        collection="0x5FbDB2315678afecb367f032d93F642f64180aa3",
        edition=1,
        token_id=1_000_001,
        feed=2,
        checkpoint=23_550_000,
        block_hash=b"\x02" * 32,
        band=3,
        signals=(("volatility", 12 * 10**15), ("drawdown", 0), ("flow", -(10**17))),
        recipe=b"\x03" * 32,
        model=b"\x04" * 32,
        seed=b"\x05" * 32,
    ),
)


@given(documents)
def test_parse_metadata__what_was_written__round_trips(document):
    assert parse_metadata(token_metadata(document)) == document


def test_token_metadata__painted__erc721_json_with_band_mood_and_signals():
    document = json.loads(token_metadata(PAINTED))
    assert document["name"] == "Tide #1"
    assert document["image"] == "ipfs://" + raw_cid(b"\x01" * 32)
    assert document["attributes"] == [
        {"trait_type": "Band", "display_type": "number", "value": 3, "max_value": 5},
        {"trait_type": "Mood", "value": "Glow"},
        {"trait_type": "Volatility", "value": "1.20 %"},
        {"trait_type": "Drawdown", "value": "0.00 %"},
        {"trait_type": "Flow", "value": "-10.00 %"},
    ]
    assert document["patina"]["recipe"] == raw_cid(b"\x03" * 32)
    assert document["patina"]["signals"][2] == {"name": "flow", "value": "-100000000000000000"}


def test_token_metadata__painted__holds_no_answer_and_no_view():
    # Votes on chain may agree in everything but the answer, and any view may land.
    assert {member.name for member in members(Provenance)}.isdisjoint({"answer", "view", "observations"})
    assert b"answer" not in token_metadata(PAINTED)


def test_token_metadata__written__keys_sorted_without_spaces():
    raw = token_metadata(PAINTED)
    assert json.dumps(json.loads(raw), sort_keys=True, separators=(",", ":")).encode() == raw


def test_token_metadata__placeholder__says_unrevealed_and_no_more():
    document = json.loads(token_metadata(Metadata("Tide #2", "", Cid(RAW, b"\x01" * 32))))
    assert document["attributes"] == [{"trait_type": "State", "value": "Unrevealed"}]
    assert "patina" not in document


@pytest.mark.parametrize("bad", [{"name": "\ud800"}, {"description": "x" * MAX_METADATA}, {"bands": 2**60}])
def test_token_metadata__what_json_cannot_carry__refused(bad):
    with pytest.raises(ContentError):
        token_metadata(replace(PAINTED, **bad))


@settings(max_examples=200)
@given(st.binary(max_size=300) | st.recursive(st.none() | texts, st.lists).map(lambda v: json.dumps(v).encode()))
def test_incident_lido_oracle_757__any_bytes_as_metadata__refused(raw):
    with pytest.raises(ContentError):
        parse_metadata(raw)


@settings(max_examples=200)
@given(st.data())
def test_incident_lido_oracle_757__one_changed_byte__refused_or_another_document(data):
    raw = bytearray(token_metadata(PAINTED))
    raw[data.draw(st.integers(0, len(raw) - 1))] = data.draw(st.integers(0, 255))
    with suppress(ContentError):
        assert token_metadata(parse_metadata(bytes(raw))) == raw


def edited(**changes):
    document = json.loads(token_metadata(PAINTED))
    document["patina"] |= changes.pop("patina", {})
    return json.dumps(document | changes, sort_keys=True, separators=(",", ":")).encode()


@pytest.mark.parametrize(
    "raw",
    [
        b"[" * 100_000,
        b"[" * 60_000,
        b'{"name":' * 5_000,
        b"null",
        b"{}",
        edited() + b" ",
        edited(extra=1),
        edited(image="https://example.org/x.png"),
        edited(image="ipfs://nonsense"),
        edited(attributes=[]),
        edited(patina={"chain_id": "1" * 5000}),
        edited(patina={"chain_id": "007"}),
        edited(patina={"chain_id": "-"}),
        edited(patina={"chain_id": "1e3"}),
        edited(patina={"chain_id": "\u0661"}),
        edited(patina={"chain_id": str(2**256)}),
        edited(patina={"seed": "0x00"}),
        edited(patina={"seed": "0x" + "0G" * 32}),
        edited(patina={"seed": "0x" + "AB" * 32}),
        edited(patina={"recipe": str(Cid(DAG_PB, b"\0" * 32))}),
        edited(patina={"version": 2}),
        edited(patina={"band": 2**70}),
        edited(patina={"signals": [{"name": "flow", "value": 1}]}),
        b" " * (MAX_METADATA + 1),
    ],
    ids=lambda raw: repr(raw[-40:]),
)
def test_parse_metadata__not_exactly_a_document__refused(raw):
    with pytest.raises(ContentError):
        parse_metadata(raw)


def test_parse_metadata__edited_by_nothing__is_read():
    assert parse_metadata(edited()) == PAINTED


@pytest.mark.parametrize(
    ("wad", "text"),
    [
        (0, "0.00 %"),
        (10**16, "1.00 %"),
        (-(10**16), "-1.00 %"),
        (12345678900000000, "1.23 %"),
        (-12399999999999999, "-1.23 %"),
        (-1, "0.00 %"),
        (3 * 10**18, "300.00 %"),
    ],
)
def test_percent__wads__two_decimals_towards_zero(wad, text):
    assert percent(wad) == text
