"""A service with the built application, and a browser that is signed in to it."""

import shutil
from collections.abc import AsyncGenerator
from pathlib import Path

import pytest
from browsing import OWNER, Service, Watched, tab_of
from playwright.async_api import Browser, async_playwright, expect

from tegu.interfaces.web.pages import is_built
from tegu.testing.scripted import Json, Reply, ScriptedProvider

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
MODEL = "openai:gpt-5-mini"
expect.set_options(timeout=30_000)  # other tests use the machine too
SUMMARY = "Three crates arrived broken; Anna asks for a refund of them. "


@pytest.fixture
async def chromium() -> AsyncGenerator[Browser]:
    """Debian's or another."""
    if CHROMIUM is None:
        pytest.skip("no Chromium on this machine: apt-get install chromium")
    if not is_built():
        pytest.skip("the web application is not built: `make ui`")
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield browser
        await browser.close()


@pytest.fixture
async def provider() -> AsyncGenerator[ScriptedProvider]:
    """Models that answer with a summary, a piece at a time."""
    async with ScriptedProvider(
        lambda _: Reply(Json({"summary": SUMMARY * 4}), piece_delay_s=0.05)
    ) as server:
        yield server


@pytest.fixture
async def service(
    process_environment: dict[str, str], tmp_path: Path, provider: ScriptedProvider
) -> AsyncGenerator[Service]:
    """Served, with a worker."""
    models = {
        "OPENAI_API_KEY": "sk-of-a-test",
        "OPENAI_BASE_URL": provider.base_url("openai"),
        "TEGU_MODEL": MODEL,
    }
    served = Service(process_environment | models | {"TEGU_OWNER": OWNER}, tmp_path)
    await served.start()
    yield served
    await served.kill()


@pytest.fixture
async def watched(chromium: Browser, service: Service) -> AsyncGenerator[Watched]:
    """A tab of somebody who signed in, as the owner."""
    async with tab_of(chromium, service) as tab:
        await tab.page.goto(service.link)
        await tab.page.get_by_role("button", name="Sign in").click()
        await tab.page.wait_for_url("**/inbox")
        yield tab
