"""Visitors of every kind: by keyboard, on a phone, in the light, with a screen reader."""

import re

import pytest
from playwright.async_api import expect

from .visiting import faults_of_access

pytestmark = pytest.mark.asyncio(loop_scope="session")

SIDEWAYS = "document.documentElement.scrollWidth - document.documentElement.clientWidth"


async def enter(page, gallery):
    await page.goto(gallery.url)
    await expect(page.locator("#pulse")).to_have_attribute("data-state", "live")


async def test_keyboard__from_door_to_artwork_and_back__never_lost(page, gallery):
    await enter(page, gallery)
    await page.keyboard.press("Tab")
    await expect(page.locator(".skip")).to_be_focused()
    await page.keyboard.press("Enter")
    work = page.locator(".work").first
    for _ in range(8):
        await page.keyboard.press("Tab")
        if await work.evaluate("work => work === document.activeElement"):
            break
    await expect(work).to_be_focused()
    await page.keyboard.press("Enter")
    title = page.get_by_role("heading", level=1)
    await expect(title).to_have_text("Slow Weather #1")
    # The server's own page bears the title too: its script has run once there is a way on.
    await expect(page.get_by_role("link", name="Next work")).to_be_visible()
    await expect(page.get_by_role("link", name="Previous work")).to_be_hidden()
    await page.keyboard.press("ArrowRight")
    await expect(title).to_have_text("Slow Weather #2")
    await expect(page.locator("#pulse")).to_have_attribute("data-state", "live")
    await page.keyboard.press("ArrowLeft")
    await expect(title).to_have_text("Slow Weather #1")
    await page.get_by_role("link", name="Slow Weather", exact=True).press("Enter")
    await expect(page.get_by_role("region", name="Slow Weather")).to_be_in_viewport()


async def test_keyboard__pin_on_the_plot__keeps_focus_over_an_update_and_leads_to_that_moment(page, gallery):
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


async def test_keyboard__walk_along_the_samples__each_read_out(page, gallery):
    await page.goto(gallery.token)
    walk = page.get_by_role("slider", name="Walk along the samples")
    await walk.focus()
    await page.keyboard.press("Home")
    await expect(walk).to_have_attribute("aria-valuetext", "18 Jun 2025, 1.000000, not enough samples yet")
    for _ in range(3):
        await page.keyboard.press("ArrowRight")
    await expect(walk).to_have_attribute("aria-valuetext", re.compile(r"21 Jun 2025, .*answer"))
    await expect(page.locator(".tip")).to_be_visible()


async def test_samples__table__made_when_opened_and_says_the_same(page, gallery):
    await page.goto(gallery.token)
    table = page.get_by_role("region", name="Samples, newest first")
    await page.get_by_text("The same as a table").click()
    await expect(table.get_by_role("row")).to_have_count(121)
    last = gallery.slow.history[-1]
    await expect(table.get_by_role("row", name=re.compile(f"{last.checkpoint:,}".replace(",", r"\s")))).to_contain_text(
        "in Thaw"
    )


async def test_plot__pointed_at__tells_the_sample(page, gallery):
    await enter(page, gallery)
    chart = page.locator(".chart").first
    await chart.scroll_into_view_if_needed()
    await chart.hover(position={"x": 700, "y": 380})
    await expect(page.locator(".tip").first).to_contain_text("2025")
    await expect(page.locator(".tip").first).to_contain_text("answer")
    await page.mouse.move(5, 5)
    await expect(page.locator(".tip").first).to_be_hidden()


WIDTHS = (360, 768, 1920)
INSIDE = """pins => pins.every(pin => { const a = pin.getBBox(), b = pin.ownerSVGElement.viewBox.baseVal;
    return a.x >= 0 && a.y >= 0 && a.x + a.width <= b.width && a.y + a.height <= b.height })"""
APART = """edges => edges.map(e => e.getBBox()).sort((a, b) => a.x - b.x)
    .every((b, i, all) => !i || all[i - 1].x + all[i - 1].width <= b.x)"""


async def narrow_and_wide(page):
    """Each width in turn, once what is drawn for it stands."""
    for width in WIDTHS:
        await page.set_viewport_size({"width": width, "height": 844})
        await page.evaluate("new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)))")
        assert await page.evaluate(SIDEWAYS) <= 0, width
        yield width


async def test_screen__any_width__no_sideways_scrolling_and_pins_inside(page, gallery):
    gallery.slow.advance(400)
    await enter(page, gallery)
    await expect(page.locator(".room").first.locator(".pin")).to_have_count(6)
    async for width in narrow_and_wide(page):
        assert await page.eval_on_selector_all(".pin", INSIDE), width
        assert await page.eval_on_selector_all(".room:first-of-type .pin-edge", APART), width
    await page.goto(gallery.token)
    await expect(page.locator(".pin")).to_have_count(6)
    await page.get_by_text("The report behind it").first.click()
    await page.get_by_role("button", name="Compare two moments").click()
    async for width in narrow_and_wide(page):
        assert await page.eval_on_selector_all(".pin", INSIDE), width
        await page.evaluate("scrollTo(0, 0)")
        await expect(page.locator(".hung .canvas img")).to_be_in_viewport()
    await page.goto(gallery.verify)
    await expect(page.locator(".verdict")).to_have_attribute("data-state", "ok")
    await page.evaluate("document.querySelectorAll('details').forEach(one => { one.open = true })")
    async for _ in narrow_and_wide(page):
        pass


async def faults_in_both(page):
    """What axe finds in the dark, and of what the light changes, colours, what it finds there."""
    found = await faults_of_access(page)
    await page.emulate_media(color_scheme="light", reduced_motion="reduce")
    found += await faults_of_access(page, only=["color-contrast"])
    await page.emulate_media(color_scheme="dark", reduced_motion="reduce")
    return found


async def test_access__every_page_dark_and_light__no_fault(page, gallery):
    await page.emulate_media(color_scheme="dark", reduced_motion="reduce")
    await enter(page, gallery)
    await expect(page.locator(".life > li")).to_have_count(len(gallery.slow.history))
    assert await faults_in_both(page) == []
    await page.goto(gallery.token)
    await page.get_by_text("The same as a table").click()
    await page.get_by_text("The report behind it").first.click()
    await page.get_by_role("button", name="Compare two moments").click()
    assert await faults_in_both(page) == []
    await page.goto(gallery.verify)
    await expect(page.locator(".verdict")).to_have_attribute("data-state", "ok")
    await page.get_by_text("What was looked at").first.click()
    await page.get_by_text("What fingerprints and signatures prove").click()
    assert await faults_in_both(page) == []


CONTRAST = """names => { const paint = document.createElement("canvas").getContext("2d");
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


async def test_light__as_preferred__ink_readable_on_the_wall(page, gallery):
    await enter(page, gallery)
    await expect(page.locator(".life > li")).to_have_count(len(gallery.slow.history))
    names = ["h2", ".eyebrow", ".description", ".mood-name", ".standing", ".work-name", ".life-facts", ".life-band"]
    for scheme, darker in (("dark", True), ("light", False)):
        await page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
        wall, found = await page.evaluate(CONTRAST, [*names, ".colophon p", ".zone-name", ".level", ".tick", ".keys"])
        assert (wall < 0.2) is darker
        assert len(found) > 40
        # WCAG 2.2, success criterion 1.4.3: at least 4.5 to 1 for text of ordinary size.
        assert [(text, ratio) for text, ratio in found if ratio < 4.5] == []


async def test_screen_reader__page__landmarks_headings_and_names(page, gallery):
    await enter(page, gallery)
    await expect(page.get_by_role("main")).to_have_count(1)
    await expect(page.get_by_role("heading", level=1)).to_have_text("Gallery")
    await expect(page.get_by_role("navigation", name="Pages").get_by_role("link")).to_have_text(["Gallery", "Verify"])
    await expect(page.get_by_role("region", name="Slow Weather")).to_have_count(1)
    await expect(page.get_by_role("img", name="band 3 of 6")).to_have_count(1)
    await expect(page.get_by_role("link", name="Thaw Slow Weather #1", exact=True)).to_have_count(1)
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
