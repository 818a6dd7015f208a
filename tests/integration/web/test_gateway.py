"""The gateway over HTTP: what IPFS clients expect, and nothing that foreign content could use."""

import pytest

from node.content.cid import directory_cid, raw_cid, sha256
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
        ("/ipfs/{root}?format=car", 400),
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
