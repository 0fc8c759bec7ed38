"""Many runs: found by a search that says what can be written, and done something with, many at once."""

import json
from pathlib import Path

from browsing import Watched
from playwright.async_api import expect
from test_journeys import publish, start_a_run

STILL = 0.002
"""Words that change in their place; one row that is pushed down by another is several times as much."""
SLOW = "tegu: 1\nname: slow\ninput: content\nstages:\n  hold: {uses: wait, with: {seconds: 3600}}\n"


async def _start(tab: Watched, pipeline: str, number: int) -> None:
    """By the interface that the page itself uses."""
    for index in range(number):
        headers = {"origin": tab.url}
        note = {"text": f"Crate {index} of {pipeline} arrived broken.", "name": f"{pipeline}-{index}.txt"}
        stored = await tab.page.request.post(f"{tab.url}/api/contents", data=note, headers=headers)
        body = {"pipeline": pipeline, "content_ids": [(await stored.json())["content"]["id"]]}
        answer = await tab.page.request.post(f"{tab.url}/api/runs", data=body, headers=headers)
        assert answer.ok, await answer.text()


async def test_runs_are_searched_for_and_many_are_ended_at_once(watched: Watched, tmp_path: Path) -> None:
    page = watched.page
    await start_a_run(watched, tmp_path)
    await publish(watched, SLOW)
    await _start(watched, "slow", 3)
    await watched.go("/runs")
    await expect(page.get_by_role("link", name="note.txt")).to_be_visible()
    await page.keyboard.press("/")
    await page.keyboard.type("pip")
    await page.keyboard.press("ArrowDown")
    await page.keyboard.press("Enter")
    await page.keyboard.type("sl")
    await page.get_by_role("option", name="slow").click()
    await expect(page.locator(".runs tbody tr")).to_have_count(3)
    settled_ms = await watched.now_ms()
    await _start(watched, "slow", 1)
    await page.get_by_role("button", name="1 new run").wait_for()
    assert await watched.shift(settled_ms) < STILL  # it is told of, and no row gave way to it
    await page.get_by_role("button", name="1 new run").click()
    await expect(page.locator(".runs tbody tr")).to_have_count(4)
    await page.keyboard.press("Escape")
    await page.keyboard.press("Escape")
    for key in "jxjx":
        await page.keyboard.press(key)
    await expect(page.get_by_role("region", name="Selected runs")).to_contain_text("2 runs")
    await page.get_by_role("button", name="Select all 4 matching").click()
    await page.get_by_role("button", name="Retry").click()
    dialog = page.get_by_role("dialog")
    await dialog.get_by_role("button", name="Retry").click()
    await expect(dialog).to_contain_text("4 has not failed")
    await dialog.get_by_role("button", name="Close").click()
    await page.get_by_role("button", name="Cancel", exact=True).click()
    await dialog.get_by_role("button", name="Cancel runs").click()
    await expect(dialog).to_contain_text("Done with 4.")
    await dialog.get_by_role("button", name="Close").click()
    await page.get_by_role("link", name="cancelled 4").click()
    await expect(page.get_by_role("combobox", name="Search runs")).to_have_value(
        "status:cancelled pipeline:slow"
    )
    await expect(page.locator(".runs tbody tr")).to_have_count(4)
    async with page.expect_download() as downloading:
        await page.get_by_role("button", name="JSON").click()
    saved = json.loads((await (await downloading.value).path()).read_text("utf-8"))
    assert {run["status"] for run in saved} == {"cancelled"}
    async with page.expect_download() as downloading:
        await page.get_by_role("link", name="CSV").click()
    rows = (await (await downloading.value).path()).read_text("utf-8").splitlines()
    assert len(rows) == 1 + len(saved)
    assert (watched.foreign, watched.errors) == ([], [])
