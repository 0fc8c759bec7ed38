"""What the pipeline tests share: a catalog with kinds like those that ship."""

from collections.abc import Collection, Mapping, Sequence

from tegu.domain.errors import Problem
from tegu.domain.json import JsonObject
from tegu.llm.model_names import ModelNames
from tegu.pipeline.catalog import FunctionContract
from tegu.pipeline.output_schema import schema_of
from tegu.pipeline.outputs import Classification, Extraction, Summary

_INSTRUCTIONS: JsonObject = {"type": "string"}
_SCHEMAS: dict[str, JsonObject] = {
    "parse": {"properties": {"pages": {"type": "integer", "minimum": 1}}},
    "extract": {"properties": {"instructions": _INSTRUCTIONS, "schema": {"type": "object"}}},
    "classify": {
        "properties": {
            "instructions": _INSTRUCTIONS,
            "labels": {
                "description": "labels: {support: asks for help}",
                "anyOf": [
                    {"type": "object", "additionalProperties": {"type": "string"}, "minProperties": 2},
                    {"type": "array", "items": {"type": "string"}, "minItems": 2},
                ],
            },
        },
        "required": ["labels"],
    },
    "summarize": {"properties": {"instructions": _INSTRUCTIONS, "length": {"enum": ["short", "long"]}}},
    "prompt": {"properties": {"instructions": _INSTRUCTIONS, "schema": {}}, "required": ["instructions"]},
    "same": {},
    "python": {"properties": {"function": {"type": "string"}}, "required": ["function"]},
}

_NO_INPUTS: Mapping[str, JsonObject] = {}


class Kinds:
    """A catalog with kinds like those that ship, and the functions that a test gives it."""

    def __init__(self, functions: Mapping[str, FunctionContract] | None = None) -> None:
        self._functions = dict(functions or {})

    def kinds(self) -> Collection[str]:
        return _SCHEMAS.keys()

    def describe(self, kind: str) -> str:
        return kind

    def config_schema(self, kind: str) -> JsonObject:
        return {"type": "object", "additionalProperties": False, **_SCHEMAS[kind]}

    def output_schema(
        self, kind: str, config: JsonObject, inputs: Mapping[str, JsonObject] = _NO_INPUTS
    ) -> JsonObject:
        if kind == "same":  # as kinds do that hand their input on
            return next(iter(inputs.values()), JsonObject())
        schema = config.get("schema")
        if isinstance(schema, dict):
            return schema
        shapes: dict[str, JsonObject] = {
            "extract": schema_of(Extraction),
            "classify": schema_of(Classification),
            "summarize": schema_of(Summary),
            "parse": {"type": "object", "properties": {"text": {"type": "string"}}, "required": ["text"]},
        }
        return shapes.get(kind, {})

    def config_problems(
        self, kind: str, config: JsonObject, inputs: Mapping[str, JsonObject]
    ) -> Sequence[Problem]:
        return ()

    def check_model(self, written: str) -> None:
        ModelNames({"cheap": "openai:gpt-6-luna"}).check(written)

    def functions(self) -> Mapping[str, FunctionContract]:
        return self._functions
