"""The gallery in a real browser: pictures, live changes, and text that stays text."""

import asyncio
import re
from dataclasses import replace

import pytest
from aiohttp import web
from msgspec import structs
from playwright.async_api import expect

from node.web.app import create_app

from .exhibition import COLLECTION
from .visiting import visiting

pytestmark = pytest.mark.asyncio(loop_scope="session")

HOSTILE = '<img src=x onerror="window.harm=1"><script>window.harm=1</script>'


async def enter(page, gallery):
    await page.goto(gallery.url)
    await expect(page.locator("#pulse")).to_have_attribute("data-state", "live")


async def harmless(page):
    assert await page.evaluate("window.harm") is None
    assert await page.evaluate("document.querySelectorAll('script').length") == 1
    assert await page.evaluate("document.querySelectorAll('img[src=x]').length") == 0


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
    pictures = [url for url in asked if url.endswith(".png")]
    assert len(pictures) == len(set(pictures)), "rooms take over the pictures that the page came with"


async def test_gallery__no_script__pictures_and_ways_are_there_all_the_same(browser, gallery):
    async with visiting(browser, java_script_enabled=False) as page:
        await page.goto(gallery.url)
        await expect(page.get_by_role("heading", level=2)).to_have_text(["Slow Weather", "Night Watch"])
        work = page.get_by_role("link", name="Thaw Slow Weather #1", exact=True)
        await expect(work.locator("img")).to_be_in_viewport()
        await work.click()
        await expect(page.get_by_role("heading", level=1)).to_have_text("Slow Weather #1")
        await expect(page.get_by_role("img", name="Slow Weather #1, Thaw")).to_be_visible()
        await expect(page.locator(".mood-line")).to_have_text("Thaw · band 3 of 6")


async def test_gallery__stream_refused__shows_what_there_is(page, gallery):
    await page.route("**/api/events", lambda route: route.fulfill(status=503, body="too many listeners"))
    page.expected.add("503")
    await page.goto(gallery.url)
    await expect(page.locator(".room").first.locator(".pin")).to_have_count(len(gallery.slow.history))
    await expect(page.locator("#pulse")).to_have_attribute("data-state", "lost")


async def test_gallery__node_that_is_not_well__says_so_until_it_is(page, gallery):
    await enter(page, gallery)
    gallery.source.ready = False
    await gallery.source.move()
    await expect(page.locator("#notice")).to_contain_text("may be older than what the chain has")
    await expect(page.locator("#pulse")).to_have_attribute("data-state", "ill")
    gallery.source.ready = True
    await gallery.source.move()
    await expect(page.locator("#notice")).to_be_hidden()
    await expect(page.locator("#pulse")).to_have_attribute("data-state", "live")


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
    await expect(page.locator("#announcer")).to_have_text("Slow Weather repainted: from Thaw to Clear at +3.31 %")
    await expect(image).to_have_count(2)  # the old one under the new one while it dissolves
    await expect(image).to_have_count(1)
    assert await image.get_attribute("src") == gallery.slow.view().tokens[0].image != before
    await expect(room.locator(".work img")).to_have_count(6)
    assert await loaded(page, ".room:first-of-type .work img") == [True] * 6
    assert await page.evaluate("window.sameVisit") is True


async def test_gallery__new_sample__moves_the_plot_and_nothing_else(page, gallery):
    await enter(page, gallery)
    room = page.locator(".room").nth(1)
    await room.scroll_into_view_if_needed()
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
    await room.scroll_into_view_if_needed()
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
    await harmless(page)
    await room.locator(".work").first.click()
    await expect(page.get_by_role("heading", level=1)).to_have_text(HOSTILE + " #1")
    await expect(page).to_have_title(HOSTILE + " #1 · Patina")
    await expect(page.locator(".life-when").first).to_have_text(HOSTILE)
    await harmless(page)
    await page.get_by_role("link", name="Verify in this browser").click()
    await expect(page.locator("[data-step=chain] .says")).to_contain_text(HOSTILE)
    await harmless(page)


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
    await expect(page.locator(".timeline .leaf")).to_have_count(len(show.history))
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
    await expect(page.locator(".why")).to_contain_text("painted with the first report")


async def test_gallery__first_edition_opens_while_watched__room_appears(page, gallery):
    shows, gallery.source.shows = gallery.source.shows, []
    await enter(page, gallery)
    await expect(page.locator("#bare")).to_contain_text("The walls are still bare")
    gallery.source.shows = shows
    await gallery.source.move()
    await expect(page.locator(".room")).to_have_count(2)
    await expect(page.locator("#bare")).to_be_hidden()
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
    page.expected.add("ERR_")  # the refused connections of the time between


async def test_gallery__many_works__shown_in_portions_that_follow_a_repaint(page, gallery):
    show = replace(gallery.slow, tokens=70, seen=0, history=[], side=8)
    gallery.source.shows = [show]
    await enter(page, gallery)
    await expect(page.locator(".work")).to_have_count(60)
    await page.get_by_role("button", name=re.compile("Show 10 more of 70 works")).click()
    await expect(page.locator(".work")).to_have_count(70)
    await expect(page.locator(".more")).to_be_hidden()
    await expect(page.locator(".work").nth(60)).to_be_focused()
    show.advance(3)
    await gallery.source.move()
    last = page.locator(".work").nth(69).locator("img").last
    await expect(last).to_have_attribute("src", show.view().tokens[69].image)
    await page.get_by_label("Work no.").fill("69")
    await page.get_by_label("Work no.").press("Enter")
    await expect(page.get_by_role("heading", level=1)).to_have_text("Slow Weather #69")


async def test_filters__mood_and_edition__others_out_of_sight_and_the_address_keeps_the_choice(page, gallery):
    await enter(page, gallery)
    names = page.locator(".room:not([hidden]) h2")
    moods = page.get_by_role("group", name="Mood")
    # Both stand in their third band, and are of different numbers of bands: the mood is one.
    await expect(moods.get_by_role("button")).to_have_text(["All moods2", "Thaw2"])
    gallery.slow.advance(400)
    await gallery.source.move()
    await moods.get_by_role("button", name="Golden").click()
    await expect(names).to_have_text(["Slow Weather"])
    await expect(page.locator(".told")).to_have_text("1 edition, 6 works")
    assert page.url.endswith("/?mood=Golden")
    await page.reload()
    await expect(names).to_have_text(["Slow Weather"])
    await page.get_by_role("combobox", name="Edition").select_option(label="Night Watch")
    await expect(page.locator("#bare")).to_contain_text("Nothing here is in that mood")
    await moods.get_by_role("button", name="All moods").click()
    await expect(names).to_have_text(["Night Watch"])


async def test_gallery__address_of_an_edition__brought_into_sight_once_it_hangs(page, gallery):
    await page.goto(f"{gallery.url}/#edition-{COLLECTION.lower()}-2")
    await expect(page.get_by_role("heading", name="Night Watch")).to_be_in_viewport()


async def test_gallery__room_far_down__read_only_when_a_visitor_comes_near(page, gallery):
    gallery.source.shows = [
        replace(gallery.slow, edition=number, name=f"Show {number}", seen=0, history=[]) for number in range(1, 9)
    ]
    asked = []
    page.on("request", lambda request: request.url.endswith("/wall") and asked.append(request.url))
    await enter(page, gallery)
    await expect(page.locator(".room")).to_have_count(8)
    before = len(set(asked))
    assert before < 8
    await page.get_by_role("heading", name="Show 8").scroll_into_view_if_needed()
    await expect(page.locator(".room").nth(7).locator(".work-name").first).to_have_text("Show 8 #1")


async def test_picture__not_here_yet__says_so_and_hangs_once_it_came(page, gallery):
    here = asyncio.Event()
    page.expected.add("404")

    async def answer(route):
        await (route.continue_() if here.is_set() else route.fulfill(status=404, body="absent"))

    await page.route("**" + gallery.slow.view().tokens[0].image, answer)
    await enter(page, gallery)
    frame = page.locator(".work .canvas").first
    await expect(frame).to_have_class("canvas absent")
    here.set()
    await expect(frame).to_have_class("canvas", timeout=20_000)


async def test_pages__no_layout_shift__once_the_frames_hang(page, gallery):
    await page.add_init_script(
        "window.shift = 0; new PerformanceObserver(list => list.getEntries().forEach(one => window.shift += one.value))"
        ".observe({type: 'layout-shift', buffered: true})"
    )
    await enter(page, gallery)
    await expect(page.locator(".room").first.locator(".pin")).to_have_count(len(gallery.slow.history))
    assert await loaded(page, ".room:first-of-type .work img") == [True] * 6
    # What a visitor notices begins at 0.1 (web.dev, "Cumulative Layout Shift").
    assert await page.evaluate("window.shift") < 0.05
