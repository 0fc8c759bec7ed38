"""Everything of a kind: arrays of values, and lists of entities.

Called by the schema walk. Invariant: no value twice, at most 100 values, in the order of the text.
"""

import re

from tegu.llm.providers.rules import summary
from tegu.llm.providers.rules.found import Found
from tegu.llm.providers.rules.labelled import SIMILAR_MIN, candidates, fit
from tegu.llm.providers.rules.leaf import Filled, accepted
from tegu.llm.providers.rules.lexicon import concepts
from tegu.llm.providers.rules.reading import Kind, Span, span
from tegu.llm.providers.rules.wanted import Field
from tegu.llm.providers.rules.words import fold, stem, words

VALUES_MAX = 100
_BULLET = re.compile(r"[ \t]{0,12}(?:[-*•\u2013]|\d{1,3}[.)])[ \t]{1,4}(\S.{0,300})")
_ENTITY_KINDS = (
    Kind.PERSON, Kind.ORGANIZATION, Kind.LOCATION, Kind.MONEY, Kind.DATE, Kind.EMAIL, Kind.PHONE, Kind.URL, Kind.ID,
)  # fmt: skip
_ENTITY_NAMES = {
    "people": Kind.PERSON, "name": Kind.PERSON, "company": Kind.ORGANIZATION, "organisation": Kind.ORGANIZATION, "org": Kind.ORGANIZATION,
    "corporation": Kind.ORGANIZATION, "amount": Kind.MONEY, "price": Kind.MONEY, "mail": Kind.EMAIL, "email_address": Kind.EMAIL,
    "telephone": Kind.PHONE, "phone_number": Kind.PHONE, "link": Kind.URL, "website": Kind.URL, "identifier": Kind.ID,
    "reference": Kind.ID, "number": Kind.ID, "per": Kind.PERSON, "place": Kind.LOCATION, "gpe": Kind.LOCATION, "loc": Kind.LOCATION,
}  # fmt: skip


def fill_all(found: Found, field: Field) -> list[Filled]:
    """Every value of an array of leaves."""
    match field.kind:
        case Kind.SUMMARY | Kind.REQUEST | Kind.QUESTION | Kind.REPLY:
            spans = _sentences(found, field.kind)
        case Kind.TEXT | Kind.SUBJECT | Kind.CHOICE | Kind.DOCUMENT_TYPE | Kind.NUMBER | Kind.BOOLEAN:
            spans = _listed(found, field)
        case _:
            spans = _of_kind(found, field)
    filled = [accepted(found, field, there, 0.6) for there in spans]
    kept: dict[str, Filled] = {}
    for item in filled:
        if item is not None:
            kept.setdefault(fold(str(item.value)), item)
    values = list(kept.values())
    if field.kind in {Kind.PERSON, Kind.ORGANIZATION, Kind.NAME}:
        values = [item for item in values if not _is_part(str(item.value), values)]
    return values[:VALUES_MAX]


def _is_part(name: str, others: list[Filled]) -> bool:
    """Whether the name is a piece of a longer one that is there too."""
    return any(
        f" {fold(name)} " in f" {fold(str(item.value))} " and str(item.value) != name for item in others
    )


def _sentences(found: Found, kind: Kind) -> list[Span]:
    if kind is Kind.REQUEST:
        return summary.requests(found)[:10]
    return summary.questions(found)[:10] if kind is Kind.QUESTION else summary.summarize(found)


def _of_kind(found: Found, field: Field) -> list[Span]:
    """What is labelled so, if anything is; else everything of the kind."""
    labelled = [candidate for candidate in candidates(found, field) if candidate.score >= 0.8]
    if len({str(candidate.span.value) for candidate in labelled}) > 1:
        return sorted((candidate.span for candidate in labelled), key=lambda item: item.start)
    spans = found.of_kind(field.kind)
    if field.kind is Kind.DATE and field.schema.get("format") == "date":
        return [item for item in spans if item.value is not None]
    return spans


def _listed(found: Found, field: Field) -> list[Span]:
    """The items of `Colors: red, green` and the bullets below `Colors`."""
    for pair in found.pairs:
        if fit(field, pair.concepts) * pair.strength >= SIMILAR_MIN and not _BULLET.match(pair.value.text):
            return _split(found, pair.value)
    lines = found.reading.lines
    wanted = {stem(word) for word in words(field.name)}
    for line in lines:
        head = line.text.strip().rstrip(":").strip("#*_ ")
        if 0 < len(head) <= 60 and (
            field.concepts <= concepts(head) or wanted <= {stem(word) for word in words(head)}
        ):
            items = _bullets(found, line.number + 1)
            if items:
                return items
    return []


def _split(found: Found, cell: Span) -> list[Span]:
    items: list[Span] = []
    for match in re.finditer(r"[^,;]+", cell.text):
        there = span(Kind.TEXT, found.text, cell.start + match.start(), cell.start + match.end())
        if there.text:
            items.append(there)
    return items[:VALUES_MAX]


def _bullets(found: Found, first: int) -> list[Span]:
    items: list[Span] = []
    for line in found.reading.lines[first : first + VALUES_MAX * 2]:
        match = _BULLET.match(line.text)
        if match:
            items.append(span(Kind.TEXT, found.text, line.start + match.start(1), line.start + match.end(1)))
        elif not line.is_blank:
            break
    return items[:VALUES_MAX]


def entity_kind(name: str) -> Kind | None:
    """The kind of entity that a name like `company` or `PERSON` means."""
    simple = fold(name).strip().replace(" ", "_")
    for form in (simple, simple.rstrip("s")):
        if form in _ENTITY_NAMES:
            return _ENTITY_NAMES[form]
        if form in set(_ENTITY_KINDS):
            return Kind(form)
    return None


def find_entities(found: Found) -> list[Span]:
    """People, organizations, places, money, dates, addresses, numbers and identifiers: each once, in order of the text."""
    kept: dict[tuple[Kind, str], Span] = {}
    for kind in _ENTITY_KINDS:
        for there in found.of_kind(kind):
            key = (kind, fold(str(there.value) if there.value is not None else there.text))
            if found.reading.quotable(there):
                kept.setdefault(key, there)
    people = [Filled(item.text, (item,), 1.0) for item in kept.values() if item.kind is Kind.PERSON]
    entities = [
        item for item in kept.values() if item.kind is not Kind.PERSON or not _is_part(item.text, people)
    ]
    return sorted(entities, key=lambda item: (item.start, item.end))[:VALUES_MAX]
