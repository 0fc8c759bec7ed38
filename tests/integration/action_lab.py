"""Asking for actions as interfaces do, by name and with what was said."""

from dataclasses import replace
from typing import Any

from tegu.actions.action import Action
from tegu.actions.registry import ACTIONS
from tegu.actions.scope import Scope
from tegu.domain.actor import Actor, ActorKind, Role
from tegu.domain.ids import new_id
from tegu.domain.json import JsonObject

LABELS: JsonObject = {"refund": "asks for money back", "other": "anything else"}


def pipeline(name: str) -> JsonObject:
    return {
        "tegu": 1,
        "name": name,
        "input": "content",
        "model": "rules",
        "stages": {
            "summary": {"uses": "summarize"},
            "kind": {"uses": "classify", "with": {"labels": LABELS}},
        },
    }


def keyed(scope: Scope, *pipelines: str, role: Role = Role.OWNER, is_operator: bool = False) -> Scope:
    """The same organization, asked for by a key; for these pipelines only, where some are named."""
    actor = Actor(
        scope.organization_id,
        ActorKind.KEY,
        role,
        id=new_id(),
        label="ci",
        pipelines=frozenset(pipelines) if pipelines else None,
        is_operator=is_operator,
    )
    return replace(scope, actor=actor)


async def ask(scope: Scope, name: str, /, **said: Any) -> Any:
    action: Action[Any, Any] = ACTIONS[name]
    return await action(scope, action.input.model_validate(said))


async def everything(scope: Scope, name: str, /, **said: Any) -> list[Any]:
    """Every row of a list, three at a time."""
    found: list[Any] = []
    cursor = None
    while True:
        page = await ask(scope, name, limit=3, cursor=cursor, **said)
        assert len(page.items) <= 3
        found += page.items
        cursor = page.next_cursor
        if cursor is None:
            return found
