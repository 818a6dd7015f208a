"""The gateway over HTTP: what IPFS clients expect, and nothing that foreign content could use."""

import asyncio
import io

import aiohttp
import pytest
from aiohttp.test_utils import TestClient, TestServer

from node.content.car import CarReader
from node.content.cid import directory_cid, parse, raw_cid, sha256
from node.content.gateway import Gateway
from node.content.metadata import parse_metadata
from node.content.unixfs import CHUNK, directory, file, links


async def fetch(site, path, **kwargs):
    async with site.client.get(path, **kwargs) as response:
        return response, await response.read()


async def test_gateway__token_of_an_edition__typed_immutable_and_sandboxed(site):
    response, body = await fetch(site, f"/ipfs/{site.root}/1000001.png")
    assert (response.status, response.content_type, body) == (200, "image/png", b"\x89PNG\r\n\x1a\nfirst")
    assert response.headers["ETag"] == f'"{raw_cid(sha256(body))}"'
    assert "immutable" in response.headers["Cache-Control"]
    assert response.headers["X-Content-Type-Options"] == "nosniff"
    assert "sandbox" in response.headers["Content-Security-Policy"]
    assert "script-src" not in response.headers["Content-Security-Policy"]
    assert "default-src 'none'" in response.headers["Content-Security-Policy"]


async def test_gateway__metadata__json_that_parses(site):
    response, body = await fetch(site, f"/ipfs/{site.root}/1000002.json")
    assert (response.status, response.content_type) == (200, "application/json")
    assert parse_metadata(body).name == "Tide #2"
    response, image = await fetch(site, f"/ipfs/{parse_metadata(body).image}")
    assert image == b"\x89PNG\r\n\x1a\nsecond"


async def test_gateway__directory__listed_with_links_that_work(site):
    for path in (f"/ipfs/{site.root}", f"/ipfs/{site.root}/"):
        response, body = await fetch(site, path)
        assert (response.status, response.content_type) == (200, "text/html")
        assert f'href="/ipfs/{site.root}/1000001.json"'.encode() in body


async def test_gateway__raw_format__the_block_itself(site):
    response, body = await fetch(site, f"/ipfs/{site.root}?format=raw")
    assert response.content_type == "application/vnd.ipld.raw"
    assert directory_cid(sha256(body)) == site.root
    assert links(body)[0].name == "1000001.json"
    assert "attachment" in response.headers["Content-Disposition"]


CAR = "application/vnd.ipld.car"


def blocks_of(body):
    reader = CarReader(io.BytesIO(body))
    return reader.roots, list(reader)


async def test_gateway__car_by_query_or_header__the_whole_tree_in_order(site):
    root = parse(site.root)
    by_query, body = await fetch(site, f"/ipfs/{site.root}?format=car")
    assert by_query.headers["Content-Type"] == f"{CAR}; version=1; order=dfs; dups=n"
    assert by_query.headers["Content-Disposition"] == f'attachment; filename="{site.root}.car"'
    assert by_query.headers["X-Ipfs-Roots"] == site.root
    assert by_query.headers["X-Content-Type-Options"] == "nosniff"
    assert by_query.headers["Accept-Ranges"] == "none"
    assert "immutable" in by_query.headers["Cache-Control"]
    roots, blocks = blocks_of(body)
    assert roots == (root,)
    assert [cid for cid, _ in blocks] == [root, *(link.cid for link in links(site.store.get(root.digest)))]
    accept = f"text/html;q=0.1, {CAR};version=1;order=dfs;dups=n"
    by_header, same = await fetch(site, f"/ipfs/{site.root}", headers={"Accept": accept})
    assert same == body
    assert by_header.headers["Content-Location"] == f"/ipfs/{site.root}?format=car"
    assert by_header.headers["ETag"] == by_query.headers["ETag"] != f'"{site.root}"'
    known, nothing = await fetch(
        site, f"/ipfs/{site.root}?format=car", headers={"If-None-Match": by_query.headers["ETag"]}
    )
    assert (known.status, nothing) == (304, b"")


async def test_gateway__car_of_a_path__the_proof_from_the_root_and_no_other_file(site):
    response, body = await fetch(site, f"/ipfs/{site.root}/1000001.json?format=car")
    _, blocks = blocks_of(body)
    names = [cid for cid, _ in blocks]
    assert [str(cid) for cid in names] == response.headers["X-Ipfs-Roots"].split(",")
    assert (len(names), str(names[0])) == (2, site.root)
    assert parse_metadata(blocks[1][1]).name == "Tide #1"


async def test_gateway__car_with_scopes__no_more_than_asked_for(site):
    content = b"".join(bytes([number]) * CHUNK for number in range(3))
    target, blocks = file(content)
    tree, more = directory({"large": target})
    site.store.put_all([*blocks, *more])

    async def count(path, query):
        _, body = await fetch(site, f"/ipfs/{tree.cid}{path}?format=car&{query}")
        return [cid for cid, _ in blocks_of(body)[1]]

    leaves = [link.cid for link in links(blocks[-1])]
    way = [tree.cid, target.cid]
    assert await count("", "dag-scope=block") == [tree.cid] == await count("", "dag-scope=entity")
    assert await count("/large", "dag-scope=block") == way
    assert await count("/large", "dag-scope=entity") == [*way, *leaves] == await count("/large", "dag-scope=all")
    assert await count("/large", f"entity-bytes={CHUNK}:{CHUNK}") == [*way, leaves[1]]
    assert await count("/large", f"entity-bytes={CHUNK - 1}:{CHUNK}") == [*way, *leaves[:2]]
    assert await count("/large", "entity-bytes=-1:*") == [*way, leaves[2]]
    assert await count("/large", f"entity-bytes=0:-{2 * CHUNK + 1}") == [*way, leaves[0]]
    assert await count("/large", f"entity-bytes={9 * CHUNK}:*") == way
    assert await count("", "entity-bytes=0:5") == [tree.cid]


async def test_gateway__car_with_duplicates__every_occurrence_where_asked_for(site):
    target, blocks = file(b"one file")
    tree, more = directory({"a": target, "b": target})
    site.store.put_all([*blocks, *more])
    once, body = await fetch(site, f"/ipfs/{tree.cid}?format=car")
    assert len(blocks_of(body)[1]) == 2
    twice, body = await fetch(site, f"/ipfs/{tree.cid}", headers={"Accept": f"{CAR};order=dfs;dups=y"})
    assert [cid for cid, _ in blocks_of(body)[1]] == [tree.cid, target.cid, target.cid]
    assert twice.headers["Content-Type"].endswith("dups=y")
    assert once.headers["ETag"] != twice.headers["ETag"]


async def test_gateway__car_whose_leaf_is_missing__breaks_off(site):
    for found in site.store.path.rglob(raw_cid(sha256(b"\x89PNG\r\n\x1a\nsecond"))):
        found.unlink()
    with pytest.raises(aiohttp.ClientError):
        await fetch(site, f"/ipfs/{site.root}?format=car")
    assert (await fetch(site, f"/ipfs/{site.root}?format=car&dag-scope=block"))[0].status == 200


async def test_gateway__too_many_cars__told_to_come_back(site):
    app = aiohttp.web.Application()
    app.router.add_get("/ipfs/{cid}{path:(?:/.*)?}", Gateway(site.store, max_cars=0).serve)
    async with TestClient(TestServer(app, host="127.0.0.1")) as client:
        async with client.get(f"/ipfs/{site.root}?format=car") as response:
            assert (response.status, response.headers["Retry-After"]) == (503, "5")
        async with client.head(f"/ipfs/{site.root}?format=car") as response:
            assert (response.status, response.headers.get("Content-Length")) == (200, None)
            assert response.headers["Content-Type"] == f"{CAR}; version=1; order=dfs; dups=n"


async def test_gateway__reader_that_stops__loses_its_place_to_others(site):
    content = bytes(range(256)) * (CHUNK * 40 // 256)
    target, blocks = file(content)
    site.store.put_all([*blocks, *(leaf := [content[:CHUNK]])])
    app = aiohttp.web.Application()
    app.router.add_get("/ipfs/{cid}{path:(?:/.*)?}", Gateway(site.store, max_cars=1, patience_s=0.05).serve)
    async with TestClient(TestServer(app, host="127.0.0.1")) as client:
        reader, writer = await asyncio.open_connection("127.0.0.1", client.port, limit=1024)
        writer.write(f"GET /ipfs/{target.cid}?format=car&car-dups=y HTTP/1.1\r\nHost: a\r\n\r\n".encode())
        await writer.drain()
        await reader.readline()
        async with asyncio.timeout(30):
            while True:
                async with client.get(f"/ipfs/{raw_cid(sha256(leaf[0]))}?format=car") as response:
                    if response.status == 200:
                        break
                await asyncio.sleep(0.02)
        writer.close()


async def test_gateway__one_visitor_reading_cars_slowly__leaves_places_to_others(site):
    content = bytes(range(256)) * (CHUNK * 40 // 256)
    target, blocks = file(content)
    site.store.put_all([*blocks, content[:CHUNK]])
    app = aiohttp.web.Application()
    gateway = Gateway(site.store, patience_s=60, whose=lambda request: request.headers.get("X-Test-Visitor", ""))
    app.router.add_get("/ipfs/{cid}{path:(?:/.*)?}", gateway.serve)
    car = f"/ipfs/{target.cid}?format=car&car-dups=y"

    async def hold(port):
        reader, writer = await asyncio.open_connection("127.0.0.1", port, limit=1024)
        writer.write(f"GET {car} HTTP/1.1\r\nHost: a\r\nX-Test-Visitor: slow\r\n\r\n".encode())
        said = await reader.readline()
        return said, writer

    async with TestClient(TestServer(app, host="127.0.0.1")) as client:
        held = [await hold(client.port) for _ in range(4)]
        assert [said.split()[1] for said, _ in held] == [b"200", b"200", b"503", b"503"]
        for other in ("", "quick"):
            async with client.get(car, headers={"X-Test-Visitor": other}) as response:
                assert response.status == 200
        for _, writer in held:
            writer.transport.abort()


@pytest.mark.parametrize("form", ["raw", "car"])
async def test_gateway__probe__answers_as_a_trustless_gateway_does(site, form):
    response, body = await fetch(site, f"/ipfs/bafkqaaa?format={form}")
    assert response.status == 200
    assert response.headers["Content-Type"].startswith(f"application/vnd.ipld.{form}")
    # A CAR whose only root is the empty identity CID (01 55 00 00), and no blocks.
    expected = "19a265726f6f747381d82a4500015500006776657273696f6e01" if form == "car" else ""
    assert body.hex() == expected


async def test_gateway__absent_and_nothing_else_taken__precondition_failed(site):
    absent = f"/ipfs/{raw_cid(bytes(32))}"
    assert (await fetch(site, absent, headers={"Cache-Control": "only-if-cached"}))[0].status == 412
    assert (await fetch(site, absent + "?format=car"))[0].status == 404


@pytest.mark.parametrize(
    ("wanted", "status", "part"),
    [
        ("bytes=0-3", 206, slice(0, 4)),
        ("bytes=8-", 206, slice(8, None)),
        ("bytes=-5", 206, slice(-5, None)),
        ("bytes=99-", 416, None),
        ("bytes=0-1,4-5", 200, slice(None)),
        ("lines=1-2", 200, slice(None)),
    ],
)
async def test_gateway__range__that_part_of_the_file(site, wanted, status, part):
    whole = b"\x89PNG\r\n\x1a\nfirst"
    response, body = await fetch(site, f"/ipfs/{site.root}/1000001.png", headers={"Range": wanted})
    assert response.status == status
    if part is None:
        assert response.headers["Content-Range"] == f"bytes */{len(whole)}"
    else:
        assert body == whole[part]
    if status == 206:
        first = range(len(whole))[part][0]
        assert response.headers["Content-Range"] == f"bytes {first}-{first + len(body) - 1}/{len(whole)}"
        stale = {"Range": wanted, "If-Range": '"another"'}
        assert (await fetch(site, f"/ipfs/{site.root}/1000001.png", headers=stale))[1] == whole


async def test_gateway__etag_known__not_modified(site):
    response, _ = await fetch(site, f"/ipfs/{site.root}/1000001.png")
    for tag in (response.headers["ETag"], '"x", W/' + response.headers["ETag"]):
        again, body = await fetch(site, f"/ipfs/{site.root}/1000001.png", headers={"If-None-Match": tag})
        assert (again.status, body) == (304, b"")
        assert again.headers["ETag"] == response.headers["ETag"]


async def test_gateway__head__headers_alone(site):
    async with site.client.head(f"/ipfs/{site.root}/1000001.png") as response:
        assert response.status == 200
        assert response.headers["Content-Length"] == "13"
        assert await response.read() == b""


async def test_gateway__file_in_pieces__put_together(site):
    content = b"\x89PNG\r\n\x1a\n" + bytes(CHUNK)
    target, blocks = file(content)
    site.store.put_all(blocks)
    response, body = await fetch(site, f"/ipfs/{target.cid}")
    assert (response.content_type, body) == ("image/png", content)


@pytest.mark.parametrize(
    ("content", "content_type"),
    [
        (b"<svg xmlns='http://www.w3.org/2000/svg'><script>alert(1)</script></svg>", "image/svg+xml"),
        (b"<html><script>alert(1)</script></html>", "application/octet-stream"),
        (b"<!doctype html><p>", "application/octet-stream"),
        (b'{"a": 1}', "application/json"),
        (b"", "application/octet-stream"),
    ],
)
async def test_gateway__foreign_content__never_a_page_that_runs(site, content, content_type):
    digest = site.store.put(content)
    response, body = await fetch(site, f"/ipfs/{raw_cid(digest)}")
    assert (response.content_type, body) == (content_type, content)
    assert "sandbox" in response.headers["Content-Security-Policy"]
    if content_type == "application/octet-stream":
        assert response.headers["Content-Disposition"].startswith("attachment")


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/ipfs/{root}/1000003.png", 404),
        ("/ipfs/{root}/1000001.png/deeper", 404),
        ("/ipfs/{root}/..%2f..%2fetc%2fpasswd", 404),
        ("/ipfs/{root}/a/b/c/d/e/f/g/h/i", 400),
        ("/ipfs/{root}?format=dag-json", 400),
        ("/ipfs/{root}?format=car&dag-scope=some", 400),
        ("/ipfs/{root}/1000001.png?format=car&entity-bytes=a:b", 400),
        ("/ipfs/{root}?format=car&car-version=2", 406),
        ("/ipfs/{root}?format=car&car-order=random", 406),
        ("/ipfs/{root}?format=car&car-dups=maybe", 406),
        ("/ipfs/{root}/1000003.png?format=car", 404),
        ("/ipfs/QmUNLLsPACCz1vLxQVkXqqLX5R1X345qqfHbsf67hvA3Nn", 400),
        ("/ipfs/nonsense", 400),
        ("/ipfs/%00", 400),
        ("/ipfs/" + "b" * 5000, 400),
        ("/ipfs/", 404),
        ("/ipfs/" + raw_cid(b"\1" * 32), 404),
    ],
)
async def test_gateway__bad_address__refused_in_words_and_not_cached(site, path, status):
    response, body = await fetch(site, path.replace("{root}", site.root))
    assert response.status == status
    assert response.content_type == "text/plain"
    assert "immutable" not in response.headers.get("Cache-Control", "")
    assert body


async def test_incident_lido_oracle_757__garbage_called_a_directory__refused_not_a_crash(site):
    for garbage in (b"<html>504 Gateway Time-out</html>", b"", b"\x0a\xff\xff\xff\xff\x0f", b"\x12\x00" * 1000):
        digest = site.store.put(garbage)
        response, _ = await fetch(site, f"/ipfs/{directory_cid(digest)}/1000001.json")
        assert (response.status, response.content_type) == (400, "text/plain")
    assert (await fetch(site, f"/ipfs/{site.root}"))[0].status == 200


async def test_gateway__block_damaged_on_disk__not_found(site):
    for found in site.store.path.rglob(raw_cid(sha256(b"\x89PNG\r\n\x1a\nfirst"))):
        found.write_bytes(b"\x89PNG\r\n\x1a\nforged")
    response, body = await fetch(site, f"/ipfs/{site.root}/1000001.png")
    assert response.status == 404
    assert b"damaged" in body


async def test_gateway__hostile_name_in_a_directory__escaped(site):
    target, blocks = file(b"x")
    site.store.put_all(blocks)
    tree, blocks = directory({'"><script>alert(1)<': target})
    site.store.put_all(blocks)
    _, body = await fetch(site, f"/ipfs/{tree.cid}")
    assert b"<script" not in body
    assert b"&lt;script&gt;" in body
