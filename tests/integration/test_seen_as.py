"""An owner sees what others would: less, never more, and changes nothing meanwhile."""

from collections.abc import AsyncGenerator
from pathlib import Path
from typing import Any

import httpx
import pytest
from http_service import Service, serving

from tegu.app import Tegu
from tegu.domain.actor import Role
from tegu.llm.credentials import EnvironmentCredentials
from tegu.settings import Settings, SignInSettings
from tegu.storage.database import DatabaseAddress

OWNER = "olga@example.com"


@pytest.fixture
async def service(address: DatabaseAddress, tmp_path: Path) -> AsyncGenerator[Service]:
    settings = Settings(
        home=tmp_path,
        database_url=address.owner,
        model="rules",
        organization="acme",
        sign_in=SignInSettings(operators=frozenset({OWNER})),
    )
    async with (
        Tegu(settings=settings, credentials=EnvironmentCredentials({})) as tegu,
        serving(tegu) as served,
    ):
        yield served


async def asked(browser: httpx.AsyncClient, status: int, method: str, path: str, **body: Any) -> Any:
    answer = await browser.request(method, f"/api{path}", json=body or None)
    assert answer.status_code == status, answer.text
    return answer.json()


async def test_who_sees_as_a_role_may_what_it_reads_and_nothing_else_until_they_leave(
    service: Service,
) -> None:
    async with service.browser() as owner:
        await service.member(OWNER)
        await service.sign_in(owner, OWNER)
        me = await asked(owner, 200, "POST", "/me/see-as", role="viewer")
        assert (me["seen_as"], me["role"], me["is_operator"]) == ("viewer", "viewer", False)
        assert (await asked(owner, 200, "GET", "/me"))["permissions"] == me["permissions"]
        await asked(owner, 200, "GET", "/runs")
        await asked(owner, 403, "GET", "/keys")  # a viewer reads no keys
        await asked(owner, 403, "GET", "/workers")
        refused = await asked(owner, 403, "PATCH", "/me", display_name="Olga")
        assert "only looked at" in refused["detail"]
        assert "leave" in refused["hint"]
        await asked(owner, 403, "POST", "/me/see-as", role="editor")
        assert (await asked(owner, 200, "POST", "/me/leave-view"))["seen_as"] == "viewer"
        assert (await asked(owner, 200, "GET", "/me"))["seen_as"] is None
        await asked(owner, 200, "GET", "/workers")
        noted = [row["action"] for row in (await asked(owner, 200, "GET", "/audit"))["items"]]
        assert noted[:2] == ["me.leave_view", "me.see_as"]


async def test_an_editor_is_seen_with_what_an_editor_may_but_starts_nothing(service: Service) -> None:
    async with service.browser() as owner:
        await service.member(OWNER)
        await service.sign_in(owner, OWNER)
        editor = await service.member("ed@example.com", Role.EDITOR)
        me = await asked(owner, 200, "POST", "/me/see-as", user_id=str(editor.id))
        assert me["seen_as"] == "ed@example.com (editor)"
        assert me["label"] == OWNER  # whoever looks stays who they are
        assert "runs:write" in me["permissions"]
        refused = await asked(owner, 403, "POST", "/runs", pipeline="email_analysis")
        assert "seen as ed@example.com" in refused["detail"]
        upload = await owner.post(
            "/api/contents?name=a.txt", content=b"a", headers={"content-type": "text/plain"}
        )
        assert upload.status_code == 403


async def test_a_key_is_seen_with_its_scopes_and_pipelines(service: Service) -> None:
    async with service.browser() as owner:
        await service.member(OWNER)
        await service.sign_in(owner, OWNER)
        wish = {"name": "narrow", "scopes": ["runs:read"], "pipelines": ["invoices"]}
        made = await asked(owner, 201, "POST", "/keys", **wish)
        me = await asked(owner, 200, "POST", "/me/see-as", key_id=made["key"]["id"])
        assert (me["seen_as"], me["pipelines"]) == ("the key narrow", ["invoices"])
        assert sorted(me["permissions"]) == ["identity", "runs:read"]
        await asked(owner, 200, "GET", "/runs")
        await asked(owner, 403, "GET", "/contents")


async def test_nobody_sees_as_more_than_they_are_nor_without_a_session(service: Service) -> None:
    owner_there = await service.member(OWNER)
    async with service.browser() as admin, service.browser() as viewer:
        await service.member("adam@example.com", Role.ADMIN)
        await service.sign_in(admin, "adam@example.com")
        for more in ({"role": "owner"}, {"user_id": str(owner_there.id)}):
            refused = await asked(admin, 403, "POST", "/me/see-as", **more)
            assert refused["code"] == "forbidden"
        gone = await service.member("gone@example.com", Role.VIEWER)
        await asked(admin, 200, "PATCH", f"/members/{gone.id}", is_disabled=True)
        await asked(admin, 409, "POST", "/me/see-as", user_id=str(gone.id))
        await asked(admin, 422, "POST", "/me/see-as", role="viewer", user_id=str(gone.id))
        me = await asked(admin, 200, "GET", "/me")
        assert (me["seen_as"], me["role"]) == (None, "admin")  # what was refused has changed nothing
        await service.member("vera@example.com", Role.VIEWER)
        await service.sign_in(viewer, "vera@example.com")
        await asked(viewer, 403, "POST", "/me/see-as", role="viewer")
        assert (await asked(viewer, 200, "GET", "/me"))["seen_as"] is None
        key = await asked(admin, 201, "POST", "/keys", name="all")
        async with service.key(key["secret"]) as program:
            await asked(program, 403, "POST", "/me/see-as", role="viewer")
            assert (await asked(program, 200, "GET", "/me"))["seen_as"] is None


async def test_whoever_becomes_less_sees_less_than_the_eyes_they_look_through(service: Service) -> None:
    async with service.browser() as owner, service.browser() as admin:
        await service.member(OWNER)
        await service.sign_in(owner, OWNER)
        adam = await service.member("adam@example.com", Role.ADMIN)
        await service.sign_in(admin, "adam@example.com")
        await asked(admin, 200, "POST", "/me/see-as", role="editor")
        await asked(owner, 200, "PATCH", f"/members/{adam.id}", role="viewer")
        assert (await asked(admin, 200, "GET", "/me"))["role"] == "viewer"
