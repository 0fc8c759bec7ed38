"""Outputs and results with their fields in the order in which the pipeline's document names them, which jsonb does not keep.

Called by `runs`. The schemas are those that the document gives its stages; what has none there is as it is stored.
"""

from dataclasses import replace

from pydantic import JsonValue

from tegu.domain.json import JsonObject
from tegu.domain.run import Result
from tegu.domain.schema_order import at_path, in_order


def schema_in(document: JsonObject, stage: str) -> JsonValue:
    """What the document says of a stage's output; None where it says nothing."""
    options = _entry(document, stage).get("with")
    return options.get("schema") if isinstance(options, dict) else None


def in_written_order(result: Result, document: JsonObject) -> Result:
    """The result of a stage, which is its output or an item of a list in it."""
    schema = schema_in(document, result.stage)
    match _entry(document, result.stage).get("result"):
        case {"each": str() as each}:
            schema = at_path(schema, each)
        case _:
            pass
    return replace(result, data=in_order(result.data, schema))


def _entry(document: JsonObject, stage: str) -> JsonObject:
    stages = document.get("stages")
    entry = stages.get(stage) if isinstance(stages, dict) else None
    return entry if isinstance(entry, dict) else {}
