"""The Pinning Service API: asked for by CID, looked at until it is pinned, and no pin of others touched."""

from __future__ import annotations

import pytest

from node.content.cid import DAG_PB, Cid
from node.content.store import BlockStore
from node.keys.secrets import Secret, SecretUrl
from node.publish.link import Link
from node.publish.parcels import pack
from node.publish.pinning import PinningService
from node.publish.target import AwayError, RefusedError
from tests.integration.publish.conftest import Serve, paint
from tests.integration.publish.pins import Pins

ORIGINS = ["/dns/attic.example/tcp/4001/p2p/12D3KooW"]


def target(url: str, token: str = "") -> PinningService:
    secret = Secret(token) if token else None
    return PinningService(Link("pins", SecretUrl(url + "/psa/"), token=secret, silent_s=20), ORIGINS)


async def test_publish__queued_then_pinned__asked_for_once(store: BlockStore, serve: Serve) -> None:
    root, server = paint(store), Pins(token="letmein-please")
    service, parcel = target(await serve(server.app()), "letmein-please"), pack(store, root, "feed 1 checkpoint 300")
    for _ in range(3):
        assert not await service.publish(parcel)
    made = list(server.pins.values())
    assert [one["pin"]["cid"] for one in made] == [str(cid) for cid in parcel.roots]
    assert all(one["pin"]["origins"] == ORIGINS for one in made)
    assert all(one["pin"]["name"] == "patina feed 1 checkpoint 300" for one in made)
    made[0]["status"] = "pinned"
    assert not await service.publish(parcel)
    made[1]["status"] = "pinned"
    assert await service.publish(parcel)
    assert server.made == 2


async def test_publish__failed__told_why_and_asked_for_anew(store: BlockStore, serve: Serve) -> None:
    server = Pins(becomes="failed")
    service, parcel = target(await serve(server.app())), pack(store, paint(store), "a")
    assert not await service.publish(parcel)
    with pytest.raises(RefusedError, match=r"failed to fetch bafybei.* \(no provider\)"):
        await service.publish(parcel)
    server.becomes = "pinned"
    assert not server.pins or all(one["pin"]["cid"] != str(parcel.roots[0]) for one in server.pins.values())


async def test_withdraw__ours_and_anothers__ours_alone_goes(store: BlockStore, serve: Serve) -> None:
    root, server = paint(store), Pins(becomes="pinned")
    service = target(await serve(server.app()))
    assert await service.publish(pack(store, root, "a"))
    server.pins["other"] = {
        "requestid": "other",
        "status": "pinned",
        "pin": {"cid": str(Cid(DAG_PB, root)), "name": "x"},
    }
    await service.withdraw(Cid(DAG_PB, root))
    left = [one["requestid"] for one in server.pins.values() if one["pin"]["cid"] == str(Cid(DAG_PB, root))]
    assert left == ["other"]


async def test_examine__token_taken_or_not__says_so(serve: Serve) -> None:
    url = await serve(Pins(token="letmein-please").app())
    assert "holds 0 pins" in (await target(url, "letmein-please").examine()).detail
    with pytest.raises(AwayError, match=r"does not take the token \(HTTP 401\): UNAUTHORIZED"):
        await target(url, "another-token").examine()
    with pytest.raises(AwayError):
        await target(url + "/elsewhere", "letmein-please").examine()
