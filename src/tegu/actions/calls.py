"""Calls of models: look through the ledger, and at what was said."""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from tegu.actions.scope import Scope
from tegu.domain.call import LlmCall
from tegu.domain.errors import NotFoundError
from tegu.storage import calls as store
from tegu.storage.calls import CallFilter, Exchange


@dataclass(frozen=True, slots=True)
class CallExchange:
    """A call, with what was sent and what came back, where that is kept."""

    call: LlmCall
    exchange: Exchange


async def list_calls(
    scope: Scope,
    wanted: CallFilter,
    *,
    after: UUID | None = None,
    limit: int = 50,
    is_oldest_first: bool = False,
) -> list[LlmCall]:
    """The newest calls, or the oldest, after a row."""
    async with scope.transaction() as connection:
        return await store.list_calls(
            connection,
            scope.organization_id,
            wanted,
            after=after,
            limit=limit,
            is_oldest_first=is_oldest_first,
            rows=scope.rows,
        )


async def get_call(scope: Scope, call_id: UUID) -> CallExchange:
    """One call with its exchange. Raises NotFoundError."""
    async with scope.transaction() as connection:
        call = await store.get_call(connection, scope.organization_id, call_id, scope.rows)
        if call is None:
            raise NotFoundError(f"there is no call {call_id}", hint="`tegu calls` lists the newest")
        exchanges = await store.exchanges_of(connection, scope.organization_id, [call_id])
    return CallExchange(call, exchanges[call_id])


async def exchanges_of(scope: Scope, found: Sequence[LlmCall]) -> dict[UUID, Exchange]:
    """What was sent and what came back, by call."""
    async with scope.transaction() as connection:
        return await store.exchanges_of(connection, scope.organization_id, [call.id for call in found])
