"""Sessions of an organization's members: start, list and end them.

Called by the actions on sessions and by signing in. Invariant: a session is found by the hash of its token
(`storage.sign_in`), and is gone when its row is; a person has at most `AT_ONCE_MAX`, the least recently used go first.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import and_, delete, func, insert, null, select, text, update

from tegu.domain.actor import SeenAs
from tegu.domain.identity import Session
from tegu.domain.ids import new_id
from tegu.storage.tables import sessions
from tegu.storage.transaction import Transaction

AT_ONCE_MAX = 20
_SWEPT = 100
_C = sessions.c
_SHOWN = (_C.id, _C.user_id, _C.user_agent, _C.created_at, _C.seen_at, _C.expires_at)


@dataclass(frozen=True, slots=True)
class NewSession:
    """A session to begin."""

    user_id: UUID
    token_hash: bytes
    user_agent: str
    good_for_s: float


async def start_session(connection: Transaction, organization_id: UUID, new: NewSession) -> UUID:
    """Begin it; some that ended are swept away, and the user's oldest beyond the limit."""
    mine = _C.organization_id == organization_id
    ended = select(_C.id).where(mine, _C.expires_at < func.clock_timestamp()).limit(_SWEPT)
    surplus = (
        select(_C.id)
        .where(mine, _C.user_id == new.user_id)
        .order_by(_C.seen_at.desc(), _C.id.desc())
        .offset(AT_ONCE_MAX - 1)
    )
    for some in (ended, surplus):
        await connection.execute(delete(sessions).where(mine, _C.id.in_(some)))
    session_id = new_id()
    await connection.execute(
        insert(sessions).values(
            organization_id=organization_id,
            id=session_id,
            user_id=new.user_id,
            token_hash=new.token_hash,
            user_agent=new.user_agent,
            expires_at=func.clock_timestamp()
            + text("make_interval(secs => :s)").bindparams(s=new.good_for_s),
        )
    )
    return session_id


async def list_sessions(
    connection: Transaction, organization_id: UUID, user_id: UUID, *, current: UUID | None
) -> Sequence[Session]:
    """Those of a user, the last used first."""
    query = select(*_SHOWN).where(
        _C.organization_id == organization_id,
        _C.user_id == user_id,
        _C.expires_at > func.clock_timestamp(),
    )
    rows = (await connection.execute(query.order_by(_C.seen_at.desc(), _C.id))).mappings()
    return [Session(**row, is_current=row["id"] == current) for row in rows]


async def see_as(
    connection: Transaction, organization_id: UUID, session_id: UUID, seen_as: SeenAs | None
) -> None:
    """Through whose eyes whoever has the session looks from now on; None: their own."""
    stored = null() if seen_as is None else seen_as.to_json()
    mine = and_(_C.organization_id == organization_id, _C.id == session_id)
    await connection.execute(update(sessions).where(mine).values(seen_as=stored))


async def end_sessions(
    connection: Transaction, organization_id: UUID, user_id: UUID, session_id: UUID | None = None
) -> int:
    """End one session of a user, or all. How many there were."""
    mine = and_(_C.organization_id == organization_id, _C.user_id == user_id)
    if session_id is not None:
        mine = and_(mine, _C.id == session_id)
    return len((await connection.scalars(delete(sessions).where(mine).returning(_C.id))).all())
