"""Coming in: links, codes, cookies, keys, over real HTTP on a real database."""

import asyncio
from collections.abc import AsyncGenerator
from pathlib import Path

import asyncpg
import pytest
from http_service import OURS, Service, serving

from tegu.actions.tokens import hash_of
from tegu.app import Tegu
from tegu.domain.actor import Role
from tegu.llm.credentials import EnvironmentCredentials
from tegu.settings import Settings
from tegu.storage.database import DatabaseAddress

ANNA = "anna@example.com"


@pytest.fixture
async def service(address: DatabaseAddress, tmp_path: Path) -> AsyncGenerator[Service]:
    settings = Settings(home=tmp_path, database_url=address.owner, model="rules", organization="acme")
    async with (
        Tegu(settings=settings, credentials=EnvironmentCredentials({})) as tegu,
        serving(tegu) as served,
    ):
        yield served


async def rows(service: Service, query: str, *arguments: object) -> list[asyncpg.Record]:
    connection = await asyncpg.connect(service.tegu.database.address.owner)
    try:
        return await connection.fetch(query, *arguments)
    finally:
        await connection.close()


async def test_a_mailed_link_signs_in_when_its_button_is_pressed_and_not_before(service: Service) -> None:
    await service.member(ANNA)
    async with service.browser() as browser:
        asked = await browser.post("/auth/sign-in", data={"email": "  Anna@Example.com "})
        assert "Check your e-mail" in asked.text
        for _ in range(2):  # whoever looks through mails opens links
            shown = await browser.get("/auth/link", params={"token": service.last_token()})
            assert 'method="post"' in shown.text
        assert (await browser.get("/api/runs")).status_code == 401
        entered = await browser.post("/auth/link", data={"token": service.last_token()})
        assert (entered.status_code, entered.headers["location"]) == (303, "../")
        assert (await browser.get("/api/runs")).status_code == 200
        assert ANNA in (await browser.get("/auth/account")).text


async def test_whoever_was_sent_to_sign_in_goes_on_to_the_page_that_they_had_asked_for(
    service: Service,
) -> None:
    await service.member(ANNA)
    for asked, reached in (
        ("runs?q=status%3Afailed", "../runs?q=status%3Afailed"),
        ("//evil.example", "../"),
    ):
        async with service.browser() as browser:
            await browser.get("/auth/sign-in", params={"next": asked})
            await browser.post("/auth/sign-in", data={"email": ANNA})
            entered = await browser.post("/auth/link", data={"token": service.last_token()})
            assert entered.headers["location"] == reached
            await browser.post("/auth/sign-in", data={"email": ANNA})
            again = await browser.post("/auth/link", data={"token": service.last_token()})
            assert again.headers["location"] == "../"  # it was gone to once


async def test_a_link_is_used_once_and_its_siblings_die_with_it(service: Service) -> None:
    await service.member(ANNA)
    async with service.browser() as browser, service.browser() as another:
        tokens: list[str] = []
        for _ in range(2):
            await browser.post("/auth/sign-in", json={"email": ANNA})
            tokens.append(service.last_token())
        assert (await browser.post("/auth/link", json={"token": tokens[1]})).status_code == 200
        for token in tokens:
            refused = await another.post("/auth/link", json={"token": token})
            assert (refused.status_code, refused.json()["code"]) == (401, "unauthenticated")


async def test_of_many_who_use_links_of_one_address_at_once_one_comes_in(service: Service) -> None:
    await service.member(ANNA)
    async with service.browser() as browser:
        tokens: list[str] = []
        for _ in range(4):
            await browser.post("/auth/sign-in", json={"email": ANNA})
            tokens.append(service.last_token())
        answers = await asyncio.gather(
            *(browser.post("/auth/link", json={"token": token}) for token in tokens * 3)
        )
    assert sorted(answer.status_code for answer in answers) == [200, *[401] * 11]


async def test_a_link_that_is_too_old_lets_nobody_in(service: Service) -> None:
    await service.member(ANNA)
    async with service.browser() as browser:
        await browser.post("/auth/sign-in", json={"email": ANNA})
        await rows(service, "update tegu.sign_in_links set expires_at = clock_timestamp()")
        assert (await browser.post("/auth/link", json={"token": service.last_token()})).status_code == 401


async def test_the_code_signs_in_where_the_link_was_asked_for(service: Service) -> None:
    await service.member(ANNA)
    async with service.browser() as browser, service.browser() as thief:
        flow = (await browser.post("/auth/sign-in", json={"email": ANNA})).json()["flow"]
        stolen = {"flow": "another", "code": service.last_code()}
        assert (await thief.post("/auth/code", json=stolen)).status_code == 401
        told = {"flow": flow, "code": service.last_code()}
        assert (await browser.post("/auth/code", json=told)).status_code == 200
        assert (await browser.post("/auth/link", json={"token": service.last_token()})).status_code == 401


async def test_a_code_can_be_tried_five_times(service: Service) -> None:
    await service.member(ANNA)
    async with service.browser() as browser:
        flow = (await browser.post("/auth/sign-in", json={"email": ANNA})).json()["flow"]
        right = service.last_code()
        wrong = f"{(int(right.replace(' ', '')) + 1) % 1_000_000:06}"
        for code in (*[wrong] * 5, right):
            assert (await browser.post("/auth/code", json={"flow": flow, "code": code})).status_code == 401


async def test_an_unknown_address_is_answered_as_a_known_one(service: Service) -> None:
    await service.member(ANNA)
    async with service.browser() as browser:
        known = await browser.post("/auth/sign-in", data={"email": ANNA})
        unknown = await browser.post("/auth/sign-in", data={"email": "nobody@example.com"})
        assert len(service.mails()) == 1
        assert (known.status_code, len(known.text)) == (unknown.status_code, len(unknown.text))
        for answer in (known, unknown):
            assert answer.elapsed.total_seconds() >= 0.25


async def test_a_session_has_a_new_token_after_each_sign_in_and_the_one_before_ends(service: Service) -> None:
    await service.member(ANNA)
    async with service.browser() as browser:
        await service.sign_in(browser, ANNA)
        first = browser.cookies["tegu"]
        await service.sign_in(browser, ANNA)
        assert browser.cookies["tegu"] != first
        browser.cookies.set("tegu", first, domain="127.0.0.1")
    async with service.browser(cookie=f"tegu={first}") as stale:
        assert (await stale.get("/api/runs")).status_code == 401
    stored = await rows(service, "select token_hash from tegu.sessions")
    assert len(stored) == 1
    assert stored[0]["token_hash"] != hash_of(first)


async def test_the_cookie_is_for_this_host_alone_and_no_script_reads_it(service: Service) -> None:
    await service.member(ANNA)
    async with service.browser() as browser:
        await browser.post("/auth/sign-in", json={"email": ANNA})
        entered = await browser.post("/auth/link", json={"token": service.last_token()})
    cookie = entered.headers["set-cookie"]
    assert {"HttpOnly", "Path=/", "SameSite=lax"} <= set(cookie.split("; "))
    assert "Domain" not in cookie


async def test_signing_out_ends_the_session(service: Service) -> None:
    await service.member(ANNA)
    async with service.browser() as browser:
        await service.sign_in(browser, ANNA)
        token = browser.cookies["tegu"]
        assert (await browser.post("/auth/sign-out")).status_code == 303
        assert "tegu" not in browser.cookies
    async with service.browser(cookie=f"tegu={token}") as stale:
        assert (await stale.get("/api/runs")).status_code == 401


@pytest.mark.parametrize(
    "headers",
    [
        {"sec-fetch-site": "cross-site"},
        {"sec-fetch-site": "same-site"},
        {"sec-fetch-site": "none"},
        {"sec-fetch-site": "", "origin": "https://evil.example"},
    ],
)
async def test_a_form_of_another_site_changes_nothing(service: Service, headers: dict[str, str]) -> None:
    await service.member(ANNA)
    async with service.browser() as browser:
        await service.sign_in(browser, ANNA)
        for path in ("/api/contents", "/auth/sign-out", "/auth/sign-in"):
            refused = await browser.post(path, json={"text": "A note."}, headers=headers)
            assert (refused.status_code, refused.json()["code"]) == (403, "cross_origin")
        assert (await browser.get("/api/runs", headers=headers)).status_code == 200
        assert (await browser.post("/api/contents", json={"text": "A note."})).status_code == 201


async def test_an_old_browser_says_its_origin_and_one_that_says_nothing_is_refused(service: Service) -> None:
    await service.member(ANNA)
    async with service.browser() as browser:
        await service.sign_in(browser, ANNA)
        del browser.headers["sec-fetch-site"]
        note = {"text": "A note."}
        assert (await browser.post("/api/contents", json=note)).status_code == 403
        for origin, status in (("null", 403), (service.url, 201)):
            sent = await browser.post("/api/contents", json=note, headers={"origin": origin})
            assert sent.status_code == status


async def test_somebody_who_is_disabled_or_removed_is_out_at_once(service: Service) -> None:
    await service.member(ANNA)
    async with service.browser() as browser:
        await service.sign_in(browser, ANNA)
        await rows(service, "update tegu.users set disabled_at = clock_timestamp()")
        assert (await browser.get("/api/runs")).status_code == 401
        mails = len(service.mails())
        await browser.post("/auth/sign-in", json={"email": ANNA})
        assert len(service.mails()) == mails


async def test_a_session_ends_when_it_is_not_used_and_when_its_time_is_over(service: Service) -> None:
    await service.member(ANNA)
    async with service.browser() as browser:
        await service.sign_in(browser, ANNA)
        for change in ("seen_at = seen_at - interval '15 days'", "expires_at = clock_timestamp()"):
            await rows(
                service,
                f"update tegu.sessions set seen_at = clock_timestamp(), {change}"
                if "expires" in change
                else f"update tegu.sessions set {change}",
            )
            assert (await browser.get("/api/runs")).status_code == 401


async def test_links_are_limited_by_address_and_by_network(service: Service) -> None:
    async with service.browser() as browser:
        asked = [await browser.post("/auth/sign-in", json={"email": ANNA}) for _ in range(6)]
        assert [answer.status_code for answer in asked] == [*[200] * 5, 429]
        assert 0 < int(asked[-1].headers["retry-after"]) <= 900
        statuses = [
            (await browser.post("/auth/sign-in", json={"email": f"{n}@example.com"})).status_code
            for n in range(15)
        ]
        assert statuses == [*[200] * 14, 429]
    (found,) = await rows(service, "select count(*) as n from tegu.sign_in_tries")
    assert found["n"] <= 2 + 3 * 15  # one of the network, one of its site, three of each address


async def test_where_a_link_leads_is_configured_and_not_what_a_request_says(service: Service) -> None:
    await service.member(ANNA)
    async with service.browser(host="evil.example") as browser:
        await browser.post("/auth/sign-in", json={"email": ANNA})
    assert f"{service.url}/auth/link?token=" in service.mails()[0]
    assert "evil" not in service.mails()[0]


async def test_mails_are_shown_to_a_browser_of_this_machine_alone(service: Service) -> None:
    await service.member(ANNA)
    async with service.browser() as browser:
        await browser.post("/auth/sign-in", json={"email": ANNA})
        assert service.last_token() in (await browser.get("/auth/mailbox")).text
        for header in ({"host": "evil.example"}, {"x-forwarded-for": "203.0.113.7"}):
            assert (await browser.get("/auth/mailbox", headers=header)).status_code == 404


async def test_pages_run_and_load_nothing_and_escape_what_they_show(service: Service) -> None:
    async with service.browser() as browser:
        shown = await browser.get("/auth/link", params={"token": '"><script>alert(1)</script>'})
    assert "<script" not in shown.text
    policy = shown.headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert shown.headers["cache-control"] == "no-store"


@pytest.mark.parametrize("body", [b"\xff\xfe", b"[1]", b"null", b"{", b"[" * 20_000])
async def test_what_is_no_form_is_refused(service: Service, body: bytes) -> None:
    async with service.browser() as browser:
        sent = await browser.post("/auth/sign-in", content=body, headers={"content-type": "application/json"})
    assert sent.status_code == 422


async def test_sign_ins_are_in_the_audit_log(service: Service) -> None:
    await service.member(ANNA)
    async with service.browser() as browser:
        await service.sign_in(browser, ANNA)
        listed = (await browser.get("/api/audit")).json()["items"]
        await browser.post("/auth/sign-out")
    assert [(event["action"], event["actor_label"], event["target"]["by"]) for event in listed] == [
        ("me.sign_in", ANNA, "link")
    ]
    (last,) = await rows(service, "select action from tegu.audit_events order by id desc limit 1")
    assert last["action"] == "me.sign_out"


async def test_who_is_in_two_organizations_goes_from_one_to_the_other(service: Service) -> None:
    await service.member(ANNA, Role.VIEWER)
    await service.member(ANNA, Role.OWNER, organization="other")
    await service.member("ben@example.com", organization="third")
    async with service.browser() as browser:
        await service.sign_in(browser, ANNA)
        before = browser.cookies["tegu"]
        account = (await browser.get("/auth/account", headers={"accept": "application/json"})).json()
        assert {each["name"] for each in account["organizations"]} == {"acme", "other"}
        (there,) = [each for each in account["organizations"] if each["id"] != account["organization_id"]]
        assert (await browser.post("/auth/switch", json={"organization_id": there["id"]})).status_code == 200
        now = (await browser.get("/auth/account", headers={"accept": "application/json"})).json()
        assert now["organization_id"] == there["id"]
        (third,) = await rows(service, "select id from tegu.organizations where external_id = 'third'")
        refused = await browser.post("/auth/switch", json={"organization_id": str(third["id"])})
        assert refused.status_code == 404
    async with service.browser(cookie=f"tegu={before}") as stale:
        assert (await stale.get("/api/runs")).status_code == 401


async def test_what_is_no_key_of_ours_lets_nobody_in_whatever_cookie_comes_with_it(service: Service) -> None:
    await service.member(ANNA)
    async with service.browser() as browser:
        await service.sign_in(browser, ANNA)
        for written in ("Bearer x", "Basic YTpi", "Bearer tegu_aaaaaaaa_" + "a" * 43, "Bearer", ""):
            refused = await browser.get("/api/runs", headers={"authorization": written})
            assert refused.status_code == 401
            assert "www-authenticate" in refused.headers
        assert OURS.items() <= dict(browser.headers).items()
