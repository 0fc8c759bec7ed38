"""The JSON Schema that an author gives for a model's output: what is wrong with it, and whether a value obeys it.

Called by the pipeline check (`schema_problems`) and by the structured loop (`validator`). Invariant: neither a schema
nor a value can hang the process: patterns run in linear time, `$ref` never leaves the document, the steps of one
validation are counted and cut off, and depth and size are bounded.
"""

from functools import lru_cache

from pydantic import JsonValue
from pydantic_core import from_json

from tegu.domain.errors import DefinitionError, Problem
from tegu.domain.json import JsonObject, canonical_json
from tegu.llm.keywords import NOT_ENFORCED, TooMuchWorkError, findings, meta_validator, validator_of
from tegu.llm.patterns import pattern_problem
from tegu.llm.schema_walk import all_subschemas, depth, endless_reference, pointer, resolve, unfolded

SCHEMA_SIZE_MAX = 200_000
"""Characters of canonical JSON."""
SCHEMA_DEPTH_MAX = 40
VALUE_DEPTH_MAX = 60
PROBLEMS_MAX = 20
PROBLEM_LENGTH_MAX = 300
PATTERNS_MAX = 50
"""Different patterns in one schema: making one ready can take 0.2 s and 10 MB."""
UNFOLDED_MAX = 10_000
"""Schemas that judge one value, references followed: thirty steps that double are a billion."""


class OutputValidator:
    """One author's schema, ready to judge values."""

    def __init__(self, schema: JsonObject) -> None:
        """Use `validator`, which checks the schema first and caches."""
        self._validator = validator_of(schema)

    def problems(self, value: JsonValue) -> tuple[str, ...]:
        """Each as `/place: what is wrong`, at most PROBLEMS_MAX; empty when the value obeys."""
        if depth(value, VALUE_DEPTH_MAX) > VALUE_DEPTH_MAX:
            return (f"/: nested more than {VALUE_DEPTH_MAX} levels deep",)
        try:
            found = findings(self._validator, value, PROBLEMS_MAX)
        except TooMuchWorkError:
            return ("/: too deep and too branched to be checked",)
        texts = (f"{pointer(each.path)}: {each.message}" for each in found)
        return tuple(dict.fromkeys(_shortened(text) for text in texts))


def _shortened(text: str) -> str:
    return text if len(text) <= PROBLEM_LENGTH_MAX else text[: PROBLEM_LENGTH_MAX - 1] + "…"


def validator(schema: JsonObject) -> OutputValidator:
    """The validator of a schema. Raises DefinitionError when the schema is no schema; patterns that cannot be run in
    linear time are not enforced (`schema_problems` reports them).
    """
    return _cached_validator(canonical_json(schema))


@lru_cache(maxsize=256)
def _cached_validator(text: str) -> OutputValidator:
    schema: JsonObject = from_json(text)
    problems = _fatal_problems(schema)
    if problems:
        raise DefinitionError(problems, source="output schema")
    return OutputValidator(schema)


def schema_problems(schema: JsonObject) -> tuple[Problem, ...]:
    """Everything wrong with an author's schema. Places are JSON pointers into the schema."""
    fatal = _fatal_problems(schema)
    return fatal or tuple(_unenforced(schema))


def _fatal_problems(schema: JsonObject) -> tuple[Problem, ...]:
    if depth(schema, SCHEMA_DEPTH_MAX) > SCHEMA_DEPTH_MAX:
        return (Problem("/", f"the schema is nested more than {SCHEMA_DEPTH_MAX} levels deep"),)
    size = len(canonical_json(schema))
    if size > SCHEMA_SIZE_MAX:
        return (Problem("/", f"the schema has {size} characters, at most {SCHEMA_SIZE_MAX} are allowed"),)
    return _meta_problems(schema) or _pattern_problems(schema) or _reference_problems(schema)


def _pattern_problems(schema: JsonObject) -> tuple[Problem, ...]:
    count = len({pattern for _, node in all_subschemas(schema) for pattern in _patterns(node)})
    if count <= PATTERNS_MAX:
        return ()
    return (Problem("/", f"the schema has {count} different patterns, at most {PATTERNS_MAX} are allowed"),)


def _patterns(node: JsonObject) -> list[str]:
    named = node.get("patternProperties")
    pattern = node.get("pattern")
    return [*([pattern] if isinstance(pattern, str) else []), *(named if isinstance(named, dict) else [])]


def _meta_problems(schema: JsonObject) -> tuple[Problem, ...]:
    found = findings(meta_validator(), schema, PROBLEMS_MAX)
    return tuple(dict.fromkeys(Problem(pointer(each.path), _shortened(each.message)) for each in found))


def _reference_problems(schema: JsonObject) -> tuple[Problem, ...]:
    found: list[Problem] = []
    for place, node in all_subschemas(schema):
        reference = node.get("$ref")
        if isinstance(reference, str) and resolve(schema, reference) is None:
            hint = "only references inside the schema are allowed, such as #/$defs/Name"
            found.append(Problem(place, f"reference {reference!r} leads nowhere", hint))
        if "$id" in node and place != "/":
            found.append(Problem(place, "'$id' inside a schema moves its references", "remove it"))
    if not found and (reference := endless_reference(schema)) is not None:
        found.append(Problem("/", f"reference {reference!r} leads back to itself without an end"))
    if not found and unfolded(schema, UNFOLDED_MAX) > UNFOLDED_MAX:
        found.append(Problem("/", f"its references unfold to more than {UNFOLDED_MAX} schemas for one value"))
    return tuple(found)


def _unenforced(schema: JsonObject) -> list[Problem]:
    found: list[Problem] = []
    for place, node in all_subschemas(schema):
        if len(found) >= PROBLEMS_MAX:
            break
        found.extend(
            Problem(place, f"keyword {keyword!r} is not supported")
            for keyword in NOT_ENFORCED
            if keyword in node
        )
        for candidate in _patterns(node):
            reason = pattern_problem(candidate)
            if reason is not None:
                hint = "patterns run in linear time: no lookaround, no back-references"
                found.append(Problem(place, f"pattern {candidate!r} cannot be used: {reason}", hint))
    return found
