"""Evidence: how quotes are asked for, and what is left of them after the check.

Called by the kinds that fill schemas. Invariant: the author's schema is never changed and the stored output has its
shape; a span is `verified` only where the text holds the quote, exactly, and its path leads to a value of the output.

A model is asked for `{output: <author's schema>, evidence: [{path, quote}]}`: one object that every output mode and
strict mode can say. The rules provider is asked for the author's schema alone, since it knows its spans itself.
"""

import re
from collections.abc import Sequence
from copy import deepcopy
from dataclasses import dataclass, replace
from uuid import UUID

from pydantic import JsonValue

from tegu.domain.evidence import EvidenceSpan, EvidenceStatus, Quote, verify
from tegu.domain.json import JsonObject
from tegu.llm.schema import SCHEMA_DEPTH_MAX
from tegu.llm.schema_walk import DEFINITIONS, all_subschemas, depth
from tegu.stages.context import Answer, Question
from tegu.stages.inputs import TextInput
from tegu.stages.kind import ModelOptions, StageWork
from tegu.stages.parts import SOURCE

OUTPUT, EVIDENCE = "output", "evidence"
SPANS_MAX = 500
QUOTE_LENGTH_MAX = 2000
EVIDENCE_NOTE = """\
Put the answer into `output`. For each value in it that the data states, add an entry to `evidence`: `path` is the JSON \
pointer of the value inside `output`, such as /people/0/name; `quote` is the shortest passage of the data that shows it, \
copied character for character. Do not quote what the data does not say."""

_ENTRIES: JsonObject = {
    "type": "array",
    "items": {
        "type": "object",
        "properties": {"path": {"type": "string"}, "quote": {"type": "string"}},
        "required": ["path", "quote"],
        "additionalProperties": False,
    },
}
_AUTHOR = "Output"
_WRAPPING_DEPTH = 4
_STEP = re.compile(r"[^./\[\]]+")
_OWN_DEFINITIONS = ("#/$defs/", "#/definitions/")


@dataclass(frozen=True, slots=True)
class Evidenced:
    """An answer in the author's shape, with its quotes checked."""

    value: JsonValue
    evidence: tuple[EvidenceSpan, ...]
    answer: Answer


@dataclass(frozen=True, slots=True)
class Form:
    """What is asked of one kind: its name, the author's schema, instructions and hints."""

    name: str
    schema: JsonObject
    instructions: str
    hints: JsonObject


async def ask_for_evidence(work: StageWork, form: Form, options: ModelOptions) -> Evidenced:
    """Fill the schema and check the quotes. Without a text among the inputs there is nothing to quote."""
    texts = work.texts()
    plain = Question(
        form.instructions,
        work.parts(),
        options.spec(form.name, form.schema),
        form.hints,
        options.max_tokens,
        options.temperature,
    )
    can_wrap = bool(texts) and _can_be_wrapped(form.schema)
    answer = await work.ctx.llm.ask(_wrapping(plain, form, options) if can_wrap else plain)
    is_wrapped = can_wrap and not answer.is_by_rules
    value, quotes = unwrapped(answer.value) if is_wrapped else (answer.value, answer.completion.reply.quotes)
    return Evidenced(value, checked(quotes, texts, value), answer)


def _can_be_wrapped(schema: JsonObject) -> bool:
    """A schema at the limit of depth is asked for as it is: an answer without evidence is better than none."""
    return depth(schema, SCHEMA_DEPTH_MAX) + _WRAPPING_DEPTH <= SCHEMA_DEPTH_MAX


def _wrapping(plain: Question, form: Form, options: ModelOptions) -> Question:
    return replace(
        plain,
        instructions=f"{form.instructions}\n\n{EVIDENCE_NOTE}",
        output=options.spec(form.name, wrapped(form.schema)),
        by_rules=plain,
    )


def wrapped(schema: JsonObject) -> JsonObject:
    """The author's schema with room for evidence beside the output. References keep their meaning."""
    author: JsonObject = {
        key: item for key, item in deepcopy(schema).items() if key not in {"$id", "$schema"}
    }
    definitions: JsonObject = {key: author.pop(key) for key in DEFINITIONS if key in author}
    named = definitions.get("$defs")
    shared = dict(named) if isinstance(named, dict) else JsonObject()
    name = _free_name(shared)
    output: JsonObject = author
    if _refer_to(name, author, definitions):
        shared[name] = author
        output = JsonObject({"$ref": f"#/$defs/{name}"})
    properties: JsonObject = {OUTPUT: output, EVIDENCE: deepcopy(_ENTRIES)}
    form: JsonObject = {
        "type": "object",
        "properties": properties,
        "required": [OUTPUT, EVIDENCE],
        "additionalProperties": False,
        **definitions,
    }
    if shared:
        form["$defs"] = shared
    return form


def _refer_to(name: str, author: JsonObject, definitions: JsonObject) -> bool:
    """Point references to the author's root at its new place, in place; False when there are none."""
    has_any = False
    for _, node in all_subschemas({**definitions, "items": author}):
        reference = node.get("$ref")
        if (
            isinstance(reference, str)
            and reference.startswith("#")
            and not reference.startswith(_OWN_DEFINITIONS)
        ):
            node["$ref"] = f"#/$defs/{name}{reference[1:]}"
            has_any = True
    return has_any


def _free_name(definitions: JsonObject) -> str:
    name = _AUTHOR
    while name in definitions:
        name += "_"
    return name


def unwrapped(value: JsonValue) -> tuple[JsonValue, tuple[Quote, ...]]:
    """The author's output and the quotes, out of a reply that obeys the wrapped schema."""
    assert isinstance(value, dict)
    entries = value[EVIDENCE]
    assert isinstance(entries, list)
    quotes = [
        Quote(str(entry["path"]), str(entry["quote"]))
        for entry in entries[:SPANS_MAX]
        if isinstance(entry, dict)
    ]
    return value[OUTPUT], tuple(quotes)


def checked(
    quotes: Sequence[Quote], texts: Sequence[TextInput], output: JsonValue
) -> tuple[EvidenceSpan, ...]:
    """The quotes after the check, each once. One whose path leads nowhere supports no value and is dropped."""
    spans: dict[tuple[str, str], EvidenceSpan] = {}
    for quote in quotes[:SPANS_MAX]:
        path = pointer_into(output, quote.path)
        if path is not None and texts:
            claim = Quote(path, quote.text[:QUOTE_LENGTH_MAX], quote.start)
            spans.setdefault((path, claim.text), _verified(claim, texts))
    return tuple(spans.values())


def _verified(quote: Quote, texts: Sequence[TextInput]) -> EvidenceSpan:
    """By the text in which its place is claimed, else by the first that holds it.

    A claimed place counts characters of the text that the model got, the span those of the run's whole text.
    """
    claimed = next((text for text in texts if text.name == SOURCE), texts[0])
    span = verify(quote, claimed.text, content_id=_content_id(claimed))
    for text in (claimed, *texts) if quote.start is not None else texts:
        claim = quote if text is claimed else replace(quote, start=None)
        found = verify(claim, text.text, content_id=_content_id(text))
        if found.status is EvidenceStatus.VERIFIED and found.start is not None and found.end is not None:
            return replace(found, start=found.start + text.start, end=found.end + text.start)
    return span


def _content_id(text: TextInput) -> UUID | None:
    return text.content.id if text.content is not None else None


def pointer_into(output: JsonValue, path: str) -> str | None:
    """The JSON pointer of a value of the output, as RFC 6901 writes it; None where the path leads nowhere.

    Models also write `people[0].name`, `output.people.0` and `#/output/people/0`: what is meant is clear.
    """
    bare = path.strip().lstrip("#$")
    candidates = [
        [step.replace("~1", "/").replace("~0", "~") for step in bare.removeprefix("/").split("/")]
        if bare.strip("/")
        else [],
        _STEP.findall(bare.replace("'", "").replace('"', "")),
    ]
    for steps in candidates:
        for attempt in (steps, steps[1:] if steps[:1] == [OUTPUT] else None):
            if attempt is not None and _leads_somewhere(output, attempt):
                return "".join(f"/{step.replace('~', '~0').replace('/', '~1')}" for step in attempt)
    return None


def _leads_somewhere(value: JsonValue, steps: Sequence[str]) -> bool:
    for step in steps:
        match value:
            case dict() if step in value:
                value = value[step]
            case list() if step.isdecimal() and len(step) < 10 and int(step) < len(value):
                value = value[int(step)]
            case _:
                return False
    return True
