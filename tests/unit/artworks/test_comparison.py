"""A leader's directory against one's own painting: within the distance and to the byte, or refused."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, cast

import numpy as np
import pytest

from node.artworks.comparison import Comparison, UnlikeError
from node.content.cid import RAW, Cid, sha256
from node.content.edition import EditionSpec, build
from node.content.store import BlockStore
from node.content.unixfs import Target, directory, file
from node.errors import ContentError
from node.render.png import encode
from node.render.tolerance.recipe import Band, PipelineRecipe, Style

STYLE = Style(10**16, ("calm", "wild"))
RECIPE = PipelineRecipe(
    "Tide", b"\x07" * 32, "float32", 16, 16, 4, 750, "token", (Band("storm", "", None, None),) * 3, (STYLE,) * 3, 5_800
)
SPEC = EditionSpec(
    31337, "0x" + "22" * 20, "Tide", "A tide.", 1, 1, 30, b"b" * 32, 1, 3, "storm", (("volatility", 1),), b"r" * 32,
    b"m" * 32, (b"s" * 32, b"t" * 32),
)  # fmt: skip


def picture(token: int, off: int = 0) -> np.ndarray:
    """A picture of a token; `off` values differ by one from another node's."""
    stream = hashlib.shake_256(bytes([token])).digest(16 * 16 * 3)
    pixels = np.frombuffer(stream, np.uint8) // 2
    pixels[:off] += 1
    return pixels.reshape(16, 16, 3)


OWN = [encode(picture(token)) for token in (1, 2)]


@dataclass
class PaperPeers:
    """What other nodes serve; asked for anything else they have nothing."""

    mine: BlockStore
    theirs: BlockStore
    asked: int = 0

    async def block(self, digest: bytes) -> bytes:
        self.asked += 1
        block = self.theirs.get(digest)
        self.mine.put(block)
        return block


class Desk:
    def __init__(self, folder: Path) -> None:
        self.mine, self.theirs = BlockStore(folder / "mine"), BlockStore(folder / "theirs")
        self.peers = PaperPeers(self.mine, self.theirs)
        self.told = 0

    async def hold(self, root: bytes, spec: EditionSpec = SPEC, own: list[bytes] = OWN) -> None:
        def one() -> None:
            self.told += 1

        await Comparison(cast(Any, self.peers), self.mine).hold(RECIPE, spec, own, root, one)

    def put(self, *blocks: bytes) -> bytes:
        for block in blocks:
            self.theirs.put(block)
        return sha256(blocks[-1])


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    return Desk(tmp_path)


async def test_hold__within_the_distance__passes_and_everything_is_stored(desk: Desk) -> None:
    theirs = [encode(picture(1, off=50)), encode(picture(2, off=3))]
    root = build(desk.theirs, SPEC, theirs)
    assert root != build(desk.mine, SPEC, OWN)
    await desk.hold(root)
    assert desk.told == 2
    for block in desk.theirs.path.rglob("b*"):
        if block.is_file():
            assert (desk.mine.path / block.relative_to(desk.theirs.path)).exists()


async def test_hold__at_the_floor_and_beyond__passes_and_is_refused(desk: Desk) -> None:
    # 58 dB of 768 values: a squared error of 79.
    await desk.hold(build(desk.theirs, SPEC, [encode(picture(1, off=79)), OWN[1]]))
    with pytest.raises(UnlikeError, match=r"1000001\.png: PSNR 57\.95 dB, the recipe asks for 58"):
        await desk.hold(build(desk.theirs, SPEC, [encode(picture(1, off=80)), OWN[1]]))


FALSE: dict[str, tuple[Callable[[Desk], bytes], str]] = {
    "unchanged": (lambda desk: bytes(32), "leaves the artworks"),
    "another token's picture": (lambda desk: build(desk.theirs, SPEC, OWN[::-1]), "1000001.png: PSNR"),
    "the second picture only": (lambda desk: build(desk.theirs, SPEC, [OWN[0], OWN[0]]), "1000002.png: PSNR"),
    "other metadata": (lambda desk: build(desk.theirs, replace(SPEC, block_hash=b"c" * 32), OWN), "what it says"),
    "another title": (lambda desk: build(desk.theirs, replace(SPEC, title="Tide!"), OWN), "what it says"),
    "one token too many": (
        lambda desk: build(desk.theirs, replace(SPEC, seeds=(b"s" * 32, b"t" * 32, b"u" * 32)), [*OWN, OWN[0]]),
        "what it says",
    ),
    "one token too few": (
        lambda desk: build(desk.theirs, replace(SPEC, seeds=(b"s" * 32,)), OWN[:1]), "1000002.png is not in it"
    ),
    "another edition": (lambda desk: build(desk.theirs, replace(SPEC, edition=2), OWN), "1000001.png is not in it"),
    "no PNG": (lambda desk: build(desk.theirs, SPEC, [b"GIF89a", OWN[1]]), "not a PNG"),
    "a byte appended": (lambda desk: build(desk.theirs, SPEC, [OWN[0] + b"\0", OWN[1]]), "after its pixels"),
    "a bomb": (lambda desk: build(desk.theirs, SPEC, [b"\x89PNG\r\n\x1a\n" + bytes(1 << 20), OWN[1]]), "bytes"),
    "a large file": (lambda desk: build(desk.theirs, SPEC, [bytes(3 << 20), OWN[1]]), "no file of at most"),
    "text": (lambda desk: desk.put(b"not a directory"), "is no directory"),
    "nothing": (lambda desk: desk.put(b""), "is no directory"),
    "a file": (lambda desk: desk.put(*file(bytes(2 << 20))[1]), "is not in it"),
    "a folder for a picture": (lambda desk: nested(desk), "no picture|no file"),
}  # fmt: skip


def nested(desk: Desk) -> bytes:
    inner, blocks = directory({})
    desk.put(*blocks)
    _, blocks = directory({"1000001.png": inner, "1000002.png": Target(Cid(RAW, b"\0" * 32), 5)})
    return desk.put(*blocks)


@pytest.mark.parametrize(("make", "reason"), FALSE.values(), ids=FALSE)
async def test_hold__anything_else__is_refused(desk: Desk, make: Callable[[Desk], bytes], reason: str) -> None:
    """Incident: a malformed IPFS document crashes the oracle (lido-oracle#757): any bytes at all are refused."""
    with pytest.raises(UnlikeError, match=reason):
        await desk.hold(make(desk))


async def test_hold__first_picture_is_false__no_other_is_fetched(desk: Desk) -> None:
    with pytest.raises(UnlikeError):
        await desk.hold(build(desk.theirs, SPEC, OWN[::-1]))
    assert desk.peers.asked == 2  # the directory and one picture


@pytest.mark.parametrize("lost", range(3))
async def test_hold__something_nobody_has__is_an_error_that_may_pass_and_not_a_verdict(desk: Desk, lost: int) -> None:
    theirs = [encode(picture(1, off=5)), encode(picture(2, off=5))]
    root = build(desk.theirs, SPEC, theirs)
    digest = (root, sha256(theirs[0]), sha256(theirs[1]))[lost]
    [path] = desk.theirs.path.rglob(f"*{Cid(RAW, digest)}")
    kept = path.read_bytes()
    path.unlink()
    with pytest.raises(ContentError) as caught:
        await desk.hold(root)
    assert not isinstance(caught.value, UnlikeError)
    desk.theirs.put(kept)
    await desk.hold(root)


async def test_hold__edition_in_shards__every_picture_is_looked_at(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("node.content.edition.SHARD", 2)
    spec = replace(SPEC, seeds=(b"s" * 32, b"t" * 32, b"u" * 32))
    own = [OWN[0]] * 3
    root = build(desk.theirs, spec, [encode(picture(1, off=2))] * 3)
    await desk.hold(root, spec, own)
    assert desk.told == 3
    last = build(desk.theirs, spec, [*own[:-1], OWN[1]])
    with pytest.raises(UnlikeError, match=r"1000003\.png: PSNR"):
        await desk.hold(last, spec, own)
