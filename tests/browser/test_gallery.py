"""The gallery in a real browser: pictures, live changes, and text that stays text."""

import re
from dataclasses import replace

import pytest
from aiohttp import web
from msgspec import structs
from playwright.async_api import expect

from node.web.app import create_app

pytestmark = pytest.mark.asyncio(loop_scope="session")

HOSTILE = '<img src=x onerror="window.harm=1"><script>window.harm=1</script>'


async def enter(page, gallery):
    await page.goto(gallery.url)
    await expect(page.locator("#pulse")).to_have_attribute("data-state", "live")


async def loaded(page, selector):
    """Whether each picture there has arrived and is one."""
    return await page.eval_on_selector_all(
        selector, "images => Promise.all(images.map(i => i.decode().then(() => i.naturalWidth > 0, () => false)))"
    )


async def test_gallery__opened__rooms_with_pictures_and_plots(page, gallery):
    asked = []
    page.on("request", lambda request: asked.append(request.url))
    await enter(page, gallery)
    await expect(page.locator(".room h2")).to_have_text(["Slow Weather", "Night Watch"])
    first = page.locator(".room").first
    await expect(first.locator(".work")).to_have_count(6)
    await expect(first.locator(".mood-name")).to_have_text("Thaw")
    assert await loaded(page, ".room:first-of-type .work img") == [True] * 6
    await expect(first.locator(".pin")).to_have_count(len(gallery.slow.history))
    await expect(first.locator(".life > li")).to_have_count(len(gallery.slow.history))
    await expect(first.locator(".level")).to_have_text(["basis", "+1 %", "+2 %", "+3 %", "+4 %"])
    assert {url.startswith(gallery.url + "/") for url in asked} == {True}, "no outside host is asked for anything"


async def test_gallery__repaint__shows_without_reload_by_a_dissolve(page, gallery):
    await enter(page, gallery)
    room = page.locator(".room").first
    image = room.locator(".work").first.locator("img")
    before = await image.get_attribute("src")
    await page.evaluate("window.sameVisit = true")
    painted = len(gallery.slow.history)
    while len(gallery.slow.history) == painted:
        gallery.slow.advance(1)
    await gallery.source.move()
    await expect(room.locator(".pin")).to_have_count(painted + 1)
    await expect(room.locator(".mood-name")).to_have_text("Clear")
    await expect(page.locator("#announcer")).to_have_text("Slow Weather repainted: from Thaw to Clear at +3.30 %")
    await expect(image).to_have_count(2)  # the old one under the new one while it dissolves
    await expect(image).to_have_count(1)
    assert await image.get_attribute("src") == gallery.slow.view().tokens[0].image != before
    assert await loaded(page, ".room:first-of-type .work img") == [True] * 6
    assert await page.evaluate("window.sameVisit") is True


async def test_gallery__new_sample__moves_the_plot_and_nothing_else(page, gallery):
    await enter(page, gallery)
    room = page.locator(".room").nth(1)
    line = room.locator(".line-price")
    before = await line.get_attribute("d")
    await room.locator(".work").first.evaluate("work => { work.dataset.kept = 'yes' }")
    gallery.fast.advance(1)
    await gallery.source.move()
    await expect(line).not_to_have_attribute("d", before)
    await expect(room.locator("[data-kept]")).to_have_count(1)
    await expect(room.locator(".life > li")).to_have_count(1)


async def test_incident_cbbtc_wick_2025_10_10__one_reading__marked_and_nothing_repainted(page, gallery):
    await enter(page, gallery)
    room = page.locator(".room").nth(1)
    await expect(room.locator(".stray text")).to_have_text(["a single reading, not believed"])
    await expect(room.locator(".pin")).to_have_count(1)


async def test_gallery__script_in_names__stays_text(page, gallery):
    show = gallery.slow
    show.name, show.artist, show.description = HOSTILE, HOSTILE + "a", HOSTILE + "d"
    show.history = [structs.replace(repaint, label=HOSTILE) for repaint in show.history]
    await enter(page, gallery)
    room = page.locator(".room").first
    await expect(room.locator("h2")).to_have_text(HOSTILE)
    await expect(room.locator(".artist")).to_have_text(HOSTILE + "a")
    await expect(room.locator(".work-name").first).to_have_text(HOSTILE + " #1")
    await expect(room.locator(".life-when").first).to_have_text(HOSTILE)
    await room.locator(".work").first.click()
    await expect(page.locator("#lightbox-title")).to_have_text(HOSTILE + " #1")
    assert await page.evaluate("window.harm") is None
    assert await page.evaluate("document.querySelectorAll('script').length") == 1
    assert await page.evaluate("document.querySelectorAll('img[src=x]').length") == 0


@pytest.mark.parametrize(
    "path", ["javascript:alert(1)", "https://example.org/x.png", "//example.org/x.png", "/ipfs/../api"]
)
async def test_gallery__image_path_that_is_none_of_ours__never_asked_for(page, gallery, path):
    asked = []
    page.on("request", lambda request: asked.append(request.url))
    show = gallery.slow
    show.history = [structs.replace(repaint, images=[path] * 6) for repaint in show.history]
    await enter(page, gallery)
    await page.locator(".pin").first.click()
    await expect(page.locator(".lightbox")).to_be_visible()
    assert [url for url in asked if "example" in url or "alert" in url] == []


async def test_gallery__not_painted_yet__placeholder_and_no_plot_of_nothing(page, gallery):
    fresh = replace(gallery.slow, seen=0, history=[], edition=9)
    gallery.source.shows = [fresh]
    await enter(page, gallery)
    room = page.locator(".room")
    await expect(room.locator(".work")).to_have_count(6)
    assert (await room.locator(".work img").first.get_attribute("src")).endswith("/placeholder.svg")
    assert await loaded(page, ".work img") == [True] * 6
    await expect(room.locator(".plot")).to_be_hidden()
    await expect(room.locator(".standing")).to_contain_text("not been measured long enough")
    await room.locator(".work").first.click()
    await expect(page.locator(".mood-line")).to_contain_text("Not painted yet")


async def test_gallery__first_edition_opens_while_watched__room_appears(page, gallery):
    shows, gallery.source.shows = gallery.source.shows, []
    await enter(page, gallery)
    await expect(page.locator("#bare")).to_contain_text("The walls are still bare")
    gallery.source.shows = shows
    await gallery.source.move()
    await expect(page.locator(".room")).to_have_count(2)
    await expect(page.locator("#bare")).to_have_count(0)
    gallery.source.shows = shows[1:]
    await gallery.source.move()
    await expect(page.locator(".room h2")).to_have_text(["Night Watch"])


async def test_gallery__node_restarts__says_so_and_catches_up(page, gallery):
    await enter(page, gallery)
    await gallery.stop()
    await expect(page.locator("#pulse")).to_have_attribute("data-state", "lost")
    gallery.slow.name = "After the Restart"
    gallery.source.revision = 1
    runner = web.AppRunner(create_app(gallery.source, gallery.slow.store), access_log=None, shutdown_timeout=1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", int(gallery.url.rpartition(":")[2]), reuse_address=True).start()
    try:
        await expect(page.locator("#pulse")).to_have_attribute("data-state", "live", timeout=20_000)
        await expect(page.locator(".room h2").first).to_have_text("After the Restart")
    finally:
        await page.goto("about:blank")
        await runner.cleanup()
    page.faults.clear()  # the refused connections of the time between


async def test_gallery__many_works__shown_in_portions(page, gallery):
    gallery.source.shows = [replace(gallery.slow, tokens=70, seen=0, history=[])]
    await enter(page, gallery)
    await expect(page.locator(".work")).to_have_count(60)
    await page.get_by_role("button", name=re.compile("Show 10 more of 70 works")).click()
    await expect(page.locator(".work")).to_have_count(70)
    await expect(page.locator(".more")).to_be_hidden()
