"""One's own sessions: see where one is signed in, and end them."""

from dataclasses import dataclass
from uuid import UUID

from tegu.actions.action import ActionInput, Effect, NoInput, action
from tegu.actions.scope import Scope
from tegu.domain.actor import Permission
from tegu.domain.errors import NotFoundError
from tegu.domain.identity import Session
from tegu.domain.page import Page
from tegu.storage import sessions


class SessionId(ActionInput):
    """Which session."""

    session_id: UUID


@dataclass(frozen=True, slots=True)
class EndedSessions:
    """How many sessions ended."""

    count: int


@action("sessions.list", effect=Effect.READ, permission=Permission.SELF)
async def list_sessions(scope: Scope, asked: NoInput) -> Page[Session]:
    """List where one is signed in, the last used first."""
    del asked
    assert scope.actor.id is not None
    async with scope.transaction() as connection:
        found = await sessions.list_sessions(
            connection, scope.organization_id, scope.actor.id, current=scope.actor.session_id
        )
    return Page(tuple(found))


@action(
    "sessions.revoke",
    effect=Effect.DESTRUCTIVE,
    permission=Permission.SELF,
    key="session_id",
    audited=("session_id",),
)
async def revoke_session(scope: Scope, asked: SessionId) -> EndedSessions:
    """End one of one's own sessions."""
    assert scope.actor.id is not None
    async with scope.transaction() as connection:
        ended = await sessions.end_sessions(
            connection, scope.organization_id, scope.actor.id, asked.session_id
        )
        if not ended:
            raise NotFoundError(f"you have no session {asked.session_id}", hint="list your sessions")
    return EndedSessions(ended)


@action("sessions.revoke_all", effect=Effect.DESTRUCTIVE, permission=Permission.SELF, is_idempotent=True)
async def revoke_all_sessions(scope: Scope, asked: NoInput) -> EndedSessions:
    """Sign out everywhere in this organization, here too."""
    del asked
    assert scope.actor.id is not None
    async with scope.transaction() as connection:
        return EndedSessions(await sessions.end_sessions(connection, scope.organization_id, scope.actor.id))
