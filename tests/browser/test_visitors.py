"""Visitors of every kind: by keyboard, on a phone, in the light, with a screen reader."""

import json

import pytest
from playwright.async_api import expect

from node.content.metadata import parse_metadata

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def enter(page, gallery):
    await page.goto(gallery.url)
    await expect(page.locator("#pulse")).to_have_attribute("data-state", "live")


async def test_lightbox__artwork_chosen__tells_its_story(page, gallery):
    await enter(page, gallery)
    await page.locator(".work").nth(1).click()
    box = page.locator(".lightbox")
    await expect(box.get_by_role("heading")).to_have_text("Slow Weather #2")
    await expect(box.locator(".mood-line")).to_have_text("Thaw · band 3 of 6")
    await expect(box.locator(".facts")).to_contain_text("the vault crossed from Overcast to Thaw")
    await expect(box.locator(".facts")).to_contain_text("3 nodes")
    last = gallery.slow.history[-1]
    await expect(box.locator(".command")).to_have_text(f"patina report 1 {last.checkpoint} --json")
    link = await box.get_by_role("link", name="Metadata").get_attribute("href")
    document = await (await page.request.get(gallery.url + link)).body()
    assert parse_metadata(document).name == "Slow Weather #2"
    assert json.loads(document)["patina"]["checkpoint"] == str(last.checkpoint)


async def test_lightbox__its_life__earlier_pictures_are_shown_as_they_were(page, gallery):
    await enter(page, gallery)
    await page.locator(".work").first.click()
    box = page.locator(".lightbox")
    film = box.locator(".film .leaf")
    await expect(film).to_have_count(len(gallery.slow.history))
    await expect(film.last).to_have_attribute("aria-pressed", "true")
    await film.first.click()
    await expect(film.first).to_have_attribute("aria-pressed", "true")
    await expect(box.locator(".mood-line")).to_have_text("As it was 20 Jun 2025 · Ashen · band 1 of 6")
    await expect(box.locator(".hung img")).to_have_count(1)
    await expect(box.locator(".hung img")).to_have_attribute("src", gallery.slow.history[0].images[0])
    gallery.slow.advance(60)
    await gallery.source.move()
    await expect(film).to_have_count(len(gallery.slow.history))
    await expect(box.locator(".mood-line")).to_contain_text("As it was 20 Jun 2025")


async def test_lightbox__address_of_a_token__opens_it_and_closing_forgets_it(page, gallery):
    await enter(page, gallery)
    await page.locator(".work").nth(3).click()
    address = page.url
    assert address.endswith("-1000004")
    await page.goto("about:blank")
    await page.goto(address)
    await expect(page.locator("#lightbox-title")).to_have_text("Slow Weather #4")
    await page.get_by_role("button", name="Close").click()
    await expect(page.locator(".lightbox")).to_be_hidden()
    assert page.url == gallery.url + "/"


async def test_keyboard__from_door_to_artwork_and_back__never_lost(page, gallery):
    await enter(page, gallery)
    await page.keyboard.press("Tab")
    await expect(page.locator(".skip")).to_be_focused()
    await page.keyboard.press("Enter")
    await page.keyboard.press("Tab")
    work = page.locator(".work").first
    await expect(work).to_be_focused()
    await page.keyboard.press("Enter")
    title = page.locator("#lightbox-title")
    await expect(title).to_have_text("Slow Weather #1")
    await page.keyboard.press("ArrowRight")
    await expect(title).to_have_text("Slow Weather #2")
    await page.keyboard.press("ArrowLeft")
    await page.keyboard.press("ArrowLeft")
    await expect(title).to_have_text("Slow Weather #6")
    await page.keyboard.press("Escape")
    await expect(page.locator(".lightbox")).to_be_hidden()
    await expect(work).to_be_focused()


async def test_keyboard__pin_on_the_plot__opens_that_moment_and_keeps_focus_over_an_update(page, gallery):
    await enter(page, gallery)
    pin = page.locator(".room").first.locator(".pin").nth(1)
    await pin.focus()
    gallery.slow.advance(1)
    before = await page.locator(".line-price").first.get_attribute("d")
    await gallery.source.move()
    await expect(page.locator(".line-price").first).not_to_have_attribute("d", before)
    await expect(pin).to_be_focused()
    await page.keyboard.press("Enter")
    await expect(page.locator(".mood-line")).to_contain_text("Overcast · band 2 of 6")


async def test_plot__pointed_at__tells_the_sample(page, gallery):
    await enter(page, gallery)
    chart = page.locator(".chart").first
    await chart.scroll_into_view_if_needed()
    await chart.hover(position={"x": 700, "y": 380})
    await expect(page.locator(".tip").first).to_contain_text("2025")
    await expect(page.locator(".tip").first).to_contain_text("answer")
    await page.mouse.move(5, 5)
    await expect(page.locator(".tip").first).to_be_hidden()


@pytest.mark.parametrize("width", [320, 390, 768, 1024, 1920])
async def test_screen__any_width__no_sideways_scrolling_and_pins_inside(page, gallery, width):
    gallery.slow.advance(400)
    await page.set_viewport_size({"width": width, "height": 844})
    await enter(page, gallery)
    await expect(page.locator(".room").first.locator(".pin")).to_have_count(6)
    assert await page.evaluate("document.documentElement.scrollWidth") <= width
    inside = """pins => pins.every(pin => { const a = pin.getBBox(), b = pin.ownerSVGElement.viewBox.baseVal;
        return a.x >= 0 && a.y >= 0 && a.x + a.width <= b.width && a.y + a.height <= b.height })"""
    assert await page.eval_on_selector_all(".pin", inside)
    apart = """edges => edges.map(e => e.getBBox()).sort((a, b) => a.x - b.x)
        .every((b, i, all) => !i || all[i - 1].x + all[i - 1].width <= b.x)"""
    assert await page.eval_on_selector_all(".room:first-of-type .pin-edge", apart)
    await page.locator(".work").first.click()
    await expect(page.locator(".hung img")).to_be_visible()
    await expect(page.get_by_role("button", name="Close")).to_be_in_viewport()


@pytest.mark.parametrize(("scheme", "darker"), [("dark", True), ("light", False)])
async def test_light__as_preferred__ink_readable_on_the_wall(page, gallery, scheme, darker):
    await page.emulate_media(color_scheme=scheme)
    await enter(page, gallery)
    contrast = """names => { const paint = document.createElement("canvas").getContext("2d");
        const light = colour => { paint.fillStyle = colour; paint.fillRect(0, 0, 1, 1);
            const [r, g, b] = [...paint.getImageData(0, 0, 1, 1).data].slice(0, 3).map(c => c / 255)
                .map(c => c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4);
            return 0.2126 * r + 0.7152 * g + 0.0722 * b };
        const wall = light(getComputedStyle(document.body).backgroundColor);
        const ratio = ink => (Math.max(ink, wall) + 0.05) / (Math.min(ink, wall) + 0.05);
        const ink = e => { const style = getComputedStyle(e);
            return light(e.namespaceURI.endsWith("svg") ? style.fill : style.color) };
        return [wall, names.flatMap(name => [...document.querySelectorAll(name)]
            .map(e => [name + " " + e.textContent.trim(), ratio(ink(e))]))] }"""
    names = ["h2", ".eyebrow", ".description", ".mood-name", ".standing", ".work-name", ".life-facts", ".life-band"]
    wall, found = await page.evaluate(contrast, [*names, ".colophon p", ".zone-name", ".level", ".tick", ".keys"])
    assert (wall < 0.2) is darker
    assert len(found) > 60
    # WCAG 2.2, success criterion 1.4.3: at least 4.5 to 1 for text of ordinary size.
    assert [(text, ratio) for text, ratio in found if ratio < 4.5] == []


async def test_screen_reader__page__landmarks_headings_and_names(page, gallery):
    await enter(page, gallery)
    await expect(page.get_by_role("main")).to_have_count(1)
    await expect(page.get_by_role("heading", level=1)).to_have_text("Patina")
    await expect(page.get_by_role("region", name="Slow Weather")).to_have_count(1)
    await expect(page.get_by_role("navigation", name="Editions").get_by_role("link")).to_have_count(2)
    await expect(page.get_by_role("img", name="band 3 of 6")).to_have_count(1)
    await expect(page.get_by_role("button", name="Slow Weather #1, Thaw")).to_have_count(1)
    nameless = """elements => elements.filter(e => !(e.getAttribute("aria-label") || e.textContent.trim() ||
        [...e.querySelectorAll("img")].some(i => i.alt))).length"""
    assert await page.eval_on_selector_all("button, a, [role=button]", nameless) == 0
    assert await page.eval_on_selector_all("img:not([alt])", "found => found.length") == 0
    summary = await page.locator(".chart").first.get_attribute("aria-label")
    assert "Thresholds at +1 %, +2 %, +3 %, +4 %, +5 %" in summary


async def test_motion__not_wanted__repaint_without_a_dissolve(page, gallery):
    await page.emulate_media(reduced_motion="reduce")
    await enter(page, gallery)
    gallery.slow.advance(60)
    await gallery.source.move()
    image = page.locator(".work").first.locator("img")
    await expect(image).to_have_attribute("src", gallery.slow.view().tokens[0].image)
    assert await page.evaluate("document.getAnimations().filter(a => a.playState === 'running').length") == 0
