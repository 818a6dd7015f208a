"""The network page and the operator's page in Chromium: live, for the right eyes alone; all that is said stays text."""

from types import SimpleNamespace

import pytest
import pytest_asyncio
from aiohttp import web
from playwright.async_api import expect

from node.content.store import BlockStore
from node.keys.secrets import Secret
from node.web.app import create_app
from node.web.doors import Doors
from node.web.guard import Guard
from node.web.source import Readiness
from tests.sources import Network, Operation, address, figures, landed, line, member, network_view, transaction

from .visiting import faults_of_access, visiting

pytestmark = pytest.mark.asyncio(loop_scope="session")

TOKEN = "ba5eba11" * 8
HOSTILE = "<img src=x onerror=\"document.title='broken'\"><script>alert(1)</script>"
PROXIED = {"extra_http_headers": {"X-Forwarded-For": "203.0.113.9"}}
REASON = {
    "code": "no-broker",
    "meaning": "No MQTT broker hands on what this node publishes.",
    "remedy": "Look at each broker's error.",
    "urgency": "warning",
}


class Nothing:
    """A gallery with bare walls."""

    revision = 1

    async def changed(self, since):
        import asyncio

        await asyncio.Event().wait()

    def editions(self):
        return []

    def readiness(self):
        return Readiness(ready=True)

    def status(self):
        return figures()


@pytest_asyncio.fixture(loop_scope="session")
async def node(request, tmp_path):
    """A node's pages: `.url`, `.port`, `.network`, `.operation`. As a parameter: its token."""
    network, operation, doors = Network(), Operation(), Doors()
    token = getattr(request, "param", None)
    guard = Guard(None if token is None else Secret(token))
    app = create_app(Nothing(), BlockStore(tmp_path), network=network, operator=operation, guard=guard, doors=doors)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=1)
    await runner.setup()
    await doors.site(runner, "127.0.0.1", 0).start()
    port = runner.addresses[0][1]
    yield SimpleNamespace(url=f"http://127.0.0.1:{port}", port=port, network=network, operation=operation)
    await runner.cleanup()


async def enter(page, url):
    await page.goto(url)
    await expect(page.locator("#pulse")).to_have_attribute("data-state", "live")


async def test_operator__figures_change__shown_without_a_reload(browser, node):
    async with visiting(browser) as page:
        await enter(page, f"{node.url}/operator")
        await expect(page.get_by_role("heading", level=1)).to_have_text("north")
        await expect(page.locator("#reasons")).to_contain_text("Nothing keeps this node from its work")
        await expect(page.get_by_role("progressbar")).to_have_attribute("value", "3")
        node.operation.figures = figures(reasons=[REASON], name="south")
        await expect(page.get_by_role("heading", level=1)).to_have_text("south")
        await expect(page.locator("#reasons")).to_contain_text("No MQTT broker hands on")
        await expect(page.locator("#reasons")).to_contain_text("Look at each broker's error.")
        await expect(page.locator("#announcer")).to_contain_text("No MQTT broker")
        await expect(page).to_have_title("(1) south · Patina")
        node.operation.figures = figures()
        await expect(page.locator("#announcer")).to_have_text("The node does its work again.")


async def test_operator__log__follows_and_is_searched(browser, node):
    async with visiting(browser) as page:
        await enter(page, f"{node.url}/operator")
        lines = page.locator("#log li:visible")
        await expect(lines).to_have_count(2)
        node.operation.log += [line("a detail", "debug"), line("disk is full", "error", path="/srv")]
        await expect(lines).to_have_count(3)
        await page.get_by_label("From").select_option("warning")
        await expect(lines).to_have_count(2)
        await page.get_by_label("With").fill("/SRV")
        await expect(lines).to_have_count(1)
        await expect(lines).to_contain_text("disk is full")
        await expect(page.locator("#log-count")).to_have_text("1 line of 4")


async def test_operator__text_of_others__stays_text(browser, node):
    async with visiting(browser) as page:
        view = figures(name=HOSTILE)
        view["brokers"]["each"][1]["error"] = HOSTILE
        view["chain"]["endpoints"][1]["fault"] = HOSTILE
        view["staking"]["own"]["token"]["symbol"] = HOSTILE
        view["transactions"] = [transaction("report 7a 1 5 0", "sent", note=HOSTILE, waits_for=HOSTILE)]
        node.operation.figures = view
        node.operation.log = [line(HOSTILE, HOSTILE, **{HOSTILE: HOSTILE})]
        node.operation.settings["settings"] = {HOSTILE: {HOSTILE: HOSTILE}}
        await enter(page, f"{node.url}/operator")
        await page.get_by_text("Every setting in force").click()
        for place in ("#title", "#brokers", "#endpoints", "#stake", "#transactions", "#log", "#config"):
            await expect(page.locator(place)).to_contain_text("<script>alert(1)</script>")
        assert await page.locator("main img, main script").count() == 0
        assert await page.title() != "broken"


async def test_operator__setting__is_shown_when_asked_for(browser, node):
    async with visiting(browser) as page:
        await enter(page, f"{node.url}/operator")
        await page.get_by_text("Every setting in force").click()
        await expect(page.locator("#config")).to_contain_text("127.0.0.1")


async def test_operator__asked_under_another_name__is_refused(browser, node):
    """As a page would that rebinds its own name to this machine."""
    async with visiting(browser) as page:
        answer = await page.goto(f"http://evil.localhost:{node.port}/operator")
        assert answer.status == 403
        answer = await page.goto(f"http://evil.localhost:{node.port}/api/operator/overview")
        assert (answer.status, "north" in await answer.text()) == (403, False)
        page.expected.update(("403", "404"))  # refused, and the icon that a browser looks for beside it


async def test_operator__through_a_proxy__is_refused_and_not_named(browser, node):
    async with visiting(browser, **PROXIED) as page:
        assert (await page.goto(f"{node.url}/operator")).status == 403
        await enter(page, f"{node.url}/network")
        await expect(page.get_by_role("link", name="Operator")).to_have_count(0)
        page.expected.update(("403", "404"))  # refused, and the icon that a browser looks for beside it


async def test_operator__page_of_another_site__reads_nothing(browser, node):
    async with visiting(browser) as page:
        await page.goto(f"http://localhost:{node.port}/network")
        for path in ("overview", "events", "log"):
            said = await page.evaluate(
                "url => fetch(url, {mode: 'no-cors'}).then(answer => answer.type, error => 'refused')",
                f"{node.url}/api/operator/{path}",
            )
            assert said == "refused"
        page.expected.update(("403", "ERR_BLOCKED", "Content Security Policy"))
        page.hosts.clear()


@pytest.mark.parametrize("node", [TOKEN], indirect=True)
async def test_operator__token__opens_the_page_and_stays_in_the_tab(browser, node):
    async with visiting(browser, **PROXIED) as page:
        await page.goto(f"{node.url}/operator")
        token = page.get_by_label("Token")
        await expect(token).to_be_focused()
        await expect(page.locator("#room")).to_be_hidden()
        await token.fill("wrong")
        await page.keyboard.press("Enter")
        await expect(page.get_by_role("alert")).to_have_text("That is not the token of this node.")
        await token.fill(TOKEN)
        await page.get_by_role("button", name="Open").click()
        await expect(page.get_by_role("heading", level=1)).to_have_text("north")
        assert "?" not in page.url
        assert TOKEN not in page.url
        assert await page.evaluate("document.cookie + JSON.stringify(localStorage)") == "{}"
        assert TOKEN not in await page.content()
        page.expected.add("401")
        await page.reload()
        await expect(page.locator("#reasons")).to_contain_text("Nothing keeps this node from its work")
        await page.get_by_role("button", name="Forget the token").click()
        await expect(token).to_be_visible()
        assert await page.evaluate("sessionStorage.length") == 0


async def test_network__round_lands__is_shown_and_announced(browser, node):
    async with visiting(browser) as page:
        await enter(page, f"{node.url}/network")
        await expect(page.locator(".member")).to_have_count(4)
        rounds = page.locator("#round-list > li")
        await expect(rounds).to_have_count(6)
        await expect(rounds.first).to_contain_text("rendering")
        marks = rounds.nth(1).get_by_role("img")
        said = "Seats: observed by 1, 2, 3, 4; proposed by 3; signed by 1, 3, 4; sent by 1"
        await expect(marks).to_have_attribute("aria-label", said)
        node.network.show(network_view(rounds=[landed(1_240, band=3), *network_view().rounds[1:]]))
        await expect(rounds.first).to_contain_text("Band 2 → 4")
        await expect(page.locator("#announcer")).to_have_text("Feed 1, checkpoint 1240 landed: Band 2 → 4")


async def test_network__text_of_others__stays_text(browser, node):
    async with visiting(browser) as page:
        view = network_view(members=[member(0, state="leaving", address=HOSTILE)])
        node.network.show(view)
        await enter(page, f"{node.url}/network")
        await expect(page.locator(".member").first.locator(".member-who .mono")).to_have_attribute("title", HOSTILE)
        assert await page.locator("main img, main script").count() == 0


async def test_network__committee_of_the_owners_or_none__is_told_as_well(browser, node):
    plain = {"node": None, "operator": None, "bond": None, "state": None, "strikes": None, "eras": []}
    async with visiting(browser) as page:
        node.network.show(network_view(staking=None, members=[member(seat, **plain) for seat in range(4)]))
        await enter(page, f"{node.url}/network")
        await expect(page.locator("#plate")).to_contain_text("the owner's choice")
        await expect(page.locator(".member").first).not_to_contain_text("Bond")
        node.network.show(network_view(config=None, members=[], staking=None, rounds=[], since_block=None))
        await expect(page.locator("#lead")).to_contain_text("Nobody is seated")
        await expect(page.locator("#rounds-none")).to_be_visible()


@pytest.mark.parametrize("path", ["network", "operator"])
async def test_pages__any_visitor_dark_and_light__finds_no_fault_of_access(browser, node, path):
    many = [member(seat, address=address(seat + 17)) for seat in range(31)]
    node.network.show(network_view(members=many, rounds=[landed(1_200, seats=31, observers=list(range(31)))]))
    node.operation.figures = figures(reasons=[REASON, REASON | {"urgency": "critical", "code": "journal-too-old"}])
    async with visiting(browser, viewport={"width": 360, "height": 780}, reduced_motion="reduce") as page:
        await enter(page, f"{node.url}/{path}")
        await expect(page.locator("#plate > div").first).to_be_visible()
        assert await page.evaluate("document.documentElement.scrollWidth <= innerWidth")
        assert await faults_of_access(page) == []
        await page.emulate_media(color_scheme="light", reduced_motion="reduce")
        assert await faults_of_access(page, only=["color-contrast"]) == []
