"""Every page, one after the other: nothing that the policy refuses, nothing from elsewhere, nothing that jumps, nothing too wide."""

from pathlib import Path

import pytest
from browsing import Watched
from playwright.async_api import expect
from test_journeys import start_a_run

from tegu.interfaces.web.pages import PAGES

SETTINGS = ("profile", "members", "keys", "models", "webhooks", "budgets", "privacy", "audit")
OF_SIGNING_IN = ("/auth/account", "/auth/mailbox", "/auth/sign-in")
SHIFT_MAX = 0.05
"""Half of what is called good, also where a busy machine shows the parts of a page one by one."""
TOO_WIDE = "document.documentElement.scrollWidth - document.documentElement.clientWidth"


@pytest.mark.parametrize("width", [1380, 360])
async def test_pages_keep_to_their_policy_and_their_places(
    watched: Watched, tmp_path: Path, width: int
) -> None:
    page = watched.page
    await start_a_run(watched, tmp_path)
    await page.get_by_role("link", name="note.txt").click()
    await expect(page.locator("h1")).to_contain_text("completed")
    run = page.url.rpartition("/")[2].partition("?")[0]
    await watched.go("/admin")
    nouns = page.get_by_role("navigation", name="Resources").get_by_role("link")
    await nouns.first.wait_for()
    paths = [f"/{each}" for each in PAGES if each not in {"admin", "settings"}]
    paths += [
        f"/runs/{run}",
        "/pipelines/note",
        "/pipelines/new",
        f"/admin/runs/{run}",
        f"/compare?a={run}&b={run}",
    ]
    paths += [f"/settings/{each}" for each in SETTINGS]
    paths += [str(await each.get_attribute("href")) for each in await nouns.all()]
    await page.set_viewport_size({"width": width, "height": 860})
    shifts: dict[str, float] = {}
    wide: dict[str, int] = {}
    for path in (*paths, *OF_SIGNING_IN):
        await watched.go(path)
        await page.locator("main").first.wait_for()
        await expect(page.locator("main [aria-busy=true]")).to_have_count(0)
        shifts[path] = await watched.shift()
        wide[path] = await page.evaluate(TOO_WIDE)
    assert {path: shift for path, shift in shifts.items() if shift > SHIFT_MAX} == {}
    assert {path: pixels for path, pixels in wide.items() if pixels > 0} == {}
    assert (watched.foreign, watched.errors) == ([], [])
