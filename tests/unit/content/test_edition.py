"""Editions: one root for equal inputs, every token inside, and everything reachable from the root."""

import tracemalloc
from dataclasses import replace

import pytest

from node.content.cid import DAG_PB, Cid, raw_cid
from node.content.dag import listing, read, resolve
from node.content.edition import EditionSpec, build, build_placeholder, token_id, token_path
from node.content.metadata import parse_metadata
from node.content.store import BlockStore
from node.content.unixfs import CHUNK
from node.errors import ContentError


@pytest.fixture
def store(tmp_path):
    return BlockStore(tmp_path)


def spec(tokens=3, **changes):
    found = EditionSpec(
        chain_id=31337,
        collection="0x5FbDB2315678afecb367f032d93F642f64180aa3",
        title="Tide",
        description="Light over water.",
        edition=7,
        feed=2,
        checkpoint=300,
        block_hash=b"\x02" * 32,
        band=1,
        bands=6,
        mood="Still",
        signals=(("volatility", 10**15), ("drawdown", 0), ("flow", -5)),
        recipe=b"\x03" * 32,
        model=b"\x04" * 32,
        seeds=tuple(index.to_bytes(32) for index in range(1, tokens + 1)),
    )
    return replace(found, **changes)


def picture(index):
    return b"\x89PNG\r\n\x1a\n" + index.to_bytes(4)


def root(digest):
    return Cid(DAG_PB, digest)


def test_build__six_tokens__metadata_and_image_side_by_side(store):
    found = build(store, spec(3), [picture(i) for i in range(3)])
    names = [entry.name for entry in listing(store, root(found))]
    assert names == [f"{token_id(7, i)}.{end}" for i in (1, 2, 3) for end in ("json", "png")]
    document = parse_metadata(read(store, resolve(store, root(found), ["7000002.json"])))
    assert document.name == "Tide #2"
    assert document.image == resolve(store, root(found), ["7000002.png"])
    assert read(store, document.image) == picture(1)
    assert document.provenance.seed == (2).to_bytes(32)
    assert (document.provenance.band, document.bands, document.mood) == (1, 6, "Still")


def test_build__same_inputs_elsewhere__same_root(store, tmp_path):
    images = [picture(i) for i in range(3)]
    assert build(store, spec(), images) == build(BlockStore(tmp_path / "other"), spec(), images)


@pytest.mark.parametrize(
    "changes",
    [
        {"chain_id": 1},
        {"collection": "0x0000000000000000000000000000000000000001"},
        {"title": "Ebb"},
        {"description": ""},
        {"edition": 8},
        {"feed": 3},
        {"checkpoint": 301},
        {"block_hash": b"\x09" * 32},
        {"band": 2},
        {"bands": 7},
        {"mood": "Loud"},
        {"signals": (("volatility", 10**15), ("drawdown", 1), ("flow", -5))},
        {"recipe": b"\x09" * 32},
        {"model": b"\x09" * 32},
        {"seeds": tuple(index.to_bytes(32) for index in (1, 3, 2))},
    ],
    ids=lambda changes: next(iter(changes)),
)
def test_build__any_input_changed__another_root(store, changes):
    images = [picture(i) for i in range(3)]
    assert build(store, spec(), images) != build(store, spec(**changes), images)


def test_build__above_a_thousand__numbered_folders(store, monkeypatch):
    monkeypatch.setattr("os.fsync", lambda _: None)
    found = build(store, spec(1001), [picture(i) for i in range(1001)])
    assert [entry.name for entry in listing(store, root(found))] == ["0", "1"]
    assert len(listing(store, resolve(store, root(found), ["0"]))) == 2000
    path = token_path(7, 1001, 1001)
    assert path == "1/7001001.json"
    assert parse_metadata(read(store, resolve(store, root(found), path.split("/")))).name == "Tide #1001"


def test_build__large_images__stored_in_pieces(store):
    image = picture(1) + b"x" * CHUNK
    found = build(store, spec(1), [image])
    document = parse_metadata(read(store, resolve(store, root(found), ["7000001.json"])))
    assert document.image.codec == DAG_PB
    assert read(store, document.image) == image


@pytest.mark.parametrize(("seeds", "images"), [(3, 2), (2, 3), (0, 0)])
def test_build__counts_differ__refused(store, seeds, images):
    with pytest.raises(ContentError, match="images for"):
        build(store, spec(seeds), [picture(i) for i in range(images)])


def test_build_placeholder__any_supply__every_token_and_one_picture(store):
    found = build_placeholder(store, "Tide", "", 7, 3)
    for index in (1, 2, 3):
        path = token_path(7, index, 3)
        document = parse_metadata(read(store, resolve(store, root(found), [path])))
        assert document.name == f"Tide #{index}"
        assert document.provenance is None
        assert document.image == resolve(store, root(found), ["placeholder.svg"])
    assert read(store, document.image).startswith(b"<svg")


def test_build_placeholder__hostile_title__stays_text(store):
    found = build_placeholder(store, "<script>alert(1)</script>\x07&", "", 7, 1)
    drawn = read(store, resolve(store, root(found), ["placeholder.svg"]))
    assert b"<script" not in drawn
    assert b"&lt;script&gt;alert(1)&lt;/script&gt;\xef\xbf\xbd&amp;" in drawn


def test_build_placeholder__own_picture__is_used(store):
    found = build_placeholder(store, "Tide", "", 7, 1, b"<svg/>")
    assert read(store, resolve(store, root(found), ["placeholder.svg"])) == b"<svg/>"


def test_build_placeholder__above_a_thousand__picture_in_the_root(store, monkeypatch):
    monkeypatch.setattr("os.fsync", lambda _: None)
    found = build_placeholder(store, "Tide", "", 7, 1001)
    assert [entry.name for entry in listing(store, root(found))] == ["0", "1", "placeholder.svg"]
    document = parse_metadata(read(store, resolve(store, root(found), ["1", "7001001.json"])))
    assert document.image == resolve(store, root(found), ["placeholder.svg"])


@pytest.mark.parametrize("supply", [0, 1_000_000])
def test_build_placeholder__impossible_supply__refused(store, supply):
    with pytest.raises(ContentError):
        build_placeholder(store, "Tide", "", 7, supply)


def test_token_path__bounds__as_the_contract_composes_them():
    assert token_path(3, 1000, 1000) == "3001000.json"
    assert token_path(3, 1000, 1001) == "0/3001000.json"
    assert token_path(3, 1001, 1001, "png") == "1/3001001.png"
    assert token_path(3, 999_999, 999_999) == "999/3999999.json"
    for index in (0, 1_000_000):
        with pytest.raises(ContentError):
            token_id(3, index)


def test_read__file_that_claims_too_much__refused_without_reading_it(store):
    from node.content import protobuf

    leaf = store.put(b"x")
    link = protobuf.octets(1, b"\x01\x55\x12\x20" + leaf) + protobuf.octets(2, b"") + protobuf.integer(3, 1)
    claim = protobuf.integer(1, 2) + protobuf.integer(3, 2**40) + protobuf.integer(4, 2**40)
    block = protobuf.octets(2, link) + protobuf.octets(1, claim)
    tracemalloc.start()
    with pytest.raises(ContentError, match="at most"):
        read(store, root(store.put(block)))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 1 << 20


def test_read__piece_shorter_than_claimed__refused(store):
    from node.content import protobuf

    leaf = store.put(b"x")
    link = protobuf.octets(1, b"\x01\x55\x12\x20" + leaf) + protobuf.octets(2, b"") + protobuf.integer(3, 1)
    claim = protobuf.integer(1, 2) + protobuf.integer(3, 9) + protobuf.integer(4, 9)
    with pytest.raises(ContentError, match="claims 9 bytes"):
        read(store, root(store.put(protobuf.octets(2, link) + protobuf.octets(1, claim))))


def test_resolve__way_through_a_file_or_too_deep__refused(store):
    found = root(build(store, spec(1), [picture(0)]))
    for path in (["nothing"], ["7000001.json", "more"], ["a"] * 9):
        with pytest.raises(ContentError):
            resolve(store, found, path)
    with pytest.raises(ContentError, match="is a directory"):
        read(store, found)
    assert raw_cid(b"\x03" * 32) in read(store, resolve(store, found, ["7000001.json"])).decode()
