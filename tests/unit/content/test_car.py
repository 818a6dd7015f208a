"""CARv1: one spelling, read strictly, a block at a time."""

import io
import tracemalloc

import pytest
from hypothesis import given
from hypothesis import strategies as st

from node.content import protobuf
from node.content.car import MAX_ROOTS, CarReader, header, section, section_size
from node.content.cid import DAG_PB, RAW, Cid, sha256
from node.content.unixfs import MAX_BLOCK
from node.errors import ContentError

HELLO = b"hello"
CID = Cid(RAW, sha256(HELLO))
LINK = "d82a5825000155" + "1220" + CID.digest.hex()

contents = st.lists(st.tuples(st.sampled_from([RAW, DAG_PB]), st.binary(max_size=300)), max_size=6)
roots = st.lists(st.builds(Cid, st.sampled_from([RAW, DAG_PB]), st.binary(min_size=32, max_size=32)), min_size=1)


def car(found):
    return b"".join(section(Cid(codec, sha256(block)), block) for codec, block in found)


def read(raw):
    reader = CarReader(io.BytesIO(raw))
    return reader.roots, list(reader)


def test_header__one_root__the_bytes_of_the_specification():
    # A map of "roots" (a list of one tagged CID) and "version": 1, behind its length of 58 bytes.
    assert header([CID]).hex() == "3a" + "a265726f6f747381" + LINK + "6776657273696f6e01"


@given(roots, contents)
def test_reader__what_was_written__round_trips_and_counts(names, found):
    raw = header(names) + car(found)
    assert read(raw) == (tuple(names), [(Cid(codec, sha256(block)), block) for codec, block in found])
    assert len(raw) == len(header(names)) + sum(section_size(len(block)) for _, block in found)


@pytest.mark.parametrize("count", [1, 23, 24, 255, 256, MAX_ROOTS])
def test_header__any_count_of_roots__is_read_back(count):
    names = tuple(Cid(RAW, index.to_bytes(32)) for index in range(count))
    assert read(header(names)) == (names, [])


@pytest.mark.parametrize("count", [0, MAX_ROOTS + 1])
def test_header__no_roots_or_too_many__refused(count):
    with pytest.raises(ContentError, match="roots"):
        header([CID] * count)


def test_section__block_under_a_foreign_name__refused():
    with pytest.raises(ContentError, match="does not hash"):
        section(CID, b"another")


WHOLE = header([CID]) + section(CID, HELLO)


@pytest.mark.parametrize("end", range(len(WHOLE)))
def test_reader__cut_anywhere__refused_or_without_the_block(end):
    if end == len(header([CID])):
        assert read(WHOLE[:end]) == ((CID,), [])
    else:
        with pytest.raises(ContentError):
            read(WHOLE[:end])


@pytest.mark.parametrize(
    "raw",
    [
        pytest.param(b"<html>504 Gateway Time-out</html>", id="page"),
        pytest.param(WHOLE + b"\0", id="padding"),
        pytest.param(WHOLE.replace(b"version\x01", b"version\x02"), id="version 2"),
        pytest.param(header([CID]) + b"\x80" * 11, id="endless length"),
        pytest.param(b"\xba\x00" + WHOLE[1:], id="length in two bytes"),
        pytest.param(WHOLE.replace(HELLO, b"hullo"), id="forged block"),
        pytest.param(bytes.fromhex("11a265726f6f7473806776657273696f6e01"), id="no roots"),
        pytest.param(bytes.fromhex("3ba265726f6f74739801" + LINK + "6776657273696f6e01"), id="count in two bytes"),
        pytest.param(bytes.fromhex("3aa26776657273696f6e0165726f6f747381" + LINK), id="keys in another order"),
        pytest.param(header([CID]) + protobuf.varint(35) + CID.binary[:35], id="no room for a CID"),
        pytest.param(
            header([CID]) + protobuf.varint(34 + 5) + b"\x12\x20" + CID.digest + HELLO, id="a CID of version 0"
        ),
        pytest.param(header([CID]) + protobuf.varint(36 + MAX_BLOCK + 1) + CID.binary, id="too large a block"),
        pytest.param(protobuf.varint(2**40), id="endless header"),
    ],
)
def test_reader__another_spelling_or_damage__refused(raw):
    with pytest.raises(ContentError):
        read(raw)


def test_reader__many_large_blocks__one_in_memory():
    class Endless(io.RawIOBase):
        """Sixty-four blocks of 1 MiB, made as they are read."""

        def __init__(self):
            block = bytes(1 << 20)
            self.head, self.block, self.left = header([CID]), section(Cid(RAW, sha256(block)), block), 64
            self.piece, self.at = self.head, 0

        def read(self, size=-1):
            if self.at == len(self.piece):
                if not self.left:
                    return b""
                self.left, self.piece, self.at = self.left - 1, self.block, 0
            found = self.piece[self.at : self.at + size]
            self.at += len(found)
            return found

    source = Endless()
    tracemalloc.start()
    count = sum(1 for _ in CarReader(source))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert count == 64
    assert peak < 8 << 20
