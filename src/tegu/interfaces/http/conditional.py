"""ETags: what has not changed is not sent again, and what has changed meanwhile is not changed further by mistake.

Called by `api` for every derived route. Invariants: a tag stands for one representation, byte by byte; of several that change
the same thing and all expect it as it was, one is done and the others are told.
"""

import asyncio
import hashlib
from typing import Any

from fastapi import Request
from starlette.responses import Response

from tegu.actions.action import Action, ActionInput
from tegu.actions.scope import Scope
from tegu.actions.unchanged import alone_with
from tegu.domain.errors import ConflictError, UsageError

CHANGES_AT_ONCE = 2
"""Each holds one connection of the pool while it needs another: few at a time, so that they never have all."""


def etag_of(representation: bytes) -> str:
    """The strong tag of what is sent."""
    return f'"{hashlib.sha256(representation).hexdigest()[:32]}"'


def is_named(tag: str, header: str, *, is_weak_enough: bool) -> bool:
    """Whether a list of tags, as in If-Match (strong) or If-None-Match (weak is enough), names this one."""
    listed = [each.strip() for each in header.split(",")]
    if is_weak_enough:
        listed = [each.removeprefix("W/") for each in listed]
    return "*" in listed or tag in listed


def representation(request: Request, data: bytes, status: int = 200) -> Response:
    """What was read, with its tag; nothing but the tag where the client has it already."""
    headers = {"etag": etag_of(data), "cache-control": "private, no-cache", "vary": "accept"}
    known = request.headers.get("if-none-match")
    if known is not None and status == 200 and is_named(headers["etag"], known, is_weak_enough=True):
        return Response(status_code=304, headers=headers)
    return Response(data, status, headers, media_type="application/json")


async def act_if_unchanged(
    scope: Scope,
    action: Action[Any, Any],
    asked: ActionInput,
    *,
    current: Action[Any, Any] | None,
    expected: str,
    turns: asyncio.Semaphore,
) -> Any:
    """Perform the action if what it changes is as expected: `current` reads it. Raises ConflictError."""
    if current is None:
        raise UsageError(
            f"{action.name} takes no If-Match: what it changes cannot be read by itself",
            hint="send the request without it",
        )
    key = {current.key: getattr(asked, current.key)} if current.key else {}
    async with turns, alone_with(scope, f"{action.noun} {key}"):
        found = await current(scope, current.input.model_validate(key))
        if not is_named(etag_of(current.output.dump_json(found)), expected, is_weak_enough=False):
            raise ConflictError(
                f"it has changed since it had the tag {expected[:100]}",
                hint="read it again, and decide anew",
                code="changed",
            )
        return await action(scope, asked)
