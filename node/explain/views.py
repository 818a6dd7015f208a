"""The facts of an explanation: a token, its feed, the report that painted it, and what is measured now."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final, Literal

from node.chain.types import TOKENS_PER_EDITION, EditionState
from node.errors import ChainError

if TYPE_CHECKING:
    from node.chain.types import Edition, Feed, Landed
    from node.render.reading import AnyRecipe

NOTHING: Final = bytes(32)
"""The content root of a report that leaves artworks as they are, and of an edition never painted."""
Road = Literal["report", "votes", "relayed", "unknown"]
State = Literal["selling", "closed", "unpainted", "painted"]


@dataclass(frozen=True, slots=True)
class Told:
    """A landed report and what is known around it.

    `time` and `checkpoint_time` are Unix seconds, None where not known; `committee` counts its members (None: not
    known); `signers` are addresses, which may be missing where only `signed` (how many) is known. `taken` False: the
    collection refused it.
    """

    landed: Landed
    time: int | None = None
    checkpoint_time: int | None = None
    committee: int | None = None
    signers: tuple[str, ...] = ()
    road: Road = "unknown"
    taken: bool = True

    @property
    def signed(self) -> int:
        """How many members signed, or voted."""
        return self.landed.signers.bit_count()

    @property
    def paints(self) -> bool:
        """Whether it names artworks."""
        return self.landed.content_root != NOTHING


@dataclass(frozen=True, slots=True)
class Measured:
    """An answer (wad) that was measured at a checkpoint."""

    checkpoint: int
    answer: int


@dataclass(frozen=True, slots=True)
class Subject:
    """One token with all that its explanation rests on.

    `painting` is the report that made the picture on show, None before the first, or where it could not be found.
    `signals` are those it agreed on (volatility, drawdown, flow; wads). `reports` are the feed's landed reports as far
    as they are known, oldest first; `whole` says that none is missing. `now` is the newest measurement that is known.
    """

    chain_id: int
    token: int
    edition: Edition
    feed: Feed
    recipe: AnyRecipe | None = None
    painting: Told | None = None
    signals: tuple[int, ...] | None = None
    reports: tuple[Told, ...] = ()
    whole: bool = False
    now: Measured | None = None
    opened_time: int | None = None
    head: int | None = None

    @property
    def index(self) -> int:
        """The token's number in its edition, from 1."""
        return self.token % TOKENS_PER_EDITION

    @property
    def state(self) -> State:
        """How far the edition is."""
        if self.edition.state == EditionState.SELLING:
            return "selling"
        if self.edition.state == EditionState.CLOSED:
            return "closed"
        return "painted" if self.edition.content_root != NOTHING else "unpainted"

    @property
    def band(self) -> int:
        """The band in force on chain."""
        return self.reports[-1].landed.band if self.reports else self.feed.band

    @property
    def later(self) -> tuple[Told, ...]:
        """Reports that landed after the one that painted the picture."""
        if self.painting is None:
            return ()
        return tuple(one for one in self.reports if one.landed.checkpoint > self.painting.landed.checkpoint)

    @property
    def name(self) -> str:
        """The artwork's title."""
        return f"{self.recipe.name} #{self.index}" if self.recipe else f"Token {self.token}"


def check_feed(feed: Feed) -> Feed:
    """Return a feed that can be told of: a collection may name any contract at all as its oracle.

    Raises:
        ChainError: it says of itself what no feed can be.
    """
    policy = feed.policy
    edges = list(policy.thresholds)
    if policy.cadence < 1 or policy.window < 1 or feed.band > len(edges) or edges != sorted(set(edges)):
        raise ChainError(f"feed {feed.id} says of itself what no feed can be: its oracle is not one of Patina's")
    return feed


def check_token(edition: Edition, token: int) -> None:
    """Return where there is such a token.

    Raises:
        ChainError: there is not; the text says which there are.
    """
    number, index = divmod(token, TOKENS_PER_EDITION)
    if number != edition.id or not 1 <= index <= edition.minted:
        ids = edition.token_ids()
        there = f"its tokens are {ids[0]} to {ids[-1]}" if ids else "none of it is sold yet"
        raise ChainError(f"there is no token {token}: edition {edition.id} has {edition.minted}, {there}")


def of_token(subject: Subject, token: int) -> Subject:
    """Return the same facts, told of another token of the edition."""
    return replace(subject, token=token)


def edition_of(token: int) -> int:
    """Return the number of the edition that a token id names.

    Raises:
        ChainError: no token can have this id.
    """
    number, index = divmod(token, TOKENS_PER_EDITION)
    if not number or not index:
        raise ChainError(
            f"no token has the id {token}: ids are the edition's number times {TOKENS_PER_EDITION:,} plus the token's "
            f"number, so that {TOKENS_PER_EDITION + 1} is the first"
        )
    return number


def painted_by(edition: Edition, reports: Sequence[Told]) -> Told | None:
    """Return the report whose artworks an edition shows, the newest with that root; None where it is not among them."""
    return next(
        (one for one in reversed(reports) if one.paints and one.landed.content_root == edition.content_root), None
    )


def refused(edition: Edition, reports: Sequence[Told]) -> tuple[Told, ...]:
    """Mark reports with artworks that are newer than what the edition shows: the collection did not take them."""
    shown = painted_by(edition, reports)
    if shown is None:
        return tuple(reports)
    after = shown.landed.checkpoint
    return tuple(replace(one, taken=False) if one.paints and one.landed.checkpoint > after else one for one in reports)
