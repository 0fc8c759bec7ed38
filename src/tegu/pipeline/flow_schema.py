"""The part of the documents' JSON Schema that says how a stage takes part in a run: joins, failures, maps.

Used by `document_schema`. Invariant: what `check_flow` takes obeys it.
"""

from tegu.domain.json import JsonObject
from tegu.domain.operations import PRIORITIES, PRIORITY_MAX
from tegu.pipeline.flow import ALL, ANY, FAIL, PARALLEL_ITEMS, SETTLED, SKIP
from tegu.pipeline.limits import DEADLINE_S_MAX, NAME_PATTERN, PARALLEL_ITEMS_MAX, RETRIES_MAX, STAGES_MAX
from tegu.pipeline.stage_definition import RETRIES


def flow_properties() -> JsonObject:
    """Of a stage."""
    return {
        "join": _join(),
        "when": {"type": "string", "description": "CEL: classify.category == 'support'"},
        "else_of": _names("runs where the conditions of these were false"),
        "each": _each(),
        "on_failure": {
            "type": "string",
            "pattern": NAME_PATTERN,
            "default": FAIL,
            "description": "of the stage: fail the run, continue, or the stage that handles it",
        },
        "cancels": _names('ends these when it starts; "*": all that do not come after it'),
        "retries": _retries(),
        "deadline_s": _deadline_s("over all attempts and waits, from the first start"),
    }


def run_properties() -> JsonObject:
    """Of a pipeline."""
    words: JsonObject = {"enum": [*PRIORITIES]}
    number: JsonObject = {"type": "integer", "minimum": -PRIORITY_MAX, "maximum": PRIORITY_MAX}
    nested = "the stage whose output is the pipeline's, where another one nests it"
    return {
        "deadline_s": _deadline_s("of a run: one that has not ended by then fails"),
        "priority": {"anyOf": [words, number], "description": "of runs that are started without one"},
        "output": {"type": "string", "description": nested},
    }


def _join() -> JsonObject:
    count: JsonObject = {"type": "integer", "minimum": 1, "maximum": STAGES_MAX}
    when = "starts when all that it requires completed; when any, or so many, did; when all have ended and any completed"
    return {"anyOf": [{"enum": [ALL, ANY, SETTLED]}, count], "default": ALL, "description": when}


def _names(description: str) -> JsonObject:
    return {"type": ["array", "string"], "items": {"type": "string"}, "description": description}


def _retries() -> JsonObject:
    count: JsonObject = {"type": "integer", "minimum": 0, "maximum": RETRIES_MAX}
    by_code: JsonObject = {
        "type": "object",
        "propertyNames": {"pattern": NAME_PATTERN},
        "additionalProperties": count,
    }
    what = "attempts after the first; by error code: {default: 2, timeout: 5}"
    return {"anyOf": [count, by_code], "default": RETRIES, "description": what}


def _each() -> JsonObject:
    share: JsonObject = {
        "type": "object",
        "required": ["at_most"],
        "additionalProperties": False,
        "properties": {"at_most": {"type": "number", "minimum": 0, "maximum": 1}},
    }
    parallel: JsonObject = {
        "type": "integer",
        "minimum": 1,
        "maximum": PARALLEL_ITEMS_MAX,
        "default": PARALLEL_ITEMS,
        "description": "how many items are under way at once",
    }
    on_failure = "of an item: the stage's, none (its output is null), or none up to this share of the items"
    spec: JsonObject = {
        "type": "object",
        "required": ["over"],
        "additionalProperties": False,
        "properties": {
            "over": {"type": "string", "description": "path of a list: extract.people"},
            "max_parallel": parallel,
            "on_failure": {
                "anyOf": [{"enum": [FAIL, SKIP]}, share],
                "default": FAIL,
                "description": on_failure,
            },
        },
    }
    return {
        "anyOf": [{"type": "string"}, spec],
        "description": "runs once per item of a list; reads it as `item`",
    }


def _deadline_s(description: str) -> JsonObject:
    return {
        "type": "number",
        "exclusiveMinimum": 0,
        "maximum": DEADLINE_S_MAX,
        "description": f"seconds, {description}",
    }
