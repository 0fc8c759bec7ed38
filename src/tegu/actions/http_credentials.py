"""Credentials that stages send with their requests: store, list and remove them.

Called by the declared actions. Invariant: a secret is sealed before it is stored, and never shown again.
"""

from uuid import UUID

from tegu.actions.scope import Scope
from tegu.domain.errors import ConflictError, NotFoundError, UsageError
from tegu.domain.http_credential import CREDENTIALS_MAX, HttpCredential
from tegu.domain.ids import new_id
from tegu.storage import http_credentials as store
from tegu.storage.http_credentials import SealedCredential, credential_home, credential_place

_OURS = frozenset({"host", "content-length", "transfer-encoding", "connection", "idempotency-key"})


async def create(scope: Scope, *, name: str, url: str, header: str, secret: str) -> HttpCredential:
    """Store one for the host of a URL. Raises EgressError for an address that is not asked, ConflictError."""
    if header in _OURS:
        raise UsageError(
            f"the header {header!r} is set by the request itself", hint="authorization, x-api-key"
        )
    checked = scope.machinery.guard.check_url(url)
    host = credential_home(checked.scheme, checked.netloc.decode())
    place = credential_place(scope.organization_id, name, host, header)
    new = SealedCredential(new_id(), name, host, header, scope.machinery.keyring.seal(secret, place))
    async with scope.transaction() as connection:
        if len(await store.list_credentials(connection, scope.organization_id)) >= CREDENTIALS_MAX:
            raise ConflictError(
                f"there are {CREDENTIALS_MAX} credentials already", hint="remove those that are not needed"
            )
        made = await store.insert_credential(connection, scope.organization_id, new)
        if made is None:
            raise ConflictError(f"there is a credential {name!r} already", hint="delete it first")
    return made


async def delete(scope: Scope, credential_id: UUID) -> None:
    """Requests that begin later are sent without it, and fail. Raises NotFoundError."""
    async with scope.transaction() as connection:
        if not await store.delete_credential(connection, scope.organization_id, credential_id):
            raise NotFoundError(f"there is no credential {credential_id}")
