"""What must hold after every kind of chaos, read from the chain and from every journal, never from what nodes say."""

from __future__ import annotations

import sqlite3
from collections import Counter, defaultdict
from contextlib import closing
from dataclasses import dataclass
from fractions import Fraction
from math import floor
from pathlib import Path
from typing import TYPE_CHECKING, Any

import aiohttp

from node.agreement.committee import Committee
from node.chain.client import Chain
from node.chain.interface import artifact
from node.chain.pool import RpcPool
from node.devnet.account import connect

if TYPE_CHECKING:
    from node.chain.types import Landed
    from tests.integration.chaos.arena import Arena

WAD = 10**18
BATCH = 200


@dataclass(frozen=True)
class Mined:
    """A transaction of a member's that stands on chain; `call` is the oracle's function, `place` (feed, checkpoint)."""

    hash: bytes
    sender: str
    succeeded: bool
    call: str
    place: tuple[int, int] | None


@dataclass(frozen=True)
class Promise:
    """One row of one journal's attestations."""

    config: bytes
    feed: int
    checkpoint: int
    view: int
    digest: bytes


@dataclass(frozen=True)
class Sent:
    """One transaction of a journal's: its key, and the hashes of all attempts at it."""

    key: str
    attempts: frozenset[bytes]


async def faults(arena: Arena) -> list[str]:
    """Return everything that is wrong after a scenario; the chain must be at rest."""
    async with arena.mining:
        pool = RpcPool([arena.stage.rpc])
        web3 = connect(arena.stage.rpc)
        try:
            chain = Chain(pool, arena.stage.oracle)
            head = await chain.head()
            landed = [one for one in await chain.landed(0, head.number) if one.feed == arena.feed.id]
            prices = await _prices(arena, web3, landed)
            blocks = await _blocks(arena.stage.rpc, head.number)
            mined = await _mined(arena, web3, blocks)
            committee = await chain.committee()
        finally:
            await pool.aclose()
            await web3.provider.disconnect()
    promised = {folder: attestations(folder) for folder in arena.journals}
    sent = {folder: transactions(folder) for folder in arena.journals}
    return [
        *_crossings(arena, landed, prices),
        *equivocations(promised, committee, landed),
        *_double_sending(arena, landed, mined, sent),
        *_false_samples(arena, {folder: samples(folder) for folder in arena.journals}, blocks),
    ]


def attestations(folder: Path) -> list[Promise]:
    """Return every attestation in a journal, read beside the node that may be running."""
    rows = _rows(folder, "SELECT config, feed, checkpoint, view, digest FROM attestations")
    return [Promise(*row) for row in rows]


def transactions(folder: Path) -> list[Sent]:
    """Return every transaction in a journal with the hashes of its attempts."""
    found: defaultdict[str, set[bytes]] = defaultdict(set)
    for key, attempt in _rows(
        folder, "SELECT t.key, a.tx_hash FROM transactions t LEFT JOIN attempts a ON a.transaction_id = t.id"
    ):
        found[key] |= set() if attempt is None else {attempt}
    return [Sent(key, frozenset(attempts)) for key, attempts in found.items()]


def samples(folder: Path) -> list[tuple[int, bytes]]:
    """Return (checkpoint, block hash) of every sample in a journal."""
    return [(row[0], row[1]) for row in _rows(folder, "SELECT checkpoint, block_hash FROM samples")]


def _rows(folder: Path, query: str) -> list[tuple[Any, ...]]:
    with closing(sqlite3.connect(f"file:{folder / 'journal.db'}?mode=ro", uri=True, timeout=20)) as database:
        return database.execute(query).fetchall()


def _crossings(arena: Arena, landed: list[Landed], prices: dict[int, int]) -> list[str]:
    """Every crossing that was asked for, once each and in order, each with the answer that the chain's samples give."""
    found = []
    crossed = [(one.previous_band, one.band) for one in landed if one.band != one.previous_band]
    if crossed != arena.moves:
        found.append(f"crossings {arena.moves} were asked for, {crossed} landed")
    places = Counter(one.checkpoint for one in landed)
    found += [f"{count} reports landed for checkpoint {place}" for place, count in places.items() if count > 1]
    paintings = len(landed) - len(crossed)
    if paintings > arena.layout.painted:
        found.append(f"{paintings} reports landed that crossed nothing")
    cadence, window = arena.layout.cadence, arena.layout.window
    basis = WAD
    for one in landed:
        if one.checkpoint % cadence:
            found.append(f"a report landed for block {one.checkpoint}, which is no checkpoint")
            continue
        run = [prices[one.checkpoint - back * cadence] for back in range(window)]
        answer = floor((Fraction(sorted(run)[window // 2]) / basis - 1) * WAD)
        if one.answer != answer:
            found.append(f"checkpoint {one.checkpoint}: answer {one.answer} landed, the chain's samples give {answer}")
    return found


def equivocations(promised: dict[Path, list[Promise]], committee: Committee, landed: list[Landed]) -> list[str]:
    """No journal equivocates, no two reports have a quorum, and nothing landed that no quorum of journals attested."""
    found = []
    supporters: defaultdict[tuple[int, int], defaultdict[bytes, set[Path]]] = defaultdict(lambda: defaultdict(set))
    for folder, rows in promised.items():
        given: dict[tuple[bytes, int, int, int], bytes] = {}
        for row in rows:
            place = (row.config, row.feed, row.checkpoint, row.view)
            if given.setdefault(place, row.digest) != row.digest:
                found.append(f"{folder.parent.name} equivocated at {place[1:]}")
            supporters[row.feed, row.checkpoint][row.digest].add(folder)
    for where, digests in supporters.items():
        strong = [digest for digest, folders in digests.items() if len(folders) >= committee.quorum]
        if len(strong) > 1:
            found.append(f"two reports have a quorum at {where}")
    for one in landed:
        names = supporters[one.feed, one.checkpoint].get(one.report_digest, set())
        if len(names) < committee.quorum and one.config_digest == committee.config_digest:
            found.append(f"checkpoint {one.checkpoint}: what landed stands in {len(names)} journals")
    return found


def _double_sending(arena: Arena, landed: list[Landed], mined: list[Mined], sent: dict[Path, list[Sent]]) -> list[str]:
    """One successful transmit per report; no journal key mined twice; nothing mined that no journal knows."""
    found = []
    succeeded = Counter(one.place for one in mined if one.call == "transmit" and one.succeeded)
    wanted = Counter((one.feed, one.checkpoint) for one in landed)
    if succeeded != wanted:
        found.append(f"successful transmits {dict(succeeded)}, reports landed {dict(wanted)}")
    on_chain = {one.hash for one in mined}
    known: set[bytes] = set()
    for folder, rows in sent.items():
        for row in rows:
            known |= row.attempts
            if len(row.attempts & on_chain) > 1:
                found.append(f"{folder.parent.name}: two transactions of {row.key!r} were mined")
    found += [f"{one.sender} sent 0x{one.hash.hex()} without writing it down" for one in mined if one.hash not in known]
    per_sender = Counter((one.sender, one.call, one.place) for one in mined if one.place is not None)
    found += [
        f"{who} had {count} {call}s mined for {where}" for (who, call, where), count in per_sender.items() if count > 1
    ]
    return found


def _false_samples(arena: Arena, taken: dict[Path, list[tuple[int, bytes]]], blocks: list[dict[str, Any]]) -> list[str]:
    """No journal holds a sample of a block that is not in the chain: nothing unfinal was ever read."""
    return [
        f"{folder.parent.name} sampled block {checkpoint} as 0x{found.hex()}, which is {blocks[checkpoint]['hash']}"
        for folder, rows in taken.items()
        if folder not in arena.deceived
        for checkpoint, found in rows
        if "0x" + found.hex() != blocks[checkpoint]["hash"]
    ]


async def _prices(arena: Arena, web3: Any, landed: list[Landed]) -> dict[int, int]:
    """Return the vault's share price (wad) at every checkpoint that an answer rests on, as the chain itself has it."""
    contract = web3.eth.contract(
        address=web3.to_checksum_address(arena.feed.vault.contract.address), abi=artifact("YieldVault")["abi"]
    )
    cadence = arena.layout.cadence
    blocks = {one.checkpoint - back * cadence for one in landed for back in range(arena.layout.window)}
    return {
        block: int(await contract.functions.convertToAssets(WAD).call(block_identifier=block))
        for block in sorted(blocks)
    }


async def _mined(arena: Arena, web3: Any, blocks: list[dict[str, Any]]) -> list[Mined]:
    """Return every transaction that members sent and that stands on chain."""
    oracle = web3.eth.contract(
        address=web3.to_checksum_address(arena.stage.oracle), abi=artifact("StrategyOracle")["abi"]
    )
    senders = {member.address for member in arena.members}
    found = []
    for block in blocks:
        for tx in block["transactions"]:
            if web3.to_checksum_address(tx["from"]) not in senders:
                continue
            receipt = await web3.eth.get_transaction_receipt(tx["hash"])
            call, place = "none", None
            if tx["to"] is not None and tx["to"].lower() == oracle.address.lower() and len(tx["input"]) > 2:
                function, arguments = oracle.decode_function_input(tx["input"])
                call = function.fn_name
                if call == "transmit":
                    report = arguments["report"]
                    place = (report["feed"], report["checkpoint"])
                elif call == "vote":
                    values = list(arguments.values())
                    place = (values[0], values[1])
            hash_ = bytes.fromhex(tx["hash"].removeprefix("0x"))
            found.append(Mined(hash_, tx["from"], receipt["status"] == 1, call, place))
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
                found += [answer["result"] for answer in await response.json()]
    return found
