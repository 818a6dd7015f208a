"""Small pictures over a real socket: whose pixels they are, of which pictures there are any, and what they cost."""

import asyncio
import io

import numpy as np
import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer
from PIL import Image

from node.content.cid import RAW, Cid, directory_cid
from node.content.store import BlockStore
from node.content.unixfs import Target, directory
from node.render.png import encode
from node.web import thumbnails
from node.web.thumbnails import HELD, Thumbnails, add_thumbnails, reduced, small

PIXELS = np.random.default_rng(5).integers(0, 256, (512, 512, 3), np.uint8)


def pixels(png):
    return np.asarray(Image.open(io.BytesIO(png)).convert("RGB"))


@pytest.fixture
async def site(tmp_path):
    """`(client, root, made)`: an edition's folder with a PNG in it, and the names that were made smaller."""
    store = BlockStore(tmp_path / "blocks")
    artwork = encode(PIXELS)
    files = {"1000001.png": artwork, "1000002.png": b"no picture at all"}
    root, blocks = directory({name: Target(Cid(RAW, store.put(body)), len(body)) for name, body in files.items()})
    for block in blocks:
        store.put(block)
    shown = directory_cid(root.cid.digest)
    app = web.Application()
    add_thumbnails(app, store, lambda cid: cid == shown)
    async with TestClient(TestServer(app, host="127.0.0.1")) as client:
        yield client, shown, artwork


async def test_small__artwork_of_a_page__its_pixels_averaged_and_kept_for_good(site):
    client, root, artwork = site
    for width in (128, 256):
        async with client.get(small(f"/ipfs/{root}/1000001.png", width)) as response:
            assert (response.status, response.content_type) == (200, "image/png")
            assert "immutable" in response.headers["Cache-Control"]
            body = await response.read()
        by = 512 // width
        mean = PIXELS.reshape(width, by, width, by, 3).mean((1, 3))
        assert np.abs(pixels(body) - mean).max() <= 0.5
        assert len(body) < len(artwork) / by


async def test_small__not_to_be_made__leads_to_the_artwork_itself(site):
    client, root, _ = site
    for name in ("1000002.png", "1000003.png"):
        async with client.get(f"/small/128/{root}/{name}", allow_redirects=False) as response:
            assert (response.status, response.headers["Location"]) == (302, f"/ipfs/{root}/{name}")
            assert response.headers["Cache-Control"] == "no-store"


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("64/{}/1000001.png", 404),
        ("128/{}/%2e%2e/1000001.png", 404),
        ("128/{}/a.svg", 404),
        ("128/bafyother/1000001.png", 302),
    ],
)
async def test_small__of_what_no_page_shows__is_not_made(site, path, status, monkeypatch):
    client, root, _ = site
    monkeypatch.setattr(thumbnails, "reduced", lambda *_: pytest.fail("something was decoded"))
    async with client.get("/small/" + path.format(root), allow_redirects=False) as response:
        assert response.status == status


async def test_small__many_who_ask__cost_one_picture(site, monkeypatch):
    client, root, _ = site
    made = []
    monkeypatch.setattr(thumbnails, "reduced", lambda *given: made.append(1) or reduced(*given))
    path = small(f"/ipfs/{root}/1000001.png", 128)
    await asyncio.gather(*(client.get(path) for _ in range(20)))
    assert len(made) == 1


def test_small__held__stays_within_its_bytes():
    held = Thumbnails(None, lambda _: True)
    for number in range(40):
        held._hold(("128", "root", str(number)), bytes(1 << 20))
    assert held._bytes == sum(map(len, held._held.values())) <= HELD
    assert ("128", "root", "39") in held._held


@pytest.mark.parametrize("path", ["/ipfs/x/placeholder.svg", "https://elsewhere.example/x.png", ""])
def test_small__what_is_no_artwork_of_ours__stays_as_it_is(path):
    assert small(path, 128) == path
