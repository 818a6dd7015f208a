"""CIDs, Protocol Buffers, UnixFS blocks, trees of them, and metadata: what peers, gateways and leaders serve."""

from __future__ import annotations

import asyncio
import io
import json
import tempfile
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from node.content import cid, protobuf
from node.content.car import CarReader, header, section
from node.content.cid import DAG_PB, RAW, Cid, raw_cid, sha256
from node.content.dag import MAX_FILE, listing, read, resolve
from node.content.metadata import Metadata, Provenance, parse_metadata, token_metadata
from node.content.store import BlockStore
from node.content.unixfs import CHUNK, Link, Node, Target, _encode, decode, directory, file
from node.content.walk import Walk, car_pieces, extent
from node.errors import ContentError
from node.export.gather import Sources
from node.export.which import read_name, recipe_of, token_of
from node.verify.blocks import Folder
from tests.fuzz.hold import Decoder, hold, peak_of
from tests.fuzz.mutations import any_input, noise, odd_json, spelled

DIGEST = bytes(range(32))
LEAF = Target(Cid(RAW, DIGEST), 7)
BLOCKS = (
    directory({f"{number}.json": LEAF for number in range(4)})[1][0],
    directory({"0": Target(Cid(DAG_PB, DIGEST), 2**63), "ä": LEAF})[1][0],
    directory({})[1][0],
    file(bytes(CHUNK + 1))[1][-1],
    _encode(Node("file", (Link("", LEAF.cid, 7),) * 3, (7, 7, 2**64 - 22))),
)
PAINTED = token_metadata(
    Metadata(
        "Tide #1", "Light\nover water.", LEAF.cid, "Glow", 6,
        Provenance(31337, "0x" + "5F" * 20, 1, 1_000_001, 3, 44, DIGEST, 4,
                   (("volatility", 10**16), ("flow", -(2**200))), DIGEST, DIGEST, DIGEST),
    )
)  # fmt: skip
DOCUMENTS = (PAINTED, token_metadata(Metadata("Tide #2", "", LEAF.cid)))
TEXTS = (raw_cid(DIGEST).encode(), cid.directory_cid(DIGEST).encode())


def _message(found: list[tuple[int, int | bytes]]) -> bytes:
    return b"".join(
        protobuf.integer(number, value) if isinstance(value, int) else protobuf.octets(number, value)
        for number, value in found
    )


def _read_car(raw: bytes) -> tuple[tuple[Cid, ...], list[tuple[Cid, bytes]]]:
    reader = CarReader(io.BytesIO(raw))
    return reader.roots, list(reader)


def _write_car(found: tuple[tuple[Cid, ...], list[tuple[Cid, bytes]]]) -> bytes:
    return header(found[0]) + b"".join(section(name, block) for name, block in found[1])


CARS = (
    _write_car(((LEAF.cid,), [])),
    _write_car(((LEAF.cid, Cid(DAG_PB, DIGEST)) * 20, [(Cid(RAW, sha256(block)), block) for block in BLOCKS[:3]])),
)

DECODERS = (
    Decoder("node.content.car.CarReader", _read_car, ContentError, CARS, _write_car, base=1 << 20),
    Decoder(
        "node.content.cid.parse", lambda raw: cid.parse(raw.decode("utf-8", "surrogateescape")), ContentError, TEXTS,
        lambda found: str(found).encode(),
    ),
    Decoder(
        "node.content.cid.parse_binary", cid.parse_binary, ContentError, (LEAF.cid.binary, Cid(DAG_PB, DIGEST).binary),
        lambda found: found.binary,
    ),
    Decoder("node.content.protobuf.fields", lambda raw: list(protobuf.fields(raw)), ContentError, BLOCKS, _message),
    Decoder("node.content.unixfs.decode", decode, ContentError, BLOCKS, _encode),
    Decoder("node.content.metadata.parse_metadata", parse_metadata, ContentError, DOCUMENTS, token_metadata),
)  # fmt: skip


@pytest.mark.parametrize("decoder", DECODERS, ids=str)
def test_content__noise_and_damage__is_refused_or_canonical(decoder: Decoder) -> None:
    @given(any_input(decoder.corpus))
    def fed(raw: bytes) -> None:
        hold(decoder, raw)

    for raw in decoder.corpus:
        hold(decoder, raw)
    fed()


@given(odd_json(json.loads(PAINTED)).map(spelled))
def test_metadata__values_of_other_kinds__is_refused_or_canonical(raw: bytes) -> None:
    hold(DECODERS[-1], raw)


@given(st.binary(max_size=200), st.integers(0, 3))
def test_file__any_content__is_read_back(content: bytes, more: int) -> None:
    with tempfile.TemporaryDirectory() as folder:
        store = BlockStore(Path(folder))
        target, blocks = file(content + bytes(CHUNK) * more)
        store.put_all(blocks)
        assert read(store, target.cid) == content + bytes(CHUNK) * more


@pytest.fixture(scope="module")
def runner() -> Iterator[asyncio.Runner]:
    with asyncio.Runner() as running:
        yield running


@pytest.fixture(scope="module")
def store() -> Iterator[BlockStore]:
    with tempfile.TemporaryDirectory() as folder:
        yield BlockStore(Path(folder))


@given(block=any_input(BLOCKS), path=st.lists(st.text(max_size=4) | st.just("0"), max_size=10))
def test_tree__damaged_block_under_its_right_name__is_refused_or_walked(
    store: BlockStore, block: bytes, path: list[str]
) -> None:
    """Whoever makes blocks names them by their true digests: the hash proves nothing about what is in them."""
    root = Cid(DAG_PB, store.put(block))

    def walk() -> None:
        with suppress(ContentError):
            listing(store, root)
        with suppress(ContentError):
            read(store, root)
        with suppress(ContentError):
            extent(store, Walk([root]))
        with suppress(ContentError):
            b"".join(car_pieces(store.get, [root], Walk([root], most=1_000)))
        with suppress(ContentError):
            b"".join(car_pieces(store.get, [root], Walk([root], most=1_000, repeat=True)))
        resolve(store, root, path)

    bound = (1 << 20) + 64 * len(block)
    _, peak = peak_of(walk, bound)
    assert peak <= bound


@given(block=any_input(BLOCKS), token=st.integers(1, 2**63))
def test_edition__damaged_directory_under_its_right_name__is_refused_or_searched(
    store: BlockStore, runner: asyncio.Runner, block: bytes, token: int
) -> None:
    root, sources = Cid(DAG_PB, store.put(block)), Sources([Folder(store.path)])
    for look in (recipe_of(sources, root), token_of(sources, root, token)):
        with suppress(ContentError):
            runner.run(look)


@given(st.text(max_size=80) | any_input(TEXTS).map(lambda raw: raw.decode("utf-8", "replace")))
def test_edition__any_name__is_an_edition_or_refused(text: str) -> None:
    with suppress(ContentError):
        read_name(text)


def test_tree__one_piece_named_a_thousand_times__is_bounded(store: BlockStore) -> None:
    """A small file that says it is endless: the same piece of 1 MiB again and again."""
    piece = Cid(RAW, store.put(bytes(CHUNK)))
    block = _encode(Node("file", (Link("", piece, CHUNK),) * 1_024, (CHUNK,) * 1_024))
    found, peak = peak_of(lambda: read(store, Cid(DAG_PB, store.put(block))))
    assert isinstance(found, ContentError)
    assert str(MAX_FILE) in str(found)
    assert peak < MAX_FILE


@given(noise)
def test_store__block_damaged_on_disk__is_refused_and_replaced(junk: bytes) -> None:
    with tempfile.TemporaryDirectory() as folder:
        store = BlockStore(Path(folder))
        digest = store.put(b"whole")
        [path] = [found for found in Path(folder).rglob("*") if found.is_file()]
        path.write_bytes(junk)
        assert store.has(digest) == (sha256(junk) == digest)
        assert store.get(store.put(b"whole")) == b"whole"
