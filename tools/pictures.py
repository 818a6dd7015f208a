"""Makes the pictures of README.md and docs/: what the model draws and, where a gallery is up, its pages.

    python tools/pictures.py                                    # strip, sheet and signals, by the model that ships
    python tools/pictures.py --node http://127.0.0.1:PORT       # network and operator, of a node of `patina devnet`
    python tools/pictures.py --gallery http://127.0.0.1:PORT    # the gallery that `make demo` has up beside it

A new model makes all of them out of date. They are scaled by Pillow, so that their bytes depend on its version.
"""

from __future__ import annotations

import argparse
import io
import shutil
import sys
from hashlib import sha256
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
IMAGES = ROOT / "docs" / "images"
MOODS = 8
CLEAR = 5
# What README.md and docs/art.md show: the first row of the sheet is the strip.
SIGNALS = {
    "calm": (0, 0, 0),
    "volatility": (10**18, 0, 0),
    "drawdown": (0, 10**18, 0),
    "flow": (0, 0, 10**17),
}
_SIGHTS = {"gallery": (1280, 1230), "token": (1280, 1330)}
"""The first edition of the demo, from its title to its plot; its first token, from the picture to the plot."""
_WIDTH = 780
_WIDE = 1_000
"""For pages of text alone, which 256 colours are enough for."""
_SETTLE_MS = 1_500
"""For what a page asks for once it stands: the node's words on a token."""


def draw(folder: Path, seed: bytes) -> None:
    """Strip, sheet and signals of the model that ships, into a folder."""
    from node.render import Recipe
    from node.render.contact import below, beside, halved
    from node.verify.repaint import painter

    recipe, paint = Recipe.for_bands(MOODS, "Patina"), painter()
    tokens = (seed, *(sha256(seed + bytes([number])).digest() for number in (1, 2)))  # as `patina render --sheet`
    rows = [beside([halved(paint(recipe, token, band, SIGNALS["calm"])) for band in range(MOODS)]) for token in tokens]
    keep(rows[0], 1_365, folder / "strip.png")
    keep(below(rows), 1_536, folder / "sheet.png")
    for name, signals in SIGNALS.items():
        keep(halved(paint(recipe, seed, CLEAR, signals)), 256, folder / f"{name}.png")


def photograph(gallery: str, folder: Path) -> None:
    """The first edition of a gallery and its first token's page, as Chromium shows them once all pictures are there."""
    from playwright.sync_api import sync_playwright

    chromium = shutil.which("chromium") or shutil.which("chromium-browser")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox", "--disable-gpu"])
        for name, size in _SIGHTS.items():
            context = browser.new_context(
                viewport={"width": size[0], "height": size[1]}, color_scheme="dark", reduced_motion="reduce"
            )
            page = context.new_page()
            page.goto(gallery)
            page.wait_for_selector("#pulse[data-state=live]")
            page.wait_for_selector(".room .work img")
            if name == "token":
                page.click(".room .work")
                page.wait_for_selector("#pulse[data-state=live]")
                page.wait_for_selector(".timeline .leaf img")
                page.wait_for_selector(".why:not(.to-be-told) p")  # the node's own words, or what stands in for them
            keep_shot(page, folder / f"{name}.png")
            context.close()
        browser.close()


def photograph_node(node: str, folder: Path) -> None:
    """The network page and the operator's page of a node on this machine, each at a round that is over."""
    from playwright.sync_api import sync_playwright

    chromium = shutil.which("chromium") or shutil.which("chromium-browser")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox", "--disable-gpu"])
        for name, height in (("network", 1_560), ("operator", 1_490)):
            page = browser.new_page(
                viewport={"width": _SIGHTS["gallery"][0], "height": height},
                color_scheme="dark",
                reduced_motion="reduce",
            )
            page.goto(f"{node}/{name}")
            page.wait_for_selector("#pulse[data-state=live]")
            page.wait_for_selector(".round .marks" if name == "network" else ".log li")
            take(page, folder / f"{name}.png", _WIDE)
        browser.close()


def keep_shot(page: Any, target: Path) -> None:
    """What a page of the gallery shows in its viewport, as a PNG."""
    page.wait_for_selector(".chart .line-agreed", state="attached")
    page.evaluate("document.querySelectorAll('img').forEach(image => { image.loading = 'eager' })")
    shown = "[...document.querySelectorAll('.canvas img, .leaf img')].map(image => image.decode())"
    page.evaluate(f"Promise.all({shown})")
    take(page, target)


def take(page: Any, target: Path, width: int = _WIDTH) -> None:
    """What a page shows in its viewport, as a PNG."""
    from PIL import Image

    page.evaluate("document.fonts.ready")
    page.wait_for_timeout(_SETTLE_MS)
    with Image.open(io.BytesIO(page.screenshot())) as image:
        save(image.convert("RGB"), width, target)


def keep(pixels: Any, width: int, target: Path) -> None:
    """Pixels as a PNG of so many across."""
    from PIL import Image

    save(Image.fromarray(pixels), width, target)


def save(image: Any, width: int, target: Path) -> None:
    """An image as a PNG of so many pixels across, or of its own size where that is smaller."""
    from PIL import Image

    if width < image.width:
        image = image.resize((width, round(image.height * width / image.width)), Image.Resampling.LANCZOS)
    if width == _WIDE:
        image = image.quantize(256, method=Image.Quantize.MAXCOVERAGE, dither=Image.Dither.NONE)
    image.save(target, optimize=True)
    print(f"{target}: {image.width} x {image.height}")  # noqa: T201 - a command's result


def main(argv: list[str] | None = None) -> int:
    """Makes the pictures that it is asked for."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("--gallery", metavar="URL", help="photograph this gallery; draw nothing")
    parser.add_argument(
        "--node", metavar="URL", help="photograph the network page and the operator's page of this node"
    )
    parser.add_argument("--seed", default="patina", help="whose token is shown: any text")
    parser.add_argument("--folder", type=Path, default=IMAGES, help="where to put them; docs/images by default")
    options = parser.parse_args(argv)
    if options.gallery:
        photograph(options.gallery, options.folder)
    if options.node:
        photograph_node(options.node, options.folder)
    if not (options.gallery or options.node):
        draw(options.folder, sha256(options.seed.encode()).digest())
    return 0


if __name__ == "__main__":
    sys.exit(main())
