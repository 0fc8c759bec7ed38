"""Calls of models: list and read them, with what was said."""

from typing import Annotated
from uuid import UUID

from pydantic import Field

from tegu.actions import calls
from tegu.actions.action import ActionInput, Effect, action
from tegu.actions.calls import CallExchange
from tegu.actions.declared.inputs import Name, SortedPageInput
from tegu.actions.scope import Scope
from tegu.domain.actor import Permission
from tegu.domain.call import AnsweredBy, CallStatus, LlmCall
from tegu.domain.page import Page, id_of, page_of
from tegu.storage.calls import CallFilter


class ListCalls(SortedPageInput):
    """Which calls."""

    run_id: UUID | None = None
    stage: Name | None = None
    provider: Name | None = None
    model: Name | None = None
    status: CallStatus | None = None
    answered_by: AnsweredBy | None = None
    is_priced: Annotated[bool | None, Field(description="False: those whose cost is not known.")] = None


class CallId(ActionInput):
    """Which call."""

    call_id: UUID


@action("calls.list", effect=Effect.READ, permission=Permission.CALLS_READ)
async def list_calls(scope: Scope, asked: ListCalls) -> Page[LlmCall]:
    """List calls to models with tokens, time and cost, one row an attempt, the newest first."""
    wanted = CallFilter(
        run_id=asked.run_id,
        stage=asked.stage,
        provider=asked.provider,
        model=asked.model,
        status=asked.status,
        answered_by=asked.answered_by,
        is_priced=asked.is_priced,
    )
    found = await calls.list_calls(
        scope,
        wanted,
        after=id_of(asked.cursor),
        limit=asked.limit + 1,
        is_oldest_first=asked.is_oldest_first,
    )
    return page_of(found, asked.limit, lambda call: call.id)


@action("calls.get", effect=Effect.READ, permission=Permission.CALLS_READ, key="call_id")
async def get_call(scope: Scope, asked: CallId) -> CallExchange:
    """Read one call with what was sent and what came back."""
    return await calls.get_call(scope, asked.call_id)
