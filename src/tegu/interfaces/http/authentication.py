"""Who asks: from what a request brings to an actor, and the scope of its organization.

    Authorization: Bearer tegu_...   a key, of a person or a service account
    Authorization: Bearer tegu_embed_...   what opens one run or review in a page of a host application
    cookie                           a session of a person
    resolve_user                     a user of the application that Tegu is mounted into, whom it knows

Called by whatever serves the actions over HTTP. Invariant: what a request brings is looked up each time; a request with a
key is never helped by a cookie, and one that changes something by a cookie comes from a page of ours.
"""

from collections.abc import Awaitable, Callable
from typing import Protocol
from uuid import UUID, uuid5

from fastapi import APIRouter
from starlette.requests import Request

from tegu.actions import embed_tokens, views
from tegu.actions.machinery import Machinery
from tegu.actions.scope import Scope
from tegu.actions.sign_in import IDLE_S
from tegu.actions.tokens import EMBED_FORM, KEY_FORM, hash_of
from tegu.domain.actor import Actor, ActorKind, Permission, Role
from tegu.domain.errors import UnauthenticatedError
from tegu.domain.identity import HostUser
from tegu.interfaces.http import cookies
from tegu.interfaces.http.same_origin import check_same_origin
from tegu.storage import sign_in as storage

ResolveUser = Callable[[Request], Awaitable[HostUser | None]]
_HINT = "sign in, or send `Authorization: Bearer tegu_...`"


class OrganizationsById(Protocol):
    """Organizations by the host application's id of them."""

    async def id_of(self, external_id: str) -> UUID:
        """Made if it is not there."""
        ...


class Service(Machinery, Protocol):
    """What of the runtime is served."""

    @property
    def organizations(self) -> OrganizationsById:
        """Those of the host application."""
        ...

    def scope_of(self, organization_id: UUID, actor: Actor | None = None) -> Scope:
        """On whose behalf actions run."""
        ...


class Authentication:
    """See the module. With `resolve_user` who comes without a key is the host's user, and nobody signs in here."""

    def __init__(self, service: Service, *, resolve_user: ResolveUser | None = None) -> None:
        self._service = service
        self._resolve_user = resolve_user

    async def scope_of(self, request: Request) -> Scope:
        """On whose behalf a request asks. Raises UnauthenticatedError, ForbiddenError."""
        actor = await self.actor_of(request)
        return self._service.scope_of(actor.organization_id, actor)

    async def actor_of(self, request: Request) -> Actor:
        """Who asks. Raises UnauthenticatedError, ForbiddenError."""
        written = request.headers.get("authorization")
        settings = self._service.settings.sign_in
        if self._resolve_user is not None and not _is_ours(written):
            user = await self._resolve_user(request)
            if user is None:
                raise UnauthenticatedError("nobody is signed in", hint=_HINT)
            if not _is_bearer(written):  # a browser sends cookies, and other schemes' credentials, by itself
                check_same_origin(request, settings.url)
            return await self._host_actor(user)
        if written is not None:
            return await self.actor_of_key(_bearer(written))
        actor = await self.actor_of_session(cookies.token_in(request, settings))
        check_same_origin(request, settings.url)
        return actor

    async def actor_of_key(self, key: str) -> Actor:
        """Who has a key. Raises UnauthenticatedError."""
        if EMBED_FORM.fullmatch(key):
            return await embed_tokens.actor_of(self._service, key)
        if not KEY_FORM.fullmatch(key):
            raise UnauthenticatedError(
                "that is no API key of ours", hint="a key is `tegu_`, 8 letters or digits, `_`, and 43 more"
            )
        found = await storage.find_key(await self._service.database.engine(), hash_of(key))
        if found is None:
            raise UnauthenticatedError("the key lets nobody in, or not any more", hint="make a new one")
        return Actor(
            found.organization_id,
            ActorKind.KEY,
            found.role,
            id=found.id,
            label=found.label,
            scopes=found.scopes,
            pipelines=found.pipelines,
            is_operator=self._operates(found.email) and Permission.OPERATE in (found.scopes or ()),
        )

    async def actor_of_session(self, token: str | None) -> Actor:
        """Who has a session. Raises UnauthenticatedError."""
        if token is None:
            raise UnauthenticatedError("nobody is signed in", hint=_HINT)
        pool = await self._service.database.engine()
        found = await storage.find_session(pool, hash_of(token), idle_s=IDLE_S)
        if found is None:
            raise UnauthenticatedError("the session has ended", hint=_HINT)
        actor = Actor(
            found.organization_id,
            ActorKind.USER,
            found.role,
            id=found.user_id,
            label=found.email,
            session_id=found.id,
            is_operator=self._operates(found.email),
        )
        return views.through(actor, found.seen_as)

    def router(self) -> APIRouter:
        """The pages of signing in, below /auth; none where the host signs people in."""
        if self._resolve_user is not None:
            return APIRouter()
        from tegu.interfaces.http.sign_in import SignInPages

        return SignInPages(self._service, self.actor_of_session).router()

    async def _host_actor(self, user: HostUser) -> Actor:
        organization_id = await self._service.organizations.id_of(user.organization)
        return Actor(
            organization_id,
            ActorKind.HOST,
            Role(user.role),
            id=uuid5(organization_id, user.id),
            label=user.email or user.id,
            is_operator=user.is_operator,
        )

    def _operates(self, email: str | None) -> bool:
        return email is not None and email.lower() in self._service.settings.sign_in.operators


def _is_ours(written: str | None) -> bool:
    return written is not None and written.partition(" ")[2].strip().startswith("tegu_")


def _is_bearer(written: str | None) -> bool:
    return written is not None and written.partition(" ")[0].lower() == "bearer"


def _bearer(written: str) -> str:
    scheme, _, key = written.partition(" ")
    if scheme.lower() != "bearer":
        raise UnauthenticatedError("`Authorization` holds no key", hint="write `Bearer tegu_...`")
    return key.strip()
