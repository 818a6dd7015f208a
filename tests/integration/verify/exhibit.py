"""A revealed edition on a real chain, whose committee the test holds: it can land any report, true or false."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import aiohttp
import numpy as np
from aiohttp import web
from aiohttp.test_utils import TestServer
from eth_hash.auto import keccak
from numpy.typing import NDArray

from node.agreement.committee import Committee
from node.agreement.report import Report, report_digest
from node.artworks.studio import describe
from node.chain.endpoints.pool import PoolSettings, RpcPool
from node.chain.interface import interface
from node.chain.types import Policy
from node.content.edition import EditionSpec, build, build_placeholder
from node.content.store import BlockStore
from node.devnet import deploy
from node.devnet.account import Account, connect
from node.devnet.genesis import dev_account
from node.devnet.rpc.server import serve_chain
from node.keys.signing import LocalSigner
from node.render import Recipe, render
from node.render.png import encode
from node.verify.blocks import Blocks, Folder
from node.verify.seeds import token_seed
from node.verify.sheet import Sheet, Status
from node.verify.verification import SIGNALS, Verification

PERCENT = 10**16
CADENCE = 10
POLICY = Policy(CADENCE, 3, 0, 0, PERCENT // 10, (-PERCENT, PERCENT))
WADS = (PERCENT // 2, 0, -PERCENT)  # volatility, drawdown, flow
KEYS = [keccak(b"member %d" % index) for index in range(4)]
MEMBERS = [LocalSigner(key) for key in KEYS]
TRANSPORT = [keccak(b"transport %d" % index) for index in range(4)]
Lie = Callable[[str, list[Any], Any], Any]
"""A method, its parameters and the true result, to what is answered instead."""


@cache
def painted(recipe: Recipe, seed: bytes, band: int, signals: tuple[int, ...]) -> NDArray[np.uint8]:
    return render(recipe, seed, band, signals)


def paint(recipe: Any, seed: bytes, band: int, signals: Sequence[int]) -> NDArray[np.uint8]:
    """The real renderer; what it drew once in this session it does not draw again."""
    return painted(recipe, seed, band, tuple(signals))


@dataclass
class Exhibit:
    """Chain, contracts and content; `store` is all content that was ever published."""

    url: str
    account: Account
    oracle: deploy.Contract
    collection: deploy.Contract
    store: BlockStore
    recipe: Recipe
    folder: Path
    stack: AsyncExitStack
    chain_id: int = 0

    async def open(self, recipe_digest: bytes | None = None, *, reveal: bool = True) -> Work:
        """Open an edition of two tokens on a feed of its own."""
        recipe = self.recipe.digest if recipe_digest is None else recipe_digest
        vault = await deploy.deploy_vault(self.account, "Vault", "V", 10**18)
        number = int(await self.account.read(self.collection, "next_edition"))
        feed = await deploy.open_feed(self.account, self.oracle, vault, POLICY, self.collection, number)
        placeholder = build_placeholder(self.store, self.recipe.name, describe(self.recipe), number, 2)
        plan = deploy.EditionPlan(
            "Test", "T", 10**18, POLICY, recipe, placeholder, keccak(b"secret %d" % number), supply=2
        )
        await deploy.open_edition(self.account, self.collection, feed, plan)
        await deploy.sell_out(self.account, self.collection, number, self.account.address)
        if reveal:
            await deploy.reveal(self.account, self.collection, number, plan.secret)
        seed = (await self.account.read(self.collection, "edition", number))[10]
        return Work(self, number, feed, seed)

    async def committee(self) -> Committee:
        return Committee(self.chain_id, self.oracle.address, [member.address for member in MEMBERS], TRANSPORT)

    async def liar(self, lie: Lie) -> str:
        """An endpoint that passes everything on to the chain and answers what `lie` makes of the result."""
        session = await self.stack.enter_async_context(aiohttp.ClientSession())

        async def handle(request: web.Request) -> web.Response:
            asked = await request.json()
            async with session.post(self.url, json=asked) as answer:
                told = await answer.json()
            if "result" in told:
                told["result"] = lie(asked["method"], asked["params"], told["result"])
            if isinstance(told.get("result"), Exception):
                told = {"jsonrpc": "2.0", "id": asked["id"], "error": {"code": -32000, "message": str(told["result"])}}
            return web.json_response(told)

        app = web.Application()
        app.router.add_post("/", handle)
        server = TestServer(app, host="127.0.0.1")
        await server.start_server()
        self.stack.push_async_callback(server.close)
        return str(server.make_url("/"))


@dataclass
class Work:
    """One edition of the exhibit."""

    exhibit: Exhibit
    edition: int
    feed: int
    seed: bytes

    @property
    def tokens(self) -> tuple[int, int]:
        first = self.edition * 1_000_000 + 1
        return first, first + 1

    @property
    def seeds(self) -> tuple[bytes, ...]:
        return tuple(token_seed(self.seed, token) for token in self.tokens)

    async def checkpoint(self) -> tuple[int, bytes]:
        """Mine past the next checkpoint; return its number and hash."""
        account = self.exhibit.account
        head = int(await account.web3.eth.block_number)
        checkpoint = (head // CADENCE + 1) * CADENCE
        await account.mine(checkpoint - head + 1)
        block = await account.web3.eth.get_block(checkpoint)
        return checkpoint, bytes(block["hash"])

    def spec(self, checkpoint: int, block_hash: bytes, band: int = 2) -> EditionSpec:
        recipe = self.exhibit.recipe
        return EditionSpec(
            chain_id=self.exhibit.chain_id, collection=self.exhibit.collection.address, title=recipe.name,
            description=describe(recipe), edition=self.edition, feed=self.feed, checkpoint=checkpoint,
            block_hash=block_hash, band=band, bands=3, mood=recipe.classes[band],
            signals=tuple(zip(SIGNALS, WADS, strict=True)), recipe=recipe.digest, model=recipe.model, seeds=self.seeds,
        )  # fmt: skip

    def images(self, band: int = 2) -> list[bytes]:
        return [encode(painted(self.exhibit.recipe, seed, band, WADS)) for seed in self.seeds]

    def publish(self, spec: EditionSpec, images: Sequence[bytes]) -> bytes:
        return build(self.exhibit.store, spec, images)

    async def report(self, checkpoint: int, block_hash: bytes, root: bytes, answer: int = 2 * PERCENT) -> Report:
        return Report(self.feed, checkpoint, block_hash, 0, 0b0111, (answer,) * 3, WADS, root)

    async def calldata(self, report: Report, *, previous: bool = False) -> bytes:
        """What transmits a report that a quorum signed, of the previous configuration if so."""
        digest = report_digest((await self.exhibit.committee()).domain, report)
        signatures = b"".join(MEMBERS[index].sign_digest(digest) for index in (0, 1, 3))
        fields = (report.feed, report.checkpoint, report.block_hash, report.view, report.observers,
                  report.observations, report.signals, report.content_root)  # fmt: skip
        return interface("StrategyOracle").encode("transmit", fields, 0b1011 | previous << 255, signatures)

    async def land(self, report: Report, *, previous: bool = False) -> None:
        """Have a quorum sign a report, and bring it to the chain."""
        calldata = await self.calldata(report, previous=previous)
        await self.exhibit.account._transact("transmit", self.exhibit.oracle.address, calldata, 0)

    async def hang(self, change: Callable[[EditionSpec, list[bytes]], tuple[EditionSpec, list[bytes]]] | None = None,
                   answer: int = 2 * PERCENT, band: int = 2) -> bytes:  # fmt: skip
        """Publish and land the artworks of a band, changed by the quorum itself if wanted; return the content root."""
        checkpoint, block_hash = await self.checkpoint()
        spec, images = self.spec(checkpoint, block_hash, band), self.images(band)
        if change is not None:
            spec, images = change(spec, images)
        root = self.publish(spec, images)
        await self.land(await self.report(checkpoint, block_hash, root, answer))
        return root

    async def verify(
        self, *rpcs: str, token: int | None = None, content: Sequence[Path] | None = None
    ) -> dict[str, tuple[Status, str]]:
        """Every step's status and detail."""
        folders = [self.exhibit.folder] if content is None else content
        async with RpcPool(list(rpcs) or [self.exhibit.url], PoolSettings(rounds=1)) as pool:
            blocks = Blocks([Folder(folder) for folder in folders])
            verification = Verification(
                pool, blocks, self.exhibit.collection.address, token or self.tokens[0], paint, Sheet()
            )
            await verification.run()
            return {step.name: (step.status, step.detail) for step in verification.sheet.steps}


@asynccontextmanager
async def open_exhibit(folder: Path) -> AsyncIterator[Exhibit]:
    """Start a chain with contracts, a committee of four and a store of content."""
    async with AsyncExitStack() as stack:
        server = await stack.enter_async_context(serve_chain())
        web3 = connect(server.url)
        stack.push_async_callback(web3.provider.disconnect)
        account = Account(web3, dev_account(server.chain.settings.seed, 0))
        for member in MEMBERS:
            await account.rpc("patina_fund", member.address, hex(10**21))
        oracle = await deploy.deploy_oracle(account, [member.address for member in MEMBERS], TRANSPORT)
        collection = await deploy.deploy_collection(account, oracle)
        store = BlockStore(folder)
        recipe = Recipe.for_bands(3, "Tide", steps=2)
        store.put(recipe.canonical)
        chain_id = int(await web3.eth.chain_id)
        yield Exhibit(server.url, account, oracle, collection, store, recipe, folder, stack, chain_id)


def transmit_of(result: dict[str, Any]) -> tuple[tuple[Any, ...], int, bytes] | None:
    """The arguments of a transaction that transmits, or None."""
    call = interface("StrategyOracle").call(bytes.fromhex(result["input"][2:]))
    return None if call is None or call[0] != "transmit" else call[1]
