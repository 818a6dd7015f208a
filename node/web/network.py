"""What the network page shows, and where programs read the same: committee, rounds, feeds, configurations."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import Final, Literal, Protocol

import msgspec
from aiohttp import web

from node.web.packing import packed
from node.web.source import Wad

_encode: Final = msgspec.json.Encoder().encode


class EraView(msgspec.Struct, frozen=True):
    """One era of a node: of `due` reports it worked on `attended`. `kept` and `lost` in wei, None while it goes on."""

    era: int
    due: int
    attended: int
    kept: str | None = None
    lost: str | None = None


class MemberView(msgspec.Struct, frozen=True):
    """Who sits in a seat. What staking alone knows is None where no staking contract decides on seats.

    `observed`, `signed` and `sent` count among the `of` latest reports under this configuration. `heard_at` is when
    this node last heard a genuine message of it (Unix time, to ten seconds), None for never. Nothing here tells which
    seat is this node's: whoever knew could hinder it when its turn to lead comes.
    """

    seat: int
    address: str
    observed: int
    signed: int
    sent: int
    of: int
    heard_at: int | None = None
    node: int | None = None
    operator: str | None = None
    bond: str | None = None
    state: str | None = None
    strikes: int | None = None
    eras: Sequence[EraView] = ()


class StakingView(msgspec.Struct, frozen=True):
    """The contract that decides on seats. Amounts are in the token's units, `era_ends` in Unix time."""

    address: str
    symbol: str
    decimals: int
    era: int
    era_ends: int
    minimum: str
    seats: int
    candidates: int
    number: int


class RoundView(msgspec.Struct, frozen=True):
    """One round, newest first. Seats are those of `config`; lists of them are None where they are not known.

    `state`: open (then `phase` says how far this node is), seen (landed in a block that is not final), landed (final),
    abandoned (this node gave it up; a later report overtook it). `view` and `leader` are those of the report, or of
    the view that is under way. `road`: how it landed. `painted`: whether it changed artworks.
    """

    feed: int
    checkpoint: int
    state: Literal["open", "seen", "landed", "abandoned"]
    config: str
    seats: int
    reason: str = ""
    phase: str = ""
    view: int | None = None
    leader: int | None = None
    observers: Sequence[int] | None = None
    signers: Sequence[int] | None = None
    answer: Wad | None = None
    previous_band: int | None = None
    band: int | None = None
    painted: bool = False
    road: Literal["report", "votes", "relayed", ""] = ""
    transmitter: str = ""
    transmitter_seat: int | None = None
    block: int | None = None
    time: int | None = None
    tx: str = ""
    gas: int | None = None


class FeedLine(msgspec.Struct, frozen=True):
    """A served feed. `next_checkpoint` is the first block after the final one at which it is sampled."""

    id: int
    vault: str
    collection: str | None
    edition: int | None
    band: int
    bands: int
    answer: Wad | None
    checkpoint: int
    cadence: int
    next_checkpoint: int
    heartbeat: int


class ConfigurationView(msgspec.Struct, frozen=True):
    """A configuration that was in force from `first_block` to `last_block`; `n` and `quorum` 0: nobody was seated."""

    config: str
    n: int
    quorum: int
    first_block: int
    last_block: int
    members: Sequence[str]


class NetworkView(msgspec.Struct, frozen=True):
    """The network as this node knows it. `config` is None while the oracle has no committee.

    `time` is that of the newest block (Unix time): by the chain's clock eras end and reports land.
    """

    chain_id: int
    oracle: str
    head: int | None
    final: int | None
    time: int | None
    config: str | None
    quorum: int
    faults: int
    since_block: int | None
    overlap_until: int | None
    staking: StakingView | None
    members: Sequence[MemberView]
    feeds: Sequence[FeedLine]
    rounds: Sequence[RoundView]
    retired: Sequence[ConfigurationView]


class NetworkSource(Protocol):
    """What the daemon implements; every method returns what it holds and does not wait for the chain."""

    @property
    def revision(self) -> int:
        """Grows with every change of the view."""
        ...

    async def changed(self, since: int) -> int:
        """Wait until `revision` is above `since` (at once if it is), then return it. Cancellable."""
        ...

    def view(self) -> NetworkView | None:
        """The network at this revision; None before it was looked at."""
        ...


def add_network(app: web.Application, source: NetworkSource) -> None:
    """Mount /api/network: encoded once for each revision, however many visitors ask."""
    held: tuple[int, bytes, str] | None = None

    async def network(request: web.Request) -> web.Response:
        nonlocal held
        revision = source.revision
        if held is None or held[0] != revision:
            view = source.view()
            if view is None:
                raise web.HTTPServiceUnavailable(
                    text='{"error":"the network has not been looked at yet"}',
                    content_type="application/json",
                    headers={"Retry-After": "5"},
                )
            body = _encode(view)
            held = revision, body, f'"{hashlib.sha256(body).hexdigest()[:16]}"'
        headers = {"Cache-Control": "no-cache", "ETag": held[2]}
        if request.headers.get("If-None-Match") == held[2]:
            return web.Response(status=304, headers=headers)
        return packed(request, web.Response(body=held[1], content_type="application/json", headers=headers))

    app.router.add_get("/api/network", network)
