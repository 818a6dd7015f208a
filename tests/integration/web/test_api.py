"""The interface for programs: editions, health, live updates, and headers on every answer."""

import asyncio
import re

import pytest

from node.web.source import Readiness, TokenView

from .conftest import COLLECTION, view


async def test_editions__list_and_detail__agree(site):
    async with site.client.get("/api/editions") as response:
        listing = await response.json()
    assert listing["revision"] == 1
    assert [entry["name"] for entry in listing["editions"]] == ["Tide", "Ebb"]
    async with site.client.get(listing["editions"][1]["href"]) as response:
        detail = await response.json()
    assert detail["name"] == "Ebb"
    assert detail["tokens"][0]["id"] == "2000001"
    assert detail["feed"]["basis"] == "10"


async def test_editions__one_changes__only_its_version_moves(site):
    async def versions():
        async with site.client.get("/api/editions") as response:
            return [entry["version"] for entry in (await response.json())["editions"]]

    before = await versions()
    site.source.views = [view(1), view(2, name="Ebb", band=1)]
    assert await versions() == before, "a source that has not moved is not read again"
    site.source.move()
    after = await versions()
    assert (before[0] == after[0], before[1] == after[1]) == (True, False)


async def test_editions__many_visitors_one_revision__source_read_once(site):
    for path in ["/api/editions", f"/api/editions/{COLLECTION}/1"] * 5:
        async with site.client.get(path) as response:
            assert response.status == 200
    assert site.source.reads == 1


async def test_edition__known_version__not_modified(site):
    path = f"/api/editions/{COLLECTION}/1"
    async with site.client.get(path) as response:
        tag = response.headers["ETag"]
    async with site.client.get(path.lower(), headers={"If-None-Match": tag}) as response:
        assert response.status == 304


@pytest.mark.parametrize(
    "path", [f"/{COLLECTION}/3", "/0x00/1", f"/{COLLECTION}/-1", f"/{COLLECTION}/" + "9" * 5000, ""]
)
async def test_edition__unknown__not_found_in_json(site, path):
    async with site.client.get(f"/api/editions{path or '/x/y/z'}") as response:
        assert response.status == 404
        assert "error" in await response.json()


async def test_health__ready_and_not__codes_and_reasons(site):
    async with site.client.get("/livez") as response:
        assert (response.status, await response.text()) == (200, "ok\n")
    async with site.client.get("/readyz") as response:
        assert (response.status, await response.json()) == (200, {"ready": True, "reasons": [], "details": []})
    site.source.ready = Readiness.of(["chain-unreachable"])
    async with site.client.get("/readyz") as response:
        told = await response.json()
        assert (response.status, told["ready"], told["reasons"]) == (503, False, ["chain-unreachable"])
        assert told["details"][0]["remedy"].startswith("Run patina check")
    async with site.client.get("/livez") as response:
        assert response.status == 200
    async with site.client.get("/api/status") as response:
        assert await response.json() == {"peers": 3}


async def next_revision(stream):
    """The number of the next event, past heartbeats; a test's own time limit ends a stream that stays silent."""
    async with asyncio.timeout(20):
        while True:
            line = await stream.content.readline()
            assert line, "the stream ended"
            if line.startswith(b"data: "):
                return int(line[6:])


async def test_events__source_moves__pushed_with_the_revision(site):
    async with site.client.get("/api/events") as stream:
        assert stream.content_type == "text/event-stream"
        assert await next_revision(stream) == 1
        site.source.move()
        assert await next_revision(stream) == 2


async def test_events__node_that_cannot_do_its_work__says_so_until_it_can(site):
    async with site.client.get("/api/events") as stream, asyncio.timeout(20):
        site.source.ready = Readiness.of(["chain-unreachable"])
        while await stream.content.readline() != b"event: ready\n":
            pass
        assert await stream.content.readline() == b"data: 0\n"
        site.source.ready = Readiness(ready=True)
        while await stream.content.readline() != b"event: ready\n":
            pass
        assert await stream.content.readline() == b"data: 1\n"


async def test_events__many_moves_at_once__gathered_into_one(site):
    async with site.client.get("/api/events") as stream:
        assert await next_revision(stream) == 1
        for _ in range(50):
            site.source.move()
        assert await next_revision(stream) == 51


async def test_events__quiet_source__heartbeats(site):
    async with site.client.get("/api/events") as stream, asyncio.timeout(20):
        while not (await stream.content.readline()).startswith(b":"):
            pass


async def test_events__too_many_listeners__refused_until_one_leaves(site):
    async with site.client.get("/api/events") as first:
        await next_revision(first)
        async with site.client.get("/api/events") as second:
            await next_revision(second)
            async with site.client.get("/api/events") as third:
                assert third.status == 503
                assert third.headers["Retry-After"]
    # The heartbeat finds that both have left; until then a new visitor is told to come back.
    async with asyncio.timeout(20):
        while True:
            async with site.client.get("/api/events") as again:
                if again.status == 200:
                    break
            await asyncio.sleep(0.05)


async def test_events__shutdown__streams_end_at_once(site):
    async with site.client.get("/api/events") as stream:
        await next_revision(stream)
        async with asyncio.timeout(10):
            await site.client.server.close()


@pytest.mark.parametrize(
    "path",
    ["/", "/static/main.js", "/static/no.js", "/api/editions", "/api/no", "/api/events", "/livez", "/readyz", "/no"],
)
async def test_headers__any_answer__strict(site, path):
    async with site.client.get(path) as response:
        policy = response.headers["Content-Security-Policy"]
        assert "default-src 'none'" in policy
        assert "unsafe" not in policy
        assert response.headers["X-Content-Type-Options"] == "nosniff"
        assert response.headers["Referrer-Policy"] == "no-referrer"
        assert response.headers["Server"] == "patina"


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "PATCH", "OPTIONS"])
@pytest.mark.parametrize("path", ["/", "/api/editions", "/api/status", "/ipfs/x", "/static/main.js"])
async def test_methods__anything_but_reading__refused(site, method, path):
    async with site.client.request(method, path) as response:
        assert response.status == 405


async def test_static__page_and_files__typed_and_asked_for_anew(site):
    async with site.client.get("/") as response:
        assert response.content_type == "text/html"
        assert response.headers["Cache-Control"] == "no-cache"
        tag = response.headers["ETag"]
    async with site.client.get("/", headers={"If-None-Match": tag}) as response:
        assert response.status == 304
    async with site.client.get("/static/main.js") as response:
        assert (response.content_type, response.headers["Cache-Control"]) == ("text/javascript", "no-cache")


async def test_static__files_of_a_page__kept_for_good_under_their_version_and_compressed(site):
    async with site.client.get("/") as response:
        links = re.findall(r'"(/static/[^"]+)"', await response.text())
    assert len(links) > 10
    for link in links:
        async with site.client.get(link) as response:
            assert response.status == 200, link
            assert response.headers["Cache-Control"].endswith("immutable")
            assert response.headers.get("Content-Encoding") == ("gzip" if "Vary" in response.headers else None)
    async with site.client.get(re.sub("[0-9a-f]{12}", "0" * 12, links[0])) as response:
        assert response.status == 404, "no file passes for that of another version"


async def test_pages__what_they_show_before_their_scripts_run__pictures_words_and_ways(site):
    hostile = "<img src=x><!--colophon-->&\"'"
    tokens = [TokenView("1000001", f"{hostile} #1", f"/ipfs/{site.root}/1000001.png", "/ipfs/y")]
    tokens += [TokenView("1000002", "Tide #2", "https://elsewhere.example/2.png", "/ipfs/y")]
    site.source.views = [view(1, name=hostile, artist=hostile, description=hostile, moods=(hostile,), tokens=tokens)]
    for path in ("/", f"/token/{COLLECTION}/1000001", f"/token/{COLLECTION}/1000002"):
        async with site.client.get(path) as response:
            page = await response.text()
        assert response.status == 200
        assert "<img src=x>" not in page
        assert page.count('class="colophon"') == 1
        assert "elsewhere.example" not in page
        if not path.endswith("2"):
            assert f'src="/ipfs/{site.root}/1000001.png"' in page
    async with site.client.get("/?mood=Still") as response:
        assert "/ipfs/" not in await response.text(), "which editions that leaves is the script's to say"


@pytest.mark.parametrize("path", [f"/token/{COLLECTION}/1000002", f"/verify/{COLLECTION}/9000001", "/no/such/page"])
async def test_pages__none_at_an_address__a_page_that_leads_back(site, path):
    async with site.client.get(path) as response:
        page = await response.text()
        assert (response.status, response.content_type) == (404, "text/html")
    assert '<a class="button" href="/">To the gallery</a>' in page
    assert "<script" not in page


async def test_pages__icon_that_a_browser_looks_for__is_there(site):
    async with site.client.get("/favicon.ico") as response:
        assert (response.status, response.content_type) == (200, "image/svg+xml")


@pytest.mark.parametrize("name", ["..%2fapp.py", "%2e%2e%2fapp.py", "__init__.py", ""])
async def test_static__path_out_of_the_folder__not_found(site, name):
    async with site.client.get(f"/static/{name}") as response:
        assert response.status in (403, 404)
        assert b"def " not in await response.read()
