"""What a condition may read of its run besides outputs of stages, as JSON Schemas: fields of `content`, `thread` and `run`.

Used by the checks of conditions; the statement `load_facts` reads what they describe. Invariant: a field is here if and only if
it is there.
"""

from collections.abc import Mapping

from tegu.domain.content import InputKind, SourceType
from tegu.domain.json import JsonObject
from tegu.domain.run import TriggeredBy

_TEXT: JsonObject = {"type": "string"}
_TEXT_OR_NULL: JsonObject = {"anyOf": [_TEXT, {"type": "null"}]}
_ANYTHING: JsonObject = {"type": "object", "additionalProperties": True}


def _closed(**properties: JsonObject) -> JsonObject:
    return {"type": "object", "properties": {**properties}, "additionalProperties": False}


FACT_SCHEMAS: Mapping[str, JsonObject] = {
    "content": _closed(
        name=_TEXT_OR_NULL,
        media_type=_TEXT,
        source_type={"type": "string", "enum": [each.value for each in SourceType]},
        size_bytes={"type": "integer"},
        external_id=_TEXT_OR_NULL,
        metadata=_ANYTHING,
    ),
    "thread": _closed(subject=_TEXT),
    "run": _closed(
        id=_TEXT,
        triggered_by={"type": "string", "enum": [each.value for each in TriggeredBy]},
        metadata=_ANYTHING,
    ),
}

ABSENT: Mapping[tuple[InputKind, str], str] = {
    (InputKind.CONTENT, "thread"): "read `content`, or say `input: mail_thread`",
    (InputKind.MAIL_THREAD, "content"): "read `thread.subject`, or say `input: content`",
}
"""What runs of a pipeline never have, by its input, and what to do about it."""


def fact_schema(name: str) -> JsonObject:
    """Of one of them; `{}` of what is none."""
    return FACT_SCHEMAS.get(name, {})
