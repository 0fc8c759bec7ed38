"""The JSON Schema of pipeline documents, for editors: `tegu.schema.json`.

Called by the command line. Invariant: what the check takes obeys it; it is generated from the same limits and from the
kinds' own config schemas, never written by hand.
"""

from tegu.domain.content import InputKind
from tegu.domain.json import JsonObject
from tegu.pipeline.catalog import KindCatalog
from tegu.pipeline.definition import FORMAT_VERSION, PYTHON_KIND, SOURCE, TIMEOUT_S
from tegu.pipeline.flow_schema import flow_properties, run_properties
from tegu.pipeline.limits import DESCRIPTION_LENGTH_MAX, NAME_PATTERN, STAGES_MAX, TIMEOUT_S_MAX

# The draft that editors know best; the kinds' schemas use nothing that differs.
_DRAFT = "http://json-schema.org/draft-07/schema#"
_STAGE = "#/definitions/stage"
_REFERENCES = "#/definitions/references"


def document_schema(catalog: KindCatalog) -> JsonObject:
    """The schema with every stage kind and Python stage of the catalog."""
    kinds = sorted(catalog.kinds())
    return {
        "$schema": _DRAFT,
        "title": "Tegu pipeline",
        "type": "object",
        "required": ["stages"],
        "additionalProperties": False,
        "properties": {
            "tegu": {"const": FORMAT_VERSION, "description": "version of this format"},
            "name": {"type": "string", "pattern": NAME_PATTERN},
            "description": {"type": "string", "maxLength": DESCRIPTION_LENGTH_MAX},
            "input": {"enum": [kind.value for kind in InputKind], "default": InputKind.CONTENT.value},
            "model": {"$ref": "#/definitions/model"},
            **run_properties(),
            "stages": {"anyOf": [_keyed_stages(), _listed_stages()]},
            "edges": {"type": "array", "items": _edge(), "description": "only with stages as a list"},
        },
        "definitions": {
            "model": {
                "type": "string",
                "description": "provider:model (anthropic:claude-sonnet-5-5), an alias (fast, smart), rules, or several of "
                "these with commas, asked in that order",
            },
            "references": _references(),
            "result": _result(),
            "stage": _stage(catalog, kinds),
        },
    }


def _keyed_stages() -> JsonObject:
    return {
        "type": "object",
        "minProperties": 1,
        "maxProperties": STAGES_MAX,
        "propertyNames": {"pattern": NAME_PATTERN},
        "additionalProperties": {"$ref": _STAGE},
    }


def _listed_stages() -> JsonObject:
    entry: JsonObject = {
        "type": "object",
        "required": ["name"],
        "properties": {
            "name": {"type": "string"},
            "job_module": {"type": "string"},
            "config": {"type": "object"},
        },
    }
    return {"type": "array", "minItems": 1, "maxItems": STAGES_MAX, "items": entry}


def _edge() -> JsonObject:
    ends: JsonObject = {"from": {"type": "string"}, "to": {"type": "string"}}
    return {"type": "object", "required": ["from", "to"], "properties": ends}


def _references() -> JsonObject:
    entry: JsonObject = {
        "type": "object",
        "required": ["stage"],
        "additionalProperties": False,
        "properties": {"stage": {"type": "string"}, "optional": {"type": "boolean"}},
    }
    return {"type": "array", "items": {"anyOf": [{"type": "string"}, entry]}}


def _result() -> JsonObject:
    fields: JsonObject = {
        "type": {"type": "string", "description": "type of the results, by default the stage's name"},
        "each": {"type": "string", "description": "the list in the output to split by"},
        "key": {"type": "string", "description": "the field of an item that tells it from the others"},
    }
    return {
        "anyOf": [
            {"type": "boolean"},
            {"type": "object", "additionalProperties": False, "properties": fields},
        ]
    }


def _stage(catalog: KindCatalog, kinds: list[str]) -> JsonObject:
    inputs = f"whose outputs it reads, by default [{SOURCE}]; `name?` may be absent"
    return {
        "type": "object",
        "required": ["uses"],
        "additionalProperties": False,
        "properties": {
            "uses": {"enum": [*kinds]},
            "with": {"type": "object"},
            "inputs": {"allOf": [{"$ref": _REFERENCES}], "description": inputs},
            "needs": {
                "allOf": [{"$ref": _REFERENCES}],
                "description": "what it waits for without reading it",
            },
            **flow_properties(),
            "timeout_s": {
                "type": "number",
                "exclusiveMinimum": 0,
                "maximum": TIMEOUT_S_MAX,
                "default": TIMEOUT_S,
            },
            "model": {"$ref": "#/definitions/model"},
            "result": {"$ref": "#/definitions/result"},
        },
        "allOf": [
            {
                "if": {"properties": {"uses": {"const": kind}}, "required": ["uses"]},
                "then": {"properties": {"with": options_schema(catalog, kind)}},
            }
            for kind in kinds
        ],
    }


def options_schema(catalog: KindCatalog, kind: str) -> JsonObject:
    """The kind's `with:` as authors may write it: shorthand schemas, instructions from a file, known functions."""
    schema = dict(catalog.config_schema(kind))
    found = schema.get("properties")
    properties = dict(found) if isinstance(found, dict) else {}
    required = schema.get("required")
    needed = [name for name in required if name != "instructions"] if isinstance(required, list) else []
    if "schema" in properties:
        properties["schema"] = {"description": "shorthand (list[str], date?, a | b) or JSON Schema"}
    if "instructions" in properties:
        text = "file beside the document with the instructions"
        properties["instructions_file"] = {"type": "string", "description": text}
    if kind == PYTHON_KIND and (functions := sorted(catalog.functions())):
        properties["function"] = {"enum": [*functions]}
    return {**schema, "properties": properties, "required": [*needed]}
