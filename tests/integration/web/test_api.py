"""The interface for programs: editions, health, live updates, and headers on every answer."""

import asyncio

import pytest

from node.web.source import Readiness

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
        assert response.content_type == "text/javascript"


@pytest.mark.parametrize("name", ["..%2fapp.py", "%2e%2e%2fapp.py", "__init__.py", ""])
async def test_static__path_out_of_the_folder__not_found(site, name):
    async with site.client.get(f"/static/{name}") as response:
        assert response.status in (403, 404)
        assert b"def " not in await response.read()
