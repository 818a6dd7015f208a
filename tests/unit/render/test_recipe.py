"""Recipes: what is accepted, what is refused and how it is said, and what their digests are over."""

from __future__ import annotations

import hashlib
import json
from typing import Any

import pytest
import rfc8785
from hypothesis import given, settings
from hypothesis import strategies as st

from node.errors import RenderError
from node.render import model_digest
from node.render.recipe import MOODS, Recipe

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(), lambda x: st.lists(x) | st.dictionaries(st.text(), x)
)
INT256 = st.integers(-(2**255), 2**255 - 1)


def document(**changes: Any) -> dict[str, Any]:
    base: dict[str, Any] = json.loads(Recipe.for_bands(6, "Harbour").canonical)
    return base | changes


def encoded(value: Any) -> bytes:
    return json.dumps(value).encode()


@pytest.mark.parametrize("bands", range(1, 17))
def test_for_bands__any_number__one_mood_per_band_from_worst_to_best(bands: int) -> None:
    recipe = Recipe.for_bands(bands, "Harbour")
    moods = [recipe.mood(band) for band in range(bands)]
    assert moods == sorted(moods)
    if bands > 1:
        assert (moods[0], moods[-1]) == (0, len(MOODS) - 1)
    assert len(set(moods)) == min(bands, len(MOODS))


@pytest.mark.parametrize("bands", [0, 17, -1])
def test_for_bands__number_no_policy_has__refused(bands: int) -> None:
    with pytest.raises(RenderError, match="1 to 16"):
        Recipe.for_bands(bands, "Harbour")


def test_for_bands__default__names_this_builds_model() -> None:
    assert Recipe.for_bands(6, "Harbour").model == model_digest()


def test_from_json__own_canonical_form__same_recipe() -> None:
    recipe = Recipe.for_bands(9, "Hafen bei Nacht, Öl")
    assert Recipe.from_json(recipe.canonical) == recipe


def test_digest__any_spelling__is_over_the_canonical_bytes() -> None:
    spelled = json.dumps(document(), indent=4).encode()
    recipe = Recipe.from_json(spelled)
    assert recipe.digest == hashlib.sha256(rfc8785.dumps(document())).digest()
    assert recipe.canonical == rfc8785.dumps(document())


FAULTS = [
    ({"format": "patina-recipe/2"}, "format: must be"),
    ({"name": ""}, "name: must be"),
    ({"name": "a\u0000b"}, "name: must be"),
    ({"name": "\ud800"}, "name: must be"),
    ({"name": "x" * 81}, "name: must be"),
    ({"name": 5}, "name: must be"),
    ({"model": "AB" * 32}, "model: must be"),
    ({"model": "ab" * 31}, "model: must be"),
    ({"sampler": {"kind": "euler", "steps": 20}}, "sampler.kind"),
    ({"sampler": {"kind": "ddim", "steps": 0}}, "sampler.steps"),
    ({"sampler": {"kind": "ddim", "steps": 101}}, "sampler.steps"),
    ({"sampler": {"kind": "ddim", "steps": True}}, "sampler.steps"),
    ({"sampler": {"kind": "ddim", "steps": 20.0}}, "sampler.steps"),
    ({"sampler": {"kind": "ddim"}}, "sampler: lacks 'steps'"),
    ({"sampler": []}, "sampler: must be an object"),
    ({"classes": []}, "classes: must be"),
    ({"classes": ["clear"] * 17}, "classes: must be"),
    ({"classes": ["sunny"]}, "classes: must be"),
    ({"classes": [["clear"]]}, "classes: must be"),
    ({"classes": "clear"}, "classes: must be"),
    ({"signals": {}}, "signals: lacks 'volatility'"),
    ({"signals": {name: {"full_scale": 5} for name in ("volatility", "drawdown", "flow")}}, "decimal string"),
    ({"palette": {"hue": [0, 256], "accent": [0, 255]}}, r"palette.hue\[1\]"),
    ({"palette": {"hue": [9, 8], "accent": [0, 255]}}, "palette.hue: low"),
    ({"palette": {"hue": [0], "accent": [0, 255]}}, "palette.hue: must be"),
    ({"extra": 1}, "does not know 'extra'"),
]


@pytest.mark.parametrize(("change", "reason"), FAULTS)
def test_from_json__one_fault__is_named(change: dict[str, Any], reason: str) -> None:
    with pytest.raises(RenderError, match=reason):
        Recipe.from_json(encoded(document(**change)))


@pytest.mark.parametrize("scale", ["0", "-1", "01", "1.5", "", "1e18", "٣", " 1", "9" * 78])
def test_from_json__full_scale_that_is_no_positive_wad__refused(scale: str) -> None:
    signals = document()["signals"] | {"flow": {"full_scale": scale}}
    with pytest.raises(RenderError, match=r"signals\.flow\.full_scale"):
        Recipe.from_json(encoded(document(signals=signals)))


def test_from_json__several_faults__all_listed_at_once() -> None:
    bad = document(name="", model="x", classes=[], sampler={"kind": "ddim", "steps": -1})
    with pytest.raises(RenderError) as caught:
        Recipe.from_json(encoded(bad))
    assert all(part in str(caught.value) for part in ("name:", "model:", "classes:", "sampler.steps:"))


@pytest.mark.parametrize(
    "raw",
    [b"", b"\xff\xfe", b"{", b"[]", b"null", b"NaN", b"[" * 100_000, b'{"name":"a","name":"b"}', b" " * 70_000,
     b"9" * 5000],
)  # fmt: skip
def test_from_json__malformed_document__refused(raw: bytes) -> None:
    with pytest.raises(RenderError, match="recipe"):
        Recipe.from_json(raw)


@settings(max_examples=60, deadline=None)
@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(), lambda x: st.lists(x) | st.dictionaries(st.text(), x)
    )
)
def test_from_json__any_json_at_all__a_recipe_or_render_error(value: Any) -> None:
    for key in ("name", "sampler", "classes", "signals", "palette"):
        with pytest.raises(RenderError):
            Recipe.from_json(encoded(document(**{key: {"odd": value}})))


@settings(max_examples=200, deadline=None)
@given(INT256, INT256, INT256)
def test_levels__any_int256__in_range_and_flow_symmetric(volatility: int, drawdown: int, flow: int) -> None:
    recipe = Recipe.for_bands(6, "Harbour")
    levels = recipe.levels((volatility, drawdown, flow))
    assert all(0 <= level <= 255 for level in (levels.volatility, levels.drawdown, levels.flow))
    mirrored = recipe.levels((volatility, drawdown, -flow))
    assert levels.flow + mirrored.flow in (256, 255)  # 255 where the upper side is clamped


def test_levels__at_rest_and_at_full_scale__ends_of_the_range() -> None:
    recipe = Recipe.for_bands(6, "Harbour")
    rest, full = recipe.levels((0, 0, 0)), recipe.levels(recipe.full_scales)
    assert (rest.volatility, rest.drawdown, rest.flow) == (0, 0, 128)
    assert (full.volatility, full.drawdown, full.flow) == (255, 255, 255)
    assert recipe.levels((-5, -5, -recipe.full_scales[2])).flow == 0


@pytest.mark.parametrize("signals", [(), (1,), (1, 2), (1, 2, 3, 4)])
def test_levels__wrong_number_of_signals__refused(signals: tuple[int, ...]) -> None:
    with pytest.raises(RenderError, match="volatility, drawdown, flow"):
        Recipe.for_bands(6, "Harbour").levels(signals)


@pytest.mark.parametrize("band", [-1, 6, 255])
def test_mood__band_outside_the_recipe__refused(band: int) -> None:
    with pytest.raises(RenderError, match="bands 0 to 5"):
        Recipe.for_bands(6, "Harbour").mood(band)
