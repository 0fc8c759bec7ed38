"""Who may do what to whom: members, invitations, keys, service accounts and organizations, over HTTP."""

import asyncio
from collections.abc import AsyncGenerator
from pathlib import Path
from typing import Any

import asyncpg
import httpx
import pytest
from http_service import Service, serving

from tegu.actions.declared.keys import CreateKey, create_key
from tegu.app import Tegu
from tegu.domain.actor import Role
from tegu.domain.errors import UsageError
from tegu.llm.credentials import EnvironmentCredentials
from tegu.settings import Settings, SignInSettings
from tegu.storage.database import DatabaseAddress

OPERATOR = "root@example.com"


@pytest.fixture
async def service(address: DatabaseAddress, tmp_path: Path) -> AsyncGenerator[Service]:
    settings = Settings(
        home=tmp_path,
        database_url=address.owner,
        model="rules",
        organization="acme",
        sign_in=SignInSettings(operators=frozenset({OPERATOR})),
    )
    async with (
        Tegu(settings=settings, credentials=EnvironmentCredentials({})) as tegu,
        serving(tegu) as served,
    ):
        yield served


async def rows(service: Service, query: str) -> list[asyncpg.Record]:
    connection = await asyncpg.connect(service.tegu.database.address.owner)
    try:
        return await connection.fetch(query)
    finally:
        await connection.close()


async def entered(service: Service, browser: httpx.AsyncClient, role: Role, name: str | None = None) -> Any:
    """Somebody of that role, signed in with the browser."""
    email = f"{name or role.value}@example.com"
    member = await service.member(email, role)
    await service.sign_in(browser, email)
    return member


async def made_key(browser: httpx.AsyncClient, **wish: Any) -> dict[str, Any]:
    made = await browser.post("/api/keys", json={"name": "a key", **wish})
    assert made.status_code == 201, made.text
    return made.json()


async def test_an_invitation_is_mailed_and_makes_a_member_who_is_signed_in(service: Service) -> None:
    async with service.browser() as owner, service.browser() as new:
        await entered(service, owner, Role.OWNER)
        wish = {"email": " New@Example.com", "role": "editor"}
        made = await owner.post("/api/invitations", json=wish)
        assert made.status_code == 201
        assert made.json()["delivery"] == "mailbox"  # no server sends mails here
        token = service.last_token()
        assert token not in made.text
        assert token not in (await owner.get("/api/invitations")).text
        assert "Join acme" in (await new.get("/auth/invitation", params={"token": token})).text
        assert (await new.get("/api/me")).status_code == 401
        assert (await new.post("/auth/invitation", data={"token": token})).status_code == 303
        me = (await new.get("/api/me")).json()
        assert (me["label"], me["role"], me["organization_name"]) == ("new@example.com", "editor", "acme")
        again = await new.post("/auth/invitation", json={"token": token})
        assert again.status_code == 401
        assert (await owner.post("/api/invitations", json=wish)).status_code == 409


async def test_a_session_of_before_somebody_was_disabled_never_lives_again(service: Service) -> None:
    async with service.browser() as owner, service.browser() as other:
        await entered(service, owner, Role.OWNER)
        member = await entered(service, other, Role.EDITOR)
        for is_disabled in (True, False):
            url = f"/api/members/{member.id}"
            assert (await owner.patch(url, json={"is_disabled": is_disabled})).status_code == 200
        assert (await other.get("/api/me")).status_code == 401
        await service.sign_in(other, "editor@example.com")
        assert (await other.get("/api/me")).status_code == 200


async def test_an_admin_replaces_no_invitation_that_they_could_not_take_back(service: Service) -> None:
    async with service.browser() as owner, service.browser() as admin:
        await entered(service, owner, Role.OWNER)
        await entered(service, admin, Role.ADMIN)
        wish = {"email": "boss@example.com", "role": "owner"}
        assert (await owner.post("/api/invitations", json=wish)).status_code == 201
        refused = await admin.post("/api/invitations", json=wish | {"role": "viewer"})
        assert (refused.status_code, refused.json()["code"]) == (403, "forbidden")
        assert [each["role"] for each in (await owner.get("/api/invitations")).json()["items"]] == ["owner"]
        assert (await owner.post("/api/invitations", json=wish | {"role": "viewer"})).status_code == 201


@pytest.mark.parametrize(
    "name", ["Evil\r\nBcc: x@y.example", "Evil\n\nhttps://phish.example", "a\u202eb", "\u2800", " "]
)
async def test_a_name_that_is_no_line_is_refused_and_goes_into_no_mail(service: Service, name: str) -> None:
    async with service.browser() as owner:
        await entered(service, owner, Role.OWNER)
        me = (await owner.get("/api/me")).json()
        for answer in (
            await owner.patch(f"/api/organizations/{me['organization_id']}", json={"name": name}),
            await owner.patch("/api/me", json={"display_name": name}),
            await owner.post("/api/keys", json={"name": name}),
            await owner.post("/api/service-accounts", json={"name": name, "role": "viewer"}),
            await owner.post("/api/embed-tokens", json={"run_id": me["id"], "label": name}),
        ):
            assert (answer.status_code, answer.json()["code"]) == (422, "invalid_input"), answer.text


async def test_an_invitation_that_was_revoked_replaced_or_is_old_makes_no_member(service: Service) -> None:
    async with service.browser() as owner, service.browser() as new:
        await entered(service, owner, Role.OWNER)
        wish = {"email": "new@example.com", "role": "viewer"}
        await owner.post("/api/invitations", json=wish)
        tokens = [service.last_token()]
        made = await owner.post("/api/invitations", json=wish)
        tokens.append(service.last_token())
        assert (await new.get("/auth/invitation", params={"token": tokens[0]})).status_code == 401
        revoked = await owner.post(f"/api/invitations/{made.json()['id']}/revoke")
        assert revoked.json()["revoked_at"] is not None
        await owner.post("/api/invitations", json=wish)
        tokens.append(service.last_token())
        await rows(service, "update tegu.invitations set expires_at = clock_timestamp() returning 1")
        for token in tokens:
            assert (await new.post("/auth/invitation", json={"token": token})).status_code == 401
    assert len(await rows(service, "select 1 from tegu.users")) == 1


async def test_nobody_gives_or_changes_a_role_above_their_own(service: Service) -> None:
    owner = await service.member("owner@example.com", Role.OWNER)
    viewer = await service.member("viewer@example.com", Role.VIEWER)
    async with service.browser() as admin:
        me = await entered(service, admin, Role.ADMIN)
        for path, body in (
            (f"/api/members/{viewer.id}", {"role": "owner"}),
            (f"/api/members/{me.id}", {"role": "owner"}),
            (f"/api/members/{owner.id}", {"role": "viewer"}),
            (f"/api/members/{owner.id}", {"is_disabled": True}),
        ):
            assert (await admin.patch(path, json=body)).status_code == 403
        assert (await admin.delete(f"/api/members/{owner.id}")).status_code == 403
        for path, body in (
            ("/api/invitations", {"email": "x@example.com", "role": "owner"}),
            ("/api/service-accounts", {"name": "x", "role": "owner"}),
            ("/api/keys", {"name": "x", "role": "owner"}),
        ):
            assert (await admin.post(path, json=body)).status_code == 403
        changed = await admin.patch(f"/api/members/{viewer.id}", json={"role": "admin"})
        assert changed.json()["role"] == "admin"


@pytest.mark.parametrize("role", [Role.VIEWER, Role.EDITOR])
async def test_viewers_and_editors_see_members_and_change_none(service: Service, role: Role) -> None:
    async with service.browser() as browser:
        me = await entered(service, browser, role)
        assert [each["id"] for each in (await browser.get("/api/members")).json()["items"]] == [str(me.id)]
        assert (await browser.get("/api/keys")).status_code == 403
        for method, path in (
            ("DELETE", f"/api/members/{me.id}"),
            ("POST", "/api/keys"),
            ("POST", "/api/invitations"),
            ("POST", "/api/service-accounts"),
        ):
            body = {"name": "x", "email": "x@example.com", "role": "viewer"}
            wanted = {"/api/keys": ("name",), "/api/invitations": ("email", "role")}.get(
                path, ("name", "role")
            )
            sent = {name: body[name] for name in wanted} if method == "POST" else None
            assert (await browser.request(method, path, json=sent)).status_code == 403


async def test_the_last_owner_can_neither_go_nor_be_made_less(service: Service) -> None:
    async with service.browser() as browser:
        me = await entered(service, browser, Role.OWNER)
        other = await service.member("other@example.com", Role.OWNER)
        assert (
            await browser.patch(f"/api/members/{other.id}", json={"is_disabled": True})
        ).status_code == 200
        for change in ({"role": "admin"}, {"is_disabled": True}):
            assert (await browser.patch(f"/api/members/{me.id}", json=change)).status_code == 409
        assert (await browser.delete(f"/api/members/{me.id}")).status_code == 409
        assert (
            await browser.patch(f"/api/members/{other.id}", json={"is_disabled": False})
        ).status_code == 200
        assert (await browser.delete(f"/api/members/{me.id}")).status_code == 200
        assert (await browser.get("/api/me")).status_code == 401


async def test_of_two_owners_who_remove_each_other_at_once_one_stays(service: Service) -> None:
    async with service.browser() as first, service.browser() as second:
        one = await entered(service, first, Role.OWNER, "one")
        two = await entered(service, second, Role.OWNER, "two")
        answers = await asyncio.gather(
            first.delete(f"/api/members/{two.id}"), second.delete(f"/api/members/{one.id}")
        )
    assert min(answer.status_code for answer in answers) == 200
    assert max(answer.status_code for answer in answers) in {401, 409}
    assert len(await rows(service, "select 1 from tegu.users")) == 1


async def test_a_key_works_until_it_is_revoked_and_its_secret_is_nowhere(service: Service) -> None:
    async with service.browser() as browser:
        await entered(service, browser, Role.OWNER)
        made = await made_key(browser, role="viewer", expires_in_days=30)
        async with service.key(made["secret"]) as program:
            me = (await program.get("/api/me")).json()
            assert (me["kind"], me["role"], me["label"]) == ("key", "viewer", "a key of owner@example.com")
            assert (await program.get("/api/runs")).status_code == 200
            assert (await program.post("/api/contents", json={"text": "x"})).status_code == 403
            listed = await browser.get("/api/keys")
            assert made["secret"] not in listed.text
            assert listed.json()["items"][0]["used_at"] is not None
            await browser.post(f"/api/keys/{made['key']['id']}/revoke")
            assert (await program.get("/api/me")).status_code == 401
    stored = await rows(service, "select key_hash, name, prefix from tegu.api_keys")
    assert made["secret"].rpartition("_")[2] not in str(stored)
    audited = await rows(service, "select action, target::text as target from tegu.audit_events order by id")
    assert [row["action"] for row in audited] == ["me.sign_in", "keys.create", "keys.revoke"]
    assert made["secret"] not in str(audited)


async def test_a_key_that_has_expired_lets_nobody_in(service: Service) -> None:
    async with service.browser() as browser:
        await entered(service, browser, Role.OWNER)
        made = await made_key(browser, expires_in_days=1)
    await rows(service, "update tegu.api_keys set expires_at = clock_timestamp() returning 1")
    async with service.key(made["secret"]) as program:
        assert (await program.get("/api/me")).status_code == 401


async def test_a_key_never_exceeds_who_made_it(service: Service) -> None:
    async with service.browser() as browser:
        await entered(service, browser, Role.ADMIN)
        wish: dict[str, Any] = {
            "role": "admin",
            "scopes": ["keys:write", "runs:read"],
            "pipelines": ["invoices"],
            "expires_in_days": 5,
        }
        made = await made_key(browser, **wish)
        async with service.key(made["secret"]) as program:
            for more in (
                {"role": "owner"},
                {"scopes": ["runs:write"]},
                {"scopes": ["operate"]},
                {"pipelines": ["invoices", "mails"]},
            ):
                refused = await program.post("/api/keys", json={"name": "more", **more})
                assert refused.status_code == 403, more
            child = await made_key(program, expires_in_days=300)
        assert child["key"]["expires_at"] == made["key"]["expires_at"]
        assert (child["key"]["scopes"], child["key"]["pipelines"]) == (
            sorted(wish["scopes"]),
            wish["pipelines"],
        )
        await browser.post(f"/api/keys/{made['key']['id']}/revoke")
        async with service.key(child["secret"]) as orphan:
            assert (await orphan.get("/api/me")).status_code == 401


async def test_a_key_that_sees_some_pipelines_lets_nobody_in_who_sees_all(service: Service) -> None:
    async with service.browser() as browser:
        me = await entered(service, browser, Role.OWNER)
        made = await made_key(browser, pipelines=["invoices"])
        async with service.key(made["secret"]) as program:
            wish = {"email": "mine@example.com", "role": "viewer"}
            assert (await program.post("/api/invitations", json=wish)).status_code == 403
            assert (await program.patch(f"/api/members/{me.id}", json={"role": "owner"})).status_code == 403
    assert service.mails()[0].startswith("To sign in")


async def test_a_key_is_at_most_what_its_owner_is_now(service: Service) -> None:
    async with service.browser() as owner, service.browser() as admin:
        await entered(service, owner, Role.OWNER)
        me = await entered(service, admin, Role.ADMIN)
        made = await made_key(admin)
        async with service.key(made["secret"]) as program:
            await owner.patch(f"/api/members/{me.id}", json={"role": "viewer"})
            assert (await program.get("/api/me")).json()["role"] == "viewer"
            await owner.patch(f"/api/members/{me.id}", json={"is_disabled": True})
            assert (await program.get("/api/me")).status_code == 401
            await owner.patch(f"/api/members/{me.id}", json={"is_disabled": False})
            await owner.delete(f"/api/members/{me.id}")
            assert (await program.get("/api/me")).status_code == 401


async def test_a_service_account_comes_in_by_its_keys_until_it_is_removed(service: Service) -> None:
    async with service.browser() as browser:
        await entered(service, browser, Role.OWNER)
        account = (await browser.post("/api/service-accounts", json={"name": "ci", "role": "editor"})).json()
        made = await made_key(browser, service_account_id=account["id"])
        assert made["key"]["role"] == "editor"
        async with service.key(made["secret"]) as program:
            assert (await program.get("/api/me")).json()["label"] == "a key of ci"
            assert (await program.post("/api/contents", json={"text": "x"})).status_code == 201
            assert (await program.get("/api/sessions")).status_code == 403
            assert (await browser.delete(f"/api/service-accounts/{account['id']}")).status_code == 200
            assert (await program.get("/api/me")).status_code == 401
        assert (await browser.delete(f"/api/members/{account['id']}")).status_code == 404


async def test_sessions_are_listed_and_ended_one_by_one_or_all(service: Service) -> None:
    async with service.browser() as here, service.browser(**{"user-agent": "Elsewhere/1"}) as there:
        await entered(service, here, Role.VIEWER)
        await service.sign_in(there, "viewer@example.com")
        listed = (await here.get("/api/sessions")).json()["items"]
        assert sorted((each["user_agent"] == "Elsewhere/1", each["is_current"]) for each in listed) == [
            (False, True),
            (True, False),
        ]
        (other,) = [each["id"] for each in listed if not each["is_current"]]
        assert (await here.post(f"/api/sessions/{other}/revoke")).json() == {"count": 1}
        assert (await there.get("/api/me")).status_code == 401
        assert (await here.post(f"/api/sessions/{other}/revoke")).status_code == 404
        await service.sign_in(there, "viewer@example.com")
        assert (await here.post("/api/sessions/revoke-all")).json() == {"count": 2}
        for browser in (here, there):
            assert (await browser.get("/api/me")).status_code == 401


async def test_what_another_organization_has_is_not_found(service: Service) -> None:
    other = await service.member("other@example.com", organization="other")
    async with service.browser() as stranger, service.browser() as browser:
        await service.sign_in(stranger, "other@example.com")
        account = (await stranger.post("/api/service-accounts", json={"name": "ci", "role": "viewer"})).json()
        key = (await made_key(stranger))["key"]["id"]
        await stranger.post("/api/invitations", json={"email": "x@example.com", "role": "viewer"})
        invitation = (await stranger.get("/api/invitations")).json()["items"][0]["id"]
        session = (await stranger.get("/api/sessions")).json()["items"][0]["id"]
        organization = (await stranger.get("/api/organizations")).json()["items"][0]["id"]
        await entered(service, browser, Role.OWNER)
        for method, path, body in (
            ("GET", f"/api/members/{other.id}", None),
            ("PATCH", f"/api/members/{other.id}", {"role": "viewer"}),
            ("DELETE", f"/api/members/{other.id}", None),
            ("DELETE", f"/api/service-accounts/{account['id']}", None),
            ("POST", "/api/keys", {"name": "x", "service_account_id": account["id"]}),
            ("POST", f"/api/keys/{key}/revoke", None),
            ("POST", f"/api/invitations/{invitation}/revoke", None),
            ("POST", f"/api/sessions/{session}/revoke", None),
            ("GET", f"/api/organizations/{organization}", None),
            ("PATCH", f"/api/organizations/{organization}", {"name": "mine"}),
        ):
            assert (await browser.request(method, path, json=body)).status_code == 404, path
        for path in ("members", "keys", "invitations", "service-accounts", "audit", "organizations"):
            listed = (await browser.get(f"/api/{path}")).text
            assert "other" not in listed
        assert (await stranger.get("/api/me")).json()["role"] == "owner"


async def test_an_organization_is_renamed_by_its_admins_and_made_by_operators(service: Service) -> None:
    new = {"external_id": "new", "name": "New", "owner_email": "owner-of-new@example.com"}
    async with service.browser() as owner, service.browser() as operator, service.browser() as theirs:
        await entered(service, owner, Role.OWNER)
        (own,) = (await owner.get("/api/organizations")).json()["items"]
        renamed = await owner.patch(f"/api/organizations/{own['id']}", json={"name": "Acme Ltd"})
        assert renamed.json()["name"] == "Acme Ltd"
        assert (await owner.post("/api/organizations", json=new)).status_code == 403
        await service.member(OPERATOR, Role.VIEWER)
        await service.sign_in(operator, OPERATOR)
        assert (await operator.post("/api/organizations", json=new)).status_code == 201
        assert (await operator.post("/api/organizations", json=new)).status_code == 409
        assert (await operator.get("/api/runs")).status_code == 200
        assert (await operator.post("/api/contents", json={"text": "x"})).status_code == 403
        await service.sign_in(theirs, "owner-of-new@example.com")
        assert (await theirs.get("/api/me")).json()["organization_name"] == "New"


async def test_the_library_may_do_what_an_owner_may_and_owns_no_key(service: Service) -> None:
    scope = await service.tegu.scope()
    with pytest.raises(UsageError, match="nobody would own"):
        await create_key(scope, CreateKey(name="x"))


async def test_one_who_is_named_gives_the_name_and_nothing_else(service: Service) -> None:
    async with service.browser() as browser:
        await entered(service, browser, Role.VIEWER)
        assert (await browser.patch("/api/me", json={"display_name": "Vi"})).json()["display_name"] == "Vi"
        for more in ({"role": "owner"}, {"email": "owner@example.com"}, {"organization_id": "x"}):
            assert (await browser.patch("/api/me", json=more)).status_code == 422
