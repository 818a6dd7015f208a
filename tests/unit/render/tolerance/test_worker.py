"""Pipeline recipes in the worker: asked for on the wire, drawn from the configured folder, refused without one."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from node.errors import RenderError
from node.render import check
from node.render.tolerance.painter import render
from node.render.tolerance.picture import open_picture
from node.render.worker.renderer import Renderer
from node.render.worker.wire import Request
from tests.pipelines import SIDE, SIGNALS, recipe, textless

SEEDS = (b"\x01" * 32, b"\x02" * 32)


def asked(shelf: Path) -> Request:
    made = recipe(shelf / "label", bands=textless(label=True), pipeline={"steps": 2, "guidance": "4"})
    return Request(made, SEEDS, 1, SIGNALS)


def test_draw__request_off_the_wire__is_the_pipelines_pictures(shelf: Path) -> None:
    request = asked(shelf)
    assert Request.parse(json.loads(request.line(7))) == request
    worker = Renderer(pipelines=shelf)
    assert not worker.loaded(request)
    drawn = list(worker.draw(request))
    for png, seed in zip(drawn, SEEDS, strict=True):
        again = render(request.recipe, seed, 1, SIGNALS, pipelines=shelf, device="cpu")
        assert (open_picture(png, SIDE, SIDE) == again).all()
    assert worker.loaded(request)


def test_draw__no_folder_of_pipelines__says_which_setting(shelf: Path) -> None:
    with pytest.raises(RenderError, match=r"render\.pipelines"):
        list(Renderer().draw(asked(shelf)))


@pytest.mark.parametrize(("band", "signals", "seed"), [(3, SIGNALS, SEEDS[0]), (1, (1,), SEEDS[0]), (1, SIGNALS, b"")])
def test_pool__what_the_recipe_does_not_have__is_refused_before_any_work(
    shelf: Path, band: int, signals: tuple[int, ...], seed: bytes
) -> None:
    with pytest.raises(RenderError):
        check(asked(shelf).recipe, [seed], band, signals)
