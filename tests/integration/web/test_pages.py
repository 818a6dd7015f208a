"""Pages as they are sent: their frame, what they say of themselves where they are linked to, and parts of editions."""

import re

import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer

from node.web.app import create_app
from node.web.parts import PER_PAGE, STRIP
from node.web.site import Site
from node.web.source import ProofView, RepaintView, TokenView

from .conftest import COLLECTION, view

HOSTILE = '"><script>alert(1)</script><!--masthead-->'
TOKEN = f"/token/{COLLECTION}/1000001"


async def page(site, path, status=200, **headers):
    async with site.client.get(path, headers=headers) as response:
        assert response.status == status
        return await response.text()


async def test_token__linked_to__preview_names_picture_mood_and_address(site):
    shown = view(1, moods=["Ashen", "Clear"], band=1, description="A tide.", history=[repaint()])
    site.source.views = [shown]
    site.source.move()
    text = await page(site, TOKEN, Host="art.example")
    assert "<title>Tide #1 · Patina</title>" in text
    for name, content in {
        "og:title": "Tide #1 · Patina",
        "og:description": "Clear, band 2 of 2, painted 1 time. A tide.",
        "og:url": f"http://art.example{TOKEN}",
        "og:image": "http://art.example/ipfs/x",
    }.items():
        assert f'<meta property="{name}" content="{content}">' in text


async def test_token__names_and_host_of_an_attacker__stay_text(site):
    token = TokenView("1000001", HOSTILE, "/ipfs/x", "/ipfs/y")
    site.source.views = [view(1, tokens=[token], moods=[HOSTILE, HOSTILE], description=HOSTILE, history=[repaint()])]
    site.source.move()
    text = await page(site, TOKEN, Host='evil"><script>')
    assert "<script>" not in text
    assert text.count('<header class="masthead">') == 1


@pytest.mark.parametrize("token", ["1000002", "2000002", "1", "0", "9" * 78])
async def test_token__not_there__page_all_the_same_and_404(site, token):
    assert "masthead" in await page(site, f"/token/{COLLECTION}/{token}", 404)
    assert "masthead" in await page(site, f"/verify/{COLLECTION}/{token}", 404)


async def test_navigation__page_for_some__named_to_them_alone():
    app, site = web.Application(), Site("https://art.example")
    site.page(app, "/", "index.html", "Gallery")
    site.page(app, "/verify", "verify.html", "Operator", allowed=lambda request: "pass" in request.query)
    async with TestClient(TestServer(app, host="127.0.0.1")) as client:
        for query, ways in {"": ["Gallery"], "?pass": ["Gallery", "Operator"]}.items():
            text = await (await client.get("/" + query)).text()
            assert re.findall(r'<li><a href="[^"]+"[^>]*>(\w+)</a>', text) == ways
            assert '<a href="/" aria-current="page">Gallery</a>' in text
            assert '<meta property="og:url" content="https://art.example/">' in text
        assert (await client.get("/verify")).status == 403


@pytest.mark.parametrize("allowed", [False, True])
async def test_policy__visitors_endpoints__widened_on_the_page_that_verifies_alone(site, allowed):
    app = create_app(site.source, site.store, visitor_rpc=allowed)
    async with TestClient(TestServer(app, host="127.0.0.1")) as client:
        for path in ("/", TOKEN, "/verify", f"/verify/{COLLECTION}/1000001", "/static/verify.js", "/api/editions"):
            async with client.get(path) as response:
                policy = response.headers["Content-Security-Policy"]
                wide = allowed and path.startswith("/verify")
                assert ("connect-src 'self' https:" in policy) is wide
                assert ("script-src 'self';" in policy) is True
                assert ('name="visitor-rpc"' in await response.text()) is wide or "static" in path


async def test_wall__edition_of_many__its_first_tokens_and_few_pictures_of_each_repaint(site):
    site.source.views = [many(1_000)]
    site.source.move()
    base = f"/api/editions/{COLLECTION}/1"
    async with site.client.get(base + "/wall") as response:
        wall = await response.json()
        tag = response.headers["ETag"]
        assert len(await response.read()) < 60_000
    assert (wall["total"], len(wall["tokens"])) == (1_000, PER_PAGE)
    assert [len(wall["history"][0][what]) for what in ("images", "metadata")] == [STRIP, STRIP]
    async with site.client.get(base + "/wall", headers={"If-None-Match": tag}) as response:
        assert response.status == 304
    async with site.client.get(base + "/tokens?from=960") as response:
        page = await response.json()
    assert (page["first"], page["total"], [one["id"] for one in page["tokens"]][-1], len(page["tokens"])) == (
        960, 1_000, "1001000", 40,
    )  # fmt: skip
    for wrong in ("-1", "x", "9" * 30, "%E0%A5%A7"):
        async with site.client.get(f"{base}/tokens?from={wrong}") as response:
            assert response.status == 400


async def test_token__its_life__alone_with_its_neighbours(site):
    site.source.views = [many(3)]
    site.source.move()
    found = {}
    for number in (1, 2, 3):
        async with site.client.get(f"/api/editions/{COLLECTION}/1/tokens/100000{number}") as response:
            life = found[number] = await response.json()
            assert (life["place"], life["total"], life["explanation"]) == (number, 3, "")
            assert [token["id"] for token in life["edition"]["tokens"]] == [f"100000{number}"]
            assert life["edition"]["history"][0]["images"] == [f"/ipfs/{number}.png"]
    assert [(life["previous"], life["next"]) for life in found.values()] == [
        ("", "1000002"), ("1000001", "1000003"), ("1000002", ""),
    ]  # fmt: skip
    async with site.client.get(f"/api/editions/{COLLECTION}/1/tokens/1000004") as response:
        assert response.status == 404


async def test_report__known_and_unknown__handed_out_or_404(site):
    site.source.proofs = {300: proof()}
    async with site.client.get(f"/api/editions/{COLLECTION.lower()}/1/reports/300") as response:
        assert (await response.json())["report_digest"] == "0x01"
    async with site.client.get(f"/api/editions/{COLLECTION}/1/reports/301") as response:
        assert response.status == 404


async def test_api__large_answer__packed_for_whoever_takes_that(site):
    site.source.views = [many(1_000)]
    site.source.move()
    async with site.client.get(f"/api/editions/{COLLECTION}/1", headers={"Accept-Encoding": "gzip"}) as response:
        assert response.headers["Content-Encoding"] == "gzip"
        assert len((await response.json())["tokens"]) == 1_000
    async with site.client.get("/api/editions", headers={"Accept-Encoding": "gzip"}) as response:
        assert "Content-Encoding" not in response.headers


def repaint(**changes):
    fields = {
        "checkpoint": 300, "block": 310, "answer": "5", "previous_band": 0, "band": 1, "signers": [], "gas": 1,
        "tx": "0x1", "root": "r", "token_uri_before": "a", "token_uri_after": "b", "images": ["/ipfs/x"],
    }  # fmt: skip
    return RepaintView(**(fields | changes))


def many(count):
    tokens = [
        TokenView(str(1_000_001 + at), f"Tide #{at + 1}", f"/ipfs/{at + 1}.png", "/ipfs/y") for at in range(count)
    ]
    images = [token.image for token in tokens]
    return view(1, tokens=tokens, history=[repaint(images=images, metadata=images)])


def proof():
    return ProofView(
        1, "0x", COLLECTION, 1, 1, 300, "0x", "0x01", "5", 0, 1, "0x", "7", "0x", 1, "0x", "report", [], "0"
    )
