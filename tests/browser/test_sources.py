"""The source beside what was read from it, both ways: pages of a PDF as they are printed, e-mails as cards."""

from browsing import Watched
from playwright.async_api import Locator, expect


async def _read(tab: Watched, chosen: str, pipeline: str) -> None:
    """A sample is run by the rules."""
    page = tab.page
    await tab.go("/inbox")
    await page.get_by_role("checkbox", name=chosen).check()
    await page.get_by_label("Pipeline", exact=True).select_option(pipeline)
    await page.get_by_label("Model").select_option("rules")
    await expect(page.get_by_role("status", name="Estimate")).to_contain_text("$0.00")  # rules cost nothing
    await page.get_by_role("button", name="Start").click()
    await page.locator("main").get_by_role("link", name=chosen).first.click()
    await expect(page.locator("h1")).to_contain_text("completed")


def _row(tab: Watched, label: str) -> Locator:
    return tab.page.locator(".field-row").filter(has=tab.page.get_by_text(label, exact=True))


async def test_values_and_the_places_that_they_were_read_from_light_up_together(watched: Watched) -> None:
    page = watched.page
    await page.get_by_role("button", name="Add the samples").click()
    await expect(page.get_by_role("checkbox", name="contract.md")).to_be_visible()
    await _read(watched, "invoice.pdf", "document_extraction")
    await expect(page.get_by_role("img", name="Page 1, as printed")).to_be_visible()
    await _row(watched, "total").click()
    await expect(page.locator(".lit[data-chosen]")).to_be_in_viewport()
    await page.locator(".lit:not([data-chosen])").first.hover()
    await expect(_row(watched, "total")).to_have_attribute("aria-pressed", "false")
    await expect(page.locator(".field-row[aria-pressed=true]")).to_be_in_viewport()
    await page.get_by_role("button", name="Text", exact=True).click()
    await _row(watched, "total").click()
    await expect(page.locator("mark[data-chosen]").last).to_contain_text("186.40")
    await _read(watched, "Charged twice", "email_analysis")
    await _row(watched, "dates / 1").click()
    await expect(page.locator("mark[data-chosen]").first).to_have_text("2026-03-09")
    await page.get_by_text("What it quotes").last.click()
    await expect(page.locator(".unread pre").first).to_be_visible()
    assert (watched.foreign, watched.errors) == ([], [])
