"""What the web page asks of the node: views of editions and feeds, and a revision that moves on change."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, Protocol

import msgspec

from node.status.reasons import Reason, explained

Wad = str
"""A signed integer scaled by 10**18, as a decimal string: JavaScript numbers end at 2**53."""


class TokenView(msgspec.Struct, frozen=True):
    """One token. `image` and `metadata` are paths on this server, as `/ipfs/<cid>[/...]`."""

    id: str
    name: str
    image: str
    metadata: str
    owner: str | None = None


class PricePoint(msgspec.Struct, frozen=True):
    """One sample of a feed; `answer` is None before the window is full. `label`: a date or a note.

    `time` is the checkpoint block's in seconds since 1970, 0 where it is not known; `about`: it is only near that.
    """

    checkpoint: int
    price: Wad
    answer: Wad | None = None
    label: str = ""
    time: int = 0
    about: bool = False


class FeedView(msgspec.Struct, frozen=True):
    """A feed: `basis` and `answer` as wads, `thresholds` ascending, `prices` in checkpoint order."""

    id: int
    vault: str
    basis: Wad
    thresholds: Sequence[Wad]
    hysteresis: Wad
    window: int
    answer: Wad | None
    prices: Sequence[PricePoint]


class RepaintView(msgspec.Struct, frozen=True):
    """One landed report that repainted the edition; `answer` None where only its effect is known.

    `root` is the CID of the content root; `images` are paths of its pictures in token order;
    `metadata` are paths of its metadata documents in the same order. `time` is that of the block in which it landed,
    in seconds since 1970, 0 where it is not known; `transmitter` sent it.
    """

    checkpoint: int
    block: int
    answer: Wad | None
    previous_band: int
    band: int
    signers: Sequence[str]
    gas: int
    tx: str
    root: str
    token_uri_before: str
    token_uri_after: str
    images: Sequence[str]
    metadata: Sequence[str] = ()
    label: str = ""
    time: int = 0
    transmitter: str = ""


class EditionView(msgspec.Struct, frozen=True):
    """One edition with its tokens, its feed, and every repaint in checkpoint order.

    `band` is the band in force (0 lowest), `bands` their number (thresholds + 1); `moods` names the
    bands from lowest to highest where the recipe is known; `root` is a CID; `token_uri_prefix` is
    what stands before `<tokenId>.json`; `recipe` is the recipe's CID; `scenes` say what pictures show in
    each band, where that is known. `total` counts the tokens where `tokens` holds only some of them.
    """

    collection: str
    edition: int
    name: str
    artist: str
    state: Literal["selling", "closed", "revealed"]
    band: int
    bands: int
    root: str
    token_uri_prefix: str
    tokens: Sequence[TokenView]
    feed: FeedView
    history: Sequence[RepaintView]
    chain_id: int = 0
    description: str = ""
    recipe: str = ""
    moods: Sequence[str] = ()
    scenes: Sequence[str] = ()
    total: int = 0


class ProofView(msgspec.Struct, frozen=True):
    """A landed report with all that it takes to check it without this node; hexadecimal with 0x, wads as strings.

    `road`: by `report` (then `message` holds its EIP-712 fields, and `signatures` are of 64 bytes, EIP-2098, in
    ascending committee order, those whose bits are set in `signers`), by `votes`, or `relayed` through another
    contract (both without message). `members` and `transport_keys` are those of the committee whose digest is
    `config_digest`; empty where this node does not know it.
    """

    chain_id: int
    oracle: str
    collection: str
    edition: int
    feed: int
    checkpoint: int
    config_digest: str
    report_digest: str
    answer: Wad
    previous_band: int
    band: int
    content_root: str
    signers: str
    tx: str
    block: int
    transmitter: str
    road: Literal["report", "votes", "relayed"]
    thresholds: Sequence[Wad]
    hysteresis: Wad
    message: dict[str, str | list[str]] | None = None
    signatures: Sequence[str] = ()
    members: Sequence[str] = ()
    transport_keys: Sequence[str] = ()


class Readiness(msgspec.Struct, frozen=True):
    """Whether the node can do its work; `reasons` are short codes of what is missing, `details` what each means."""

    ready: bool
    reasons: Sequence[str] = ()
    details: Sequence[Reason] = ()

    @classmethod
    def of(cls, codes: Sequence[str]) -> Readiness:
        """The answer for these codes; ready when there is none."""
        return cls(not codes, codes, explained(codes))


class GallerySource(Protocol):
    """What the daemon implements. Every method returns what it holds and does not wait for the chain."""

    @property
    def revision(self) -> int:
        """Grows with every change that a page should show: a sample, a repaint, a reveal."""
        ...

    async def changed(self, since: int) -> int:
        """Wait until `revision` is above `since` (at once if it is), then return it. Cancellable."""
        ...

    def editions(self) -> Sequence[EditionView]:
        """All editions, in the order of collection and number."""
        ...

    def proof(self, collection: str, edition: int, checkpoint: int) -> ProofView | None:
        """The report that repainted an edition (the address in any case) at a checkpoint; None where there is none."""
        ...

    def readiness(self) -> Readiness:
        """Whether the node is ready, and if not, why."""
        ...

    def status(self) -> msgspec.Struct | dict[str, object]:
        """Figures for `/api/status`, JSON-encodable, without secrets."""
        ...
