"""The gallery served to Debian's Chromium."""

from contextlib import asynccontextmanager
from types import SimpleNamespace

import pytest
import pytest_asyncio
from aiohttp import web
from playwright.async_api import async_playwright

from node.content.store import BlockStore
from node.web.app import create_app

from .exhibition import COLLECTION, WAD, Exhibition, Show, history
from .visiting import CHROMIUM, visiting


def slow_vault(folder):
    """Daily history of a credit vault, thresholds each per cent."""
    store = BlockStore(folder / "blocks")
    thresholds = [n * WAD // 100 for n in range(1, 6)]
    text = "Six views of one valley, tied to a credit vault. They brighten as it earns, a little with each per cent."
    return Show(store, 1, "Slow Weather", history("pareto-falconx-2025-2026.csv"), thresholds, WAD // 1000, text)


def fast_vault(folder):
    """Hourly history around a crash, with one wick that must not count."""
    store = BlockStore(folder / "blocks")
    thresholds = [-3 * WAD // 100, -WAD // 100, WAD // 1000, WAD // 400]
    text = "Tied to a liquidity vault on the night of a crash. One false reading, and nothing moved."
    rows = history("yieldbasis-cbbtc-2025-10-10.csv")
    return Show(store, 2, "Night Watch", rows, thresholds, WAD // 5000, text)


@asynccontextmanager
async def hung(folder, *, visitor_rpc=False):
    """Two editions served on a free local port: `.url`, `.token` and `.verify` of the first work, `.source`, ..."""
    slow, fast = slow_vault(folder), fast_vault(folder)
    slow.advance(120)
    fast.advance(20)
    source = Exhibition(slow, fast)
    app = create_app(source, slow.store, visitor_rpc=visitor_rpc)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    url = f"http://127.0.0.1:{runner.addresses[0][1]}"
    yield SimpleNamespace(
        url=url,
        token=f"{url}/token/{COLLECTION}/1000001",
        verify=f"{url}/verify/{COLLECTION}/1000001",
        source=source,
        slow=slow,
        fast=fast,
        stop=runner.cleanup,
    )
    await runner.cleanup()


@pytest.fixture(autouse=True)
def _no_disk_barriers(monkeypatch):
    """Durability is the block store's own test; here it would only be waiting."""
    monkeypatch.setattr("os.fsync", lambda _: None)


@pytest_asyncio.fixture(loop_scope="session")
async def gallery(tmp_path):
    """A gallery of a test's own, to be changed at will; see `hung`."""
    async with hung(tmp_path) as found:
        yield found


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def browser():
    """One Chromium for all tests, with a profile of its own that is thrown away."""
    if CHROMIUM is None:
        pytest.skip("chromium is not installed: the browser tests need Debian's package of that name")
    quiet = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update"]
    async with async_playwright() as playwright:
        found = await playwright.chromium.launch(
            executable_path=CHROMIUM, args=[*quiet, "--disable-sync", "--no-first-run"]
        )
        yield found
        await found.close()


@pytest_asyncio.fixture(loop_scope="session")
async def page(browser, gallery):
    """A page in a fresh context, wide and dark; see `visiting` for what it may not do."""
    async with visiting(browser) as found:
        yield found
