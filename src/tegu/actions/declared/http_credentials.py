"""Credentials that stages `http` send."""

from dataclasses import dataclass
from typing import Annotated
from uuid import UUID

from pydantic import Field

from tegu.actions import http_credentials
from tegu.actions.action import ActionInput, Effect, NoInput, action
from tegu.actions.scope import Scope
from tegu.domain.actor import Permission
from tegu.domain.http_credential import HttpCredential
from tegu.domain.webhook import URL_LENGTH_MAX
from tegu.storage import http_credentials as store

_SECRET_LENGTH_MAX = 10_000


class CreateHttpCredential(ActionInput):
    """A secret, and where it goes. It is not shown again."""

    name: Annotated[
        str, Field(pattern=r"^[a-z][a-z0-9_-]{0,99}$", description="As `auth: {credential: NAME}` says it.")
    ]
    url: Annotated[
        str,
        Field(max_length=URL_LENGTH_MAX, description="Of the service: the secret goes to its host alone."),
    ]
    header: Annotated[
        str, Field(pattern=r"^[A-Za-z0-9-]{1,100}$", description="Which header has the secret as its value.")
    ] = "authorization"
    secret: Annotated[
        str,
        Field(
            min_length=1,
            max_length=_SECRET_LENGTH_MAX,
            pattern=r"^[\x20-\x7e]+$",
            repr=False,
            json_schema_extra={"format": "password", "writeOnly": True},
            description="The whole value of the header: `Bearer abc`.",
        ),
    ]


class HttpCredentialId(ActionInput):
    """Which credential."""

    credential_id: UUID


@dataclass(frozen=True, slots=True)
class ListedHttpCredentials:
    """By name."""

    items: tuple[HttpCredential, ...]


@dataclass(frozen=True, slots=True)
class DeletedHttpCredential:
    """The credential that is gone."""

    credential_id: UUID


@action(
    "http_credentials.create",
    effect=Effect.WRITE,
    permission=Permission.SETTINGS_WRITE,
    audited=("name", "header"),
)
async def create_http_credential(scope: Scope, asked: CreateHttpCredential) -> HttpCredential:
    """Store a secret that stages `http` may send, to the host of this URL and to no other."""
    return await http_credentials.create(
        scope, name=asked.name, url=asked.url, header=asked.header.lower(), secret=asked.secret
    )


@action("http_credentials.list", effect=Effect.READ, permission=Permission.SETTINGS_READ)
async def list_http_credentials(scope: Scope, asked: NoInput) -> ListedHttpCredentials:
    """List the credentials of stages `http`, without the secrets."""
    del asked
    async with scope.transaction() as connection:
        return ListedHttpCredentials(tuple(await store.list_credentials(connection, scope.organization_id)))


@action(
    "http_credentials.delete",
    effect=Effect.DESTRUCTIVE,
    permission=Permission.SETTINGS_WRITE,
    key="credential_id",
    audited=("credential_id",),
)
async def delete_http_credential(scope: Scope, asked: HttpCredentialId) -> DeletedHttpCredential:
    """Remove a credential. Stages that name it fail from then on."""
    await http_credentials.delete(scope, asked.credential_id)
    return DeletedHttpCredential(asked.credential_id)
