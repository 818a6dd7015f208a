"""What the node reads from its chain: final blocks, feeds, samples, landed reports, editions."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import fields
from typing import TYPE_CHECKING, Any, Literal

from node.chain import calls, feeds, logs, parse
from node.chain.calls import Call, call_at
from node.chain.interface import interface
from node.chain.pool import Ask, RpcPool
from node.chain.proof import prove
from node.chain.types import MULTICALL3, Block, Edition, EditionState, Feed, FullReport, Landed, Sample
from node.errors import ChainError

if TYPE_CHECKING:
    from node.agreement.committee import Committee
    from node.agreement.report import Report

Finality = Literal["finalized"] | int
"""The chain's own tag, or how many blocks on top make a block final."""

_FEEDS_PER_CALL = 200


class Chain:
    """One oracle on one chain, read through an RpcPool.

    Every method raises ChainError when the chain cannot be read, and RevertError when a contract refuses.
    Where the pool has two endpoints or more, `finalized`, `block` and `sample` are asked of two, and ChainError
    is raised where they differ: what they return is what the node signs for.
    """

    def __init__(
        self,
        pool: RpcPool,
        oracle: str,
        *,
        chain_id: int | None = None,
        finality: Finality = "finalized",
        multicall: str = MULTICALL3,
        log_chunk: int = 2_000,
    ) -> None:
        """`chain_id`: what the chain must be (checked on first use); `log_chunk`: blocks per eth_getLogs."""
        from eth_utils.address import to_checksum_address

        self.pool = pool
        self.oracle = str(to_checksum_address(oracle))
        self._expected = chain_id
        self._chain_id: int | None = None
        self._finality = finality
        self._multicall = multicall
        self._log_chunk = log_chunk

    async def chain_id(self) -> int:
        """The chain's id (EIP-155); ChainError when it is not the configured one."""
        if self._chain_id is None:
            found = await self.pool.agree(_chain_id)
            if self._expected not in (None, found):
                raise ChainError(f"the endpoint serves chain {found}, the configuration says {self._expected}")
            self._chain_id = found
        return self._chain_id

    async def head(self) -> Block:
        """The latest block, which may yet be reorganised away; with several endpoints, of one that does not lag."""
        if len(self.pool.endpoints) > 1:
            await self.pool.probe()
        return await self.pool.ask(lambda ask: _block(ask, "latest"))

    async def finalized(self) -> Block:
        """The latest final block; with several endpoints, the latest that two of them call final."""
        tag, behind = ("finalized", 0) if self._finality == "finalized" else ("latest", self._finality)
        seen = sorted(await self.pool.each(lambda ask: _block(ask, tag)), key=lambda block: -block.number)
        second = seen[min(1, len(seen) - 1)]
        if not behind and len(self.pool.endpoints) == 1:
            return second
        return await self.block(max(0, second.number - behind))

    async def block(self, number: int) -> Block:
        """The block at a height."""
        found = await self.pool.agree(lambda ask: _block(ask, hex(number)))
        if found.number != number:
            raise ChainError(f"an endpoint answered block {found.number} when asked for {number}")
        return found

    async def committee(self) -> Committee:
        """The committee in force; ChainError when the contract's config digest is not that committee's."""
        from node.agreement.committee import Committee

        names = ("committee", "config_digest")
        batch = [Call(self.oracle, interface("StrategyOracle").encode(name)) for name in names]
        members, digest = await self._batch(batch, None)
        found = calls.decoded(interface("StrategyOracle"), "committee", members)
        if found is None:
            raise ChainError(f"{self.oracle} has no committee: is it the oracle's address?")
        committee = Committee(await self.chain_id(), self.oracle, *found)
        if committee.config_digest != calls.decoded(interface("StrategyOracle"), "config_digest", digest):
            raise ChainError(f"{self.oracle} has another config digest than its committee: another protocol version")
        return committee

    async def config_digest(self) -> bytes:
        """The digest of the configuration in force, 32 bytes."""
        return bytes(await self._view("StrategyOracle", self.oracle, "config_digest"))

    def transmit_calldata(self, report: Report, signers: int, signatures: bytes) -> bytes:
        """Calldata of `transmit`: `signers` a bitmap, `signatures` 64 bytes each in committee order."""
        fields = (
            report.feed,
            report.checkpoint,
            report.block_hash,
            report.view,
            report.observers,
            report.observations,
            report.signals,
            report.content_root,
        )
        return interface("StrategyOracle").encode("transmit", fields, signers, signatures)

    def vote_calldata(
        self, feed: int, checkpoint: int, block_hash: bytes, answer: int, signals: Sequence[int], content_root: bytes
    ) -> bytes:
        """Calldata of `vote`, what one member measured and rendered alone (wads; 32-byte digests)."""
        arguments = (feed, checkpoint, block_hash, answer, signals, content_root)
        return interface("StrategyOracle").encode("vote", *arguments)

    async def feeds(self, block: Block | None = None) -> list[Feed]:
        """All feeds, by id, as they stand at `block` (None: the latest)."""
        count: int = await self._view("StrategyOracle", self.oracle, "feed_count", block=block)
        found: list[Feed] = []
        for first in range(1, count + 1, _FEEDS_PER_CALL):
            ids = range(first, min(count + 1, first + _FEEDS_PER_CALL))
            found += feeds.feeds(ids, await self._batch(feeds.feed_calls(self.oracle, ids), block))
        return found

    async def sample(self, which: Sequence[Feed], block: Block) -> list[Sample]:
        """Sample feeds at a block in ONE eth_call. A feed whose vault fails, or that is younger, is left out."""
        if not which:
            return []
        batch = feeds.sample_calls(self.oracle, which)
        results = await self.pool.agree(lambda ask: calls.aggregate(ask, self._multicall, batch, block))
        return feeds.samples(which, block, results)

    async def landed(self, from_block: int, to_block: int) -> list[Landed]:
        """Reports that took effect in blocks from_block..to_block, both included, in order."""
        return await self._reported([], from_block, to_block)

    async def report(self, feed: int, checkpoint: int, landed: Landed | None = None) -> FullReport:
        """A landed report with its proof, from chain data alone; ChainError when there is none.

        `landed`, where the caller has it, saves the search for the event.
        """
        if landed is None:
            topics = [number.to_bytes(32, "big") for number in (feed, checkpoint)]
            # A checkpoint is a block's number, and no report lands before its checkpoint.
            found = await self._reported(topics, checkpoint, (await self.head()).number)
            if not found:
                raise ChainError(f"no report of feed {feed} for checkpoint {checkpoint} has landed")
            landed = found[0]
        return await prove(self.pool, self.oracle, await self.chain_id(), landed, self._log_chunk)

    async def edition(self, collection: str, edition: int, block: Block | None = None) -> Edition:
        """An edition of a collection."""
        stored = await self._view("DynamicCollection", collection, "edition", edition, block=block)
        if stored[-1] not in tuple(EditionState):
            raise ChainError(f"{collection} has no edition {edition}")
        return _edition(collection, edition, stored)

    async def editions(self, which: Sequence[tuple[str, int]], block: Block | None = None) -> list[Edition | None]:
        """Many editions, given as (collection, edition), in one request; None for one that there is not."""
        if not which:
            return []
        contract = interface("DynamicCollection")
        results = await self._batch([Call(at, contract.encode("edition", number)) for at, number in which], block)
        found: list[Edition | None] = []
        for (collection, number), result in zip(which, results, strict=True):
            stored = calls.decoded(contract, "edition", result, 1)
            exists = stored is not None and stored[-1] in tuple(EditionState)
            found.append(_edition(collection, number, stored) if exists else None)
        return found

    async def name(self, collection: str) -> str:
        """The collection's name."""
        return str(await self._view("DynamicCollection", collection, "name"))

    async def owner_of(self, collection: str, token_id: int) -> str:
        """A token's owner."""
        from eth_utils.address import to_checksum_address

        return str(to_checksum_address(await self._view("DynamicCollection", collection, "ownerOf", token_id)))

    async def token_uri(self, collection: str, token_id: int, block: Block | None = None) -> str:
        """A token's metadata URI."""
        return str(await self._view("DynamicCollection", collection, "tokenURI", token_id, block=block))

    async def token_seed(self, collection: str, token_id: int) -> bytes:
        """A revealed token's seed, 32 bytes."""
        return (await self.token_seeds(collection, [token_id]))[0]

    async def token_seeds(self, collection: str, token_ids: Sequence[int]) -> list[bytes]:
        """The seeds of many tokens in few requests, 32 bytes each; ChainError before the reveal."""
        contract = interface("DynamicCollection")
        found: list[bytes | None] = []
        for first in range(0, len(token_ids), 500):
            some = token_ids[first : first + 500]
            results = await self._batch([Call(collection, contract.encode("token_seed", one)) for one in some], None)
            found += [calls.decoded(contract, "token_seed", result, 1) for result in results]
        seeds = [seed for seed in found if seed is not None]
        if len(seeds) < len(found):
            raise ChainError(f"{collection}: token {token_ids[found.index(None)]} has no seed: is it revealed?")
        return seeds

    async def _reported(self, topics: list[bytes], first: int, last: int) -> list[Landed]:
        wanted = [interface("StrategyOracle").topic("Reported"), *topics]
        found: list[Landed] = []
        async for some in logs.scan(self.pool, self.oracle, wanted, first, last, self._log_chunk):
            found += map(logs.landed, some)
        return found

    async def _batch(self, batch: Sequence[Call], block: Block | None) -> list[bytes | None]:
        return await self.pool.ask(lambda ask: calls.aggregate(ask, self._multicall, batch, block))

    async def _view(self, contract: str, address: str, name: str, *arguments: Any, block: Block | None = None) -> Any:
        abi = interface(contract)
        calldata = abi.encode(name, *arguments)
        returned = await self.pool.ask(lambda ask: call_at(ask, address, calldata, block))
        if not returned:
            raise ChainError(f"there is no {contract} at {address}")
        return abi.result(name, returned, len(arguments))


def _edition(collection: str, number: int, stored: Sequence[Any]) -> Edition:
    # The contract's struct and Edition name the same fields in the same order.
    names = [field.name for field in fields(Edition)][2:]
    return Edition(collection, number, **dict(zip(names, (*stored[:-1], EditionState(stored[-1])), strict=True)))


async def _block(ask: Ask, which: str) -> Block:
    return parse.block(await ask("eth_getBlockByNumber", [which, False]), f"block {which}")


async def _chain_id(ask: Ask) -> int:
    return parse.quantity(await ask("eth_chainId", []), "the chain id")
