"""Signing in where no mail is sent: by the mailbox, on pages that look as the application does."""

import pytest
from browsing import Watched
from test_accessible import violations


@pytest.mark.parametrize("theme", ["light", "dark"])
async def test_one_signs_in_by_the_mailbox_with_a_narrow_window(watched: Watched, theme: str) -> None:
    page = watched.page
    await page.emulate_media(color_scheme="dark" if theme == "dark" else "light")
    await page.set_viewport_size({"width": 360, "height": 740})
    await page.context.clear_cookies()
    found: dict[str, list[str]] = {}
    await watched.go("/auth/mailbox")
    found["empty mailbox"] = await violations(watched)
    await watched.go("/auth/sign-in")
    found["sign-in"] = await violations(watched)
    await page.get_by_label("E-mail").fill("anna@acme.example")
    await page.get_by_role("button", name="Send link").click()
    found["code"] = await violations(watched)
    await page.get_by_role("link", name="see them here").click()
    found["mailbox"] = await violations(watched)
    assert await page.evaluate("document.documentElement.scrollWidth <= document.documentElement.clientWidth")
    await page.locator("pre a").first.click()
    found["link"] = await violations(watched)
    await page.get_by_role("button", name="Sign in").click()
    await page.wait_for_url("**/inbox")
    await watched.go("/auth/account")
    found["account"] = await violations(watched)
    assert {where: each for where, each in found.items() if each} == {}
    assert watched.foreign == []
