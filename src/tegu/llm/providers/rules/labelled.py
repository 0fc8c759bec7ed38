"""Values that a label in the text introduces: beside it, below it, or in the same phrase.

Called by `leaf`. Invariant: the value is of the kind that the field wants, and its label shares the field's meaning.
"""

import re
from bisect import bisect_right
from dataclasses import dataclass

from tegu.llm.providers.rules.found import Found
from tegu.llm.providers.rules.layout import Pair
from tegu.llm.providers.rules.lexicon import concepts, similarity
from tegu.llm.providers.rules.parties import BUYER, SELLER, party_of
from tegu.llm.providers.rules.reading import Kind, Span, span
from tegu.llm.providers.rules.wanted import Field

SIMILAR_MIN = 0.5
_HINTED = 0.85
_SUMMED = 0.9
_DIGITS_MIN = 3
_OF = frozenset(("du", "of", "dated", "vom", "van", "del", "from", "on", "le"))
_DETAILS = frozenset(("tax", "address", "email", "phone"))
_LEAD_CHARS = 60
_LEAD_WORDS_MAX = 5
_TEXT_CHARS_MAX = 200
_TOKEN = re.compile(r"[#]?([\w][\w./-]{0,60}[\w]|\w)")
_DECIMAL = re.compile(r"[#]?\d{1,9}[.,]\d{1,4}(?![\w.,/-])")
_CLAUSE = re.compile(r"[.;!?:](?=\s)|[,(]| [-\u2212\u2013\u2014] ")
_ID_PREFIX = re.compile(r"[A-Z]{2,5}")
_SPAN_KINDS = frozenset(
    (
        Kind.MONEY,
        Kind.PERCENT,
        Kind.NUMBER,
        Kind.DATE,
        Kind.DATE_TIME,
        Kind.ID,
        Kind.EMAIL,
        Kind.URL,
        Kind.PHONE,
        Kind.CURRENCY,
    )
)


@dataclass(frozen=True, slots=True)
class Candidate:
    """A span that may fill a field, and how well its label fits."""

    span: Span
    score: float
    label: frozenset[str] = frozenset()
    """The concepts of its label, where it has one."""


def fit(field: Field, offered: frozenset[str]) -> float:
    """How well a label's concepts fit a field's name, or a little less its description."""
    if not offered:
        return 0.0
    by_name = similarity(field.concepts, offered)
    # A description may say more than the name, never something else.
    by_hint = similarity(field.hints, offered) if field.hints & field.concepts or not field.concepts else 0.0
    return max(by_name, _HINTED * by_hint)


def candidates(found: Found, field: Field) -> list[Candidate]:
    """Everything that a label introduces as this field, best first; equals in the order of the text."""
    offered = [candidate for pair in found.pairs if (candidate := _of_pair(found, field, pair)) is not None]
    if field.kind in _SPAN_KINDS:
        offered += _led(found, field)
    if field.kind is Kind.ID:
        offered += _prefixed(found, field)
    if field.kind is Kind.MONEY:
        offered += [
            Candidate(there, _SUMMED * fit(field, label), label)
            for label, there in found.sums
            if fit(field, label) >= SIMILAR_MIN
        ]
    return sorted(offered, key=lambda candidate: -candidate.score)


def owner(found: Found, there: Span) -> str | None:
    """The party in whose part of the text a span stands."""
    return next((block.party for block in reversed(found.parties) if block.owns(there)), None)


def owned(found: Found, field: Field, offered: list[Candidate]) -> list[Candidate]:
    """Of the details of a party only its own. What nobody owns is the seller's if it is all that there is."""
    if field.party is None or not field.concepts & _DETAILS or field.type != "string":
        return offered
    owners = [party_of(" ".join(item.label & {SELLER, BUYER})) or owner(found, item.span) for item in offered]
    own = [item for item, owner in zip(offered, owners, strict=True) if owner == field.party]
    if own or field.party == BUYER:
        return own
    nobodys = [item for item, owner in zip(offered, owners, strict=True) if owner is None]
    return nobodys if len({str(item.span.value) for item in nobodys}) == 1 else []


def _of_pair(found: Found, field: Field, pair: Pair) -> Candidate | None:
    fits = fit(field, pair.concepts)
    if fits < SIMILAR_MIN:
        return None
    value = value_in(found, field, pair.value, labelled=pair.strength >= 1.0)
    return Candidate(value, fits * pair.strength, pair.concepts) if value is not None else None


def value_in(found: Found, field: Field, cell: Span, *, labelled: bool) -> Span | None:
    """The part of a cell that is of the kind a field wants."""
    match field.kind:
        case Kind.TEXT | Kind.SUBJECT | Kind.CHOICE | Kind.BOOLEAN | Kind.DOCUMENT_TYPE:
            return cell if len(cell.text) <= _TEXT_CHARS_MAX else None
        case Kind.PERSON | Kind.ORGANIZATION | Kind.NAME:
            return _name_in(field.kind, cell)
        case Kind.ID:
            return _first(found.ids, cell) or (_token_in(cell) if labelled or " " not in cell.text else None)
        case Kind.NUMBER:
            return _first([item for item in found.amounts if item.kind is not Kind.PERCENT], cell)
        case Kind.MONEY:
            money = _first(found.of_kind(Kind.MONEY), cell)
            return money or _first(found.of_kind(Kind.NUMBER), cell)
        case Kind.DATE:
            return _first(found.of_kind(Kind.DATE), cell)
        case Kind.PERCENT:
            return _first(found.of_kind(Kind.PERCENT), cell) or _first(found.of_kind(Kind.NUMBER), cell)
        case _:
            return _first(found.of_kind(field.kind), cell)


def _first(spans: list[Span], cell: Span) -> Span | None:
    at = bisect_right(spans, cell.start - 1, key=lambda item: item.start)
    return spans[at] if at < len(spans) and spans[at].end <= cell.end else None


def _name_in(kind: Kind, cell: Span) -> Span | None:
    cut = re.split(r"\s*[<(|;]|\s{2,}|,(?!\s*(?:Inc|Ltd|LLC|GmbH|Co)\b)", cell.text, maxsplit=1)[0]
    there = span(kind, cell.text, 0, len(cut))
    if (
        not there.text[:1].isalpha()
        or len(there.text) > 80
        or len(there.text.split()) > 8
        or "@" in there.text
    ):
        return None
    return Span(kind, cell.start, cell.start + len(there.text), there.text, there.text)


def _token_in(cell: Span) -> Span | None:
    match = _TOKEN.match(cell.text)
    if match is None or not any(char.isdigit() for char in match[1]) or _DECIMAL.match(cell.text):
        return None
    start = cell.start + match.start(1)
    return Span(Kind.ID, start, start + len(match[1]), match[1], match[1])


def _led(found: Found, field: Field) -> list[Candidate]:
    """Spans with their label in the same phrase: `Total due EUR 1,284.50`, `a refund of EUR 45.00`, `3 rooms`."""
    offered: list[Candidate] = []
    previous_end = 0
    spans = found.of_kind(field.kind)
    if field.kind is Kind.ID:
        more = found.bank_codes if "bic" in field.concepts else _plain_numbers(found)
        spans = sorted([*spans, *more], key=lambda item: item.start)
    for there in spans:
        lead_start = max(previous_end, there.start - _LEAD_CHARS)
        lead = found.text[lead_start : there.start]
        opens = "\n" in lead or lead_start == 0
        lead = re.split(r"\n|\t| {2,}", lead)[-1]
        clause = _CLAUSE.split(lead.rstrip(": "))[-1].split()
        short = opens and len(clause) <= _LEAD_WORDS_MAX
        label = _dated(field, concepts(" ".join(clause[-_LEAD_WORDS_MAX:])), clause)
        score = fit(field, label) * (0.95 if short else 0.75)
        if field.kind is Kind.NUMBER:
            follow = re.split(r"\n|\t| {2,}|[.,;]", found.text[there.end : there.end + 30])[0].split()[:2]
            score = max(score, 0.8 * fit(field, concepts(" ".join(follow))))
        if score >= SIMILAR_MIN * 0.75:
            offered.append(Candidate(there, score, label))
        previous_end = there.end
    return offered


def _dated(field: Field, label: frozenset[str], clause: list[str]) -> frozenset[str]:
    """In `Invoice no. 4711 of 2 July 2026` the number's label is the label of the date as well."""
    is_of = len(clause) > 2 and clause[-1].lower() in _OF and sum(map(str.isdigit, clause[-2])) >= _DIGITS_MIN
    if field.kind is not Kind.DATE or not is_of:
        return label
    return frozenset(name for name in label if not name.startswith("~") and name != "number") | {"date"}


def _plain_numbers(found: Found) -> list[Span]:
    """Whole numbers that may be somebody's number: `order 12345`."""
    return [
        Span(Kind.ID, item.start, item.end, item.text, item.text)
        for item in found.of_kind(Kind.NUMBER)
        if item.text.isdigit() and len(item.text) >= 4
    ]


def _prefixed(found: Found, field: Field) -> list[Candidate]:
    """Identifiers that carry their noun: `ORD-4411` for an order number, `INV-7` for an invoice's."""
    offered: list[Candidate] = []
    for there in found.ids:
        match = _ID_PREFIX.match(there.text)
        if match is None:
            continue
        prefix = match[0].lower()
        noun = {"po": "purchase order", "rma": "return", "tkt": "ticket", "cs": "case"}.get(prefix)
        nouns = {name.removeprefix("~") for name in field.concepts}
        if noun in nouns or (len(prefix) > 2 and any(name.startswith(prefix) for name in nouns)):
            offered.append(Candidate(there, 0.6))
    return offered
