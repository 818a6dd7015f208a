"""What chaos left behind, read from the chain and from every journal, never from what nodes say of themselves."""

from __future__ import annotations

import sqlite3
from collections import defaultdict
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import aiohttp

from node.chain.client import Chain
from node.chain.endpoints.pool import RpcPool
from node.chain.interface import artifact
from node.devnet.account import connect

if TYPE_CHECKING:
    from node.chain.types import Landed
    from tests.integration.chaos.arena import Arena

WAD = 10**18
BATCH = 200
Place = tuple[int, int]
"""A feed and a checkpoint."""


@dataclass(frozen=True)
class Mined:
    """A transaction of a member's that stands on chain; `call` is the oracle's function, if it is one of its two."""

    hash: bytes
    sender: str
    succeeded: bool
    call: str
    place: Place | None


@dataclass(frozen=True)
class Promise:
    """One row of one journal's attestations; or of its votes, which have no view and whose digest is the ballot's."""

    config: bytes
    place: Place
    view: int | None
    digest: bytes


@dataclass(frozen=True)
class Sent:
    """One transaction of a journal's: its key, and the hashes of all attempts at it."""

    key: str
    attempts: frozenset[bytes]


@dataclass(frozen=True)
class Sample:
    """One sample of a journal's: the checkpoint and the hash that its block had then."""

    checkpoint: int
    block_hash: bytes


@dataclass
class Journal:
    """What one journal holds; `seat` is the committee index of the key that it protects."""

    name: str
    seat: int
    promises: list[Promise] = field(default_factory=list)
    sent: list[Sent] = field(default_factory=list)
    samples: list[Sample] = field(default_factory=list)
    deceived: bool = False
    """Whether its node was lied to from all sides."""


@dataclass
class Evidence:
    """All that a judgement rests on; `prices` are the vault's share prices (wad) at checkpoints, from the chain."""

    asked: list[tuple[int, int]]
    """The crossings that were asked for, as (previous band, band), in order."""
    landed: list[Landed]
    mined: list[Mined]
    journals: list[Journal]
    hashes: list[bytes]
    """The hash of every block, by number."""
    prices: dict[int, int]
    quorum: int
    cadence: int
    window: int
    paintings: int = 0
    """How many reports may land that cross nothing: an edition's first. 0 also says that nothing is painted."""


async def gather(arena: Arena) -> Evidence:
    """Read the chain, which stands still meanwhile, and every journal, beside the nodes that are running."""
    async with arena.mining:
        pool = RpcPool([arena.stage.rpc])
        web3 = connect(arena.stage.rpc)
        try:
            chain = Chain(pool, arena.stage.oracle)
            head = (await chain.head()).number
            landed = [one for one in await chain.landed(0, head) if one.feed == arena.feed.id]
            quorum = (await chain.committee()).quorum
            blocks = await _blocks(arena.stage.rpc, head)
            mined = await _mined(arena, web3, blocks)
            prices = await _prices(arena, web3, landed)
        finally:
            await pool.aclose()
            await web3.provider.disconnect()
    journals = [
        Journal(
            folder.parent.name, seat, promises(folder), transactions(folder), samples(folder), folder in arena.deceived
        )
        for folder, seat in arena.journals.items()
    ]
    hashes = [bytes.fromhex(block["hash"].removeprefix("0x")) for block in blocks]
    layout = arena.layout
    return Evidence(
        asked=list(arena.moves),
        landed=landed,
        mined=mined,
        journals=journals,
        hashes=hashes,
        prices=prices,
        quorum=quorum,
        cadence=layout.cadence,
        window=layout.window,
        paintings=int(layout.painted),
    )


def promises(folder: Path) -> list[Promise]:
    """Return every attestation and every vote in a journal."""
    signed = _rows(folder, "SELECT config, feed, checkpoint, view, digest FROM attestations")
    voted = _rows(folder, "SELECT config, feed, checkpoint, NULL, ballot FROM votes")
    return [Promise(config, (feed, at), view, digest) for config, feed, at, view, digest in signed + voted]


def transactions(folder: Path) -> list[Sent]:
    """Return every transaction in a journal with the hashes of its attempts."""
    found: defaultdict[str, set[bytes]] = defaultdict(set)
    joined = "SELECT t.key, a.tx_hash FROM transactions t LEFT JOIN attempts a ON a.transaction_id = t.id"
    for key, attempt in _rows(folder, joined):
        found[key] |= set() if attempt is None else {attempt}
    return [Sent(key, frozenset(attempts)) for key, attempts in found.items()]


def samples(folder: Path) -> list[Sample]:
    """Return every sample in a journal."""
    return [Sample(*row) for row in _rows(folder, "SELECT checkpoint, block_hash FROM samples")]


def _rows(folder: Path, query: str) -> list[tuple[Any, ...]]:
    with closing(sqlite3.connect(f"file:{folder / 'journal.db'}?mode=ro", uri=True, timeout=20)) as database:
        return database.execute(query).fetchall()


async def _prices(arena: Arena, web3: Any, landed: list[Landed]) -> dict[int, int]:
    """Return the share price at every checkpoint that a landed answer rests on."""
    address = web3.to_checksum_address(arena.feed.vault.contract.address)
    contract = web3.eth.contract(address=address, abi=artifact("YieldVault")["abi"])
    cadence = arena.layout.cadence
    blocks = {one.checkpoint - back * cadence for one in landed for back in range(arena.layout.window)}
    return {
        block: int(await contract.functions.convertToAssets(WAD).call(block_identifier=block))
        for block in sorted(blocks)
    }


async def _mined(arena: Arena, web3: Any, blocks: list[dict[str, Any]]) -> list[Mined]:
    oracle = web3.eth.contract(
        address=web3.to_checksum_address(arena.stage.oracle), abi=artifact("StrategyOracle")["abi"]
    )
    senders = {member.address for member in arena.members}
    found = []
    for tx in (tx for block in blocks for tx in block["transactions"]):
        sender = web3.to_checksum_address(tx["from"])
        if sender not in senders:
            continue
        receipt = await web3.eth.get_transaction_receipt(tx["hash"])
        call, place = "", None
        if tx["to"] is not None and tx["to"].lower() == oracle.address.lower():
            function, arguments = oracle.decode_function_input(tx["input"])
            call, given = function.fn_name, list(arguments.values())
            if call == "transmit":
                place = (given[0]["feed"], given[0]["checkpoint"])
            elif call == "vote":
                place = (given[0], given[1])
        hash_ = bytes.fromhex(tx["hash"].removeprefix("0x"))
        found.append(Mined(hash_, sender, receipt["status"] == 1, call, place))
    return found


async def _blocks(rpc: str, head: int) -> list[dict[str, Any]]:
    """Return every block of the chain with its transactions."""
    found: list[dict[str, Any]] = []
    async with aiohttp.ClientSession() as session:
        for first in range(0, head + 1, BATCH):
            batch = [
                {"jsonrpc": "2.0", "id": number, "method": "eth_getBlockByNumber", "params": [hex(number), True]}
                for number in range(first, min(first + BATCH, head + 1))
            ]
            async with session.post(rpc, json=batch) as response:
                answers = sorted(await response.json(), key=lambda answer: int(answer["id"]))
            found += [answer["result"] for answer in answers]
    return found
