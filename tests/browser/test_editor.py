"""The editor of pipelines: what is drawn is what is written, is tried before it is published, and can be gone back from."""

import json
import re
from pathlib import Path

from browsing import Watched
from playwright.async_api import expect
from test_journeys import NOTE

from tegu.testing.scripted import ScriptedProvider

COMMENTED = """# Notes, as the desk calls them.
tegu: 1
name: note
input: content
stages:
  summary: {uses: summarize} # two sentences
"""


async def a_sample(tab: Watched, tmp_path: Path) -> None:
    """A file in the inbox."""
    (tmp_path / "note.txt").write_text(NOTE)
    await tab.go("/inbox")
    await tab.page.get_by_label("Files to add").set_input_files(tmp_path / "note.txt")
    await expect(tab.page.get_by_role("checkbox", name="note.txt")).to_be_visible()


def _holds(part: str) -> re.Pattern[str]:
    return re.compile(re.escape(part))


async def test_a_pipeline_is_drawn_by_keys_mended_tried_published_and_gone_back_to(
    watched: Watched, tmp_path: Path
) -> None:
    page = watched.page
    await a_sample(watched, tmp_path)
    await watched.go("/pipelines/new")
    stages = page.get_by_role("list", name="Stages")
    text = page.get_by_label("The pipeline as YAML")
    await stages.locator("[data-stage=summary]").focus()
    await page.keyboard.press("a")
    await page.get_by_label("Search stage kinds").fill("label")
    await expect(page.get_by_role("button", name="the one label that fits best")).to_be_visible()
    await page.keyboard.press("Enter")
    await expect(stages.locator("[data-stage=classify]")).to_be_focused()
    await expect(text).to_have_value(_holds("    inputs: [source, summary]"))
    # What is wrong stands at the stage, in the list and beside its line, and each leads to the others.
    await page.get_by_role("button", name="Problem in classify").click()
    await expect(text).to_be_focused()
    await expect(page.get_by_role("button", name="Publish", exact=True)).to_have_attribute(
        "aria-disabled", "true"
    )
    await page.get_by_role("button", name="Add a row").click()
    await page.get_by_label("Name 1").fill("refund")
    await page.get_by_label("Kind of refund").fill("asks for money back")
    await expect(page.locator("#problems li")).to_have_count(0)
    # To the first stage: the second is not asked.
    await stages.locator("[data-stage=summary]").focus()
    await expect(page.get_by_text("no problems")).to_be_visible()
    await page.keyboard.press("x")
    await expect(page.locator(".outcome")).to_contain_text("completed")
    await expect(page.locator(".drawer")).to_contain_text("Three crates arrived broken")
    await expect(stages.get_by_role("listitem").first).to_have_attribute("data-status", "completed")
    await page.get_by_role("button", name="Publish", exact=True).click()
    await expect(page.get_by_role("dialog", name="Publish my_pipeline?")).to_contain_text("classify")
    await page.keyboard.press("Enter")
    await page.wait_for_url("**/pipelines/my_pipeline")
    await expect(page.locator(".head")).to_contain_text("v1, current")  # what was tried has no number
    # Without the second stage it is another version; undone, it is none.
    await stages.locator("[data-stage=classify]").focus()
    await page.keyboard.press("Delete")
    await expect(stages.get_by_role("listitem")).to_have_count(1)
    await page.keyboard.press("Control+z")
    await expect(stages.get_by_role("listitem")).to_have_count(2)
    await page.keyboard.press("Control+Shift+z")
    await expect(page.locator(".changes")).to_contain_text("classify")
    await page.get_by_role("button", name="Publish", exact=True).click()
    await expect(page.get_by_role("dialog")).to_contain_text("removed")
    await page.keyboard.press("Enter")
    await expect(page.locator(".head")).to_contain_text("v2, current")  # which is what was tried
    await page.get_by_role("button", name="Roll back to v1").click()
    await expect(page.get_by_role("dialog")).to_contain_text("added")
    await page.keyboard.press("Enter")
    await expect(stages.locator("[data-stage=classify]")).to_be_visible()
    assert (watched.foreign, watched.errors) == ([], [])


async def test_a_stage_runs_alone_on_what_somebody_writes_for_it(
    watched: Watched, provider: ScriptedProvider, tmp_path: Path
) -> None:
    page = watched.page
    await a_sample(watched, tmp_path)
    await watched.go("/pipelines/new")
    text = page.get_by_label("The pipeline as YAML")
    await text.fill(COMMENTED + "  brief: {uses: summarize, inputs: [summary]}\n")
    await page.locator("[data-stage=brief]").focus()
    alone = page.get_by_role("button", name="Run alone")
    await expect(alone).to_have_attribute("aria-disabled", "true")
    await expect(page.get_by_text("no problems")).to_be_visible()
    await page.keyboard.press("x")
    outcome = page.locator(".outcome")
    await expect(outcome).to_contain_text("completed")
    first = str(await outcome.get_by_role("link").get_attribute("href"))
    asked = len(provider.ledger)
    await alone.click()
    dialog = page.get_by_role("dialog", name="Run brief alone")
    await expect(dialog.get_by_label("summary")).to_have_value(_holds("Three crates arrived broken"))
    await dialog.get_by_label("summary").fill("summary: [1")
    await expect(dialog).to_contain_text("Not valid YAML")
    await dialog.get_by_label("summary").fill("summary: Nine barrels leak.")
    await dialog.get_by_role("button", name="Run", exact=True).click()
    await expect(outcome.get_by_role("link")).not_to_have_attribute("href", first)
    await expect(outcome).to_contain_text("completed")
    # Only this stage was asked for, and it read what was written.
    (only,) = provider.ledger[asked:]
    assert "Nine barrels leak." in json.dumps(only.body)
    assert (watched.foreign, watched.errors) == ([], [])


async def test_canvas_and_text_are_one_and_nothing_is_lost_on_a_reload(watched: Watched) -> None:
    page = watched.page
    await watched.go("/pipelines/new")
    text = page.get_by_label("The pipeline as YAML")
    await text.fill(COMMENTED)
    node = page.locator("[data-stage=summary]")
    # A name that is changed by the form changes in the text, and nothing around it.
    await node.focus()
    await page.keyboard.press("F2")
    await page.get_by_label("Name", exact=True).fill("brief")
    await page.keyboard.press("Enter")
    await expect(text).to_have_value(COMMENTED.replace("summary:", "brief:"))
    # A line is drawn with the mouse, to where it is let go.
    await page.locator("[data-stage=brief]").focus()
    await page.keyboard.press("d")
    await expect(page.locator("[data-stage=brief_copy]")).to_be_visible()
    await page.locator("[data-target=brief] .port").hover()
    await page.mouse.down()
    await page.locator("[data-target=brief_copy]").hover()
    await page.mouse.up()
    await expect(text).to_have_value(_holds("inputs: [source, brief]"))
    # Where a stage was put, by the mouse or by keys, it stays when the page is left; until the layout is to make itself again.
    node = page.locator("[data-target=brief]")
    laid = str(await node.get_attribute("style"))
    await page.locator("[data-stage=brief]").focus()
    await page.keyboard.press("Shift+ArrowDown")
    await expect(node).not_to_have_attribute("style", laid)
    put = str(await node.get_attribute("style"))
    await watched.go("/runs")
    await watched.go("/pipelines/new")
    await expect(node).to_have_attribute("style", put)
    await page.get_by_role("button", name="Arrange again").click()
    await expect(node).to_have_attribute("style", laid)
    # What cannot be read leaves the drawing as it was; and what was written is there after a reload.
    await text.fill("stages: [1")
    await expect(page.get_by_role("alert")).to_contain_text("The text cannot be read")
    await expect(page.locator("[data-stage=brief_copy]")).to_be_visible()
    await text.fill(COMMENTED)
    await page.reload()
    await expect(text).to_have_value(COMMENTED)
    await expect(page.get_by_text("This is an unpublished draft")).to_be_visible()
    await page.get_by_role("button", name="Discard draft").click()
    await expect(text).not_to_have_value(COMMENTED)
    assert (watched.foreign, watched.errors) == ([], [])
