"""What the gallery's pages show before their scripts run, and where none does: pictures and words, as markup."""

from __future__ import annotations

import re
from collections.abc import Sequence
from html import escape
from typing import Final

from node.web.source import EditionView
from node.web.thumbnails import WALL, small

ROOMS: Final = 6
"""Editions that hang before the script has run, and of each so many works; the script hangs the others."""
WORKS: Final = 12
AHEAD: Final = 6
"""Pictures that are asked for at once; the others when they come near."""
_STATES: Final = {"selling": "On sale", "closed": "Sold, to be revealed"}
_OURS: Final = re.compile(r"/ipfs/[a-z2-7]+(/[\w.-]+)+")


def walls(views: Sequence[EditionView]) -> str:
    """The first editions with their first works, below the place of the filters where there are some."""
    bar = '<div class="filters-to-come"></div>' if len(views) > 1 else ""
    return bar + "".join(_room(view, AHEAD if place == 0 else 0) for place, view in enumerate(views[:ROOMS]))


def stage(view: EditionView, place: int) -> str:
    """One token: its picture and what it shows."""
    token = view.tokens[place]
    name, home = escape(token.name), escape(f"/#{anchor(view)}")
    mood = f"{mood_of(view)} · band {view.band + 1} of {view.bands}" if view.history else "Not painted yet"
    alt = f"{token.name}, {_seen(view)}" if view.history else f"{token.name}, not painted yet"
    image = (
        f'<img src="{escape(token.image)}" alt="{escape(alt)}" draggable="false">'
        if _OURS.fullmatch(token.image)
        else ""
    )
    return (
        f'<article class="token {_tone(view)}" id="first">'
        '<div class="stage"><a class="turn none"></a><div class="hung"><div class="layers">'
        f'<span class="canvas">{image}</span></div></div><a class="turn none"></a></div>'
        f'<div class="story"><p class="eyebrow"><a href="{home}">{escape(view.name)}</a> · '
        f"{place + 1:,} of {len(view.tokens):,}</p><h1>{name}</h1>"
        f'<p class="mood-line">{escape(mood)}</p>'
        f'<div class="why to-be-told"><p>{escape(view.description)}</p></div></div></article>'
    )


def anchor(view: EditionView) -> str:
    """What an edition is called in an address, behind the `#`."""
    return f"edition-{view.collection.lower()}-{view.edition}"


def mood_of(view: EditionView) -> str:
    """An edition's band in words."""
    return view.moods[view.band] if view.band < len(view.moods) else f"Band {view.band + 1}"


def _seen(view: EditionView) -> str:
    """What the pictures show, for who does not see them."""
    scene = view.scenes[view.band] if view.band < len(view.scenes) else ""
    return f"{mood_of(view)}: {scene}" if scene else mood_of(view)


def _room(view: EditionView, ahead: int) -> str:
    many = len(view.tokens)
    head = [f"Edition {view.edition}", f"{many:,} work{'' if many == 1 else 's'}"]
    head += [_STATES[view.state]] if view.state in _STATES else []
    works = "".join(_work(view, place, "eager" if place < ahead else "lazy") for place in range(min(many, WORKS)))
    return (
        f'<section class="room to-come {_tone(view)}" id="{anchor(view)}"><div class="wall"><header class="label">'
        f'<p class="eyebrow">{escape(" · ".join(head))}</p><h2>{escape(view.name)}</h2>'
        f'<p class="artist">{escape(_artist(view.artist))}</p><p class="description">{escape(view.description)}</p>'
        f'<p class="mood"><span class="mood-name">{escape(mood_of(view))}</span></p></header>'
        f'<div class="hanging"><ul class="works" data-count="{min(many, 7)}">{works}</ul></div></div>'
        '<figure class="plot"></figure></section>'
    )


def _work(view: EditionView, place: int, loading: str) -> str:
    token = view.tokens[place]
    link = escape(f"/token/{view.collection}/{token.id}")
    alt = _seen(view) if view.history else "not painted yet"
    image = ""
    if _OURS.fullmatch(token.image):
        sizes = f' srcset="{escape(small(token.image, WALL))} {WALL}w, {escape(token.image)} 512w" sizes="{SIZES}"'
        image = (
            f'<img src="{escape(token.image)}"{sizes if token.image.endswith(".png") else ""} alt="{escape(alt)}" '
            f'loading="{loading}" decoding="async" draggable="false">'
        )
    return (
        f'<li><a class="work" href="{link}" data-token="{escape(token.id)}"><span class="frame"><span class="canvas">'
        f'{image}</span></span><span class="work-name">{escape(token.name)}</span></a></li>'
    )


SIZES: Final = "(max-width: 36rem) 85px, 270px"
"""How large a work hangs. On a phone half of it is said: a quarter of the bytes, and no eye sees it at that size."""


def _tone(view: EditionView) -> str:
    """A class that colours the band nearly as the script will: a style of its own is nothing that the policy allows."""
    third = 3 * view.band // max(view.bands, 1) if view.bands > 1 else 1
    return ("low", "mid", "high")[min(max(third, 0), 2)]


def _artist(text: str) -> str:
    return f"{text[:6]}…{text[-4:]}" if re.fullmatch(r"0x[0-9a-fA-F]{40}", text) else text
