"""What the configuration becomes in each part, where landings begin, and what the status page is told."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import Any

import msgspec
import pytest

from node.agreement.committee import Committee
from node.agreement.effects import Timing, Trigger
from node.chain.types import Block, Feed
from node.config import Config
from node.journal import Journal
from node.parts import first_landing
from node.render.pool import RenderSettings
from node.settings import broker_settings, fees, pool_settings, render_settings, timing
from node.status import figures
from tests.unit.office import (
    ORACLE,
    PASSWORD,
    SIGNERS,
    in_force,
    make_committee,
    make_parts,
)
from tests.unit.paper import make_block, make_feed


@pytest.fixture
def committee() -> Committee:
    return make_committee()


def test_broker_settings__password_in_a_file__goes_to_its_own_broker_alone(config: Config) -> None:
    first, second = broker_settings(config)
    assert (first.url, first.username, first.password) == ("mqtts://one.example:8883", "north", PASSWORD)
    assert (second.url, second.username, second.password) == ("mqtt://two.example:1883", None, None)
    assert PASSWORD not in repr(first)


def test_timing__every_duration__is_the_configured_one(config: Config) -> None:
    assert timing(config) == Timing(view_ms=1200, view_max_ms=5000, render_ms=7000, grace_ms=11, repeat_ms=900)


def test_fees__gwei_and_milliseconds__become_wei_and_seconds(config: Config) -> None:
    found = fees(config)
    assert (found.max_fee, found.priority_fee) == (2_500_000_000, 500_000_000)
    assert (found.bump_percent, found.resend_after, found.poll) == (Decimal(20), 2.5, 1.5)
    assert (found.max_gas, found.low_balance) == (900_000, 25 * 10**16)


def test_pool_settings__every_chain_key__is_the_configured_one(config: Config) -> None:
    found = pool_settings(config)
    assert (found.timeout, found.witnesses, found.rate, found.burst, found.max_lag) == (2.5, 3, 7, 14, 5)


async def test_reasons__what_endpoints_and_the_account_lack__are_among_them(
    config: Config, committee: Committee, journal: Journal
) -> None:
    parts = await make_parts(config, committee, journal)
    before = figures.reasons(parts)
    parts.chain.pool._witnesses._note("disagreements")
    parts.chain.pool._witnesses._note("unwitnessed")
    parts.sender.funds.balance = 25 * 10**16 - 1
    assert figures.reasons(parts) == [*before, "endpoints-disagree", "too-few-endpoints", "low-balance"]


def test_render_settings__every_render_key__is_the_configured_one(config: Config, tmp_path: Path) -> None:
    assert render_settings(config) == RenderSettings(
        engine="torch", devices=("cpu",), workers=3, batch=2, memory=900, nice=7, patience=2.5,
        pipelines=tmp_path / "pipelines",
    )  # fmt: skip


@dataclass
class PaperChain:
    opened: list[Feed] = field(default_factory=list)

    async def finalized(self) -> Block:
        return make_block(900)

    async def feeds(self) -> list[Feed]:
        return self.opened


async def test_first_landing__some_feeds__is_where_the_oldest_was_opened() -> None:
    chain: Any = PaperChain([make_feed(1, opened_at=70), make_feed(2, opened_at=50), make_feed(3, opened_at=80)])
    assert await first_landing(chain) == 50


async def test_first_landing__no_feed_yet__reads_no_history_of_the_chain() -> None:
    chain: Any = PaperChain()
    assert await first_landing(chain) == 901


async def test_status__signer_without_a_seat__is_standby_and_says_what_it_waits_for(
    config: Config, committee: Committee, journal: Journal
) -> None:
    keys = list(committee.transport_keys[2:])
    others = Committee(31337, ORACLE, committee.signers[2:], keys)
    parts = await make_parts(config, committee, journal, others)
    parts.health.chain_ok(make_block(900), make_block(902))
    status: Any = figures.status(parts)
    assert (status["state"], status["member"], status["committee"]) == ("standby", None, 2)
    assert SIGNERS[1].address in status["standby"]
    assert "waits for a seat" in status["standby"]
    assert (status["brokers"]["connected"], status["brokers"]["each"], status["voting"]) == (0, [], {})
    assert figures.reasons(parts) == ["standby"]
    msgspec.json.encode(status)


async def test_status__oracle_without_a_committee__waits_for_one(
    config: Config, committee: Committee, journal: Journal
) -> None:
    parts = await make_parts(config, committee, journal, vacant=True)
    status: Any = figures.status(parts)
    assert (status["state"], status["committee"], status["quorum"], status["config_digest"]) == ("standby", 0, 0, None)
    assert "no committee at present" in status["standby"]


async def test_status__fresh_node__has_every_figure_and_no_secret(
    config: Config, committee: Committee, journal: Journal
) -> None:
    parts = await make_parts(config, committee, journal)
    status: Any = figures.status(parts)
    assert status["address"] == SIGNERS[1].address
    assert (status["name"], status["member"], status["committee"], status["quorum"]) == ("north", 1, 4, 3)
    assert status["config_digest"] == "0x" + committee.config_digest.hex()
    chain = status["chain"]
    assert [chain[name] for name in ("id", "final", "head", "error")] == [31337, None, None, ""]
    (endpoint,) = chain["endpoints"]
    assert (endpoint["name"], endpoint["circuit"], endpoint["requests"], endpoint["fault"]) == (
        "http://127.0.0.1:8545/...", "closed", 0, ""
    )  # fmt: skip
    assert (chain["counters"], chain["websockets"]) == ({}, {"connected": 0, "configured": 1})
    assert status["sender"] == {
        "address": SIGNERS[1].address,
        "balance": None,
        "low_balance": False,
        "waiting": {"queued": 0, "signed": 0, "sent": 0, "mined": 0},
        "counters": {},
    }
    brokers = dict(status["brokers"])
    assert (brokers["connected"], brokers["configured"]) == (0, 2)
    assert brokers["silent_s"] >= 0
    assert [each["broker"] for each in brokers["each"]] == ["one.example:8883", "two.example:1883"]
    assert not any(each["connected"] for each in brokers["each"])
    assert (status["cursors"], status["rounds"], status["transactions"]) == ({}, [], [])
    rendering = status["rendering"]
    assert [worker["state"] for worker in rendering["workers"]] == ["not started"] * 3
    assert (rendering["jobs"], rendering["drawn"], rendering["found_again"]) == ([], 0, 5)
    encoded = msgspec.json.encode(status).decode()
    assert PASSWORD not in encoded
    assert "planted-endpoint-key-72" not in encoded


async def test_status__node_at_work__shows_rounds_cursors_and_transactions(
    config: Config, committee: Committee, journal: Journal
) -> None:
    parts = await make_parts(config, committee, journal)
    parts.health.chain_ok(make_block(40), make_block(44))
    journal.cursors.set("feed 1", 40)
    journal.transactions.queue("report 1 40", SIGNERS[1].address, ORACLE, b"calldata", 0, 100_000)
    rounds = in_force(parts).rounds
    task = asyncio.create_task(rounds.run())
    await asyncio.sleep(0)

    async def paint(*_: Any) -> bytes:
        return bytes(32)

    await rounds.begin(Trigger(1, 40, b"b" * 32, 5, (1, 2, 3)), paint)
    status: Any = figures.status(parts)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    assert (status["chain"]["final"], status["chain"]["head"]) == (40, 44)
    assert status["cursors"] == {"feed 1": 40}
    [shown] = status["rounds"]
    assert (shown["feed"], shown["checkpoint"], shown["view"], shown["phase"]) == (1, 40, 0, "observing")
    assert (shown["observations"], shown["attestations"]) == (1, 0)
    [queued] = status["transactions"]
    assert (queued["key"], queued["state"], queued["nonce"]) == ("report 1 40", "queued", None)
    assert [(peer["member"], peer["own"]) for peer in status["peers"]] == [(n, n == 1) for n in range(4)]
    assert status["images_rendered"] == 12


async def test_status__counters_of_the_same_name__are_summed_not_hidden(
    config: Config, committee: Committee, journal: Journal
) -> None:
    parts = await make_parts(config, committee, journal)
    term = in_force(parts)
    term.gossip.counters.update({"received": 9, "oversized": 1})
    term.verifier.counters.update({"oversized": 2, "repeated": 4})
    term.rounds.counters.update({"accepted": 5, "dropped stale": 1})
    assert figures.status(parts)["messages"] == {
        "received": 9, "oversized": 3, "repeated": 4, "accepted": 5, "dropped stale": 1,
    }  # fmt: skip
