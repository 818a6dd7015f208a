"""The tool that makes the pictures of the documentation, on a gallery in a real browser."""

import asyncio
import sys
from pathlib import Path

import pytest
from PIL import Image

from .conftest import CHROMIUM

pytestmark = pytest.mark.asyncio(loop_scope="session")
TOOL = Path(__file__).parents[2] / "tools" / "pictures.py"


@pytest.mark.skipif(CHROMIUM is None, reason="chromium is not installed")
async def test_pictures__a_gallery_that_is_up__photographed_with_its_works_in_place(gallery, tmp_path):
    command = [str(TOOL), "--gallery", gallery.url, "--folder", str(tmp_path)]
    tool = await asyncio.create_subprocess_exec(sys.executable, *command, cwd=TOOL.parents[1])
    assert await asyncio.wait_for(tool.wait(), 200) == 0
    for name, place in {"gallery": (234, 100, 748, 460), "token": (60, 80, 430, 430)}.items():
        with Image.open(tmp_path / f"{name}.png") as image:
            assert image.size == {"gallery": (780, 750), "token": (780, 810)}[name]
            works = image.convert("RGB").crop(place).resize((66, 46))
        dark = sum(max(works.getpixel((x, y))) < 40 for x in range(66) for y in range(46))
        assert dark < 0.4 * 66 * 46, "the wall is full of pictures, not bare"
