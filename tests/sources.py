"""What the network page and the operator's page ask, with figures that a test sets."""

from __future__ import annotations

import asyncio
from typing import Any

from node.web.network import (
    ConfigurationView,
    EraView,
    FeedLine,
    MemberView,
    NetworkView,
    RoundView,
    StakingView,
)

ORACLE = "0xdD870fA1b7C4700F2BD7f44238821C26f7392148"
CONFIG = "0x" + "7a" * 32
WAD = 10**18
NOW = 1_763_870_000


def address(number: int) -> str:
    """An address that is easy to tell from others."""
    return "0x" + f"{number:02x}" * 20


def member(seat: int, **changes: Any) -> MemberView:
    """A staked member; of the last 12 reports it missed as many as its seat's number."""
    fields: dict[str, Any] = {
        "seat": seat, "address": address(seat + 17), "observed": 12 - seat, "signed": 9, "sent": 3, "of": 12,
        "heard_at": NOW - 20 * seat, "node": seat + 1, "operator": address(seat + 65), "bond": str((1000 - seat) * WAD),
        "state": "seated", "strikes": 0, "eras": [EraView(3, 10, 10 - seat), EraView(2, 40, 40, "12000", "0")],
    }  # fmt: skip
    return MemberView(**(fields | changes))


def landed(checkpoint: int, **changes: Any) -> RoundView:
    """A report that crossed from band 1 to band 2 of feed 1, proposed in view 0 by seat 2."""
    fields: dict[str, Any] = {
        "feed": 1, "checkpoint": checkpoint, "state": "landed", "config": CONFIG, "seats": 4, "reason": "crossing",
        "view": 0, "leader": 2, "observers": [0, 1, 2, 3], "signers": [0, 2, 3], "answer": str(WAD // 40),
        "previous_band": 1, "band": 2, "painted": True, "road": "report", "transmitter": address(17),
        "transmitter_seat": 0, "block": checkpoint + 3, "time": NOW - 600, "tx": "0x" + f"{checkpoint:064x}",
        "gas": 212_345,
    }  # fmt: skip
    return RoundView(**(fields | changes))


def network_view(**changes: Any) -> NetworkView:
    """A staked committee of four with a round of each kind."""
    fields: dict[str, Any] = {
        "chain_id": 31337, "oracle": ORACLE, "head": 1_248, "final": 1_240, "time": NOW, "config": CONFIG, "quorum": 3,
        "faults": 1,
        "since_block": 840, "overlap_until": None,
        "staking": StakingView(address(153), "PAT", 18, 3, NOW + 5_000, str(100 * WAD), 4, 5, 7),
        "members": [member(seat) for seat in range(4)],
        "feeds": [
            FeedLine(1, address(201), address(202), 1, 2, 6, str(WAD // 40), 1_200, 40, 1_280, 4_000),
            FeedLine(2, address(203), None, None, 0, 3, None, 0, 80, 1_280, 0),
        ],
        "rounds": [
            RoundView(1, 1_240, "open", CONFIG, 4, "heartbeat", "rendering", 1, 3, answer=str(WAD // 39)),
            landed(1_200, state="seen"),
            landed(1_160, band=1, previous_band=1, reason="heartbeat", transmitter=address(99), transmitter_seat=None),
            landed(1_120, road="votes", view=None, leader=None, transmitter="", transmitter_seat=None),
            RoundView(1, 1_080, "abandoned", CONFIG, 4, "crossing", answer=str(-WAD // 50)),
            landed(1_040, view=None, leader=None, observers=None, road="", gas=None, time=None),
        ],
        "retired": [ConfigurationView("0x" + "5b" * 32, 4, 3, 400, 839, [address(seat + 33) for seat in range(4)])],
    }  # fmt: skip
    return NetworkView(**(fields | changes))


class Network:
    """A network whose view a test sets."""

    def __init__(self) -> None:
        self.revision = 1
        self.shown: NetworkView | None = network_view()
        self._moved = asyncio.Event()

    async def changed(self, since: int) -> int:
        while self.revision <= since:
            await self._moved.wait()
        return self.revision

    def view(self) -> NetworkView | None:
        return self.shown

    def show(self, view: NetworkView | None) -> None:
        """Show another view, and tell pages that wait."""
        self.shown = view
        self.revision += 1
        self._moved.set()
        self._moved = asyncio.Event()


def transaction(key: str, state: str, **changes: Any) -> dict[str, Any]:
    """A transaction as the node describes it."""
    feed, checkpoint = key.split()[2:4]
    fields: dict[str, Any] = {
        "key": key, "for": f"report of feed {feed}, checkpoint {checkpoint}, view 0", "state": state, "nonce": 14,
        "succeeded": None, "age_s": None, "hash": "0x" + "ab" * 32, "to": ORACLE, "value": "0", "gas_limit": 320_000,
        "gas_used": None, "gas_price": None, "max_fee": "3000000000", "most": str(WAD // 1_000), "paid": None,
        "block": None, "attempts": 1, "waits_for": "", "note": "", "stuck": False,
    }  # fmt: skip
    return fields | changes


def figures(**changes: Any) -> dict[str, Any]:
    """What a seated node says that does its work."""
    return {
        "name": "north",
        "version": "0.1.0",
        "up_s": 93_784,
        "now": NOW,
        "address": address(17),
        "state": "seated",
        "standby": None,
        "member": 0,
        "committee": 4,
        "quorum": 3,
        "config_digest": CONFIG,
        "previous_terms": [],
        "oracle": ORACLE,
        "reasons": [],
        "chain": {
            "id": 31337,
            "final": 1_240,
            "head": 1_248,
            "final_time": NOW - 100,
            "error": "",
            "counters": {},
            "websockets": {"connected": 1, "configured": 1},
            "endpoints": [
                {
                    "name": "https://one.example",
                    "head": 1_248,
                    "requests": 9_021,
                    "failures": 0,
                    "limited": 0,
                    "fault": "",
                    "circuit": "closed",
                    "opened": 0,
                    "waited": 0,
                    "pruned": 0,
                },
                {
                    "name": "https://two.example",
                    "head": 1_246,
                    "requests": 4_010,
                    "failures": 3,
                    "limited": 12,
                    "fault": "stale: 2 blocks behind",
                    "circuit": "open",
                    "opened": 1,
                    "waited": 4,
                    "pruned": 0,
                },
            ],
        },
        "sender": {
            "address": address(17),
            "balance": str(WAD * 3 // 2),
            "low_balance": False,
            "waiting": {"queued": 0, "signed": 0, "sent": 1, "mined": 0},
            "counters": {"sent": 12},
        },
        "staking": {
            "contract": address(153),
            "counters": {},
            "evidence": [],
            "accuser": {},
            "own": {
                "state": "seated",
                "token": {"symbol": "PAT", "decimals": 18},
                "era": 3,
                "era_ends": NOW + 5_000,
                "minimum": str(100 * WAD),
                "owed": "0",
                "owed_stake": "0",
                "age_s": 12.0,
                "node": 1,
                "bond": str(1_000 * WAD),
                "unbonding": "0",
                "strikes": 0,
                "claimable": str(WAD // 7),
                "pending": str(WAD // 90),
                "reports_due": 10,
                "reports_attended": 10,
            },
        },
        "brokers": {
            "configured": 2,
            "connected": 1,
            "silent_s": 0.4,
            "each": [
                {
                    "broker": "one.example:8883",
                    "connected": True,
                    "error": None,
                    "messages": {"received": 4_211, "published": 1_020},
                },
                {"broker": "two.example:8883", "connected": False, "error": "connection refused", "messages": {}},
            ],
        },
        "cursors": {"landed": 1_240},
        "feeds": [
            {
                "id": 1,
                "band": 2,
                "bands": 6,
                "answer": str(WAD // 40),
                "measured": 1_240,
                "missing": 0,
                "next_checkpoint": 1_280,
                "nearest": [{"at": str(WAD * 3 // 100), "up": True, "band": 3, "distance": str(WAD // 200)}],
            }
        ],
        "peers": [
            {"member": seat, "address": address(seat + 17), "own": seat == 0, "heard_s": 20.0 * seat or None}
            for seat in range(4)
        ],
        "rounds": [
            {
                "feed": 1,
                "checkpoint": 1_240,
                "view": 1,
                "leader": 3,
                "phase": "rendering",
                "observations": 4,
                "attestations": 0,
            }
        ],
        "voting": {"silent_s": 0.0, "after_s": 600.0, "due": [], "preparing": [], "sent": 0},
        "images_rendered": 120,
        "rendering": {
            "jobs": [{"done": 3, "of": 12, "per_second": 0.8}],
            "workers": [{"place": "cpu 1", "state": "ready", "process": 812}],
            "batch": 4,
            "drawn": 120,
            "per_second": 0.9,
            "jobs_ended_early": 0,
            "workers_died": 0,
            "workers_full": 0,
            "found_again": 6,
        },
        "artworks_missing": 0,
        "messages": {"received": 4_211, "repeated": 900, "bad-signature": 2},
        "disk": {
            "journal_bytes": 5 * 2**20,
            "content_bytes": 80 * 2**20,
            "content_files": 612,
            "free_bytes": 40 * 2**30,
            "size_bytes": 100 * 2**30,
        },
        "journal": {"path": "/srv/patina/state/journal.db", "error": "", "doubts": 0, "open_rounds": 1, "counters": {}},
        "transactions": [
            transaction(
                "report 7a7a7a7a 1 1200 0", "sent", stuck=True, age_s=190, attempts=2, waits_for="waits to be mined"
            ),
            transaction(
                "report 7a7a7a7a 1 1160 0", "final", block=1_163, succeeded=True, paid=str(WAD // 5_000), nonce=13
            ),
        ],
        "fees": {
            "enabled": True,
            "max_fee": "100000000000",
            "priority_fee": "1000000000",
            "low_balance": str(WAD // 20),
        },
        "alerts": [
            {
                "at": "2026-11-22T20:31:00Z",
                "code": "crossing-landed",
                "kind": "event",
                "level": "info",
                "title": "A crossing landed",
                "text": "Feed 1 went from band 1 to band 2.",
                "undelivered": [],
            }
        ],
        "notices": {"standing": [], "targets": []},
        "publishing": None,
        "visitors": {"open": 3},
    } | changes


def line(event: str, level: str = "info", **fields: Any) -> dict[str, Any]:
    """A log line as the logbook hands it out."""
    return {"timestamp": "2026-11-22T20:31:07Z", "level": level, "logger": "node", "event": event} | fields


class Operation:
    """A node whose figures and log lines a test sets."""

    def __init__(self) -> None:
        self.figures = figures()
        self.log = [line("node started"), line("broker lost", "warning", broker="two.example:8883")]
        self.settings = {"path": "/srv/patina/config.toml", "settings": {"web": {"host": "127.0.0.1", "port": 8080}}}

    def overview(self) -> dict[str, Any]:
        return self.figures

    def configuration(self) -> dict[str, Any]:
        return self.settings

    def lines(self, since: int) -> tuple[int, list[dict[str, Any]]]:
        return len(self.log), self.log[since:]
