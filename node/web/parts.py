"""Parts of an edition, as much as one page shows: its wall, more of its tokens, one token's life."""

from __future__ import annotations

from typing import Final

import msgspec

from node.web.source import EditionView, TokenView

PER_PAGE: Final = 60
"""Tokens that a wall holds at first, and that each further part adds."""
STRIP: Final = 6
"""Pictures of each repaint that a wall shows."""


class TokensView(msgspec.Struct, frozen=True):
    """Some tokens of an edition, from place `first` (0 is the first token) of `total`."""

    first: int
    total: int
    tokens: list[TokenView]


class LifeView(msgspec.Struct, frozen=True):
    """One token: its edition with this token alone, its place from 1 on, and its neighbours' ids (empty: none).

    `explanation` is where its story in words is to be had, empty where this node tells none.
    """

    place: int
    total: int
    previous: str
    next: str
    edition: EditionView
    explanation: str = ""


def wall(view: EditionView) -> EditionView:
    """The edition with its first tokens, and of each repaint the first pictures."""
    history = [
        msgspec.structs.replace(repaint, images=repaint.images[:STRIP], metadata=repaint.metadata[:STRIP])
        for repaint in view.history
    ]
    return msgspec.structs.replace(view, tokens=view.tokens[:PER_PAGE], history=history, total=len(view.tokens))


def tokens(view: EditionView, first: int) -> TokensView:
    """A page of tokens from a place on."""
    return TokensView(first, len(view.tokens), list(view.tokens[first : first + PER_PAGE]))


def life(view: EditionView, token: str, explanation: str = "") -> LifeView | None:
    """One token's life; None where the edition has no such token."""
    place = next((place for place, one in enumerate(view.tokens) if one.id == token), None)
    if place is None:
        return None
    history = [
        msgspec.structs.replace(
            repaint, images=repaint.images[place : place + 1], metadata=repaint.metadata[place : place + 1]
        )
        for repaint in view.history
    ]
    alone = msgspec.structs.replace(
        view, tokens=[view.tokens[place]], history=history, total=len(view.tokens), chain_id=view.chain_id
    )
    before = view.tokens[place - 1].id if place else ""
    after = view.tokens[place + 1].id if place + 1 < len(view.tokens) else ""
    return LifeView(place + 1, len(view.tokens), before, after, alone, explanation)
