"""The first five minutes, as `tegu serve --demo` gives them: no key, no click to sign in, and the guide beside it to its end."""

import re
from pathlib import Path

from browsing import Service, Watched, tab_of
from playwright.async_api import Browser, expect


async def test_whoever_tries_the_demo_is_led_from_a_first_run_to_the_comparison_of_two(
    chromium: Browser, process_environment: dict[str, str], tmp_path: Path
) -> None:
    # A browser that says where it was sent, in place of one with a window.
    environment = process_environment | {"BROWSER": "echo opens %s"}
    service = Service(environment, tmp_path, ("--demo",))
    await service.start()
    try:
        async with tab_of(chromium, service) as tab:
            opened = re.search(r"opens (http\S+)", service.said)
            assert opened is not None, service.said
            await tab.page.goto(opened[1])
            await tab.page.wait_for_url("**/inbox")
            await _look_around(tab)
            assert (tab.foreign, tab.errors) == ([], [])
            await tab.page.context.clear_cookies()
            await tab.page.goto(opened[1])  # which was good once
            await expect(tab.page).to_have_url(tab.url + "/auth/sign-in")
    finally:
        await service.kill()


async def _look_around(tab: Watched) -> None:
    page = tab.page
    guide = page.get_by_role("complementary", name="Guide")
    stages = page.get_by_role("group", name="Stages of the run")
    await expect(guide).to_contain_text("demo model: canned answers, no cost")
    await expect(guide).to_contain_text("1 of 6")
    await page.get_by_role("checkbox", name="Charged twice").check()
    await page.get_by_label("Pipeline", exact=True).select_option("refund_request")
    await expect(page.get_by_role("status", name="Estimate")).to_contain_text("$0.00")
    await page.get_by_role("button", name="Start").click()

    await expect(guide).to_contain_text("2 of 6")
    await page.locator(".toasts").get_by_role("link", name="Open the run").click()
    await stages.get_by_role(
        "button", name="extract extract"
    ).click()  # which was asked before anybody looked
    await expect(page.locator(".streamed")).to_contain_text("Priya Raman")
    await stages.get_by_role("button", name="summarize").click()
    await expect(page.locator(".streamed")).to_contain_text("Priya Raman")  # while it is said
    await expect(page.locator("h1")).to_contain_text("failed")

    await expect(guide).to_contain_text("3 of 6")
    await page.get_by_role("tab", name="Evidence").click()
    await page.get_by_role("button", name=re.compile("SUP-20391")).first.click()
    await expect(page.locator("mark[data-chosen]").first).to_have_text("SUP-20391")

    await expect(guide).to_contain_text("4 of 6")
    await stages.get_by_role("button", name="refund").click()
    await expect(page.locator("main")).to_contain_text("'by 23 March' is not a 'date'")

    await expect(guide).to_contain_text("5 of 6")
    await page.keyboard.press("r")
    instructions = page.get_by_label("Instructions")
    await instructions.fill("The refund that is asked for, and until when, as YYYY-MM-DD.")
    await page.get_by_role("button", name="Re-run", exact=True).click()
    await expect(page.locator(".head")).to_contain_text("re-run from refund of")
    await expect(page.locator("h1")).to_contain_text("completed")

    await expect(guide).to_contain_text("6 of 6")
    await guide.get_by_role("link", name="Compare the runs").click()
    await expect(page.locator("main")).to_contain_text("as YYYY-MM-DD")
    await expect(guide).to_contain_text("That is the tour.")
    await guide.get_by_role("button", name="Start over").click()
    await expect(guide).to_contain_text("1 of 6")  # of a new run: those that there are count no more
    await guide.get_by_role("button", name="Hide").click()
    await page.reload()
    await expect(guide.get_by_role("button", name="Show the guide")).to_be_visible()
