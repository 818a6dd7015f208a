"""Sentences from facts: why one artwork looks as it does, for somebody who has never heard of a vault."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Final

from node.errors import RenderError
from node.explain import bands, picture
from node.explain.numbers import above, count, date, exact, plus, sentence, signed
from node.render.recipe import Levels, Recipe

if TYPE_CHECKING:
    from node.chain.types import Feed, Landed
    from node.explain.views import Subject, Told
    from node.render.reading import AnyRecipe

_ETHER: Final = 10**18


@dataclass(frozen=True, slots=True)
class Section:
    """A heading and its sentences."""

    title: str
    sentences: tuple[str, ...]

    @property
    def text(self) -> str:
        """All of it as one paragraph."""
        return " ".join(self.sentences)


def tell(subject: Subject) -> list[Section]:
    """Explain a token: what it is, why it looks so, who says so, what it owes to whom, and what comes next."""
    found = [
        ("What it is", what_it_is(subject)),
        ("Why it looks like this", why(subject)),
        ("Who says so", who(subject)),
        ("What the vault's ups and downs did", touch(subject)),
        ("What is its own", own(subject)),
        ("What comes next", after(subject)),
    ]
    return [
        Section(title, sentences) for title, told in found if (sentences := tuple(sentence(one) for one in told if one))
    ]


def headline(subject: Subject) -> str:
    """The whole story in one sentence."""
    name, moods = subject.name, _moods(subject)
    if subject.state == "selling":
        return f"{name} shows its edition's placeholder: the edition is still for sale"
    if subject.state == "closed":
        return f"{name} shows its edition's placeholder: the sale is over, and the draw for its seed has yet to come"
    if subject.state == "unpainted":
        return f"{name} is revealed and still shows the placeholder: its first painting has yet to land"
    if subject.painting is None:
        return f"{name} shows an artwork, and the report that brought it was not found"
    landed = subject.painting.landed
    mood = bands.called(subject.feed.policy, moods, landed.band)
    stood = above(landed.answer, subject.feed.policy.thresholds)
    return f"{name} shows {mood} because its vault stood {stood} {_basis(subject)}"


def what_it_is(subject: Subject) -> Iterator[str]:
    """Which token of which edition, and what it is bound to."""
    edition, feed = subject.edition, subject.feed
    many = f"{edition.supply:,}" if edition.state > 1 else f"at most {edition.supply:,}"
    title = f' "{subject.recipe.name}"' if subject.recipe else ""
    yield (
        f"this is number {subject.index:,} of {many} in edition {edition.id}{title} of the collection "
        f"{edition.collection}"
    )
    yield (
        f"it is a living artwork: it follows the vault {feed.vault}, a pool of money that others manage, and is "
        "painted anew when the worth of a share of that pool moves far enough"
    )


def why(subject: Subject) -> Iterator[str]:
    """The state of the edition, or the measurement and the band that the picture shows."""
    if subject.state != "painted":
        yield from _unpainted(subject)
        return
    if subject.painting is None:
        yield (
            "the edition shows artworks, but the report that brought them was not found: an endpoint that keeps older "
            "history may know it"
        )
        return
    policy, landed = subject.feed.policy, subject.painting.landed
    at = date(subject.painting.checkpoint_time)
    yield (
        f"at block {landed.checkpoint:,}{f' ({at})' if at else ''} a share of the vault stood "
        f"{above(landed.answer, policy.thresholds)} {_basis(subject)}"
    )
    yield _window(subject)
    moods = _moods(subject)
    mood = bands.mood(moods, landed.band)
    weather = picture.MOODS.get(moods[landed.band], "") if landed.band < len(moods) and _ours(subject) else ""
    yield (
        f"that is {bands.number(policy, landed.band)}, {bands.between(policy.thresholds, landed.band)}"
        + (f", which this edition paints as {mood}" if mood else "")
        + (f" ({weather})" if weather else "")
    )
    if bands.raw(policy.thresholds, landed.answer) != landed.band:
        yield (
            f"the figure lies just outside that band, by less than the {exact(policy.hysteresis)} that it takes to "
            "leave it"
        )
    yield _crossing(subject)
    yield from _since(subject)


def who(subject: Subject) -> Iterator[str]:
    """Which report painted it: who signed, who sent, where it stands on chain."""
    told = subject.painting
    if told is None:
        return
    landed = told.landed
    of = f" of the {told.committee}" if told.committee else ""
    nodes = "node" if told.signed == 1 and told.committee in (1, None) else "nodes"
    when = f" on {date(told.time)}" if told.time else ""
    if told.road == "votes":
        yield (
            f"{told.signed}{of} {nodes} of the network each measured this and painted the same picture, and voted for "
            "it on chain, one by one"
        )
        yield f"the vote that decided it is in block {landed.block_number:,}{when}"
    else:
        yield (
            f"{told.signed}{of} {nodes} of the network each measured this, painted the same picture, and signed one "
            "report of it"
        )
        yield f"it landed in block {landed.block_number:,}{when}, sent by {landed.transmitter}"
    yield f"the transaction is 0x{landed.tx_hash.hex()}"
    if any(not one.taken for one in subject.later):
        yield (
            "a newer report named other artworks, and the collection did not take it: what it shows is this older one's"
        )


def touch(subject: Subject) -> Iterator[str]:
    """What volatility, drawdown and flow did to the picture."""
    if subject.painting is None:
        return
    if subject.signals is None:
        yield "which signals the report agreed on could not be read here: name a node's page with --content"
        return
    if len(subject.signals) != len(_ZEROS):
        return
    levels: Levels | None = None
    full: tuple[int, int, int] | None = None
    if isinstance(subject.recipe, Recipe):
        full = subject.recipe.full_scales
        levels = subject.recipe.levels(subject.signals) if _ours(subject) else None
    yield from picture.signals(subject.signals, levels, full, _looked_back(subject.feed, subject.painting.landed))


def own(subject: Subject) -> Iterator[str]:
    """What the seed decided, once for all."""
    edition = subject.edition
    if not edition.revealed:
        return
    if not _ours(subject) or not isinstance(subject.recipe, Recipe):
        yield "its own seed, drawn once for good, sets it apart from the others of its edition"
    else:
        yield f"its seed gave it a place of its own: {_place(subject, subject.recipe)}, and the turn of its colours"
    yield (
        f"the seed was drawn after the sale, from the artist's sealed number and block {edition.reveal_block:,}, so "
        "that nobody could choose it; it never changes: the artwork ages, it is not replaced"
    )


def seen(subject: Subject) -> str:
    """What there is to see on the picture, for who does not see it; empty where that is not known."""
    if subject.painting is None or not _ours(subject) or not isinstance(subject.recipe, Recipe):
        return ""
    moods, band = _moods(subject), subject.painting.landed.band
    weather = picture.MOODS.get(moods[band], "") if band < len(moods) else ""
    return f"{weather}; {_place(subject, subject.recipe)}" if weather else ""


def scenes(recipe: AnyRecipe) -> tuple[str, ...]:
    """What the recipe's pictures show in each of its bands, the lowest first; nothing where that is not known."""
    if not isinstance(recipe, Recipe) or recipe.model != _shipped():
        return ()
    return tuple(picture.MOODS.get(mood, "") for mood in recipe.classes)


def _place(subject: Subject, recipe: Recipe) -> str:
    from node.artworks.studio import token_seed
    from node.render.scene import scene

    known = subject.signals if subject.signals and len(subject.signals) == len(_ZEROS) else _ZEROS
    levels, seed = recipe.levels(known), token_seed(subject.edition.seed, subject.token)
    return picture.place(scene(seed, levels.drawdown, levels.flow, recipe.hue, recipe.accent))


def after(subject: Subject) -> Iterator[str]:
    """What will change it next, and how far that is."""
    feed, policy, moods = subject.feed, subject.feed.policy, _moods(subject)
    if subject.state in ("selling", "closed"):
        return
    now = subject.now
    if now is not None:
        ways = bands.exits(policy, subject.band, now.answer)
        same = subject.painting is not None and subject.painting.landed.checkpoint == now.checkpoint
        here = above(now.answer, [*policy.thresholds, *(one.at for one in ways)])
        if not same:
            yield f"measured last at block {now.checkpoint:,}, the vault stands {here} {_basis(subject)}"
        for way in ways:
            name = bands.called(policy, moods, way.band)
            move = f"reaches {signed(way.at)}" if way.up else f"falls below {signed(way.at)}"
            if way.distance > 0 or (not way.up and way.distance == 0):
                far = f", {bands.distance(way.distance)} from there" if way.distance else ""
                yield f"it turns to {name} when that figure {move}{far}"
            else:
                passed = "has reached" if way.up else "is below"
                yield f"that figure {passed} {signed(way.at)}: a report that turns it to {name} is due"
    if policy.hysteresis and policy.thresholds:
        told = "those figures include the" if now is not None else "each threshold has to be passed by"
        rest = " by which each threshold has to be passed" if now is not None else ""
        yield f"{told} {exact(policy.hysteresis)}{rest}, so that trembling on one repaints nothing"
    if not policy.thresholds:
        yield "its feed has no thresholds: it is painted once, and stays so"
    due = (subject.head or 0) // policy.cadence * policy.cadence + policy.cadence if subject.head else None
    yield (f"nodes measure every {count(policy.cadence, 'block')}" + (f", next at block {due:,}" if due else ""))
    if policy.heartbeat:
        yield (
            f"a report comes at least every {policy.heartbeat:,} blocks even if nothing happens; it confirms the band "
            "and repaints nothing"
        )
    if feed.collection.lower() != subject.edition.collection.lower():
        yield "the feed that its edition names does not name the edition: it will not be painted"


_ZEROS: Final = (0, 0, 0)
_HORIZON: Final = 24
"""Checkpoints that signals look back on, at the most (docs/architecture.md, "Numbers")."""


def _looked_back(feed: Feed, landed: Landed) -> int:
    """How many checkpoints the signals of a report look back on: since the feed's opening, and at most the horizon."""
    cadence = feed.policy.cadence
    first = -(-feed.opened_at // cadence) * cadence
    return max(1, min(_HORIZON, (landed.checkpoint - first) // cadence + 1))


def _unpainted(subject: Subject) -> Iterator[str]:
    edition = subject.edition
    if subject.state == "selling":
        sold = f"{edition.minted:,} of {edition.supply:,} are sold"
        price = f", at {_ether(edition.price)} ether each" if edition.price else ""
        yield f"the edition is for sale: {sold}{price}"
        yield "until it is revealed every token shows the same placeholder, and nobody knows which picture is whose"
    elif subject.state == "closed":
        yield f"the sale ended in block {edition.closed_at:,} with {count(edition.minted, 'token')}"
        if any(edition.randomness):
            yield (
                f"block {edition.reveal_block:,} has given the chance part of the seed; the artist has yet to reveal "
                "theirs"
            )
        else:
            yield (
                f"the chance part of the seed comes from block {edition.reveal_block:,}, which somebody has to hand in "
                "while the chain still remembers it"
            )
        yield "until then every token shows the same placeholder"
    else:
        yield "the edition is revealed: every token has its seed"
        yield "it shows the placeholder until the first report with artworks lands, which every checkpoint tries anew"
    band = bands.called(subject.feed.policy, _moods(subject), subject.band)
    yield f"its feed stands in {band}, so that is what would be painted today"


def _window(subject: Subject) -> str:
    policy = subject.feed.policy
    if policy.window == 1:
        return "that is the price of a share at that very block"
    return (
        f"the figure is the middle one of {policy.window} prices, measured {count(policy.cadence, 'block')} apart, so "
        "that one odd price alone moves nothing"
    )


def _basis(subject: Subject) -> str:
    """What growth is measured against."""
    policy = subject.feed.policy
    if policy.lookback:
        return f"its own level of {policy.lookback * policy.cadence:,} blocks earlier"
    opened = date(subject.opened_time)
    since = f" on {opened.partition(',')[0]}" if opened else f" in block {subject.feed.opened_at:,}"
    return f"its price when the feed was opened{since}"


def _crossing(subject: Subject) -> str:
    told = subject.painting
    if told is None:
        return ""
    policy, moods, landed = subject.feed.policy, _moods(subject), told.landed
    before = bands.called(policy, moods, landed.previous_band)
    steps = abs(landed.band - landed.previous_band)
    first = not any(one.paints and one.landed.checkpoint < landed.checkpoint for one in subject.reports)
    if not steps:
        if first and subject.whole:
            return "it was the first painting after the reveal"
        return "the band had not changed: it was painted because it had no painting yet"
    way = "up" if landed.band > landed.previous_band else "down"
    over = f", over {count(steps, 'threshold')} at once" if steps > 1 else ""
    painted = "; it was also the first painting after the reveal" if first and subject.whole else ""
    return f"the vault had moved {way} from {before}{over}{painted}"


def _since(subject: Subject) -> Iterator[str]:
    quiet = [one for one in subject.later if not one.paints]
    if not quiet:
        return
    policy, last = subject.feed.policy, quiet[-1].landed
    still = [one for one in quiet if one.landed.band == one.landed.previous_band]
    if len(still) == len(quiet):
        times = "once" if len(quiet) == 1 else "twice" if len(quiet) == 2 else f"{len(quiet)} times"
        stood = plus(last.answer, policy.thresholds)
        yield f"since then a report has confirmed the band {times}, last at block {last.checkpoint:,}, at {stood}"
    else:
        band = bands.called(policy, _moods(subject), subject.band)
        yield f"since then the feed has moved to {band} by a report without artworks, so the picture is an older band's"


def _moods(subject: Subject) -> tuple[str, ...]:
    return tuple(subject.recipe.classes) if subject.recipe else ()


def _ours(subject: Subject) -> bool:
    """Whether the model that this software ships paints it: only of that one is it known what levels do."""
    return isinstance(subject.recipe, Recipe) and subject.recipe.model == _shipped()


@lru_cache(maxsize=1)
def _shipped() -> bytes:
    from node.render import model_digest

    try:
        return model_digest()
    except RenderError:
        return b""


def _ether(wei: int) -> str:
    whole, rest = divmod(wei, _ETHER)
    return f"{whole:,}" + (f".{rest:018d}".rstrip("0") if rest else "")


def history(subject: Subject) -> list[tuple[Told, str]]:
    """Every report of the token's life that is known, oldest first, each in one sentence."""
    policy, moods = subject.feed.policy, _moods(subject)
    found = []
    painted = False
    for one in subject.reports:
        landed = one.landed
        band = bands.called(policy, moods, landed.band)
        stood = plus(landed.answer, policy.thresholds)
        if one.paints and not one.taken:
            said = f"artworks for {band} were refused by the collection"
        elif one.paints:
            said = f"painted as {band}" if painted else f"first painted, as {band}"
            painted = True
        elif landed.band != landed.previous_band:
            said = f"moved to {band}, not painted"
        else:
            said = f"stayed in {band}"
        found.append((one, f"{said}, at {stood}"))
    return found
