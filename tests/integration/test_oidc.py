"""Signing in by an identity provider, over real HTTP."""

from collections.abc import AsyncGenerator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest
from http_service import Service, serving
from scripted_issuer import CLIENT_ID, CLIENT_SECRET, Issuer, issuing

from tegu.app import Tegu
from tegu.llm.credentials import EnvironmentCredentials
from tegu.settings import OidcSettings, Settings, SignInSettings
from tegu.storage.database import DatabaseAddress


@dataclass
class World:
    """A service, and the provider that people may sign in by."""

    service: Service
    issuer: Issuer

    async def comes_back(self, browser: httpx.AsyncClient) -> httpx.Response:
        """From the sign-in page to the provider and back, as a browser goes."""
        away = await browser.get("/auth/oidc")
        assert away.status_code == 303, away.text
        back = await browser.get(away.headers["location"])
        return await browser.get(back.headers["location"])


@pytest.fixture
async def world(address: DatabaseAddress, tmp_path: Path) -> AsyncGenerator[World]:
    async with issuing() as issuer:
        oidc = OidcSettings(issuer.url, CLIENT_ID, CLIENT_SECRET)
        settings = Settings(
            home=tmp_path,
            database_url=address.owner,
            model="rules",
            organization="acme",
            sign_in=SignInSettings(oidc=oidc),
        )
        tegu = Tegu(settings=settings, credentials=EnvironmentCredentials({}))
        async with tegu, serving(tegu) as service:
            await service.member("anna@example.com")
            yield World(service, issuer)


async def test_a_member_whom_the_provider_knows_is_signed_in(world: World) -> None:
    async with world.service.browser() as browser:
        assert 'href="oidc"' in (await browser.get("/auth/sign-in")).text
        done = await world.comes_back(browser)
        assert (done.status_code, done.headers["location"]) == (303, "../../")
        assert (await browser.get("/api/me")).json()["label"] == "anna@example.com"
        (event,) = (await browser.get("/api/audit")).json()["items"]
        assert (event["action"], event["target"]["by"]) == ("me.sign_in", "oidc")
    (asked,) = world.issuer.asked
    assert (asked["code_challenge_method"], asked["response_type"], asked["scope"]) == (
        "S256",
        "code",
        "openid email",
    )


@pytest.mark.parametrize(
    "claims",
    [
        {"email": "stranger@example.com"},
        {"email_verified": False},
        {"email_verified": "true"},
        {"email_verified": None},
        {"nonce": "another"},
        {"aud": "another"},
        {"iss": "https://evil.example"},
        {"exp": 1},
        {"email": None},
    ],
)
async def test_what_the_provider_does_not_say_of_a_member_lets_nobody_in(
    world: World, claims: dict[str, Any]
) -> None:
    world.issuer.claims = claims
    async with world.service.browser() as browser:
        assert (await world.comes_back(browser)).status_code == 401
        assert (await browser.get("/api/me")).status_code == 401


async def test_what_another_has_signed_lets_nobody_in(world: World) -> None:
    world.issuer.signs_with_another_key = True
    async with world.service.browser() as browser:
        assert (await world.comes_back(browser)).status_code == 401


async def test_an_answer_that_this_browser_has_not_asked_for_lets_nobody_in(world: World) -> None:
    async with world.service.browser() as browser, world.service.browser() as victim:
        away = await browser.get("/auth/oidc")
        back = (await browser.get(away.headers["location"])).headers["location"]
        assert (await victim.get(back)).status_code == 401
        await victim.get("/auth/oidc")
        assert (await victim.get(back)).status_code == 401
        assert (await victim.get("/auth/oidc/callback")).status_code == 401


async def test_a_code_is_of_no_use_without_the_verifier_of_who_asked(world: World) -> None:
    async with world.service.browser() as browser:
        away = await browser.get("/auth/oidc")
        back = (await browser.get(away.headers["location"])).headers["location"]
        state, nonce, _ = browser.cookies["tegu-oidc"].split(".")
        browser.cookies.clear()
        changed = {"cookie": f"tegu-oidc={state}.{nonce}.another"}
        assert (await browser.get(back, headers=changed)).status_code == 401


async def test_a_provider_that_calls_itself_otherwise_is_refused_and_mail_still_signs_in(
    world: World,
) -> None:
    world.issuer.url = "http://127.0.0.1:9"
    async with world.service.browser() as browser:
        refused = await browser.get("/auth/oidc", headers={"accept": "application/json"})
        assert (refused.status_code, refused.json()["code"]) == (422, "configuration")
        await world.service.sign_in(browser, "anna@example.com")
        assert (await browser.get("/api/me")).status_code == 200
