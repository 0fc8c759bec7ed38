"""What people do with the web application, in a real browser: each journey from its beginning to what it is for."""

import re
from pathlib import Path

from browsing import Service, Watched
from playwright.async_api import Route, expect

PIPELINE = "tegu: 1\nname: note\ndescription: A note in two sentences.\ninput: content\nstages:\n  summary: {uses: summarize}\n"
REVIEWED = PIPELINE + "  check: {uses: review, inputs: [summary], with: {instructions: Is that right?}}\n"
SORTED = """tegu: 1
name: sorted
input: content
model: rules
stages:
  kind: {uses: classify, with: {labels: {refund: asks for money back, other: anything else}}}
  sorting: {uses: review, inputs: [kind], with: {instructions: Is it sorted right?}}
"""
STILL = 0.01
"""Figures that count up in their places; a panel that is pushed down by a line is several times as much."""
NOTE = "Three crates arrived broken.\nAnna asks for a refund of them.\n"


async def publish(tab: Watched, pipeline: str = PIPELINE) -> None:
    """A pipeline, by the interface that the page itself uses."""
    answer = await tab.page.request.post(
        f"{tab.url}/api/pipelines", data={"text": pipeline}, headers={"origin": tab.url}
    )
    assert answer.ok, await answer.text()


async def start_a_run(tab: Watched, tmp_path: Path, pipeline: str = PIPELINE) -> None:
    """From the inbox: a file is dropped, chosen, and run."""
    await a_file(tab, tmp_path, pipeline)
    await tab.page.get_by_role("button", name="Start").click()
    await tab.page.get_by_role(
        "link", name="note.txt"
    ).first.wait_for()  # who leaves sooner takes the request along


async def a_file(tab: Watched, tmp_path: Path, pipeline: str = PIPELINE) -> None:
    """In the inbox, dropped and chosen for the pipeline."""
    (tmp_path / "note.txt").write_text(NOTE)
    await publish(tab, pipeline)
    await tab.go("/inbox")
    await tab.page.get_by_label("Files to add").set_input_files(tmp_path / "note.txt")
    await tab.page.get_by_role("checkbox", name="note.txt").check()
    await tab.page.get_by_label("Pipeline", exact=True).select_option("note")


async def start_by_request(tab: Watched, pipeline: str, text: str) -> None:
    """The same without the page."""
    headers = {"origin": tab.url}
    stored = await tab.page.request.post(f"{tab.url}/api/contents", data={"text": text}, headers=headers)
    body = {"pipeline": pipeline, "content_ids": [(await stored.json())["content"]["id"]]}
    answer = await tab.page.request.post(f"{tab.url}/api/runs", data=body, headers=headers)
    assert answer.ok, await answer.text()


async def test_a_file_is_dropped_run_and_followed_until_its_answer_is_there(
    watched: Watched, tmp_path: Path
) -> None:
    page = watched.page
    await start_a_run(watched, tmp_path)
    await page.get_by_role("link", name="note.txt").click()
    await page.get_by_role("group", name="Stages of the run").get_by_role("button", name="summary").click()
    await expect(page.locator(".streamed")).to_contain_text("Three crates")  # while the model still speaks
    speaking_ms = await watched.now_ms()
    await expect(page.locator("h1")).to_contain_text("completed")
    assert await watched.shift(speaking_ms) < STILL
    await page.get_by_role("tab", name="Evidence").click()
    await expect(page.get_by_role("button", name="summary Three crates")).to_be_visible()
    await expect(page.locator(".source")).to_contain_text("Anna asks for a refund")
    assert (watched.foreign, watched.errors) == ([], [])


async def test_start_pressed_again_after_a_lost_answer_starts_nothing_twice(
    watched: Watched, tmp_path: Path
) -> None:
    page = watched.page
    await a_file(watched, tmp_path)

    async def lose(route: Route) -> None:
        await route.fetch()
        await route.abort()

    start = page.get_by_role("button", name="Start")
    await page.route("**/api/runs", lose, times=1)
    await start.click()
    await expect(page.get_by_role("alert")).to_contain_text("The service is not responding.")
    await start.click()
    await expect(page.locator(".toasts")).to_contain_text("Run started.")
    await page.get_by_role("link", name="Runs", exact=True).click()
    await expect(page.locator(".runs tbody tr")).to_have_count(1)


async def test_a_run_goes_on_before_ones_eyes_when_its_service_was_killed_in_the_middle(
    watched: Watched, service: Service, tmp_path: Path
) -> None:
    page = watched.page
    await start_a_run(watched, tmp_path)
    await page.get_by_role("link", name="note.txt").click()
    await expect(page.locator("h1")).to_contain_text("running")
    await service.kill()
    await expect(page.get_by_role("status").filter(has_text="reconnecting")).to_be_visible()
    await service.start()
    await expect(page.locator("h1")).to_contain_text("completed")
    assert watched.foreign == []


async def test_the_same_run_in_two_tabs_ends_in_both(watched: Watched, tmp_path: Path) -> None:
    await start_a_run(watched, tmp_path)
    other = await watched.page.context.new_page()
    await watched.page.get_by_role("link", name="note.txt").click()
    await other.goto(watched.page.url)
    for page in (watched.page, other):
        await expect(page.locator("h1")).to_contain_text("completed")


async def test_whoever_is_signed_out_is_asked_to_sign_in(watched: Watched) -> None:
    await watched.page.context.clear_cookies()
    await watched.go("/runs")
    await expect(watched.page).to_have_url(re.compile(r"/auth/sign-in\?next=runs$"))
    await expect(watched.page.locator('input[name="email"]')).to_be_visible()
    assert await watched.page.locator(".shell").count() == 0  # nothing of the page before is left


async def test_pages_are_reached_by_keys_and_the_keys_are_told(watched: Watched) -> None:
    page = watched.page
    await page.clock.set_fixed_time(0)  # however slow the machine is, one key comes right after the other
    await page.get_by_role("navigation", name="Pages").wait_for()
    await page.keyboard.press("g")
    await page.keyboard.press("r")
    await page.wait_for_url("**/runs")
    # By the application itself, which keeps what pages have read.
    for key, title in (("i", "Inbox"), ("r", "Runs"), ("v", "Review"), ("p", "Pipelines"), ("i", "Inbox")):
        await page.keyboard.press("g")
        await page.keyboard.press(key)
        await expect(page.locator("h1")).to_have_text(title)
        await expect(page.locator("main [aria-busy=true]")).to_have_count(0)
    await page.keyboard.press("?")
    await expect(page.get_by_role("dialog", name="Keyboard shortcuts")).to_contain_text("Go to Inbox")
    await page.keyboard.press("Escape")
    await expect(page.get_by_role("dialog", name="Keyboard shortcuts")).to_be_hidden()
    assert watched.errors == []


async def test_a_run_is_made_again_from_a_stage_with_other_instructions(
    watched: Watched, tmp_path: Path
) -> None:
    page = watched.page
    await start_a_run(watched, tmp_path)
    await page.get_by_role("link", name="note.txt").click()
    await expect(page.locator("h1")).to_contain_text("completed")
    first = page.url
    await page.keyboard.press("r")
    await page.get_by_label("Instructions").fill("One sentence only.")
    await page.get_by_role("button", name="Re-run", exact=True).click()
    await page.wait_for_url(lambda url: "/runs/" in url and url != first)
    await expect(page.locator(".head")).to_contain_text("re-run from summary of")
    await expect(page.locator("h1")).to_contain_text("completed")
    await page.get_by_role("link", name="Compare").click()
    await expect(page.get_by_role("region", name="Stages", exact=True)).to_contain_text("One sentence only.")
    assert (watched.foreign, watched.errors) == ([], [])


async def test_what_was_spent_is_told_by_stage(watched: Watched, tmp_path: Path) -> None:
    page = watched.page
    await start_a_run(watched, tmp_path)
    await page.get_by_role("link", name="note.txt").click()
    await expect(page.locator("h1")).to_contain_text("completed")
    await watched.go("/costs?by=stage")
    await expect(page.get_by_role("row", name="summary")).to_contain_text("$0.")
    assert watched.errors == []


async def test_a_pipeline_is_changed_published_and_gone_back_from(watched: Watched) -> None:
    page = watched.page
    await publish(watched)
    await watched.go("/pipelines")
    await page.get_by_role("link", name="note").click()
    document = page.get_by_label("The pipeline as YAML")
    await document.fill(PIPELINE.replace("summarize", "sumarize"))
    # What is wrong leads to its line.
    await page.locator("#problems").get_by_role("button", name="there is no stage kind").click()
    await document.fill(PIPELINE.replace("A note", "One note"))
    await expect(page.get_by_role("region", name="Changes to publish")).to_contain_text("One note")
    await page.get_by_role("button", name="Publish").click()
    await expect(page.get_by_role("dialog", name="Publish note?")).to_contain_text("One note")
    await page.keyboard.press("Enter")
    await expect(page.locator(".head")).to_contain_text("v2, current")
    # What was published before is looked at, beside what is current, and comes back as it was written.
    await page.get_by_role("link", name="Open v1").click()
    await expect(page.get_by_role("region", name="The pipeline as it was written")).to_contain_text("A note")
    await expect(page.get_by_role("region", name="From v2, the current version, to v1")).to_contain_text(
        "One note"
    )
    await page.locator(".head").get_by_role("button", name="Roll back to v1").click()
    await expect(page.get_by_role("dialog", name="Roll back note to v1?")).to_contain_text("One note")
    await page.keyboard.press("Enter")
    await expect(page.locator(".head")).to_contain_text("current")
    await page.get_by_role("link", name="Open the editor").click()
    await expect(page.locator(".head")).to_contain_text("v1, current")
    await expect(document).to_have_value(PIPELINE)
    assert (watched.foreign, watched.errors) == ([], [])


async def test_a_person_corrects_what_was_read_and_the_run_goes_on_with_that(
    watched: Watched, tmp_path: Path
) -> None:
    page = watched.page
    await publish(watched, SORTED)
    await start_by_request(watched, "sorted", "Anna asks for a refund.")
    await watched.go("/review")
    await expect(page.locator("main")).to_contain_text("Is it sorted right?")
    await start_a_run(watched, tmp_path, REVIEWED)
    await watched.go("/review")
    # How sure the newer one is nobody says: it comes last, unless the newest are wanted.
    waiting = page.get_by_role("navigation", name="Waiting reviews").get_by_role("link")
    await expect(waiting).to_contain_text(["sorted · sorting", "note.txt"])
    await expect(waiting.first).to_contain_text("% sure")
    await page.get_by_label("Order").select_option("newest first")
    await expect(waiting).to_contain_text(["note.txt", "sorted · sorting"])
    await page.get_by_label("Order").select_option("least sure first")
    await expect(page.locator("main")).to_contain_text("Is it sorted right?")
    # Whoever is at a review that another decides stays at it, and decides nothing else.
    listed = await page.request.get(f"{watched.url}/api/reviews?pipeline=sorted")
    path = f"{watched.url}/api/reviews/{(await listed.json())['items'][0]['id']}/approve"
    await page.request.post(path, data={}, headers={"origin": watched.url})
    await expect(page.get_by_text("This review is approved")).to_be_visible()
    await page.keyboard.press("a")
    await expect(waiting).to_contain_text(["note.txt"])
    await page.keyboard.press("n")
    await expect(page.locator("main")).to_contain_text("Is that right?")
    await expect(page.locator(".source")).to_contain_text("Anna asks for a refund")
    await page.keyboard.press("e")
    await page.get_by_label("summary").fill("Two crates, not three.")
    await page.get_by_role("button", name="Submit correction").click()
    await expect(page.locator("main")).to_contain_text("Nothing to review")
    await watched.go("/runs")
    await page.get_by_role("link", name="note.txt").click()
    await expect(page.locator("h1")).to_contain_text("completed")
    decided = page.locator(".fields section").first
    await expect(decided).to_contain_text("corrected by")
    await expect(decided).to_contain_text("Two crates, not three.")
    assert (watched.foreign, watched.errors) == ([], [])
