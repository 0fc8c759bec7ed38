"""Actions as tools: `runs.start` is the tool `runs_start`, its inputs the arguments, what it returns structured content.

Called by `agent`. Invariant: an agent is offered what its actor may call, and nothing else can be called; what goes wrong is told
with its code and what to do, so that the agent can.
"""

import logging
from collections.abc import Iterable, Mapping
from functools import cache
from typing import Any

from mcp_types import CallToolResult, TextContent, Tool, ToolAnnotations
from pydantic import ValidationError
from pydantic_core import to_json

from tegu.actions.action import Action, Effect
from tegu.actions.policy import decide
from tegu.actions.registry import ACTIONS
from tegu.actions.scope import Scope
from tegu.domain.actor import Actor
from tegu.domain.errors import DefinitionError, TeguError

log = logging.getLogger("tegu.mcp")

EVERYDAY = frozenset(
    {
        "calls",
        "contents",
        "costs",
        "llm",
        "pipelines",
        "results",
        "runs",
        "threads",
    }
)
"""What an agent works with. The rest is offered to who asks for all: every tool that is offered takes a model's attention."""


def name_of(action: Action[Any, Any]) -> str:
    """`runs_start`."""
    return action.name.replace(".", "_")


def offered_to(actor: Actor, *, every: bool = False) -> list[Action[Any, Any]]:
    """The actions that the actor may ask for: those of every day, or every one."""
    return [
        action
        for action in ACTIONS.values()
        if (every or action.noun in EVERYDAY) and decide(actor, action.permission).is_allowed
    ]


@cache
def tool_of(name: str) -> Tool:
    """The tool of an action, by the action's name."""
    action = ACTIONS[name]
    return Tool(
        name=name_of(action),
        description=action.description,
        input_schema=action.input.model_json_schema(),
        output_schema=action.output.json_schema(mode="serialization"),
        annotations=ToolAnnotations(
            read_only_hint=action.effect is Effect.READ,
            destructive_hint=action.effect is Effect.DESTRUCTIVE,
            idempotent_hint=action.is_idempotent,
        ),
    )


def tools_of(actions: Iterable[Action[Any, Any]]) -> list[Tool]:
    """Their tools."""
    return [tool_of(action.name) for action in actions]


async def call(action: Action[Any, Any], scope: Scope, arguments: Mapping[str, Any]) -> CallToolResult:
    """Ask for the action. What it returns is there as data and as text; an error says so of itself."""
    try:
        done = await action(scope, action.input.model_validate(dict(arguments)))
    except Exception as error:  # noqa: BLE001 (every error becomes an answer)
        said = error_data(error)
        return CallToolResult(content=[_text(said)], structured_content=said, is_error=True)
    data = action.output.dump_python(done, mode="json")
    return CallToolResult(content=[_text(data)], structured_content=data)


def error_data(error: Exception) -> dict[str, Any]:
    """Code, message, hint, and every problem of several. An error that is not ours says nothing of itself."""
    match error:
        case DefinitionError():
            problems = [
                {"place": p.place, "message": p.message, "hint": p.hint, "line": p.line}
                for p in error.problems
            ]
            message = error.message.splitlines()[0]
            return {"code": error.code, "message": message, "hint": error.hint, "problems": [*problems]}
        case TeguError():
            return {"code": error.code, "message": error.message, "hint": error.hint}
        case ValidationError():
            found = error.errors(include_url=False, include_input=False, include_context=False)
            places = [
                {"place": ".".join(str(part) for part in each["loc"]), "message": each["msg"]}
                for each in found
            ]
            return {
                "code": "invalid_input",
                "message": f"{len(found)} of the inputs cannot be used",
                "hint": "the input schema of the tool says what can",
                "problems": [*places],
            }
        case _:
            log.error("a tool could not be called", exc_info=error)
            return {"code": "internal", "message": "the server has logged what went wrong", "hint": None}


def _text(data: Any) -> TextContent:
    return TextContent(type="text", text=to_json(data).decode())
