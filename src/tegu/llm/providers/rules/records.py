"""Arrays of objects: entities, amounts, people, requests and rows of tables, each as a part of the text of its own.

Called by the schema walk. Invariant: a record's known values are stretches of the text; what is not known about it is
looked for in its own part of the text only, never in its neighbors'.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from tegu.domain.json import JsonObject
from tegu.llm.providers.rules import summary
from tegu.llm.providers.rules.found import Found
from tegu.llm.providers.rules.leaf import Filled, accepted, converted
from tegu.llm.providers.rules.lists import VALUES_MAX, entity_kind, find_entities
from tegu.llm.providers.rules.reading import Kind, Span
from tegu.llm.providers.rules.schema import Schemas, allows, members, text_choices, type_of
from tegu.llm.providers.rules.tables import find_rows
from tegu.llm.providers.rules.wanted import Field, field_of, named_kind
from tegu.llm.providers.rules.words import words

_TYPE_NAMES = ("type", "kind", "label", "category", "entity_type")
_TEXT_NAMES = ("text", "name", "value", "entity", "mention", "span", "quote", "surface")
_SENTENCE_NAMES = (
    "text",
    "description",
    "action",
    "task",
    "request",
    "item",
    "title",
    "question",
    "what",
    "summary",
    "step",
    "todo",
    "detail",
)
_SENTENCE_KINDS = frozenset((Kind.REQUEST, Kind.QUESTION, Kind.SUMMARY))


@dataclass(frozen=True, slots=True)
class Record:
    """One object to be: what is known of it by property, and the text that may say the rest."""

    found: Found
    known: Mapping[str, Filled]
    """Its spans count from where the whole text begins, not this part of it."""


def find_records(found: Found, name: str, schema: JsonObject, schemas: Schemas) -> list[Record]:
    """The records of an array called `name` whose items have the schema."""
    fields = _fields(schema, schemas)
    by_name = {field.name: field for field in fields}
    type_name = next((key for key in _TYPE_NAMES if key in by_name), None)
    text_name = next((key for key in _TEXT_NAMES if key in by_name), None)
    kind = Kind.MONEY if by_name and is_money(by_name) else named_kind(words(name))
    if type_name and text_name and not {"quantity", "unit_price"} & set(by_name):
        return _entities(found, by_name[type_name], by_name[text_name])
    if kind is not None and kind in _SENTENCE_KINDS:
        return _sentences(found, kind, by_name)
    rows = find_rows(found, fields)
    if rows:
        return [_row(found, by_name, row) for row in rows]
    if kind is not None and len(fields) <= 4:
        return _of_kind(found, kind, fields)
    return []


def is_money(names: Iterable[str]) -> bool:
    """Whether an object with these properties is an amount of money."""
    return "amount" in set(names) and set(names) <= {"amount", "currency", "currency_code"}


def _fields(schema: JsonObject, schemas: Schemas) -> list[Field]:
    fields: list[Field] = []
    for name, member in members(schema).items():
        shape = schemas.shape(member)
        if shape.options and type_of(shape.options[0]) not in {"object", "array"}:
            fields.append(field_of("", name, shape.options[0], shape.description))
    return fields


def _entities(found: Found, type_field: Field, text_field: Field) -> list[Record]:
    """Entities, named as the schema's enum names them; what it has no name for is left out."""
    choices = text_choices(type_field.schema)
    names = {kind: choice for choice in reversed(choices) if (kind := entity_kind(choice)) is not None}
    records: list[Record] = []
    for there in find_entities(found):
        name = names.get(there.kind) if choices else there.kind.value
        if name is not None and allows(type_field.schema, name):
            shown = " ".join(there.text.split())
            known = {type_field.name: Filled(name, (), 0.6), text_field.name: Filled(shown, (there,), 0.6)}
            records.append(Record(found.within(there.start, there.end), known))
    return records


def _sentences(found: Found, kind: Kind, by_name: Mapping[str, Field]) -> list[Record]:
    """Requests or questions, with whatever date or person their own words name."""
    spans = summary.questions(found) if kind is Kind.QUESTION else summary.requests(found)
    text_name = next((key for key in _SENTENCE_NAMES if key in by_name), None)
    if text_name is None:
        return []
    dates = [field for field in by_name.values() if field.kind is Kind.DATE]
    records: list[Record] = []
    for there in spans[:20]:
        part = found.within(there.start, there.end)
        known = {text_name: Filled(str(there.value), (there,), 0.5)}
        if len(dates) == 1 and len(part.of_kind(Kind.DATE)) == 1:
            when = accepted(part, dates[0], part.of_kind(Kind.DATE)[0], 0.5)
            if when is not None:
                spans = tuple(item.moved(there.start) for item in when.spans)
                known[dates[0].name] = Filled(when.value, spans, when.confidence)
        records.append(Record(part, known))
    return records


def _row(found: Found, by_name: Mapping[str, Field], row: Mapping[str, Span]) -> Record:
    known: dict[str, Filled] = {}
    for name, there in row.items():
        value = converted(by_name[name], there)
        if value is not None and found.reading.quotable(there) and allows(by_name[name].schema, value):
            known[name] = Filled(value, (there,), 0.7)
    return Record(Found(""), known)


def _of_kind(found: Found, kind: Kind, fields: list[Field]) -> list[Record]:
    """A record per thing of a kind: amounts with their currency, people with what their line says."""
    spans = found.of_kind(kind)
    records: dict[str, Record] = {}
    for there in spans:
        if not found.reading.quotable(there):
            continue
        main = next((field for field in fields if _holds(field, kind)), None)
        value = converted(main, there) if main is not None else None
        if main is None or value is None or not allows(main.schema, value):
            continue
        known = {main.name: Filled(value, (there,), 0.6)}
        records.setdefault(there.text.casefold(), Record(_around(found, there), known))
    return list(records.values())[:VALUES_MAX]


def _holds(field: Field, kind: Kind) -> bool:
    """Whether a property is the one that the thing itself goes into."""
    people = {Kind.PERSON, Kind.ORGANIZATION, Kind.NAME}
    return (
        field.kind is kind
        or (kind in people and field.kind in people)
        or field.name in {"name", "value", "text"}
    )


def _around(found: Found, there: Span) -> Found:
    """The part of the line that is about a thing: for a mail header the address beside the name."""
    start = found.text.rfind("\n", 0, there.start) + 1
    end = found.text.find("\n", there.end)
    line = found.text[start : end if end >= 0 else len(found.text)]
    if line[:5].lower() in {"from:", "to: a"} or line[:3].lower() in {"to:", "cc:"}:
        beside = line[there.end - start :].split(",", 1)[0][:200]
        return found.within(there.start, there.end + len(beside))
    return found.within(there.start, there.end)
