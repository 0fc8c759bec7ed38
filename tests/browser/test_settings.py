"""What owners set, who they let in, and what they see through other eyes."""

import re

from browsing import OWNER, Service, Watched
from playwright.async_api import expect
from test_journeys import publish


async def test_somebody_is_invited_and_a_key_is_shown_once(watched: Watched) -> None:
    page = watched.page
    await page.get_by_role("link", name="Settings").click()
    await page.get_by_role("link", name="Members").click()
    await page.get_by_label("E-mail").fill("ben@acme.example")
    await page.get_by_role("button", name="Invite").click()
    await expect(page.get_by_role("row", name="ben@acme.example")).to_contain_text("waiting")
    await page.get_by_role("link", name="API keys").click()
    await page.get_by_role("button", name="New key").click()
    await page.get_by_label("Name", exact=True).fill("import")
    await page.get_by_role("checkbox", name="runs:read").check()
    await page.get_by_role("button", name="Create key").click()
    secret = page.get_by_label("The secret")
    await expect(secret).to_have_value(re.compile("^tegu_"))
    key = await secret.input_value()
    program = await page.request.get(f"{watched.url}/api/runs", headers={"authorization": f"Bearer {key}"})
    assert program.status == 200
    await page.get_by_role("button", name="I have saved it").click()
    await expect(page.get_by_role("row", name="import")).to_contain_text("1 scopes")
    assert key not in await page.content()
    assert (watched.foreign, watched.errors) == ([], [])


async def test_an_owner_sees_what_a_viewer_does_and_nothing_can_be_changed(watched: Watched) -> None:
    page = watched.page
    await publish(watched)
    await watched.go("/settings/members")
    await page.get_by_role("button", name="viewer", exact=True).click()
    await page.wait_for_url("**/inbox")
    await expect(page.get_by_role("status").filter(has_text="Viewing as")).to_contain_text("viewer")
    await watched.go("/settings/keys")
    await expect(page.locator("main")).to_contain_text("cannot see API keys")
    await watched.go("/settings/members")
    invite = page.get_by_role("button", name="Invite")
    await expect(invite).to_have_attribute("aria-disabled", "true")
    await expect(invite).to_have_attribute("data-refusal", re.compile("Exit that view"))
    await page.get_by_role("button", name="Exit view").click()
    await expect(page.get_by_role("status").filter(has_text="Viewing as")).to_have_count(0)
    await watched.go("/settings/audit")
    await expect(page.get_by_role("cell", name="me.see_as")).to_be_visible()


async def test_one_goes_to_another_organization_and_sees_nothing_of_the_first(
    watched: Watched, service: Service
) -> None:
    page = watched.page
    await publish(watched)
    await service.command(
        "organizations", "create", "--external-id", "beta", "--name", "Beta", "--owner-email", OWNER
    )
    await page.get_by_role("link", name=OWNER).click()  # who one is leads to where one can go
    there = page.get_by_role("listitem").filter(has_text="Beta")
    await there.get_by_role("button", name="Switch").click()
    await page.wait_for_url("**/inbox")
    await expect(page.get_by_role("banner").get_by_role("link", name=OWNER)).to_contain_text("Beta")
    await watched.go("/pipelines")
    await expect(page.locator("main [aria-busy=true]")).to_have_count(0)
    await expect(page.get_by_role("link", name="note")).to_have_count(0)
    await watched.go("/settings/profile")
    await expect(there).to_contain_text("current")
    back = page.get_by_role("region", name="Your organizations").get_by_role("button", name="Switch")
    await back.click()
    await page.wait_for_url("**/inbox")
    await watched.go("/pipelines")
    await expect(page.get_by_role("link", name="note")).to_be_visible()
    assert (watched.foreign, watched.errors) == ([], [])


async def test_whoever_signs_out_everywhere_is_out_here_too(watched: Watched) -> None:
    page = watched.page
    await watched.go("/settings/profile")
    await page.get_by_role("button", name="Sign out everywhere").click()
    await page.get_by_role("dialog").get_by_role("button", name="Sign out everywhere").click()
    await page.wait_for_url("**/auth/sign-in")
    answer = await page.request.get(f"{watched.url}/api/me")
    assert answer.status == 401
