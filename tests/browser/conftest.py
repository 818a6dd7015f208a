"""The gallery served to Debian's Chromium."""

from types import SimpleNamespace

import pytest
import pytest_asyncio
from aiohttp import web
from playwright.async_api import async_playwright

from node.content.store import BlockStore
from node.web.app import create_app

from .exhibition import COLLECTION, WAD, Exhibition, Show, history
from .visiting import CHROMIUM, visiting


@pytest.fixture
def slow_vault(tmp_path):
    """Daily history of a credit vault, thresholds each per cent."""
    store = BlockStore(tmp_path / "blocks")
    thresholds = [n * WAD // 100 for n in range(1, 6)]
    text = "Six views of one valley, tied to a credit vault. They brighten as it earns, a little with each per cent."
    return Show(store, 1, "Slow Weather", history("pareto-falconx-2025-2026.csv"), thresholds, WAD // 1000, text)


@pytest.fixture
def fast_vault(tmp_path):
    """Hourly history around a crash, with one wick that must not count."""
    store = BlockStore(tmp_path / "blocks")
    thresholds = [-3 * WAD // 100, -WAD // 100, WAD // 1000, WAD // 400]
    text = "Tied to a liquidity vault on the night of a crash. One false reading, and nothing moved."
    rows = history("yieldbasis-cbbtc-2025-10-10.csv")
    return Show(store, 2, "Night Watch", rows, thresholds, WAD // 5000, text)


@pytest.fixture(autouse=True)
def _no_disk_barriers(monkeypatch):
    """Durability is the block store's own test; here it would only be waiting."""
    monkeypatch.setattr("os.fsync", lambda _: None)


@pytest_asyncio.fixture(loop_scope="session")
async def gallery(request, slow_vault, fast_vault):
    """The application on a free local port: `.url`, `.token` and `.verify` of the first work, `.source`, `.stop()`, ...

    As a parameter: whether visitors may name an endpoint of their own.
    """
    slow_vault.advance(120)
    fast_vault.advance(20)
    source = Exhibition(slow_vault, fast_vault)
    app = create_app(source, slow_vault.store, visitor_rpc=getattr(request, "param", False))
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    port = runner.addresses[0][1]
    yield SimpleNamespace(
        url=f"http://127.0.0.1:{port}",
        token=f"http://127.0.0.1:{port}/token/{COLLECTION}/1000001",
        verify=f"http://127.0.0.1:{port}/verify/{COLLECTION}/1000001",
        source=source,
        slow=slow_vault,
        fast=fast_vault,
        stop=runner.cleanup,
    )
    await runner.cleanup()


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
