"""Facts from real contracts: what a visitor is told from the chain alone, and what a node's journal saves asking."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer

from node.chain.client import Chain
from node.chain.endpoints.pool import PoolSettings, RpcPool
from node.errors import ChainError
from node.explain.document import document
from node.explain.gather import Gathering
from node.explain.memory import JournalMemory
from node.explain.story import headline, tell
from node.explain.views import Subject, check_token
from node.journal import Journal
from node.verify.blocks import Blocks, Folder
from node.web.explanation import add_explanations
from tests.integration.verify.exhibit import PERCENT, Exhibit, Work, open_exhibit

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def exhibit(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Exhibit]:
    async with open_exhibit(tmp_path_factory.mktemp("content") / "blocks") as opened:
        yield opened


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def chain(exhibit: Exhibit) -> AsyncIterator[Chain]:
    async with RpcPool([exhibit.url], PoolSettings(rounds=1)) as pool:
        yield Chain(pool, exhibit.oracle.address)


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def work(exhibit: Exhibit) -> Work:
    """An edition that was painted twice, and confirmed once since."""
    opened = await exhibit.open()
    for root, answer in ((b"a" * 32, 2 * PERCENT), (b"b" * 32, -2 * PERCENT), (bytes(32), -2 * PERCENT)):
        checkpoint, block_hash = await opened.checkpoint()
        await opened.land(await opened.report(checkpoint, block_hash, root, answer))
    return opened


async def gather(chain: Chain, work: Work, *, content: bool = True, whole: bool = False) -> Subject:
    blocks = Blocks([Folder(work.exhibit.folder)] if content else [])
    return await Gathering(chain, blocks).edition(work.exhibit.collection.address, work.edition, whole=whole)


async def test_gather__visitor__finds_the_report_that_painted_and_those_since(chain: Chain, work: Work) -> None:
    found = await gather(chain, work)
    assert found.painting is not None
    assert found.painting.landed.content_root == b"b" * 32
    assert (found.painting.signed, found.painting.committee, found.painting.road) == (3, 4, "report")
    assert len(found.painting.signers) == 3
    assert found.signals is not None
    assert len(found.signals) == 3
    assert [one.paints for one in found.reports] == [True, False]
    said = headline(found)
    assert said.startswith(f'Tide #1 shows "{found.recipe.classes[0]}"' if found.recipe else "!")
    assert "2.00 % below its price when the feed was opened on" in said
    assert "has confirmed the band once" in " ".join(section.text for section in tell(found))


async def test_gather__whole__tells_the_life_from_its_first_painting_on(chain: Chain, work: Work) -> None:
    told = document(await gather(chain, work, whole=True))
    assert [one["painted"] for one in told["history"]] == [True, True, False]
    assert told["history"][0]["said"].startswith("First painted, as ")
    assert told["history_complete"] is True
    assert all(one["time"] and one["committee"] == 4 for one in told["history"])


async def test_gather__without_content__numbers_stand_in_for_names(chain: Chain, work: Work) -> None:
    found = await gather(chain, work, content=False)
    assert found.recipe is None
    assert found.signals is not None  # they are in the report's calldata
    assert "shows band 1 of 3" in headline(found)


async def test_gather__edition_for_sale_and_revealed__have_no_painting(chain: Chain, exhibit: Exhibit) -> None:
    for reveal, state in ((False, "closed"), (True, "unpainted")):
        found = await gather(chain, await exhibit.open(reveal=reveal))
        assert found.state == state
        assert found.painting is None
        assert tell(found)


async def test_gather__token_that_is_none__is_said(chain: Chain, work: Work) -> None:
    found = await gather(chain, work)
    with pytest.raises(ChainError, match="its tokens are"):
        check_token(found.edition, work.tokens[1] + 1)
    with pytest.raises(ChainError, match="has no edition"):
        await Gathering(chain, Blocks([])).edition(work.exhibit.collection.address, 77)


async def test_gather__with_a_journal__asks_for_no_logs(
    chain: Chain, work: Work, tmp_path: Path, exhibit: Exhibit
) -> None:
    asked: list[str] = []

    def note(method: str, params: object, result: object) -> object:
        asked.append(method)
        return result

    url = await exhibit.liar(note)
    with Journal(tmp_path) as journal:
        reports = [one for one in await chain.landed(0, (await chain.head()).number) if one.feed == work.feed]
        for one in reports:
            journal.reports.add(one)
        journal.configurations.know(await chain.committee())
        memory = JournalMemory(journal, exhibit.chain_id, chain.oracle)
        async with RpcPool([url], PoolSettings(rounds=1)) as pool:
            mine = Chain(pool, chain.oracle)
            found = await Gathering(mine, Blocks([]), memory).edition(exhibit.collection.address, work.edition)
    assert found.whole
    assert len(found.reports) == 3
    assert "eth_getLogs" not in asked
    theirs = await gather(chain, work, content=False)
    assert (found.painting, found.signals) == (theirs.painting, theirs.signals)


async def test_route__asked_twice__gathers_once_and_answers_304(chain: Chain, work: Work) -> None:
    gathered = 0

    async def facts(collection: str, number: int) -> Subject | None:
        nonlocal gathered
        gathered += 1
        return await gather(chain, work) if number == work.edition else None

    app = web.Application()
    add_explanations(app, facts, lambda: 1)
    base = f"/api/editions/{work.exhibit.collection.address}/{work.edition}/tokens"
    async with TestClient(TestServer(app)) as client:
        first = await client.get(f"{base}/{work.tokens[1]}/explanation")
        assert first.status == 200
        told = json.loads(await first.read())
        assert told["token"] == str(work.tokens[1])
        assert all(isinstance(one, str) and one for one in told["paragraphs"])
        again = await client.get(
            f"{base}/{work.tokens[1]}/explanation", headers={"If-None-Match": first.headers["ETag"]}
        )
        assert again.status == 304
        assert gathered == 1
        for path in (f"{base}/{work.tokens[1] + 1}", base.replace(f"/{work.edition}/", "/99/") + "/99000001"):
            missing = await client.get(f"{path}/explanation")
            assert missing.status == 404
            assert "error" in json.loads(await missing.read())


async def test_route__chain_that_cannot_be_read__is_no_missing_token_and_is_asked_again() -> None:
    asked = 0

    async def facts(_collection: str, _number: int) -> Subject | None:
        nonlocal asked
        asked += 1
        raise ChainError("silent")

    app = web.Application()
    add_explanations(app, facts, lambda: 1)
    async with TestClient(TestServer(app)) as client:
        for _ in range(2):
            answer = await client.get("/api/editions/0x11/1/tokens/1000001/explanation")
            assert (answer.status, "error" in json.loads(await answer.read())) == (503, True)
    assert asked == 2
