"""What the node reads from its chain: final blocks, feeds, samples, landed reports, editions."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import fields, replace
from itertools import islice
from typing import TYPE_CHECKING, Any, Literal, TypeVar

from node.chain import calls, configurations, feeds, logs, parse
from node.chain.batches import Batches, Missing, Results, Unit
from node.chain.calls import Call, call_at
from node.chain.configurations import PREVIOUS, ConfigSet, Configuration, Installed, Worked
from node.chain.dates import Dates
from node.chain.endpoints.pool import Ask, RpcPool
from node.chain.interface import interface
from node.chain.proof import prove
from node.chain.types import MAX_SUPPLY, MULTICALL3, Block, Edition, EditionState, Feed, FullReport, Landed, Sample
from node.errors import ChainError, printable

if TYPE_CHECKING:
    from node.agreement.committee import Committee
    from node.agreement.report import Report

Answer = TypeVar("Answer")

Finality = Literal["finalized"] | int
"""The chain's own tag, or how many blocks on top make a block final."""

_FEEDS_PER_CALL = 200
_MAX_FEEDS = 100_000
"""Feeds that are asked for; beyond, an endpoint would keep a node asking for ever."""
_MAX_AHEAD = 100_000
"""Blocks that a head may be ahead of the last final one; beyond, an endpoint claims a chain that nobody could read."""


class Chain:
    """One oracle on one chain, read through an RpcPool.

    Every method raises ChainError when the chain cannot be read, and RevertError when a contract refuses.
    Where the pool has two endpoints or more, what the node signs for is asked of two, and ChainError is raised
    where they differ: `finalized`, `block`, `sample`, final `landed` ranges, and whatever is asked at a `block`.
    What foreign contracts answer (vaults, collections) is compared one by one; an answer in dispute is left out.
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
        if chain_id is not None:
            pool.chain_id = chain_id
        self.oracle = str(to_checksum_address(oracle))
        self.dates = Dates()
        self._expected = chain_id
        self._chain_id: int | None = None
        self._finality = finality
        self._multicall = multicall
        self._log_chunk = log_chunk
        self._final: int | None = None
        self._vaults, self._collections, self._opened = Batches(), Batches(), Batches()

    async def chain_id(self) -> int:
        """The chain's id (EIP-155); ChainError when it is not the configured one."""
        if self._chain_id is None:
            found = await self.pool.agree(_chain_id, "the chain id")
            if self._expected not in (None, found):
                raise ChainError(f"the endpoint serves chain {found}, the configuration says {self._expected}")
            self._chain_id = found
        return self._chain_id

    async def head(self) -> Block:
        """The latest block, which may yet be reorganised away; with several endpoints, the second-highest of theirs.

        ChainError, which names the endpoint, for a head that is implausibly far ahead of the last final block.
        """
        if self._final is None:
            await self.finalized()
        if len(self.pool.endpoints) > 1:
            await self.pool.probe(self._furthest())
        seen = await self.pool.each_named(lambda ask: _block(ask, "latest"))
        if not seen:
            return await self.pool.ask(lambda ask: _block(ask, "latest"))
        if any(found.number > self._furthest() for _, found in seen):
            await self.finalized()  # it may be long since it was looked at
        near = [found for _, found in seen if found.number <= self._furthest()]
        if not near:
            name, found = seen[0]
            raise ChainError(f"{name} claims block {found.number}, but {self._final} is the last final one")
        return _second(near)

    async def finalized(self) -> Block:
        """The latest final block; with several endpoints, the latest that two of them call final."""
        tag, behind = ("finalized", 0) if self._finality == "finalized" else ("latest", self._finality)
        seen = await self.pool.each(lambda ask: _block(ask, tag))
        found = _second(seen)
        several = len(self.pool.endpoints) > 1
        if several and len(seen) == 1 and self._final is not None and found.number - behind > self._furthest():
            raise ChainError(f"one endpoint alone calls block {found.number} final, after {self._final}")
        if behind or several:
            found = await self.block(max(0, found.number - behind))
        self._final = found.number
        self.dates.learn(found)
        return found

    def _furthest(self) -> int:
        return (self._final or 0) + _MAX_AHEAD

    async def block(self, number: int) -> Block:
        """The block at a height."""
        found = await self.pool.agree(lambda ask: _block(ask, hex(number)), f"block {number}")
        if found.number != number:
            raise ChainError(f"an endpoint answered block {found.number} when asked for {number}")
        self.dates.learn(found)
        return found

    async def committee(self, block: Block | None = None) -> Committee:
        """The committee in force; ChainError when the contract's config digest is not that committee's."""
        from node.agreement.committee import Committee

        contract = interface("StrategyOracle")
        batch = [Call(self.oracle, contract.encode(name)) for name in ("committee", "config_digest")]
        ask = self._asked(block)
        members, digest = await ask(lambda one: calls.aggregate(one, self._multicall, batch, block))
        found = calls.decoded(contract, "committee", members)
        if found is None:
            raise ChainError(f"{self.oracle} has no committee: is it the oracle's address?")
        committee = Committee(await self.chain_id(), self.oracle, *found)
        if committee.config_digest != calls.decoded(contract, "config_digest", digest):
            raise ChainError(f"{self.oracle} has another config digest than its committee: another protocol version")
        return committee

    async def config_digest(self, block: Block | None = None) -> bytes:
        """The digest of the configuration in force, 32 bytes."""
        return bytes(await self._view("StrategyOracle", self.oracle, "config_digest", block=block))

    async def configuration(self, block: Block | None = None) -> Configuration:
        """What is in force and what was before it, in one eth_call; where there is no committee, digests of zeros."""
        return configurations.configuration(
            await self._view("StrategyOracle", self.oracle, "configuration", block=block)
        )

    async def installed(self, block: Block | None = None) -> Installed:
        """The configuration in force and the one before it with their committees, in one request of one block."""
        contract = interface("StrategyOracle")
        batch = [Call(self.oracle, contract.encode(*view)) for view in configurations.VIEWS]
        ask = self._asked(block)
        results = await ask(lambda one: calls.aggregate(one, self._multicall, batch, block))
        return configurations.installed(await self.chain_id(), self.oracle, results)

    async def staking(self, block: Block | None = None) -> str:
        """The contract that decides who sits in the committee; NOBODY while the owner does."""
        from eth_utils.address import to_checksum_address

        return str(to_checksum_address(await self._view("StrategyOracle", self.oracle, "staking", block=block)))

    async def ledger(self, block: Block | None = None) -> bytes:
        """The head of the ledger of work, 32 bytes."""
        return bytes(await self._view("StrategyOracle", self.oracle, "ledger", block=block))

    def transmit_calldata(self, report: Report, signers: int, signatures: bytes, *, previous: bool = False) -> bytes:
        """Calldata of `transmit`: `signers` a bitmap, `signatures` 64 bytes each in committee order.

        `previous`: the report is of the configuration before the one in force.
        """
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
        seats = signers | PREVIOUS if previous else signers
        return interface("StrategyOracle").encode("transmit", fields, seats, signatures)

    def vote_calldata(
        self, feed: int, checkpoint: int, block_hash: bytes, answer: int, signals: Sequence[int], content_root: bytes
    ) -> bytes:
        """Calldata of `vote`, what one member measured and rendered alone (wads; 32-byte digests)."""
        arguments = (feed, checkpoint, block_hash, answer, signals, content_root)
        return interface("StrategyOracle").encode("vote", *arguments)

    async def feeds(self, block: Block | None = None) -> list[Feed]:
        """All feeds, by id, as they stand at `block` (None: the latest)."""
        count: int = await self._view("StrategyOracle", self.oracle, "feed_count", block=block)
        if count > _MAX_FEEDS:
            raise ChainError(f"the oracle claims {count} feeds; at most {_MAX_FEEDS} are read")
        found: list[Feed] = []
        for first in range(1, count + 1, _FEEDS_PER_CALL):
            ids = range(first, min(count + 1, first + _FEEDS_PER_CALL))
            units = feeds.feed_units(self.oracle, ids)
            found += feeds.feeds(ids, await self._gather(self._opened, units, block))
        return found

    async def sample(self, which: Sequence[Feed], block: Block) -> list[Sample]:
        """Sample feeds at a block in one eth_call, and one for each feed that disturbed others before.

        A feed whose vault fails or burns all gas, or that is younger, is left out.
        """
        units = feeds.sample_units(self.oracle, which)
        return feeds.samples(which, block, await self._gather(self._vaults, units, block))

    async def landed(self, from_block: int, to_block: int, *, final: bool = False) -> list[Landed]:
        """Reports that took effect in blocks from_block..to_block, both included, in order.

        `final`: what is returned is kept for good, or acted on; two endpoints must say the same.
        """
        return await self._reported([], from_block, to_block, agree=final)

    async def worked(self, from_block: int, to_block: int, *, final: bool = False) -> list[Worked]:
        """The ledger's records of blocks from_block..to_block, both included, in order; `final` as of `landed`."""
        return await self._logged("Worked", configurations.worked, from_block, to_block, agree=final)

    async def config_sets(self, from_block: int, to_block: int, *, final: bool = False) -> list[ConfigSet]:
        """Configurations that came into force in blocks from_block..to_block; `final` as of `landed`."""
        return await self._logged("ConfigSet", configurations.config_set, from_block, to_block, agree=final)

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
        full = await prove(self.pool, self.oracle, await self.chain_id(), landed, self._log_chunk)
        if full.relayed and (committee := (await self.installed()).of(landed.config_digest)):
            members = committee.signers
            return replace(full, signers=tuple(one for at, one in enumerate(members) if landed.signers >> at & 1))
        return full

    async def edition(self, collection: str, edition: int, block: Block | None = None) -> Edition:
        """An edition of a collection."""
        stored = await self._view("DynamicCollection", collection, "edition", edition, block=block)
        if (found := _edition(collection, edition, stored)) is None:
            raise ChainError(f"{collection} has no edition {edition}, or one of impossible size")
        return found

    async def editions(self, which: Sequence[tuple[str, int]], block: Block | None = None) -> list[Edition | None]:
        """Many editions, given as (collection, edition), in one request; None for one that there is not.

        A collection is any contract at all: one that disturbs others is asked apart, like a vault in `sample`.
        """
        contract = interface("DynamicCollection")
        units = [Unit((at, number), (Call(at, contract.encode("edition", number)),)) for at, number in which]
        found: list[Edition | None] = []
        for (collection, number), result in zip(
            which, await self._gather(self._collections, units, block), strict=True
        ):
            stored = None if result is None else calls.decoded(contract, "edition", result[0], 1)
            found.append(None if stored is None else _edition(collection, number, stored))
        return found

    async def name(self, collection: str) -> str:
        """The collection's name, as it may be shown: whoever deployed a contract chose it, terminals' escapes too."""
        return printable(str(await self._view("DynamicCollection", collection, "name")), 100)

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

    async def _reported(self, topics: list[bytes], first: int, last: int, *, agree: bool = False) -> list[Landed]:
        return await self._logged("Reported", logs.landed, first, last, topics, agree=agree)

    async def _logged(
        self,
        name: str,
        read: Callable[[logs.Log], Answer],
        first: int,
        last: int,
        topics: Sequence[bytes] = (),
        *,
        agree: bool,
    ) -> list[Answer]:
        wanted = [interface("StrategyOracle").topic(name), *topics]
        found: list[Answer] = []
        blocks, chunk = (first, last), self._log_chunk
        async for some in logs.scan(self.pool, self.oracle, wanted, blocks, chunk, read, agree=agree):
            found += some
        return found

    async def _batch(self, batch: Sequence[Call], block: Block | None) -> list[bytes | None]:
        return await self.pool.ask(lambda ask: calls.aggregate(ask, self._multicall, batch, block))

    async def _gather(self, batches: Batches, units: Sequence[Unit], block: Block | None) -> list[Results | None]:
        if not units:
            return []
        able: set[Ask] = set()

        async def ask_units(some: Sequence[Unit]) -> Sequence[Results | Missing]:
            batch = [call for unit in some for call in unit.calls]

            async def question(ask: Ask) -> Sequence[Results | Missing]:
                results = await calls.try_aggregate(ask, self._multicall, batch, block, able)
                if results is None:
                    return [Missing.FAILED] * len(some)
                rest = iter(results)
                return [tuple(islice(rest, len(unit.calls))) for unit in some]

            if block is None:
                return await self.pool.ask(question)
            return await self.pool.agree_each(question, Missing.DISPUTED, [unit.key for unit in some])

        return await batches.gather(units, ask_units)

    def _asked(self, block: Block | None) -> Callable[[Callable[[Ask], Awaitable[Answer]]], Awaitable[Answer]]:
        """How to ask about a block: two endpoints know the same block, but their latest ones differ."""
        return self.pool.ask if block is None else self.pool.agree

    async def _view(self, contract: str, address: str, name: str, *arguments: Any, block: Block | None = None) -> Any:
        abi = interface(contract)
        calldata = abi.encode(name, *arguments)
        ask = self._asked(block)
        returned = await ask(lambda one: call_at(one, address, calldata, block))
        if not returned:
            raise ChainError(f"there is no {contract} at {address}")
        return abi.result(name, returned, len(arguments))


def _edition(collection: str, number: int, stored: Sequence[Any]) -> Edition | None:
    """An edition as stored; None when there is none, or with more tokens than an edition can have."""
    # The contract's struct and Edition name the same fields in the same order.
    names = [field.name for field in fields(Edition)][2:]
    if stored[-1] not in tuple(EditionState):
        return None
    found = Edition(collection, number, **dict(zip(names, (*stored[:-1], EditionState(stored[-1])), strict=True)))
    # A hostile collection could name numbers whose tokens nobody could list.
    return found if max(found.supply, found.minted) <= MAX_SUPPLY else None


def _second(seen: Sequence[Block]) -> Block:
    """The second-highest block where there are two or more: one endpoint alone moves nothing forward."""
    return sorted(seen, key=lambda block: -block.number)[min(1, len(seen) - 1)]


async def _block(ask: Ask, which: str) -> Block:
    return parse.block(await ask("eth_getBlockByNumber", [which, False]), f"block {which}")


async def _chain_id(ask: Ask) -> int:
    return parse.quantity(await ask("eth_chainId", []), "the chain id")
