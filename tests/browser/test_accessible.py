"""Every page for everybody: no violation that axe finds, light and dark, wide and narrow; nothing that needs sideways scrolling."""

from pathlib import Path
from typing import Any

import pytest
from browsing import Watched
from playwright.async_api import Frame, Page, expect
from test_journeys import start_a_run

AXE = Path(__file__).parents[2] / "ui" / "node_modules" / "axe-core" / "axe.min.js"
RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]


async def violations(tab: Watched) -> list[str]:
    """What axe finds on a page."""
    return await violations_in(tab.page)


async def violations_in(place: Page | Frame) -> list[str]:
    """What axe finds, a line each with where it is."""
    await place.evaluate(AXE.read_text("utf-8"))
    found: dict[str, Any] = await place.evaluate("rules => axe.run({ runOnly: rules })", RULES)
    return [
        f"{each['id']}: {node['html'][:200]} {node['failureSummary'][:300]}"
        for each in found["violations"]
        for node in each["nodes"]
    ]


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("width", [1380, 360])
async def test_every_page_is_accessible(watched: Watched, tmp_path: Path, theme: str, width: int) -> None:
    page = watched.page
    await page.emulate_media(color_scheme="dark" if theme == "dark" else "light", reduced_motion="reduce")
    await start_a_run(watched, tmp_path)
    await page.get_by_role("link", name="note.txt").wait_for()
    await page.set_viewport_size({"width": width, "height": 860})
    found = {"inbox": await violations(watched)}
    await page.get_by_role("link", name="note.txt").click()
    await expect(page.locator("h1")).to_contain_text("completed")
    found["run"] = await violations(watched)
    await page.get_by_role("group", name="Stages of the run").get_by_role("button", name="summary").click()
    await expect(page.locator(".calls")).to_be_visible()
    found["stage"] = await violations(watched)
    await page.keyboard.press("r")
    found["fork"] = await violations(watched)
    for path, shown in (
        ("/costs?by=stage", "row"),
        ("/admin/runs", "row"),
        ("/pipelines/note", "textbox"),
        ("/pipelines/note?version=1", "region"),
        ("/compare", "combobox"),
        ("/status", "heading"),
        ("/admin/keys", "heading"),
        ("/settings/profile", "row"),
        ("/settings/members", "row"),
        ("/settings/keys", "heading"),
        ("/settings/models", "row"),
        ("/settings/webhooks", "heading"),
        ("/settings/budgets", "spinbutton"),
        ("/settings/privacy", "radio"),
        ("/settings/audit", "row"),
    ):
        await watched.go(path)
        await page.locator("main").get_by_role(shown).first.wait_for()  # pyright: ignore[reportArgumentType] (roles)
        found[path] = await violations(watched)
    await watched.go("/pipelines/note")
    await page.locator("[data-stage=summary]").click()
    await page.get_by_text("Conditions, retries and failure").click()
    found["editor"] = await violations(watched)
    await page.keyboard.press("a")
    await expect(page.get_by_role("dialog")).to_contain_text("the one label that fits best")
    found["palette"] = await violations(watched)
    await watched.go("/admin/runs")
    await page.get_by_role("button", name="Details of").click()
    await page.locator(".json-tree").wait_for()
    found["/admin/runs/ID"] = await violations(watched)
    await watched.go("/runs")
    await expect(page.get_by_role("link", name="note.txt")).to_be_visible()
    found["runs"] = await violations(watched)
    await page.keyboard.press("?")
    found["keys"] = await violations(watched)
    assert {where: each for where, each in found.items() if each} == {}
    for path in (
        "/inbox",
        "/runs",
        "/costs",
        "/admin/runs",
        "/pipelines",
        "/pipelines/note",
        "/status",
        "/settings/profile",
        "/settings/members",
        "/settings/budgets",
    ):
        await watched.go(path)
        await page.locator("main").wait_for()
        assert await page.evaluate(
            "document.documentElement.scrollWidth <= document.documentElement.clientWidth"
        )
