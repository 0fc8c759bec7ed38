"""The admin: whatever the service has and does, made from its own description."""

from pathlib import Path

from browsing import Watched
from playwright.async_api import expect
from test_journeys import start_a_run


async def test_whatever_the_service_has_and_does_is_in_the_admin(watched: Watched) -> None:
    page = watched.page
    await watched.go("/admin")
    await page.get_by_role("link", name="service accounts").click()
    await page.get_by_role("button", name="create").click()
    dialog = page.get_by_role("dialog", name="service accounts create")
    await dialog.get_by_role("button", name="create").click()
    await expect(dialog.get_by_role("alert")).to_be_visible()  # what is missing is said
    await dialog.get_by_label("name").fill("importer")
    await dialog.get_by_label("role").select_option(label="editor")
    await dialog.get_by_role("button", name="create").click()
    await expect(dialog).to_contain_text("Done.")
    await dialog.get_by_role("button", name="Close").click()
    await page.get_by_role("button", name="Details of importer").click()
    shown = page.get_by_role("dialog", name="importer").get_by_role("definition")
    await expect(shown.filter(has_text="editor")).to_be_visible()
    await watched.go("/admin/models")  # what settings lists
    await expect(page.get_by_role("row", name="rules").first).to_be_visible()
    await watched.go("/admin/audit")
    await expect(
        page.get_by_role("region", name="People").get_by_role("link", name="audit")
    ).to_be_in_viewport()
    await expect(page.get_by_role("cell", name="service_accounts.create")).to_be_visible()


async def test_one_goes_from_a_run_to_what_names_it_and_to_what_it_names(
    watched: Watched, tmp_path: Path
) -> None:
    page = watched.page
    await start_a_run(watched, tmp_path)
    await page.get_by_role("link", name="note.txt").click()
    await expect(page.locator("h1")).to_contain_text("completed")
    await watched.go("/admin/runs")
    await expect(page.get_by_role("row", name="completed")).to_be_visible()
    await page.keyboard.press("j")
    await page.keyboard.press("Enter")
    await page.get_by_role("navigation", name="Related").get_by_role("link", name="stage runs").click()
    await expect(page.get_by_role("row", name="summary")).to_contain_text("completed")
    await page.get_by_role("button", name="Details of").click()
    await page.get_by_role("dialog").get_by_role("link", name="note", exact=True).click()
    await expect(page.locator("h1")).to_contain_text("note")  # its pipeline
    await watched.go("/admin/contents")
    await page.get_by_role("button", name="Details of note.txt").click()
    await expect(page.locator(".json-tree")).to_contain_text("text/plain")
    await watched.go("/admin/runs?filters=" + '{"status":"failed"}')
    await expect(page.locator("main")).to_contain_text("No matches")
    await page.get_by_role("button", name="Remove the filter status").click()
    await expect(page.get_by_role("row", name="completed")).to_be_visible()
    assert (watched.foreign, watched.errors) == ([], [])
