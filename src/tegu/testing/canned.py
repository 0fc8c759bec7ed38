"""Canned replies: what stands in for a model provider when a stage or a pipeline is tested in memory.

Called by `context` and `running`. Invariant: only the provider is replaced; what it answers goes through the same loop
as a model's reply (journal, reading, validation, asking again), and nothing is ever sent anywhere.
"""

import asyncio
import dataclasses
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, cast

from pydantic import BaseModel, JsonValue
from pydantic_core import PydanticSerializationError, to_json, to_jsonable_python

from tegu.domain.call import Usage
from tegu.domain.errors import UsageError
from tegu.domain.json import JsonObject
from tegu.llm.protocol import Credential, ModelReply, ModelRequest, OutputSpec
from tegu.llm.schema import validator
from tegu.stages.evidence import EVIDENCE, EVIDENCE_NOTE, OUTPUT
from tegu.testing.scripted.derive import derive

CANNED_MODEL = "testing:canned"
"""The model of stages that have replies, where none is configured."""
_TEXT_KEYS = frozenset({"str", "text"})
_SHOWN_MAX = 200


class NoReplyError(UsageError):
    """A stage asked a question that the test gave no reply to."""

    code = "no_reply"


@dataclass(frozen=True, slots=True)
class Quoted:
    """A reply with the quotes that a model gives for it; see `quoted`."""

    value: object
    quotes: Mapping[str, str]


def quoted(value: object, quotes: Mapping[str, str]) -> Quoted:
    """A reply and its evidence: JSON pointers into the value, and the words that the model claims to have read.

    quoted({"people": ["Maria"]}, {"/people/0": "Maria Lopez"})
    """
    return Quoted(value, dict(quotes))


@dataclass(slots=True)
class _Queue:
    """Where a list of replies stands."""

    replies: list[object]
    used: int = 0


@dataclass(slots=True)
class Replies:
    """The replies of one stage: one value, a list in order, or a mapping from the name or type of an output to those.

    A value that is no list answers every question. A mapping is by output when one of its keys is a type, or is the
    name of the output that is asked for; otherwise it is the value itself.
    """

    given: object
    stage: str
    how: Callable[[str, str], str]
    """How to give a reply, of the name of an output and an example."""
    _queues: dict[int, _Queue] = field(default_factory=dict[int, _Queue])

    async def answer(self, request: ModelRequest) -> ModelReply:
        """The next reply. Raises NoReplyError, or what was given to be raised."""
        value = self._next(self._for_output(request), request)
        if callable(value) and not isinstance(value, type):
            value = cast("Callable[[ModelRequest], object]", value)(request)
            if isinstance(value, Awaitable):
                value = await cast("Awaitable[object]", value)
        if isinstance(value, BaseException):
            raise value
        return _reply(value, request)

    def _for_output(self, request: ModelRequest) -> object:
        if not isinstance(self.given, Mapping):
            return self.given
        given = cast("Mapping[object, object]", self.given)  # pyright: ignore[reportUnknownMemberType] (its keys and values may be anything)
        if not given:
            raise self._unanswered(request, "there is no reply")
        names = _TEXT_KEYS if request.output is None else {request.output.name.lower()}
        for key, value in given.items():
            if _name(key).lower() in names:
                # An output may have a field of its own name: {"summary": "..."} is a summary.
                return given if isinstance(key, str) and _fits(given, request) else value
        if any(isinstance(key, type) for key in given) or not _may_be_value(given, request.output):
            raise self._unanswered(request, f"replies are for {', '.join(map(_name, given)) or 'nothing'}")
        return given

    def _next(self, found: object, request: ModelRequest) -> object:
        if found is None:
            raise self._unanswered(request, "there is no reply")
        if not isinstance(found, list | tuple):
            return found
        replies = list(cast("list[object]", found))
        queue = self._queues.setdefault(id(cast("object", found)), _Queue(replies))
        if queue.used >= len(replies):
            raise self._unanswered(request, f"its {len(replies)} replies are used up")
        queue.used += 1
        return replies[queue.used - 1]

    def _unanswered(self, request: ModelRequest, why: str) -> NoReplyError:
        wanted = f"for {request.output.name!r}" if request.output else "for a text"
        asked = " ".join(request.instructions.split())
        shown = asked if len(asked) <= _SHOWN_MAX else f"{asked[:_SHOWN_MAX]}..."
        name = request.output.name if request.output else "text"
        example = _example(request)
        return NoReplyError(
            f"stage {self.stage!r} asked {wanted}, and {why}: {shown!r}",
            hint=self.how(name, repr(example)),
        )


@dataclass(slots=True)
class CannedProvider:
    """Implements Provider. `unanswered` is the first question that had no reply."""

    replies: Replies
    unanswered: NoReplyError | None = None

    async def request(self, request: ModelRequest, credential: Credential) -> ModelReply:
        """The next reply."""
        del credential
        await asyncio.sleep(0)  # as with a real one, others get their turn
        try:
            return await self.replies.answer(request)
        except NoReplyError as error:
            self.unanswered = self.unanswered or error
            raise

    async def close(self) -> None:
        """Nothing is open."""


class NoCredentials:
    """Implements CredentialSource: no key, because nothing is sent."""

    async def credential(self, organization_id: object, provider: str) -> Credential:
        """An empty one."""
        del organization_id, provider
        return Credential()


def _reply(value: object, request: ModelRequest) -> ModelReply:
    if isinstance(value, ModelReply):
        return value
    quotes: Mapping[str, str] = {}
    if isinstance(value, Quoted):
        value, quotes = value.value, value.quotes
    if request.output is None or isinstance(value, str):
        text = value if isinstance(value, str) else to_json(jsonable(value)).decode()
        if request.output is not None and request.output.schema.get("type") == "string":
            text = to_json(text).decode()
        return ModelReply(text, "stop", Usage(), None)
    found = jsonable(value)
    if is_wrapped(request) and not (isinstance(found, dict) and found.keys() == {OUTPUT, EVIDENCE}):
        found = with_quotes(found, quotes)
    return ModelReply(to_json(found).decode(), "stop", Usage(), None)


def with_quotes(value: JsonValue, quotes: Mapping[str, str]) -> JsonObject:
    """The value as a model says it that is asked for evidence too."""
    entries: list[JsonValue] = [{"path": path, "quote": quote} for path, quote in quotes.items()]
    return {OUTPUT: value, EVIDENCE: entries}


def is_wrapped(request: ModelRequest) -> bool:
    """Whether evidence is asked for beside the author's output."""
    return request.output is not None and request.instructions.endswith(EVIDENCE_NOTE)


def author_schema(request: ModelRequest) -> JsonObject | None:
    """What the author asked for, without the room for evidence; None for a text."""
    if request.output is None:
        return None
    schema = request.output.schema
    properties = schema.get("properties")
    if not is_wrapped(request) or not isinstance(properties, dict):
        return schema
    inner = properties.get(OUTPUT)
    if not isinstance(inner, dict):
        return schema
    definitions: JsonObject = {key: schema[key] for key in ("$defs", "definitions") if key in schema}
    return {**definitions, **inner}


def _example(request: ModelRequest) -> JsonValue:
    schema = author_schema(request)
    return "some text" if schema is None else derive(schema)


def _fits(value: Mapping[object, object], request: ModelRequest) -> bool:
    """Whether a mapping is, as a whole, what the author asked for."""
    schema = author_schema(request)
    if schema is None or "properties" not in schema:
        return False
    try:
        return not validator(schema).problems(jsonable(value))
    except UsageError:
        return False


def _may_be_value(given: Mapping[object, object], output: OutputSpec | None) -> bool:
    """Whether a mapping looks like the answer itself: it has a key that the schema knows, or the schema knows none."""
    if output is None:
        return False
    known = _properties(output.schema)
    if OUTPUT in known and EVIDENCE in known:
        inner = cast("JsonObject", output.schema["properties"]).get(OUTPUT)
        known |= _properties({**output.schema, **inner}) if isinstance(inner, dict) else set()
    return not known or not given or not known.isdisjoint(map(str, given))


def _properties(schema: JsonObject) -> set[str]:
    """The names of the properties that a schema mentions at its top, references followed once."""
    found: set[str] = set()
    reference = schema.get("$ref")
    definitions = schema.get("$defs")
    if isinstance(reference, str) and isinstance(definitions, dict):
        target = definitions.get(reference.rpartition("/")[2])
        found |= _properties(target) if isinstance(target, dict) else set()
    properties = schema.get("properties")
    if isinstance(properties, dict):
        found |= set(properties)
    for choices in (schema.get("anyOf"), schema.get("oneOf"), schema.get("allOf")):
        for choice in choices if isinstance(choices, list) else ():
            found |= _properties({"$defs": definitions, **choice}) if isinstance(choice, dict) else set()
    return found


def _name(key: object) -> str:
    return key.__name__ if isinstance(key, type) else str(key)


def jsonable(value: object) -> JsonValue:
    """A reply as JSON. Raises UsageError for what is none."""
    try:
        if isinstance(value, BaseModel):
            return value.model_dump(mode="json", by_alias=True)
        if dataclasses.is_dataclass(value) and not isinstance(value, type):
            return to_jsonable_python(cast("Any", value))
        return to_jsonable_python(value)
    except (PydanticSerializationError, ValueError) as error:
        raise UsageError(
            f"a reply of type {type(value).__name__} is no JSON: {error}",
            hint="give a dict, a list, a pydantic model or a dataclass",
        ) from error
