"""Every state that a token can be in has its story, and the story says what the facts say."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from node.chain.types import EditionState
from node.errors import ChainError
from node.explain.document import document
from node.explain.measure import measured
from node.explain.story import headline, history, scenes, seen, tell
from node.explain.views import (
    Measured,
    Subject,
    Told,
    check_feed,
    check_token,
    edition_of,
    of_token,
    painted_by,
    refused,
)
from node.render.recipe import Recipe
from tests.unit.paper import PERCENT, POLICY, WAD, make_edition, make_feed, make_landed

ROOT = b"o" * 32
SIGNALS = (PERCENT, 2 * PERCENT, -3 * PERCENT)
RECIPE = Recipe.for_bands(3, "Tide")


def painted(**changes: Any) -> Subject:
    landed = make_landed(40, 43, answer=2 * PERCENT, content_root=ROOT)
    told = Told(landed, time=1_772_546_700, checkpoint_time=1_772_546_640, committee=4, road="report")
    known: dict[str, Any] = {
        "chain_id": 1,
        "token": 1_000_001,
        "edition": make_edition(content_root=ROOT, recipe=RECIPE.digest),
        "feed": make_feed(band=2),
        "recipe": RECIPE,
        "painting": told,
        "signals": SIGNALS,
        "reports": (told,),
        "whole": True,
        "now": Measured(60, 3 * PERCENT // 2),
        "opened_time": 1_772_000_000,
        "head": 64,
    }
    return Subject(**(known | changes))


def text(subject: Subject) -> str:
    return " ".join([headline(subject) + ".", *(section.text for section in tell(subject))])


def test_painted__tells_measure_band_signers_signals_place_and_what_is_next() -> None:
    said = text(painted())
    for part in (
        'Tide #1 shows "flourishing" because its vault stood 2.00 % above its price when the feed was opened',
        "At block 40 (3 March 2026, 14:04 UTC)",
        "the middle one of 3 prices, measured ten blocks apart",
        'band 3 of 3, everything from +1 % up, which this edition paints as "flourishing" (full blossom',
        "first painting after the reveal",
        "3 of the 4 nodes of the network each measured this, painted the same picture, and signed one report",
        "landed in block 43 on 3 March 2026, 14:05 UTC, sent by 0x1111111111111111111111111111111111111111",
        "The transaction is 0x" + b"t".hex() * 32,
        "strayed by 1.00 % a step from an even pace (volatility)",
        "2.00 % below its highest point",
        "3.00 % of its shares were withdrawn (flow); the tide goes out",
        "Its seed gave it a place of its own",
        "the artwork ages, it is not replaced",
        "Measured last at block 60, the vault stands 1.50 % above",
        "when that figure falls below +0.9 %, 0.60 points from there",
        "Those figures include the 0.1 % by which each threshold has to be passed",
        "next at block 70",
    ):
        assert part in said, part
    assert "None" not in said


def test_painted__over_few_measurements__says_over_how_many() -> None:
    assert "over the 4 measurements up to then" in text(painted()).replace("Over", "over")


def test_painted__crossing_of_several_bands_down__says_so() -> None:
    landed = make_landed(40, 43, answer=-2 * PERCENT, previous_band=2, band=0, content_root=ROOT)
    first = Told(make_landed(20, 23, content_root=b"f" * 32))
    said = text(painted(painting=Told(landed), reports=(first, Told(landed)), feed=make_feed(band=0)))
    assert 'The vault had moved down from "flourishing", over two thresholds at once' in said
    assert "first painting" not in said


def test_painted__by_votes_or_by_one_node__says_so() -> None:
    votes = Told(make_landed(40, 43, content_root=ROOT), committee=4, road="votes")
    assert "voted for it on chain, one by one" in text(painted(painting=votes, reports=(votes,)))
    alone = Told(make_landed(40, 43, content_root=ROOT, signers=1), committee=1, road="report")
    assert "1 of the 1 node of the network" in text(painted(painting=alone, reports=(alone,)))


def test_painted__confirmed_since__tells_how_often_and_when_last() -> None:
    later = [Told(make_landed(50 + 10 * n, 53 + 10 * n, content_root=bytes(32), previous_band=2)) for n in range(3)]
    subject = painted()
    said = text(replace(subject, reports=(*subject.reports, *later)))
    assert "a report has confirmed the band 3 times, last at block 70, at +1.00 %" in said


def test_painted__collection_refused_a_newer_report__says_that_an_older_one_is_shown() -> None:
    subject = painted()
    newer = Told(make_landed(50, 53, content_root=b"n" * 32, previous_band=2, band=1))
    reports = refused(subject.edition, (*subject.reports, newer))
    assert [one.taken for one in reports] == [True, False]
    said = text(replace(subject, reports=reports))
    assert "the collection did not take it" in said.replace("The", "the")
    assert [said for _, said in history(replace(subject, reports=reports))][-1].startswith("artworks for")


def test_painted__report_not_found__says_so_and_invents_nothing() -> None:
    said = text(painted(painting=None, reports=(), signals=None, whole=False))
    assert "the report that brought it was not found" in said
    assert "signed" not in said


def test_painted__nothing_but_the_chain__does_without_title_and_moods() -> None:
    said = text(painted(recipe=None, signals=None, opened_time=None, now=None))
    assert "Token 1000001 shows band 3 of 3" in said
    assert "opened in block 5" in said
    assert "could not be read here" in said


def test_painted__model_of_somebody_else__tells_figures_and_no_effects() -> None:
    said = text(painted(recipe=replace(RECIPE, model=b"m" * 32)))
    assert "(volatility)" in said
    assert "waves" not in said
    assert "lighthouse" not in said


def test_painted__crossing_due__says_that_a_report_is() -> None:
    said = text(painted(now=Measured(60, PERCENT // 2)))
    assert "That figure is below +0.9 %: a report that turns it" in said


def test_painted__held_in_its_band_by_the_margin__says_so() -> None:
    landed = Told(make_landed(40, 43, answer=PERCENT * 95 // 100, previous_band=2, content_root=ROOT))
    said = text(painted(painting=landed, reports=(landed,)))
    assert "lies just outside that band, by less than the 0.1 % that it takes to leave it" in said
    assert "just outside" not in text(painted())


def test_selling__says_how_many_are_sold_and_that_nobody_knows_yet() -> None:
    edition = make_edition(state=EditionState.SELLING, supply=10, minted=3, price=WAD // 20, seed=bytes(32))
    said = text(painted(edition=edition, painting=None, reports=(), signals=None))
    for part in ("still for sale", "3 of 10 are sold, at 0.05 ether each", "number 1 of at most 10", "placeholder"):
        assert part in said
    assert "seed" not in said


@pytest.mark.parametrize(("randomness", "part"), [(bytes(32), "has to hand in"), (b"x" * 32, "has yet to reveal")])
def test_closed__says_what_the_reveal_waits_for(randomness: bytes, part: str) -> None:
    edition = make_edition(state=EditionState.CLOSED, randomness=randomness, seed=bytes(32))
    said = text(painted(edition=edition, painting=None, reports=(), signals=None))
    assert part in said
    assert "the draw for its seed has yet to come" in said


def test_unpainted__says_that_the_first_painting_has_yet_to_land() -> None:
    said = text(painted(edition=make_edition(), painting=None, reports=(), signals=None))
    assert "its first painting has yet to land" in said
    assert "so that is what would be painted today" in said


def test_trailing_policy__measures_against_its_own_past() -> None:
    feed = make_feed(policy=replace(POLICY, lookback=30))
    assert "its own level of 300 blocks earlier" in text(painted(feed=feed))


def test_no_thresholds__says_that_it_stays() -> None:
    landed = Told(make_landed(40, 43, previous_band=0, band=0, content_root=ROOT))
    feed = make_feed(policy=replace(POLICY, thresholds=()), band=0)
    said = text(painted(feed=feed, recipe=Recipe.for_bands(1, "One"), painting=landed, reports=(landed,)))
    assert "it is painted once, and stays so" in said.replace("Its feed", "its feed").replace("It is", "it is")


@settings(max_examples=40, deadline=None)
@given(
    st.lists(st.integers(-(10**20), 10**20), min_size=3, max_size=3),
    st.integers(-(2**127), 2**127 - 1),
    st.integers(0, 255),
    st.integers(0, 255),
)
def test_story__any_figures__is_whole_sentences_and_json(
    signals: list[int], answer: int, previous: int, band: int
) -> None:
    told = Told(make_landed(40, 43, answer=answer, previous_band=previous, band=band, content_root=ROOT))
    subject = painted(painting=told, reports=(told,), signals=tuple(signals), now=Measured(60, answer))
    for section in tell(subject):
        for one in section.sentences:
            assert one[:1] == one[:1].upper()
            assert one.endswith(".")
            assert not one.endswith("..")
    assert json.loads(json.dumps(document(subject)))["state"] == "painted"


def test_document__figures_exactly__and_paragraphs_for_pages() -> None:
    told = document(of_token(painted(), 1_000_002))
    assert told["token"] == "1000002"
    assert told["painted_by"]["answer"] == str(2 * PERCENT)
    assert told["now"]["exits"][0] == {"at": str(PERCENT * 9 // 10), "up": False, "band": 1,
                                       "distance": str(PERCENT * 6 // 10)}  # fmt: skip
    assert told["signals"] == {name: str(value) for name, value in zip(("volatility", "drawdown", "flow"), SIGNALS,
                                                                       strict=True)}  # fmt: skip
    assert len(told["paragraphs"]) == len(told["sections"]) - 1


def test_seen__picture_of_the_shipped_model__its_weather_and_its_place() -> None:
    subject = painted()
    weather = scenes(RECIPE)[2]
    told = document(subject)["seen"]
    assert weather
    assert told.startswith(f"{weather}; ")
    assert any(place in told for place in ("a house", "a lighthouse", "a chapel"))
    assert seen(replace(subject, painting=None)) == ""


def test_seen__picture_of_another_model__nobody_knows_what_is_on_it() -> None:
    other = replace(RECIPE, model=bytes(32))
    assert (seen(painted(recipe=other)), scenes(other)) == ("", ())


@pytest.mark.parametrize("token", [1, 999_999, 2_000_000])
def test_edition_of__id_that_none_can_have__is_said(token: int) -> None:
    with pytest.raises(ChainError, match="no token has the id"):
        edition_of(token)


def test_check_token__beyond_those_sold__says_which_there_are() -> None:
    with pytest.raises(ChainError, match="edition 1 has 2, its tokens are 1000001 to 1000002"):
        check_token(make_edition(), 1_000_003)
    with pytest.raises(ChainError, match="none of it is sold yet"):
        check_token(make_edition(minted=0), 1_000_001)


@pytest.mark.parametrize("change", [{"cadence": 0}, {"window": 0}, {"thresholds": (5, 1)}, {"thresholds": (1, 1)}])
def test_check_feed__of_a_hostile_oracle__is_refused(change: dict[str, Any]) -> None:
    with pytest.raises(ChainError, match="not one of Patina's"):
        check_feed(make_feed(policy=replace(POLICY, **change)))


def test_painted_by__two_reports_with_one_root__is_the_newer() -> None:
    twice = [Told(make_landed(at, at + 3, content_root=ROOT)) for at in (40, 60)]
    assert painted_by(make_edition(content_root=ROOT), twice) is twice[1]


def test_measured__is_what_keepers_reckon() -> None:
    from keepers.policy import answer
    from node.chain.types import Sample

    prices = [WAD + n * PERCENT for n in range(8)]
    known = [Sample(1, 10 * n, bytes(32), price, 0, 0, 1, 0) for n, price in enumerate(prices)]
    for lookback in (0, 4):
        feed = make_feed(policy=replace(POLICY, lookback=lookback))
        found = measured(feed, known)
        assert found is not None
        assert (found.checkpoint, found.answer) == (70, answer(prices, 3, lookback, WAD))
    assert measured(feed, known[:6] + known[7:]) is None
    assert measured(feed, []) is None
