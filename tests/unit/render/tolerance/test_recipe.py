"""Pipeline recipes: what is accepted, what is refused and how it is said, and what a pipeline is told."""

from __future__ import annotations

import hashlib
import json
from typing import Any

import pytest
import rfc8785
from hypothesis import given, settings
from hypothesis import strategies as st

from node.errors import RenderError
from node.render.reading import read_recipe
from node.render.recipe import Recipe
from node.render.tolerance.recipe import PipelineRecipe

SCALARS = st.none() | st.booleans() | st.integers() | st.floats() | st.text()
JSON = st.recursive(SCALARS, lambda x: st.lists(x) | st.dictionaries(st.text(), x))
INT256 = st.integers(-(2**255), 2**255 - 1)
BAND = {"mood": "storm", "prompt": "a {volatility} sea, {drawdown}, {flow}", "negative_prompt": "", "class_label": None}
PIPELINE = {"digest": "ab" * 32, "precision": "float16", "width": 512, "height": 384, "steps": 30, "guidance": "7.5",
            "noise": "token"}  # fmt: skip
SIGNALS = {
    "volatility": {"full_scale": "20000000000000000", "words": ["calm", "restless", "wild"]},
    "drawdown": {"full_scale": "50000000000000000", "words": ["lush", "bare"]},
    "flow": {"full_scale": "100000000000000000", "words": ["ebb", "still", "flood"]},
}


def document(**changes: Any) -> dict[str, Any]:
    base = {
        "format": "patina-pipeline-recipe/1",
        "name": "Harbour in oil",
        "pipeline": PIPELINE,
        "bands": [BAND, BAND | {"mood": "dawn", "prompt": "dawn, {flow} tide"}],
        "signals": SIGNALS,
        "tolerance": {"psnr_floor_db": "58.25"},
    }
    return base | changes


def read(**changes: Any) -> PipelineRecipe:
    return PipelineRecipe.from_json(json.dumps(document(**changes)).encode())


def test_from_json__any_spelling__canonical_bytes_and_digest_are_rfc_8785s() -> None:
    recipe = read()
    assert recipe.canonical == rfc8785.dumps(document())
    assert recipe.digest == hashlib.sha256(rfc8785.dumps(document())).digest()
    assert PipelineRecipe.from_json(recipe.canonical) == recipe
    assert (recipe.floor, recipe.psnr_floor, recipe.guidance) == (5_825, "58.25", 750)
    assert (recipe.model, recipe.classes) == (b"\xab" * 32, ("storm", "dawn"))


def test_canonical__any_recipe__holds_no_float() -> None:
    def leaves(value: Any) -> Any:
        if isinstance(value, dict | list):
            for one in value.values() if isinstance(value, dict) else value:
                yield from leaves(one)
        else:
            yield type(value)

    assert set(leaves(json.loads(read().canonical))) <= {str, int, type(None)}


def test_read_recipe__either_kind__is_told_by_its_format() -> None:
    exact = Recipe("Tide", b"\x07" * 32, 4, ("storm", "clear"), (10**16, 10**16, 10**17))
    assert read_recipe(exact.canonical) == exact
    assert read_recipe(read().canonical) == read()
    for other in (b"{}", b"[]", b'{"format":[]}', b'{"format":"patina-recipe/3"}'):
        with pytest.raises(RenderError, match="format"):
            read_recipe(other)


def test_exact_recipe__written_before_there_were_others__keeps_its_bytes_and_digest() -> None:
    exact = Recipe("Tide", b"\x07" * 32, 4, ("storm", "clear"), (10**16, 10**16, 10**17))
    assert exact.digest.hex() == "4a53f0996c590881240d02cf65f8133f8dfcb4f2021ce7c6d512cfb228e1366f"


FAULTS = [
    ({"format": "patina-recipe/1"}, "format: must be"),
    ({"name": ""}, "name: must be"),
    ({"name": "a\nb"}, "name: must be"),
    ({"pipeline": PIPELINE | {"digest": "AB" * 32}}, r"pipeline\.digest"),
    ({"pipeline": PIPELINE | {"precision": "bfloat16"}}, r"pipeline\.precision: must be 'float32' or 'float16'"),
    ({"pipeline": PIPELINE | {"width": 2_049}}, r"pipeline\.width"),
    ({"pipeline": PIPELINE | {"height": 7}}, r"pipeline\.height"),
    ({"pipeline": PIPELINE | {"steps": 20.0}}, r"pipeline\.steps"),
    ({"pipeline": PIPELINE | {"steps": 0}}, r"pipeline\.steps"),
    ({"pipeline": PIPELINE | {"guidance": 7.5}}, r"pipeline\.guidance: must be a decimal string"),
    ({"pipeline": PIPELINE | {"guidance": "7.50"}}, r"pipeline\.guidance"),
    ({"pipeline": PIPELINE | {"guidance": "101"}}, r"pipeline\.guidance"),
    ({"pipeline": PIPELINE | {"guidance": "1e1"}}, r"pipeline\.guidance"),
    ({"pipeline": PIPELINE | {"guidance": "-1"}}, r"pipeline\.guidance"),
    ({"pipeline": PIPELINE | {"noise": "any"}}, r"pipeline\.noise"),
    ({"pipeline": PIPELINE | {"trust_remote_code": True}}, "does not know 'trust_remote_code'"),
    ({"bands": []}, "bands: must be"),
    ({"bands": [BAND] * 17}, "bands: must be"),
    ({"bands": [BAND | {"mood": ""}]}, r"bands\[0\]\.mood"),
    ({"bands": [BAND, BAND | {"prompt": "a {hue} sea"}]}, r"bands\[1\]\.prompt: knows"),
    ({"bands": [BAND | {"prompt": "a {flow sea"}]}, r"bands\[0\]\.prompt: knows"),
    ({"bands": [BAND | {"prompt": "{flow:>9}"}]}, r"bands\[0\]\.prompt: knows"),
    ({"bands": [BAND | {"prompt": "x" * 2_001}]}, r"bands\[0\]\.prompt"),
    ({"bands": [BAND | {"class_label": -1}]}, r"bands\[0\]\.class_label"),
    ({"bands": [BAND | {"class_label": True}]}, r"bands\[0\]\.class_label"),
    ({"signals": SIGNALS | {"flow": {"full_scale": "0", "words": ["a"]}}}, r"signals\.flow\.full_scale"),
    ({"signals": SIGNALS | {"flow": {"full_scale": "1", "words": ["{flow}"]}}}, r"signals\.flow\.words: .*braces"),
    ({"signals": SIGNALS | {"flow": {"full_scale": "1", "words": []}}}, r"names \{flow\}, and signals\.flow\.words"),
    ({"signals": SIGNALS | {"flow": {"full_scale": "1", "words": ["a"] * 17}}}, r"signals\.flow\.words"),
    ({"signals": {}}, "signals: lacks 'volatility'"),
    ({"tolerance": {"psnr_floor_db": 58}}, r"tolerance\.psnr_floor_db"),
    ({"tolerance": {"psnr_floor_db": "29.99"}}, r"tolerance\.psnr_floor_db"),
    ({"tolerance": {"psnr_floor_db": "58.125"}}, r"tolerance\.psnr_floor_db"),
    ({"tolerance": {}}, "tolerance: lacks"),
    ({"extra": 1}, "does not know 'extra'"),
]


@pytest.mark.parametrize(("change", "reason"), FAULTS)
def test_from_json__one_fault__is_named(change: dict[str, Any], reason: str) -> None:
    with pytest.raises(RenderError, match=reason):
        read(**change)


def test_from_json__several_faults__all_listed_at_once() -> None:
    with pytest.raises(RenderError) as caught:
        read(name="", pipeline=PIPELINE | {"steps": 0}, bands=[BAND | {"mood": 5}], tolerance={"psnr_floor_db": 5})
    assert all(part in str(caught.value) for part in ("name:", "pipeline.steps:", "bands[0].mood:", "tolerance."))


@settings(max_examples=60)
@given(JSON)
def test_from_json__any_json_in_any_place__a_recipe_or_render_error(value: Any) -> None:
    """Incident: a malformed document crashes the oracle (lido-oracle#757)."""
    for key in ("format", "name", "pipeline", "bands", "signals", "tolerance"):
        for odd in (value, {"odd": value}, [value], [{"mood": value, "prompt": value}]):
            with pytest.raises(RenderError):
                read_recipe(json.dumps(document(**{key: odd}) | {"odd": 1}).encode())


def test_band__words_by_level__are_put_in() -> None:
    recipe = read()
    assert recipe.band(0, (0, 0, 0)).prompt == "a calm sea, lush, still"
    assert recipe.band(0, (10**16, 5 * 10**16, -(10**17))).prompt == "a restless sea, bare, ebb"
    assert recipe.band(1, (0, 0, 10**18)).prompt == "dawn, flood tide"


@settings(max_examples=100)
@given(INT256, INT256, INT256)
def test_band__any_int256__has_words(volatility: int, drawdown: int, flow: int) -> None:
    prompt = read().band(0, (volatility, drawdown, flow)).prompt
    assert prompt is not None
    assert "{" not in prompt


def test_band__neighbouring_words__meet_at_one_level_and_nowhere_else() -> None:
    style = read().styles[0]
    words = [style.word(level) for level in range(256)]
    assert words == sorted(words, key=["calm", "restless", "wild"].index)
    assert [words.count(word) for word in ("calm", "restless", "wild")] == [86, 85, 85]


@pytest.mark.parametrize("band", [-1, 2, 255])
def test_band__outside_the_recipe__refused(band: int) -> None:
    with pytest.raises(RenderError, match="bands 0 to 1"):
        read().band(band, (0, 0, 0))
