"""The value of one field: by its label, by its role in a mail, or because there is only one of its kind.

Called by the schema walk. Invariant: a value comes with the span it was read from; None means unsure.
"""

import re
from dataclasses import dataclass

from pydantic import JsonValue

from tegu.llm.providers.rules import addresses, labels, summary, titles
from tegu.llm.providers.rules.found import Found
from tegu.llm.providers.rules.intents import DOCUMENT_TYPES, TOPICS
from tegu.llm.providers.rules.labelled import Candidate, candidates, owned, owner
from tegu.llm.providers.rules.lexicon import concepts
from tegu.llm.providers.rules.parties import SELLER
from tegu.llm.providers.rules.reading import Kind, Span, span
from tegu.llm.providers.rules.schema import allows, text_choices
from tegu.llm.providers.rules.wanted import Field
from tegu.llm.providers.rules.words import STOP_WORDS, fold, stem, stems, word_set, words

_GENERIC = frozenset[str]().union(
    *map(
        concepts,
        word_set(
            "date number amount name invoice issue total currency email phone person url website link id organization company vendor"
            " organisation code reference address web site text value contact main primary payment percent corporation merchant firm"
        ),
    )
)
_SENDER = word_set("sender author customer person from requester contact user name reporter client person")
_RECIPIENT = word_set("recipient to addressee")
_FIRST_ONLY = frozenset(("sender", "author", "requester", "reporter", "customer"))
_YES = word_set("yes true y ja oui si x paid done checked accepted granted")
_NO = word_set("no false n nein non nee none unpaid declined denied")
_NOT = re.compile(
    r"\b(?:not|no|never|without|isn't|wasn't|don't|doesn't|didn't|haven't|hasn't|won't|n't)\b(?:\s+\w+){0,3}\s*\Z",
    re.IGNORECASE,
)
_TIME = re.compile(r"(?<![\d:.])([01]?\d|2[0-3]):([0-5]\d)(?![\d:])")
_HEADING_CHARS = 600
_A_RATE = re.compile(r"[ ]?(?:/|per\b|each\b|an? (?:hour|day|week|month|year)\b)", re.IGNORECASE)
FALLBACK = 0.5
"""How sure a value is that no label introduces."""


@dataclass(frozen=True, slots=True)
class Filled:
    """A value, the spans it was read from, and how sure it is."""

    value: JsonValue
    spans: tuple[Span, ...]
    confidence: float


def fill(found: Found, field: Field) -> Filled | None:
    """The value of a field, or None where nothing says it clearly."""
    match field.kind:
        case Kind.BOOLEAN:
            return _boolean(found, field)
        case Kind.CHOICE:
            return _choice(found, field)
        case Kind.SUMMARY | Kind.REQUEST | Kind.QUESTION | Kind.REPLY:
            return _extract(found, field)
        case Kind.SUBJECT:
            return _labelled(found, field) or _subject(found, field)
        case Kind.DOCUMENT_TYPE:
            return _labelled(found, field) or _document_type(found, field)
        case Kind.CURRENCY:
            if "symbol" in words(field.name):
                return None
            return _labelled(found, field) or _only(field, [found.currency] if found.currency else [], 0.8)
        case Kind.TIME:
            return _time(found, field)
        case Kind.CONFIDENCE:
            return None
        case _:
            return _value(found, field)


def _value(found: Found, field: Field) -> Filled | None:
    if field.kind is Kind.TEXT and addresses.is_wanted_by(field.name):
        return _address(found, field)
    unlabelled = _by_role(found, field) or _letterhead(found, field) or _by_kind(found, field)
    return _labelled(found, field) or _not_of_the_other(found, field, unlabelled)


def converted(field: Field, there: Span) -> JsonValue:
    """A span's meaning in the type that the field has; None where it has none."""
    if field.type in {"number", "integer"}:
        value = there.value if isinstance(there.value, int | float) else None
        if field.type == "integer" and value is not None:
            value = int(value) if float(value).is_integer() else None
        return value
    if field.type != "string":
        return None
    match there.kind:
        case Kind.DATE if there.value is None:
            return None if field.schema.get("format") == "date" else there.text
        case Kind.DATE | Kind.DATE_TIME | Kind.CURRENCY | Kind.ID:
            return str(there.value)
        case _:
            return " ".join(there.text.split())


def accepted(found: Found, field: Field, there: Span, confidence: float) -> Filled | None:
    """The span as the field's value, if the schema allows it and the words are really there."""
    value = converted(field, there)
    if value is None or not found.reading.quotable(there) or not allows(field.schema, value):
        return None
    return Filled(value, (there,), round(confidence, 2))


def _labelled(found: Found, field: Field) -> Filled | None:
    offered = owned(found, field, candidates(found, field))
    if not offered:
        return None
    best = offered[0].score
    ties = [candidate for candidate in offered if candidate.score >= best - 0.02]
    for candidate in _preferred(field, ties) + offered[len(ties) :][:5]:
        filled = accepted(found, field, candidate.span, 0.35 + 0.6 * min(1.0, candidate.score))
        if filled is not None:
            return filled
    return None


def _not_of_the_other(found: Found, field: Field, filled: Filled | None) -> Filled | None:
    """The value, unless it stands where the other party is spoken of."""
    if filled is None or field.party is None or not filled.spans:
        return filled
    return filled if owner(found, filled.spans[0]) in {None, field.party} else None


def _letterhead(found: Found, field: Field) -> Filled | None:
    """The organization that the letterhead names, where the buyer is named elsewhere."""
    if field.party != SELLER or field.kind not in {Kind.NAME, Kind.ORGANIZATION} or found.messages:
        return None
    named = [
        item for item in found.organizations for block in found.parties[:1]
        if block.party == SELLER and block.owns(item)
    ]  # fmt: skip
    return _only(field, named, FALLBACK)


def _address(found: Found, field: Field) -> Filled | None:
    """What a label or a party's part of the text gives as an address, if it has the shape of one."""
    for candidate in owned(found, field, candidates(found, field)):
        if addresses.is_address(candidate.span.text):
            lines = addresses.lines_on(found.reading.lines, candidate.span)
            return _address_of(found, field, lines, 0.35 + 0.6 * min(1.0, candidate.score))
    for block in found.parties:
        lines = addresses.lines_in(block) if block.party == field.party else []
        if lines:
            return _address_of(found, field, lines, FALLBACK)
    return None


def _address_of(found: Found, field: Field, lines: list[Span], confidence: float) -> Filled | None:
    value = addresses.told(lines)
    if not allows(field.schema, value) or not all(found.reading.quotable(line) for line in lines):
        return None
    return Filled(value, tuple(lines), round(confidence, 2))


def _preferred(field: Field, ties: list[Candidate]) -> list[Candidate]:
    """Of equals the value that is said most; a total stands last, everything else first."""
    said: dict[str, int] = {}
    for candidate in ties:
        said[str(candidate.span.value)] = said.get(str(candidate.span.value), 0) + 1
    ordered = list(reversed(ties)) if field.concepts & {"total"} else ties
    return sorted(ordered, key=lambda candidate: -said[str(candidate.span.value)])


def _only(field: Field, spans: list[Span], confidence: float) -> Filled | None:
    """The one thing that the spans say, if they say one."""
    distinct = {str(item.value).casefold() for item in spans}
    if len(distinct) != 1:
        return None
    value = converted(field, spans[0])
    if value is None or not allows(field.schema, value):
        return None
    return Filled(value, (spans[0],), confidence)


def _by_role(found: Found, field: Field) -> Filled | None:
    """Who wrote and who was written to, in a mail thread."""
    if not found.messages or field.kind not in {
        Kind.EMAIL,
        Kind.PERSON,
        Kind.NAME,
        Kind.DATE,
        Kind.DATE_TIME,
    }:
        return None
    message = found.messages[0]
    said = {*words(field.name)}
    if field.kind in {Kind.DATE, Kind.DATE_TIME}:
        sent = said & {"sent", "received", "email", "message"} or said <= {"date", "timestamp"}
        header = message.headers.get("date") if sent else None
    elif said & _RECIPIENT:
        header = message.headers.get("to")
    elif said & _SENDER or said <= {"email", "address", "name"}:
        header = message.headers.get("from")
    else:
        return None
    inside = [
        item
        for item in found.of_kind(field.kind)
        if header is not None and item.start >= header.start and item.end <= header.end
    ]
    return accepted(found, field, inside[0], 0.75) if inside else None


def _by_kind(found: Found, field: Field) -> Filled | None:
    """The only span of its kind, for a field whose name asks for no more than the kind."""
    if field.kind in {Kind.NUMBER, Kind.TEXT, Kind.PERCENT}:
        return None
    asks_more = {name for name in field.concepts if name not in _GENERIC}
    if field.kind is Kind.ORGANIZATION and not asks_more:
        named = _by_domain(found) or [
            item for item in found.organizations if item.start <= _HEADING_CHARS * 3
        ]
        first = named[:1] if field.concepts & {"vendor"} else named
        return _only(field, first, FALLBACK)
    if asks_more:
        return None
    spans = found.of_kind(field.kind)
    if field.concepts & {"total"}:
        spans = [item for item in spans if not _A_RATE.match(found.text, item.end)]
    return _only(field, [item for item in spans if found.reading.quotable(item)], FALLBACK)


def _by_domain(found: Found) -> list[Span]:
    """A line or cell whose letters are the domain of an address in the text."""
    domains = {
        re.sub(r"[^a-z0-9]", "", part)
        for item in [*found.emails, *found.urls][:50]
        for part in re.split(r"[@/.]", item.text.lower())[1:]
        if len(part) > 4
    }
    named: list[Span] = []
    for line in found.reading.lines[:60]:
        squashed = re.sub(r"[^a-z0-9]", "", fold(line.text[:120]))
        if squashed and squashed in domains and line.text.strip()[:1].isupper():
            named.append(span(Kind.ORGANIZATION, found.text, line.start, line.end))
    return named


def _boolean(found: Found, field: Field) -> Filled | None:
    for candidate in candidates(found, field):
        said = set(words(candidate.span.text)[:1])
        if said & _YES or said & _NO:
            return Filled(bool(said & _YES), (candidate.span,), 0.85)
    asked = [
        stem(word)
        for word in words(field.name)
        if word not in STOP_WORDS and word not in {"is", "has", "needs", "wants"}
    ]
    if not asked:
        return None
    for match in re.finditer(r"[^.!?\n]{1,400}", found.text):
        if set(asked) <= set(stems(match[0])):
            return _said(found, asked[-1], match)
    return None


def _said(found: Found, asked: str, sentence: re.Match[str]) -> Filled | None:
    """True where a sentence says the word, False where it says `not` before it."""
    for match in re.finditer(r"[\w'-]+", sentence[0]):
        if asked in stems(match[0]):
            negated = _NOT.search(sentence[0][max(0, match.start() - 40) : match.start()]) is not None
            there = span(Kind.TEXT, found.text, sentence.start(), sentence.end())
            return Filled(not negated, (there,), FALLBACK) if found.reading.quotable(there) else None
    return None


def _choice(found: Found, field: Field) -> Filled | None:
    choices = text_choices(field.schema)
    is_document = titles.is_wanted_by(field.name) and not found.messages
    for candidate in candidates(found, field):
        for choice in choices:
            if words(choice) and words(choice) == words(candidate.span.text)[: len(words(choice))]:
                return Filled(choice, (candidate.span,), 0.85)
    for choice in choices:
        if (
            fold(field.name) in {"currency", "currencies"}
            and found.currency
            and found.currency.value == choice
        ):
            return Filled(choice, (found.currency,), 0.8)
    if is_document:
        title = titles.type_in(found, choices)
        return Filled(title.value, (title,), 0.8) if title and found.reading.quotable(title) else None
    ranking = labels.rank(found, dict.fromkeys(choices, ""))
    if ranking is None or ranking.abstained:
        return None
    evidence = (ranking.evidence,) if ranking.evidence else ()
    return Filled(ranking.label, evidence, min(ranking.confidence, 0.7))


def _extract(found: Found, field: Field) -> Filled | None:
    """Sentences of the text: a summary, or what is asked and what comes next."""
    longest = field.schema.get("maxLength")
    chars_max = longest if isinstance(longest, int) else None
    match field.kind:
        case Kind.REQUEST:
            chosen = summary.next_steps(found)[:1]
        case Kind.QUESTION:
            chosen = summary.questions(found)[:1]
        case _:
            chosen = summary.summarize(found, chars_max=chars_max)
    text = summary.told(chosen)
    if not text or (field.type == "string" and not allows(field.schema, text)) or field.type != "string":
        return None
    return Filled(text, tuple(chosen), 0.2 if field.kind is Kind.REPLY else 0.5)


def _subject(found: Found, field: Field) -> Filled | None:
    if found.messages:
        subject = found.messages[0].headers.get("subject")
        return accepted(found, field, subject, 0.9) if subject is not None and subject.text else None
    head = next((line for line in found.reading.lines if not line.is_blank), None)
    if head is None or len(head.text.strip()) > 120 or head.text.rstrip().endswith((".", ",", ":", ";")):
        return None
    if concepts(field.name) & {"name"} and "title" not in words(field.name):
        return None
    marked = head.text.lstrip("#*=- \t")
    return accepted(found, field, span(Kind.TEXT, found.text, head.end - len(marked), head.end), 0.4)


def _document_type(found: Found, field: Field) -> Filled | None:
    """The kind of document that the head of the text calls itself."""
    best: Span | None = None
    for name in DOCUMENT_TYPES:
        match = re.search(rf"(?<!\w){name}(?!\w)", found.text[:_HEADING_CHARS], re.IGNORECASE)
        if match and (best is None or match.start() < best.start):
            best = span(Kind.TEXT, found.text, match.start(), match.end(), name)
    if found.messages:
        return _topic(found, field)
    if best is None or not found.reading.quotable(best):
        return None
    value = str(best.value)
    return Filled(value, (best,), 0.6) if allows(field.schema, value) else None


def _topic(found: Found, field: Field) -> Filled | None:
    """What a mail thread is about, if one of the common intents stands out."""
    ranking = labels.rank(found, TOPICS)
    if (
        ranking is None
        or ranking.abstained
        or ranking.confidence < 0.4
        or not allows(field.schema, ranking.label)
    ):
        return None
    return Filled(
        ranking.label, (ranking.evidence,) if ranking.evidence else (), min(0.6, ranking.confidence)
    )


def _time(found: Found, field: Field) -> Filled | None:
    times = [span(Kind.TIME, found.text, match.start(), match.end()) for match in _TIME.finditer(found.text)]
    filled = _only(field, times, FALLBACK)
    if filled is None:
        return None
    value = f"{str(filled.value).rjust(5, '0')}:00" if field.schema.get("format") == "time" else filled.value
    return Filled(value, filled.spans, filled.confidence)
