"""The pages of signing in, below /auth. Each also takes JSON and answers with it, for interfaces that have pages of their own.

    GET  sign-in       a form for the address             POST sign-in      {email} -> mails a link and a code -> {flow}
    GET  link          a button                           POST link         {token} -> a session
                                                          POST code         {flow, code} -> a session
    GET  invitation    what it is to, and a button        POST invitation   {token} -> a member, and a session
    GET  account       who one is, and where to go        POST switch       {organization_id} -> a session there
    GET  mailbox       mails, where none are sent         POST sign-out     -> none
    GET  oidc          to an identity provider (`oidc`)   GET  oidc/callback

Called by `authentication`, which mounts them. Invariant: a GET changes nothing, so that whoever looks through mails uses
nothing up; what changes something comes from a page of ours; a token is taken from a form and put into a cookie, and is in no
answer.
"""

import asyncio
import json
import logging
from collections.abc import Awaitable, Callable
from ipaddress import ip_address
from typing import Any
from urllib.parse import parse_qsl, urlsplit
from uuid import UUID

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response

from tegu.actions import sign_in
from tegu.actions.machinery import Machinery
from tegu.actions.sign_in import SignedIn, Visitor
from tegu.domain.actor import Actor
from tegu.domain.errors import NotFoundError, TeguError, UnauthenticatedError, UsageError
from tegu.interfaces.http import cookies, returning
from tegu.interfaces.http.oidc import Oidc
from tegu.interfaces.http.pages import Field, form, heading, link, listing, page, said, shown
from tegu.interfaces.http.problems import error_response, status_of
from tegu.interfaces.http.same_origin import check_same_origin
from tegu.settings import LOCAL_HOSTS
from tegu.storage import sign_in as storage

log = logging.getLogger("tegu.http")

BODY_BYTES_MAX = 16_384
BODY_S = 3.0
Said = dict[str, str]
Handler = Callable[[Request], Awaitable[Response]]
ActorOfSession = Callable[[str | None], Awaitable[Actor]]
_FORWARDED = ("forwarded", "x-forwarded-for", "x-real-ip", "via")


class SignInPages:
    """See the module."""

    def __init__(self, machinery: Machinery, actor_of_session: ActorOfSession) -> None:
        self._machinery = machinery
        self._settings = machinery.settings.sign_in
        self._actor_of_session = actor_of_session
        provider = self._settings.oidc
        self._oidc = None if provider is None else Oidc(machinery, provider)

    def router(self) -> APIRouter:
        """All of them."""
        router = APIRouter()
        for path, method, handler in (
            ("/sign-in", "GET", self._ask),
            ("/sign-in", "POST", self._mail),
            ("/link", "GET", self._show_link),
            ("/link", "POST", self._use_link),
            ("/code", "POST", self._use_code),
            ("/invitation", "GET", self._show_invitation),
            ("/invitation", "POST", self._accept),
            ("/account", "GET", self._show_account),
            ("/switch", "POST", self._switch),
            ("/sign-out", "POST", self._sign_out),
            ("/mailbox", "GET", self._show_mailbox),
        ):
            router.add_route(f"/auth{path}", self._answering(handler), methods=[method])
        if self._oidc is not None:
            router.add_route("/auth/oidc", self._answering(self._to_provider), methods=["GET"])
            router.add_route("/auth/oidc/callback", self._answering(self._from_provider), methods=["GET"])
        return router

    def _answering(self, handler: Handler) -> Handler:
        """Errors become pages, or problems for who wants JSON."""

        async def answer(request: Request) -> Response:
            try:
                check_same_origin(request, self._settings.url)
                return await handler(request)
            except TeguError as error:
                return _problem(request, error)
            except Exception:
                log.exception("a request could not be answered")
                return _problem(request, TeguError("something unexpected happened", code="internal"))

        return answer

    async def _ask(self, request: Request) -> Response:
        address = Field("email", label="E-mail", kind="email", more='autocomplete="email" autofocus')
        parts = [said("We will e-mail you a sign-in link.", "soft"), form("sign-in", "Send link", address)]
        if self._oidc is not None:
            parts.append(link("oidc", "Sign in with your identity provider"))
        asked = page("Sign in", *parts)
        returning.keep(asked, self._settings, request.query_params.get("next", ""))
        return asked

    async def _mail(self, request: Request) -> Response:
        told = await _told(request)
        flow = await sign_in.request_link(
            self._machinery, told.get("email", ""), await self._visitor(request)
        )
        if _wants_json(request):
            return _json({"flow": flow, "good_for_s": sign_in.LINK_S})
        code = Field("code", label="Code", more='inputmode="numeric" autocomplete="one-time-code" autofocus')
        parts = [
            said("If the address is known here, an e-mail is on its way. Open its link, or enter its code:"),
            form("code", "Sign in", Field("flow", flow), code),
        ]
        if self._is_mailbox_shown(request):
            parts.append(link("mailbox", "This service sends no e-mails: see them here"))
        return page("Check your e-mail", *parts)

    async def _show_link(self, request: Request) -> Response:
        token = Field("token", request.query_params.get("token", "")[:200])
        return page(
            "Sign in", said("Continue only if you asked for this link."), form("link", "Sign in", token)
        )

    async def _use_link(self, request: Request) -> Response:
        told = await _told(request)
        begun = await sign_in.sign_in_by_link(
            self._machinery, told.get("token", ""), await self._visitor(request)
        )
        return self._signed_in(request, begun)

    async def _use_code(self, request: Request) -> Response:
        told = await _told(request)
        begun = await sign_in.sign_in_by_code(
            self._machinery, told.get("flow", ""), told.get("code", ""), await self._visitor(request)
        )
        return self._signed_in(request, begun)

    async def _show_invitation(self, request: Request) -> Response:
        token = request.query_params.get("token", "")[:200]
        found = await sign_in.open_invitation(self._machinery, token, await self._visitor(request))
        if _wants_json(request):
            return _json({"organization": found.organization, "email": found.email, "role": found.role.value})
        return page(
            f"Join {found.organization}",
            said(f"As {found.email}, with the role {found.role.value}."),
            form("invitation", "Accept", Field("token", token)),
        )

    async def _accept(self, request: Request) -> Response:
        told = await _told(request)
        begun = await sign_in.accept_invitation(
            self._machinery, told.get("token", ""), await self._visitor(request)
        )
        return self._signed_in(request, begun)

    async def _show_account(self, request: Request) -> Response:
        actor = await self._actor_of_session(cookies.token_in(request, self._settings))
        pool = await self._machinery.database.engine()
        theirs = [found for _, found in await storage.organizations_of(pool, actor.label)]
        here = next(found for found in theirs if found.id == actor.organization_id)
        if _wants_json(request):
            return _json(
                {
                    "email": actor.label,
                    "organization_id": str(here.id),
                    "organizations": [
                        {"id": str(found.id), "name": found.name, "role": found.role.value}
                        for found in theirs
                    ],
                }
            )
        others = [
            form("switch", f"Switch to {found.name}", Field("organization_id", str(found.id)))
            for found in theirs
            if found.id != here.id
        ]
        return page(
            here.name,
            said(f"You are signed in as {actor.label}, with the role {here.role.value}."),
            link("../", "Open the application"),
            *others,
            form("sign-out", "Sign out"),
        )

    async def _switch(self, request: Request) -> Response:
        told = await _told(request)
        try:
            organization_id = UUID(told.get("organization_id", ""))
        except ValueError as error:
            raise UsageError("`organization_id` is no id of an organization") from error
        visitor = await self._visitor(request)
        return self._signed_in(
            request, await sign_in.switch_organization(self._machinery, organization_id, visitor)
        )

    async def _sign_out(self, request: Request) -> Response:
        visitor = await self._visitor(request)
        if visitor.actor is not None:
            await sign_in.sign_out(self._machinery, visitor.actor)
        done = _json({}) if _wants_json(request) else RedirectResponse("sign-in", 303)
        cookies.take_away(done, self._settings)
        return done

    async def _show_mailbox(self, request: Request) -> Response:
        kept = self._machinery.outbox.kept
        if kept is None or not self._is_mailbox_shown(request):
            raise NotFoundError("there is nothing at this address")
        ours = self._settings.url
        note = "This service sends no e-mails, since TEGU_SMTP_URL is not set. They are shown on this machine only."
        cards = [
            heading(mail.subject)
            + said(f"To {mail.to}, {mail.at:%d %b %Y %H:%M} UTC", "soft")
            + shown(mail.text, ours=ours)
            for mail in kept
        ]
        none = said("No e-mails yet. Ask for a sign-in link, or invite somebody, and look here again.")
        return listing("Mailbox", said(note, "soft") + link("sign-in", "Sign in"), *(cards or [none]))

    async def _to_provider(self, request: Request) -> Response:
        del request
        assert self._oidc is not None
        return await self._oidc.leave()

    async def _from_provider(self, request: Request) -> Response:
        assert self._oidc is not None
        begun = await self._oidc.come_back(request, await self._visitor(request))
        done: Response = RedirectResponse(f"../../{returning.kept(request, self._settings)}", 303)
        cookies.give(done, self._settings, begun.token)
        returning.forget(request, done, self._settings)
        self._oidc.forget(done)
        return done

    def _is_mailbox_shown(self, request: Request) -> bool:
        """To a browser on this machine that asked for it by a name of this machine, directly: another's name could lead
        here (DNS rebinding), and so could a proxy.
        """
        if self._machinery.outbox.kept is None or not self._settings.is_local:
            return False
        if any(name in request.headers for name in _FORWARDED):
            return False
        return urlsplit(f"//{request.headers.get('host', '')}").hostname in LOCAL_HOSTS and _is_loopback(
            request.client.host if request.client else ""
        )

    async def _visitor(self, request: Request) -> Visitor:
        try:
            actor = await self._actor_of_session(cookies.token_in(request, self._settings))
        except UnauthenticatedError:
            actor = None
        host = request.client.host if request.client else ""
        return Visitor(host, request.headers.get("user-agent", ""), actor)

    def _signed_in(self, request: Request, begun: SignedIn) -> Response:
        done: Response = RedirectResponse(f"../{returning.kept(request, self._settings)}", 303)
        if _wants_json(request):
            done = _json({"organization_id": str(begun.organization_id), "user_id": str(begun.user_id)})
        cookies.give(done, self._settings, begun.token)
        returning.forget(request, done, self._settings)
        return done


async def _told(request: Request) -> Said:
    """The fields of a form, or of a JSON object. Raises UsageError."""
    body = bytearray()
    try:
        async with asyncio.timeout(BODY_S):  # nobody is known yet, and a slow sender takes a place
            async for piece in request.stream():
                body += piece
                if len(body) > BODY_BYTES_MAX:
                    raise UsageError("that is more than a form holds")
    except TimeoutError as error:
        raise UsageError("the form did not come in time") from error
    try:
        if _is_json(request):
            found: Any = json.loads(body or b"{}")
            return {str(name): str(value) for name, value in dict(found).items()}
        return dict(parse_qsl(body.decode("utf-8"), keep_blank_values=True, max_num_fields=20))
    except (ValueError, TypeError, RecursionError) as error:
        raise UsageError("what was sent is neither a form nor a JSON object") from error


def _is_json(request: Request) -> bool:
    return request.headers.get("content-type", "").partition(";")[0].strip() == "application/json"


def _wants_json(request: Request) -> bool:
    return _is_json(request) or "application/json" in request.headers.get("accept", "")


def _json(value: dict[str, Any]) -> JSONResponse:
    return JSONResponse(value, headers={"cache-control": "no-store"})


def _problem(request: Request, error: TeguError) -> Response:
    plain = error_response(error)
    if _wants_json(request):
        return plain
    hint = [said(error.hint, "soft")] if error.hint else []
    found = page(
        "That did not work",
        said(error.message, "bad"),
        *hint,
        link("sign-in", "Sign in"),
        status=status_of(error),
    )
    if (after := plain.headers.get("retry-after")) is not None:
        found.headers["retry-after"] = after
    return found


def _is_loopback(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False
