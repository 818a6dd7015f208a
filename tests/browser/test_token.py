"""A token's life in a real browser: its story, its earlier moments, and two of them beside each other."""

import json

import pytest
from playwright.async_api import expect

from node.content.metadata import parse_metadata

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def test_token__opened__picture_story_and_files(page, gallery):
    await page.goto(gallery.token.replace("1000001", "1000002"))
    await expect(page.get_by_role("heading", level=1)).to_have_text("Slow Weather #2")
    await expect(page.locator(".mood-line")).to_have_text("Thaw · band 3 of 6")
    await expect(page.locator(".why")).to_contain_text("The vault rose from Overcast to Thaw")
    await expect(page.locator(".why")).to_contain_text("3 nodes signed that it stood at +2.37 %")
    # Thresholds at 2 and 3 per cent, hysteresis of a tenth.
    await expect(page.locator(".why")).to_contain_text("+3.1 % makes it Clear, below +1.9 % it turns Overcast")
    link = await page.locator(".story").get_by_role("link", name="Metadata").get_attribute("href")
    document = await (await page.request.get(gallery.url + link)).body()
    assert parse_metadata(document).name == "Slow Weather #2"
    assert json.loads(document)["patina"]["checkpoint"] == str(gallery.slow.history[-1].checkpoint)


async def test_token__its_life__told_repaint_by_repaint(page, gallery):
    await page.goto(gallery.token)
    moments = page.locator(".timeline > li")
    await expect(moments).to_have_count(len(gallery.slow.history))
    last, newest = gallery.slow.history[-1], moments.first
    await expect(newest.get_by_role("heading")).to_have_text("Overcast → Thaw")
    await expect(newest.locator(".life-facts")).to_contain_text("3 signers · 78\u202f211 gas")
    await newest.get_by_text("The report behind it").click()
    for text in (last.tx, last.transmitter, last.token_uri_before, last.token_uri_after):
        await expect(newest.locator(".facts")).to_contain_text(text)
    assert await newest.locator(".signer").evaluate_all("all => all.map(one => one.title)") == last.signers


async def test_token__earlier_moment__shown_as_it_was_and_stays_over_a_repaint(page, gallery):
    await page.goto(gallery.token)
    film = page.locator(".film .leaf")
    await expect(film.last).to_have_attribute("aria-pressed", "true")
    await film.first.click()
    await expect(page.locator(".mood-line")).to_have_text("As it was 20 Jun 2025 · Ashen · band 1 of 6")
    await expect(page.locator(".hung .canvas img").last).to_have_attribute("src", gallery.slow.history[0].images[0])
    assert page.url.endswith(f"#at-{gallery.slow.history[0].checkpoint}")
    painted = len(gallery.slow.history)
    gallery.slow.advance(60)
    assert len(gallery.slow.history) > painted
    await gallery.source.move()
    await expect(film).to_have_count(len(gallery.slow.history))
    await expect(page.locator(".mood-line")).to_contain_text("As it was 20 Jun 2025")
    await page.get_by_role("button", name="Back to now").click()
    await expect(page.locator(".mood-line")).to_have_text("Radiant · band 5 of 6")
    assert page.url == gallery.token


async def test_token__repainted_while_watched__shows_without_reload(page, gallery):
    await page.goto(gallery.token)
    await expect(page.locator("#pulse")).to_have_attribute("data-state", "live")
    await page.evaluate("window.sameVisit = true")
    painted = len(gallery.slow.history)
    while len(gallery.slow.history) == painted:
        gallery.slow.advance(1)
    await gallery.source.move()
    await expect(page.locator(".mood-line")).to_have_text("Clear · band 4 of 6")
    await expect(page.locator("#announcer")).to_have_text("Slow Weather #1 was repainted: Clear at +3.31 %")
    await expect(page.locator(".hung .canvas img").last).to_have_attribute("src", gallery.slow.view().tokens[0].image)
    await expect(page.locator(".timeline > li")).to_have_count(painted + 1)
    assert await page.evaluate("window.sameVisit") is True


async def test_token__address_of_a_moment__opens_at_it(page, gallery):
    await page.goto(f"{gallery.token}#at-{gallery.slow.history[1].checkpoint}")
    await expect(page.locator(".mood-line")).to_contain_text("As it was 5 Sep 2025 · Overcast")
    await expect(page.locator(".pin.marked")).to_have_attribute("data-index", "1")


async def test_compare__two_moments__the_line_between_them_follows_the_keys(page, gallery):
    await page.goto(gallery.token)
    await page.get_by_role("button", name="Compare two moments").click()
    under = page.locator(".under")
    await expect(under).to_have_attribute("src", gallery.slow.history[-2].images[0])
    await page.get_by_role("combobox", name="Left").select_option("0")
    await expect(under).to_have_attribute("src", gallery.slow.history[0].images[0])
    cut = page.get_by_role("slider", name="How much of 20 Jun 2025 is shown over 2 Oct 2025")
    await cut.focus()
    await page.keyboard.press("ArrowLeft")
    await expect(cut).to_have_attribute("aria-valuetext", "49 % 20 Jun 2025, 51 % 2 Oct 2025")
    assert await under.evaluate("image => getComputedStyle(image).clipPath") == "inset(0px 51% 0px 0px)"
    await page.get_by_role("button", name="One moment again").click()
    await expect(under).to_be_hidden()


async def test_token__none_of_that_number__says_so(page, gallery):
    answer = await page.goto(gallery.token.replace("1000001", "1000007"))
    assert answer.status == 404
    await expect(page.get_by_role("heading", level=1)).to_have_text("No such token here")
    await expect(page.get_by_role("link", name="To the gallery")).to_be_visible()
    page.expected.add("404")


async def test_token__node_that_tells_why__its_words_are_shown(page, gallery):
    """Where the node has words of its own, they stand in place of what the page makes of the facts."""
    why = {"title": "Why it looks like this", "sentences": ["The vault fell.", "<b>And so on.</b>"]}
    told = {
        "headline": "It is dusk.",
        "state": "painted",
        "seen": "a hill; two firs",
        "sections": [why, {"title": "What comes next", "sentences": ["Dawn."]}],
    }
    told["painted_by"] = {"transaction": gallery.slow.history[-1].tx}
    await page.route("**/explanation", lambda route: route.fulfill(json=told))
    await page.route("**/tokens/1000001", told_at)
    await page.goto(gallery.token)
    await expect(page.locator(".why > p")).to_have_text(["It is dusk.", "<b>And so on.</b>", "Dawn."])
    await expect(page.get_by_role("img", name="Slow Weather #1, Thaw: a hill; two firs")).to_be_visible()
    await page.get_by_text("The whole story").click()
    await expect(page.get_by_role("heading", name="What comes next")).to_be_visible()
    await page.locator(".film .leaf").first.click()
    await expect(page.locator(".why > p").first).to_contain_text("This was its first painting")
    # A node that already tells of a newer painting than the page shows is not believed about this one.
    told["painted_by"]["transaction"] = "0x" + "ab" * 32
    await page.reload()
    await page.get_by_role("button", name="Back to now").click()
    await expect(page.locator(".why > p").first).to_contain_text("The vault rose from Overcast to Thaw")


async def told_at(route):
    answer = await route.fetch()
    await route.fulfill(json=await answer.json() | {"explanation": "/api/editions/x/1/tokens/1/explanation"})
