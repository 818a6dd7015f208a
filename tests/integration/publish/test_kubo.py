"""Kubo's RPC: blocks brought, roots pinned and asked for, and every kind of refusal told in words."""

from __future__ import annotations

import asyncio
import io
import ssl
from pathlib import Path

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from node.content.car import CarReader
from node.content.cid import DAG_PB, RAW, Cid, raw_cid, sha256
from node.content.store import BlockStore
from node.keys.authority import Authority
from node.keys.secrets import Secret, SecretUrl
from node.publish.kubo import Kubo
from node.publish.link import MAX_ANSWER, Link
from node.publish.parcels import IncompleteError, pack
from node.publish.target import AwayError, RefusedError
from tests.integration.publish import kubo as paper
from tests.integration.publish.conftest import Serve, paint


def target(url: str, token: str = "", silent_s: float = 20.0, **settings: object) -> Kubo:
    secret = Secret(token) if token else None
    return Kubo(Link("attic", SecretUrl(url), token=secret, silent_s=silent_s, **settings))  # type: ignore[arg-type]


async def test_publish__edition__its_blocks_and_its_recipe_pinned_once(store: BlockStore, serve: Serve) -> None:
    root, node = paint(store, size=2_500_000), paper.Kubo()
    kubo, parcel = target(await serve(node.app())), pack(store, root, "Tide")
    assert await kubo.publish(parcel)
    recipe = Cid(RAW, sha256(b'{"a":"recipe"}'))
    assert node.pins == {str(Cid(DAG_PB, root)), str(recipe)}
    car = CarReader(io.BytesIO(node.imports[0]))
    assert car.roots == (Cid(DAG_PB, root), recipe)
    blocks = list(car)
    assert (len(blocks), sum(len(block) for _, block in blocks)) == (parcel.blocks, parcel.size)
    assert await kubo.publish(parcel)
    assert len(node.imports) == 1, "what is pinned is not sent again"
    assert (await kubo.examine()).version == "0.40.1"


async def test_publish__node_that_names_roots_in_base58__is_told_how(store: BlockStore, serve: Serve) -> None:
    node = paper.Kubo(base58=True)
    assert await target(await serve(node.app())).publish(pack(store, paint(store), "Tide"))


async def test_withdraw__published_or_not__is_not_pinned_afterwards(store: BlockStore, serve: Serve) -> None:
    root, node = paint(store), paper.Kubo()
    kubo = target(await serve(node.app()))
    await kubo.publish(pack(store, root, "Tide"))
    for _ in range(2):
        await kubo.withdraw(Cid(DAG_PB, root))
        assert not await kubo.pinned(Cid(DAG_PB, root))


@pytest.mark.parametrize(
    ("authorization", "username"), [("Bearer of-the-attic", None), ("Basic bWU6b2YtdGhlLWF0dGlj", "me")]
)
async def test_publish__token__as_the_node_asks_for_it(
    store: BlockStore, serve: Serve, authorization: str, username: str | None
) -> None:
    node = paper.Kubo(token=authorization)
    url, parcel = await serve(node.app()), pack(store, paint(store), "Tide")
    assert await target(url, "of-the-attic", username=username).publish(parcel)
    for wrong in ("", "another-token"):
        with pytest.raises(AwayError, match="does not take the token") as caught:
            await target(url, wrong, username=username).publish(parcel)
        assert "another-token" not in str(caught.value)
        with pytest.raises(AwayError, match="token_file"):
            await target(url, wrong, username=username).examine()


async def test_publish__block_lost_on_the_way__refused_with_the_nodes_words(store: BlockStore, serve: Serve) -> None:
    node = paper.Kubo(lose=1)
    with pytest.raises(RefusedError, match="cannot pin them: block was not found"):
        await target(await serve(node.app())).publish(pack(store, paint(store), "Tide"))


async def test_publish__pin_that_does_not_stand__refused(store: BlockStore, serve: Serve) -> None:
    node = paper.Kubo(forget_pins=True)
    with pytest.raises(RefusedError, match="does not pin bafybei"):
        await target(await serve(node.app())).publish(pack(store, paint(store), "Tide"))


async def test_publish__import_fails__refused_in_one_printable_line(store: BlockStore, serve: Serve) -> None:
    node = paper.Kubo(fail="disk full\n\x1b[31m" + "x" * 5_000)
    with pytest.raises(RefusedError, match="disk full") as caught:
        await target(await serve(node.app())).publish(pack(store, paint(store), "Tide"))
    assert str(caught.value).isprintable()
    assert len(str(caught.value)) < 400


async def test_pack__block_missing__names_it_and_sends_nothing(store: BlockStore) -> None:
    root = paint(store)
    picture = raw_cid(sha256(b"\x89PNG\r\n\x1a\n" + bytes([1]) * 50))
    for found in store.path.rglob(picture):
        found.unlink()
    with pytest.raises(IncompleteError, match=f"not here yet: {picture}"):
        pack(store, root, "Tide")


async def nothing(_: web.Request) -> web.Response:
    return web.Response(text="<html>It works!</html>", content_type="text/html")


async def endless(request: web.Request) -> web.StreamResponse:
    response = web.StreamResponse()
    await response.prepare(request)
    for _ in range(2 * MAX_ANSWER // 65_536):
        await response.write(b"x" * 65_536)
    return response


async def elsewhere(_: web.Request) -> web.Response:
    return web.Response(status=307, headers={"Location": "http://127.0.0.1:1/"})


@pytest.mark.parametrize("page", [nothing, endless, elsewhere])
async def test_publish__what_is_no_kubo_node__told_apart(store: BlockStore, serve: Serve, page: object) -> None:
    app = web.Application()
    app.router.add_route("*", "/{rest:.*}", page)  # type: ignore[arg-type]
    kubo = target(await serve(app))
    with pytest.raises((AwayError, RefusedError)) as caught:
        await kubo.publish(pack(store, paint(store), "Tide"))
    assert str(caught.value).isprintable()
    with pytest.raises(AwayError):
        await kubo.examine()


async def test_publish__nobody_there_or_silent__away(store: BlockStore, serve: Serve) -> None:
    parcel = pack(store, paint(store), "Tide")
    with pytest.raises(AwayError, match="cannot be reached"):
        await target("http://127.0.0.1:1").publish(parcel)
    node = paper.Kubo(hang=asyncio.Event())
    with pytest.raises(AwayError, match=r"no sign of life for 0\.2 s"):
        await target(await serve(node.app()), silent_s=0.2).publish(parcel)


async def test_publish__certificate_of_an_own_authority__taken_with_ca_alone(store: BlockStore, tmp_path: Path) -> None:
    node = paper.Kubo()
    Authority.create(tmp_path, "Ours").issue("node", "broker", ("127.0.0.1",))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(tmp_path / "node.pem", tmp_path / "node.key")
    server = TestServer(node.app(), host="127.0.0.1", scheme="https")
    await server.start_server(ssl=context)
    url, parcel = str(server.make_url("/")).rstrip("/"), pack(store, paint(store), "Tide")
    with pytest.raises(AwayError, match="cannot be reached"):
        await target(url).publish(parcel)
    assert await target(url, ca=tmp_path / "ca.pem").publish(parcel)
    with pytest.raises(AwayError, match="no CA certificate"):
        await target(url, ca=tmp_path / "node.key").publish(parcel)
    await server.close()
