"""Mails that let people in, through a mail server; the first sign-in; users of a host application."""

import logging
import re
from dataclasses import replace
from pathlib import Path

import pytest
from http_service import serving
from smtp_server import mail_server
from starlette.requests import Request

from tegu.actions.declared.invitations import CreateInvitation, create_invitation
from tegu.actions.first_run import first_link
from tegu.app import Tegu
from tegu.domain.actor import Role
from tegu.domain.identity import HostUser
from tegu.llm.credentials import EnvironmentCredentials
from tegu.settings import Settings, SignInSettings
from tegu.storage.database import DatabaseAddress
from tegu.storage.organizations import rename_organization


@pytest.fixture
def settings(address: DatabaseAddress, tmp_path: Path) -> Settings:
    return Settings(home=tmp_path, database_url=address.owner, model="rules", organization="acme")


def opened(settings: Settings, sign_in: SignInSettings | None = None) -> Tegu:
    settings = replace(settings, sign_in=sign_in or SignInSettings())
    return Tegu(settings=settings, credentials=EnvironmentCredentials({}))


async def test_a_mail_server_gets_the_mail_and_its_link_signs_in(settings: Settings) -> None:
    async with mail_server() as mails:
        sign_in = SignInSettings(smtp_url=mails.url, mail_from="Post <post@example.com>")
        async with opened(settings, sign_in) as tegu, serving(tegu) as service, service.browser() as browser:
            await service.member("anna@example.com")
            await browser.post("/auth/sign-in", json={"email": "anna@example.com"})
            (mail,) = await mails.arrived(1)
            assert (mail["To"], mail["From"]) == ("anna@example.com", "Post <post@example.com>")
            assert mail["Message-ID"].endswith("@example.com>")
            text = mail.get_content()
            token = re.findall(r"token=([\w-]+)", text)[0]
            assert (await browser.post("/auth/link", json={"token": token})).status_code == 200
            assert (await browser.get("/auth/mailbox")).status_code == 404


async def test_a_server_that_is_busy_is_asked_again(settings: Settings) -> None:
    async with mail_server(refused=1) as mails:
        sign_in = SignInSettings(smtp_url=mails.url)
        async with opened(settings, sign_in) as tegu, serving(tegu) as service, service.browser() as browser:
            await service.member("anna@example.com")
            await browser.post("/auth/sign-in", json={"email": "anna@example.com"})
            assert await mails.arrived(1)


async def test_a_name_of_an_organization_begins_no_header(settings: Settings) -> None:
    async with mail_server() as mails, opened(settings, SignInSettings(smtp_url=mails.url)) as tegu:
        scope = await tegu.scope()
        async with scope.transaction() as connection:
            await rename_organization(connection, scope.organization_id, "Acme\r\nBcc: all@example.com\r\n")
        await create_invitation(scope, CreateInvitation(email="ben@example.com", role=Role.VIEWER))
        (mail,) = await mails.arrived(1)
    assert mail["Bcc"] is None
    assert mail["Subject"] == "Invitation to Acme Bcc: all@example.com on Tegu"


async def test_a_server_that_is_not_there_keeps_nobody_waiting_and_is_logged_without_its_password(
    settings: Settings, caplog: pytest.LogCaptureFixture
) -> None:
    sign_in = SignInSettings(smtp_url="smtp://user:pass-word@127.0.0.1:9")
    caplog.set_level(logging.WARNING, "tegu.mail")
    async with opened(settings, sign_in) as tegu, serving(tegu) as service, service.browser() as browser:
        await service.member("anna@example.com")
        asked = await browser.post("/auth/sign-in", json={"email": "anna@example.com"})
        assert asked.status_code == 200
    assert "could not be sent" in caplog.text
    assert "pass-word" not in caplog.text


async def test_whoever_starts_the_service_first_gets_a_link_and_nobody_after(settings: Settings) -> None:
    async with opened(settings) as tegu, serving(tegu) as service, service.browser() as browser:
        link = await first_link(await tegu.scope())
        assert link is not None
        assert link.startswith(f"{service.url}/auth/link?token=")
        token = link.partition("token=")[2]
        assert (await browser.post("/auth/link", json={"token": token})).status_code == 200
        me = (await browser.get("/api/me")).json()
        assert (me["label"], me["role"], me["is_operator"]) == ("owner@localhost", "owner", False)
        assert await first_link(await tegu.scope()) is None
        assert await first_link(await tegu.for_organization("other").scope()) is not None


async def test_users_of_a_host_are_known_by_what_it_says_of_them(settings: Settings) -> None:
    async def resolve_user(request: Request) -> HostUser | None:
        name = request.headers.get("x-user")
        return None if name is None else HostUser("tenant-7", name, Role.EDITOR, email=f"{name}@example.com")

    async with (
        opened(settings) as tegu,
        serving(tegu, resolve_user=resolve_user) as service,
        service.browser(**{"x-user": "anna"}) as browser,
        service.browser() as nobody,
    ):
        me = (await browser.get("/api/me")).json()
        assert (me["kind"], me["label"], me["role"]) == ("host", "anna@example.com", "editor")
        assert (await browser.get("/api/me")).json()["id"] == me["id"]
        assert me["organization_name"] == "tenant-7"
        assert (await browser.post("/api/contents", json={"text": "x"})).status_code == 201
        forged = await browser.post(
            "/api/contents", json={"text": "x"}, headers={"sec-fetch-site": "cross-site"}
        )
        assert forged.status_code == 403
        bearer = {"authorization": "Bearer of-the-host", "sec-fetch-site": "cross-site"}
        assert (await browser.post("/api/contents", json={"text": "y"}, headers=bearer)).status_code == 201
        assert (await browser.get("/api/sessions")).status_code == 403
        (own,) = (await browser.get("/api/organizations")).json()["items"]
        assert own["is_current"]
        assert (await nobody.get("/api/me")).status_code == 401
        assert (await nobody.get("/auth/sign-in")).status_code == 404
        await service.member("anna@example.com", organization="acme")
        assert (await browser.get("/api/me")).json()["organization_name"] == "tenant-7"
