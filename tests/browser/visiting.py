"""Visitors for the browser tests: a page that notes what none may do, and a reader who knows the rules of access."""

import json
import shutil
from contextlib import asynccontextmanager
from functools import cache
from pathlib import Path

import pytest

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
AXE = Path(__file__).parent / "axe" / "node_modules" / "axe-core" / "axe.min.js"
ABSENT = "axe-core is not installed: npm ci --prefix tests/browser/axe"


@asynccontextmanager
async def visiting(browser, **context):
    """A page in a fresh context: errors in its console or code, breaches of its policy, and requests to any host but
    the first that it asked fail the test. `faults` and `hosts` may be emptied by a test that expects some; what
    holds one of the words in `expected` is none, whenever it comes."""
    context = await browser.new_context(
        **({"viewport": {"width": 1440, "height": 900}, "color_scheme": "dark"} | context)
    )
    page = await context.new_page()
    page.faults, page.hosts, page.expected = faults, hosts, expected = [], set(), set()
    page.on("pageerror", lambda error: faults.append(str(error)))
    page.on("console", lambda message: message.type == "error" and faults.append(message.text))
    page.on("request", lambda request: hosts.add("/".join(request.url.split("/")[:3])))
    try:
        yield page
    finally:
        await context.close()
    left = [fault for fault in faults if not any(word in fault for word in expected)]
    assert left == [], left
    assert len(hosts - {"data:", "about:"}) <= 1, hosts


@cache
def _axe():
    return AXE.read_text()


async def faults_of_access(page, only=None):
    """What axe-core finds moderate or worse on the page as it stands, by all its rules or by those: (rule, elements).

    Skips the test where axe-core is not installed.
    """
    if not AXE.is_file():
        pytest.skip(ABSENT)
    if not await page.evaluate("'axe' in window"):
        await page.evaluate(_axe())
    rules = {"resultTypes": ["violations"], **({"runOnly": only} if only else {})}
    found = json.loads(
        await page.evaluate("rules => axe.run(rules).then(result => JSON.stringify(result.violations))", rules)
    )
    return [(one["id"], [node["html"][:160] for node in one["nodes"]][:4]) for one in found if one["impact"] != "minor"]
