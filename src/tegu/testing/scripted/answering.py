"""From a scripted reply to the answer that a wire renders.

Called by the server. Invariant: deterministic; the same request and reply give the same answer, token counts too.
"""

import json
import math
from typing import assert_never

from pydantic import JsonValue

from tegu.domain.json import JsonObject, canonical_json
from tegu.testing.scripted.derive import derive, violate
from tegu.testing.scripted.routes import ProviderRequest
from tegu.testing.scripted.script import (
    Call,
    Derived,
    Filtered,
    Invalid,
    Json,
    Malformed,
    ModelBody,
    Refused,
    Reply,
    Text,
    Tokens,
)
from tegu.testing.scripted.wire import Answer, Finish, MadeCall

_CHARACTERS_PER_TOKEN = 4


def answer(request: ProviderRequest, reply: Reply, body: ModelBody) -> Answer:
    """What the model says to this request."""
    finish, text, call = _said(request, body)
    if reply.truncated:
        finish = Finish.TRUNCATED
        text = text[: len(text) // 2]
        if call is not None:
            call = MadeCall(call.tool, call.arguments_json[: len(call.arguments_json) // 2])
    said = call.arguments_json if call is not None else text
    return Answer(
        key=request.key,
        model=request.model,
        finish=finish,
        tokens=reply.tokens or _counted(request, said),
        text=text,
        call=call,
    )


def _said(request: ProviderRequest, body: ModelBody) -> tuple[Finish, str, MadeCall | None]:
    match body:
        case Text(text):
            return Finish.STOPPED, text, None
        case Json(value):
            return _json(request, value)
        case Call(tool, arguments):
            return _call(tool, arguments)
        case Derived():
            schema = _schema(request)
            return (Finish.STOPPED, "x", None) if schema is None else _json(request, derive(schema))
        case Invalid():
            return _json(request, violate(_schema(request) or {}))
        case Malformed(text):
            tool = request.asked.tool
            is_call = tool is not None
            return (
                (Finish.CALLED_TOOL, "", MadeCall(tool.name, text))
                if is_call
                else (Finish.STOPPED, text, None)
            )
        case Refused(text):
            return Finish.REFUSED, text, None
        case Filtered():
            return Finish.FILTERED, "", None
        case _:
            assert_never(body)


def _schema(request: ProviderRequest) -> JsonObject | None:
    asked = request.asked
    return asked.tool.schema if asked.tool is not None else asked.schema


def _json(request: ProviderRequest, value: JsonValue) -> tuple[Finish, str, MadeCall | None]:
    tool = request.asked.tool
    if tool is not None:
        return _call(tool.name, value)
    return Finish.STOPPED, json.dumps(value, ensure_ascii=False), None


def _call(tool: str, arguments: JsonValue) -> tuple[Finish, str, MadeCall]:
    return Finish.CALLED_TOOL, "", MadeCall(tool, json.dumps(arguments, ensure_ascii=False), arguments)


def _counted(request: ProviderRequest, said: str) -> Tokens:
    schema = _schema(request)
    sent = len(request.prompt) + (len(canonical_json(schema)) if schema else 0)
    return Tokens(_tokens(sent), _tokens(len(said)))


def _tokens(characters: int) -> int:
    return max(1, math.ceil(characters / _CHARACTERS_PER_TOKEN))
