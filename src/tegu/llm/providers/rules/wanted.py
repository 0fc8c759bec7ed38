"""What a field of a schema wants, read from its name, description, type and format.

Called by the schema walk. Invariant: the type decides first, then the format, then the name, then the description.
"""

from dataclasses import dataclass, field
from typing import Final

from tegu.domain.json import JsonObject
from tegu.llm.providers.rules.lexicon import concepts
from tegu.llm.providers.rules.reading import Kind
from tegu.llm.providers.rules.schema import type_of
from tegu.llm.providers.rules.words import word_set, words

_FORMATS: Final = {
    "email": Kind.EMAIL, "idn-email": Kind.EMAIL, "uri": Kind.URL, "url": Kind.URL, "iri": Kind.URL, "date": Kind.DATE,
    "date-time": Kind.DATE_TIME, "time": Kind.TIME, "phone": Kind.PHONE, "currency": Kind.CURRENCY, "money": Kind.MONEY,
}  # fmt: skip
# In this order: the first kind with a word of the name wins.
_NAMED: Final[dict[Kind, str]] = {
    Kind.CONFIDENCE: "confidence certainty probability",
    Kind.SUMMARY: "summary summaries abstract overview gist synopsis tldr highlights recap",
    Kind.REPLY: "reply response answer draft",
    Kind.REQUEST: "step steps action actions request requests ask asks todo todos task tasks followup ask needs",
    Kind.QUESTION: "question questions",
    Kind.EMAIL: "email emails mail e-mail",
    Kind.URL: "url urls uri link links website websites homepage site web",
    Kind.PHONE: "phone phones telephone mobile fax tel",
    Kind.CURRENCY: "currency currencies",
    Kind.DATE: "date dates deadline deadlines birthday dob vervaldatum",
    Kind.PERCENT: "percent percentage pct",
    Kind.ID: "number numbers no id ids identifier identifiers reference references ref code sku iban bic vat gstin cin account",
    Kind.MONEY: "amount amounts total totals subtotal price prices cost costs fee fees tax vat balance sum money payment "
    "payments salary budget discount charge paid value",
    Kind.ORGANIZATION: "company companies organization organizations organisation organisations vendor vendors supplier suppliers "
    "issuer merchant employer corporation firm seller landlord lessor licensor org orgs partner",
    Kind.PERSON: "person persons people contact contacts author sender recipient employee manager attendee attendees "
    "participant participants signer signatory signatories names who tenant",
    Kind.NAME: "customer customers client clients buyer party parties name requester user payer guest provider payee",
    Kind.SUBJECT: "subject title topic headline",
    Kind.DOCUMENT_TYPE: "category kind document_type doctype genre",
}
_NAMES: Final = tuple((kind, word_set(names)) for kind, names in _NAMED.items())
_COUNTED = frozenset(("number", "no", "count"))
_NUMERIC_MONEY = word_set(
    "amount amounts total subtotal price cost fee fees tax vat balance sum money payment salary budget charge paid usd eur net "
    "gross refund due"
)


@dataclass(frozen=True, slots=True)
class Field:
    """A leaf, or an array of leaves, that wants to be filled."""

    path: str
    name: str
    kind: Kind
    type: str
    schema: JsonObject
    concepts: frozenset[str]
    hints: frozenset[str] = field(default_factory=frozenset[str])
    """The concepts of the description."""
    party: str | None = None
    """Whose it is, where the field or the object that it is in is named after the seller or the buyer."""


def field_of(path: str, name: str, schema: JsonObject, description: str, parent: str = "") -> Field:
    """What the field at a path wants. `parent` is the name of the object it is in, which lends it meaning."""
    kind = _kind(name, schema, description, parent)
    meant = concepts(f"{parent} {name}" if parent else name)
    if kind is Kind.MONEY and meant <= {"amount", "currency", "invoice"}:
        meant = frozenset({"total"})
    return Field(path, name, kind, type_of(schema), schema, meant, concepts(description[:200]))


def _kind(name: str, schema: JsonObject, description: str, parent: str) -> Kind:
    kind = type_of(schema)
    parts = words(name)
    if kind == "boolean":
        return Kind.BOOLEAN
    if "enum" in schema:
        return Kind.CHOICE
    if kind in {"number", "integer"}:
        return _numeric_kind(parts, description, parent)
    wanted = schema.get("format")
    if isinstance(wanted, str) and wanted in _FORMATS:
        return _FORMATS[wanted]
    joined = "_".join(parts)
    if joined in {"document_type", "doc_type", "type_of_document"}:
        return Kind.DOCUMENT_TYPE
    if parts[:2] == ["number", "of"]:
        return Kind.NUMBER
    return named_kind(parts) or _described_kind(description) or Kind.TEXT


def _numeric_kind(parts: list[str], description: str, parent: str) -> Kind:
    said = {*parts, *words(parent)}
    if said & {"confidence", "certainty", "probability"}:
        return Kind.CONFIDENCE
    if said & {"percent", "percentage", "pct"} or ("rate" in said and said & {"tax", "vat", "interest"}):
        return Kind.PERCENT
    if said & _NUMERIC_MONEY and not said & _COUNTED and "count" not in said:
        return Kind.MONEY
    if {"amount", "currency"} & set(words(description)) or "price" in words(description):
        return Kind.MONEY
    return Kind.NUMBER


def named_kind(parts: list[str]) -> Kind | None:
    """The kind that a field's name speaks of; its last word says more than the words before it."""
    if parts[-1:] == ["address"] and {"email", "mail", "e-mail"} & set(parts):
        return Kind.EMAIL
    for kind, names in _NAMES:
        if parts and parts[-1] in names:
            if kind is Kind.NAME and parts[-1] == "name" and len(parts) > 1:
                return _whose_name(parts)
            return kind
    for kind, names in _NAMES[:10]:
        if names & set(parts):
            return kind
    if parts and parts[-1] in {"on", "at", "since", "until", "by"} and len(parts) > 1:
        return Kind.DATE
    return Kind.DATE if parts in (["due"], ["start"], ["end"], ["effective"]) else None


def _whose_name(parts: list[str]) -> Kind:
    for kind, names in _NAMES:
        if kind in {Kind.ORGANIZATION, Kind.PERSON, Kind.NAME} and names & set(parts[:-1]):
            return kind
    return Kind.PERSON if {"first", "last", "full"} & set(parts) else Kind.TEXT


def _described_kind(description: str) -> Kind | None:
    said = set(words(description[:200]))
    for kind, clear in (
        (Kind.EMAIL, {"email", "e-mail"}),
        (Kind.PHONE, {"phone", "telephone"}),
        (Kind.URL, {"url", "website"}),
        (Kind.SUMMARY, {"summary", "summarize", "sentences"}),
        (Kind.DATE, {"date", "deadline"}),
        (Kind.PERSON, {"person", "people"}),
        (Kind.ORGANIZATION, {"company", "organization"}),
    ):
        if said & clear:
            return kind
    return None
