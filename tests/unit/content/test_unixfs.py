"""UnixFS: equal to another implementation's blocks, one spelling, and proof against any bytes."""

import json
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from node.content import protobuf
from node.content.cid import DAG_PB, RAW, Cid, sha256
from node.content.unixfs import CHUNK, MAX_BLOCK, Target, decode, directory, file, links
from node.errors import ContentError

VECTORS = json.loads((Path(__file__).parent / "vectors.json").read_text())

digests = st.binary(min_size=32, max_size=32)
names = st.text(st.characters(exclude_characters="/\0", exclude_categories=["Cs"]), min_size=1, max_size=40)
names = names.filter(lambda name: name not in (".", ".."))
targets = st.builds(Target, st.builds(Cid, st.sampled_from([RAW, DAG_PB]), digests), st.integers(0, 2**63))
directories = st.dictionaries(names, targets, max_size=8)


def content(entry):
    if "text" in entry:
        return entry["text"].encode()
    return bytes((7 * i + (i >> 8)) & 255 for i in range(entry["pattern"]))


def tree(files):
    """The tree of {path: content}, with our own code, one level of folders deep."""
    entries, folders = {}, {}
    for path, entry in files.items():
        folder, _, name = path.rpartition("/")
        target = file(content(entry))[0]
        (folders.setdefault(folder, {}) if folder else entries)[name] = target
    return directory(entries | {name: directory(inner)[0] for name, inner in folders.items()})


@pytest.mark.parametrize("vector", VECTORS["trees"], ids=lambda v: v["name"])
def test_directory__other_implementation__same_block_and_sizes(vector):
    target, blocks = tree(vector["files"])
    assert blocks[-1].hex() == vector["block"]
    assert (str(target.cid), target.tsize) == (vector["cid"], vector["tsize"])


@pytest.mark.parametrize("vector", VECTORS["trees"], ids=lambda v: v["name"])
def test_links__other_implementation__same_links(vector):
    found = links(bytes.fromhex(vector["block"]))
    assert [[link.name, str(link.cid), link.tsize] for link in found] == vector["links"]


@given(directories, st.randoms())
def test_directory__any_entries_in_any_order__one_block_that_reads_back(entries, random):
    target, [block] = directory(entries)
    shuffled = list(entries.items())
    random.shuffle(shuffled)
    assert directory(dict(shuffled)) == (target, [block])
    assert target.cid == (DAG_PB, sha256(block))
    assert {link.name: Target(link.cid, link.tsize) for link in links(block)} == entries
    assert decode(block).kind == "directory"


@settings(max_examples=300)
@given(st.binary(max_size=200))
@example(b"")
@example(b"\x0a\x02\x08\x01" * 2)
@example(b"\x12\x00\x0a\x02\x08\x01")
@example(b"\x0a\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01")
@example(b"\x80" * 100)
@example(b"<html>504 Gateway Time-out</html>")
@example(b'{"Links": null}')
def test_incident_lido_oracle_757__any_bytes_at_all__refused_or_canonical(block):
    try:
        found = links(block)
    except ContentError:
        return
    assert decode(block).links == found


@settings(max_examples=300)
@given(directories, st.data())
def test_incident_lido_oracle_757__valid_block_with_damage__refused_or_another_canonical(entries, data):
    block = bytearray(directory(entries)[1][0])
    for _ in range(data.draw(st.integers(1, 3))):
        at = data.draw(st.integers(0, len(block) - 1))
        change = data.draw(st.sampled_from(["flip", "drop", "double"]))
        if change == "flip":
            block[at] ^= 1 << data.draw(st.integers(0, 7))
        elif change == "drop" and len(block) > 1:
            del block[at]
        else:
            block[at:at] = block[at : at + 4]
    try:
        node = decode(bytes(block))
    except ContentError:
        return
    if node.kind == "directory":
        assert directory({link.name: Target(link.cid, link.tsize) for link in node.links})[1] == [bytes(block)]


def link(name=b"a", cid=b"\x01\x55\x12\x20" + b"\0" * 32, tsize=1):
    return protobuf.octets(1, cid) + protobuf.octets(2, name) + protobuf.integer(3, tsize)


def dag(*messages, payload=b"\x08\x01"):
    return b"".join(protobuf.octets(2, message) for message in messages) + protobuf.octets(1, payload)


def test_decode__block_written_by_hand__is_read():
    assert [entry.name for entry in links(dag(link(b"a"), link(b"b")))] == ["a", "b"]


@pytest.mark.parametrize(
    "block",
    {
        "names unsorted": dag(link(b"b"), link(b"a")),
        "name twice": dag(link(b"a"), link(b"a")),
        "name empty": dag(link(b"")),
        "name with slash": dag(link(b"a/b")),
        "name of the parent": dag(link(b"..")),
        "name with zero": dag(link(b"a\0")),
        "name not UTF-8": dag(link(b"\xff")),
        "name too long": dag(link(b"a" * 256)),
        "CIDv0": dag(link(cid=b"\x12\x20" + b"\0" * 32)),
        "foreign codec": dag(link(cid=b"\x01\x71\x12\x20" + b"\0" * 32)),
        "data before links": protobuf.octets(1, b"\x08\x01") + protobuf.octets(2, link()),
        "data twice": dag() + dag(),
        "no data": protobuf.octets(2, link()),
        "unknown field": dag() + protobuf.integer(3, 1),
        "unknown field in a link": dag(link() + protobuf.integer(4, 1)),
        "link without size": dag(link()[:-2]),
        "number not shortest": dag(link()[:-1] + b"\x81\x00"),
        "HAMT shard": dag(payload=b"\x08\x05"),
        "symlink": dag(payload=b"\x08\x04"),
        "directory with a file size": dag(payload=b"\x08\x01\x18\x00"),
        "type twice": dag(payload=b"\x08\x01\x08\x01"),
        "file with inline bytes": dag(payload=b"\x08\x02\x12\x01x"),
        "file whose sizes are missing": dag(link(b""), payload=b"\x08\x02\x18\x01"),
        "file whose total is wrong": dag(link(b""), payload=b"\x08\x02\x18\x02\x20\x01"),
        "file whose pieces have names": dag(link(b"a"), payload=b"\x08\x02\x18\x01\x20\x01"),
        "sizes beyond 64 bits": dag(link(b""), link(b""), payload=b"\x08\x02" + protobuf.integer(4, 2**64 - 1) * 2),
        "too large": dag() + b"\0" * MAX_BLOCK,
    }.items(),
    ids=lambda item: item[0],
)
def test_decode__not_canonical__refused(block):
    with pytest.raises(ContentError):
        decode(block[1])


@pytest.mark.parametrize("name", ["", ".", "..", "a/b", "a\0", "\ud800", "x" * 256])
def test_directory__name_that_is_no_segment__refused(name):
    with pytest.raises(ContentError, match="not a name"):
        directory({name: Target(Cid(RAW, b"\0" * 32), 1)})


def test_directory__too_many_entries__refused():
    target = Target(Cid(RAW, b"\0" * 32), 1)
    with pytest.raises(ContentError, match="does not fit"):
        directory({f"{i:0200}": target for i in range(9000)})


@pytest.mark.parametrize("size", [0, 1, CHUNK - 1, CHUNK])
def test_file__up_to_one_mebibyte__one_raw_block(size):
    target, blocks = file(b"x" * size)
    assert blocks == [b"x" * size]
    assert target == Target(Cid(RAW, sha256(b"x" * size)), size)


def test_file__above_one_mebibyte__leaves_first_then_their_parent():
    target, blocks = file(b"x" * (2 * CHUNK + 5))
    assert [len(block) for block in blocks[:-1]] == [CHUNK, CHUNK, 5]
    node = decode(blocks[-1])
    assert (node.kind, node.sizes) == ("file", (CHUNK, CHUNK, 5))
    assert target.tsize == sum(map(len, blocks))
