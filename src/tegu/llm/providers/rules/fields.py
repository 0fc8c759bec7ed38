"""The walk over a JSON Schema: every field filled from the text, left null, or named as what cannot be filled.

Called by the provider. Invariants: what is filled carries its quote; what is required and cannot be filled is an
error that names the field; nothing is made up.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace

from pydantic import JsonValue

from tegu.domain.errors import ProviderError
from tegu.domain.evidence import Quote
from tegu.domain.json import JsonObject
from tegu.llm.providers.rules import leaf, records
from tegu.llm.providers.rules.found import Found
from tegu.llm.providers.rules.labels import is_catch_all
from tegu.llm.providers.rules.lists import fill_all
from tegu.llm.providers.rules.parties import party_of
from tegu.llm.providers.rules.reading import Kind, Span
from tegu.llm.providers.rules.schema import Schemas, allows, members, required_names, text_choices, type_of
from tegu.llm.providers.rules.wanted import field_of, named_kind
from tegu.llm.providers.rules.words import words

_DEPTH_MAX = 8
_FIELDS_MAX = 2_000
_CLEARLY = 0.1
_CATCH_ALL = 0.2  # how sure a choice is that means "nothing in particular"


@dataclass(frozen=True, slots=True)
class Answer:
    """A value that was filled, with the quotes behind it and how sure its parts are."""

    value: JsonValue
    quotes: tuple[Quote, ...] = ()
    confidences: tuple[float, ...] = ()

    @property
    def confidence(self) -> float | None:
        """The mean of the parts."""
        if not self.confidences:
            return None
        return round(sum(self.confidences) / len(self.confidences), 2)


@dataclass(frozen=True, slots=True)
class Place:
    """Where in the output the walk is: its JSON pointer, its name, its parent's name and its depth."""

    path: str = ""
    name: str = ""
    parent: str = ""
    depth: int = 0

    def member(self, name: str) -> "Place":
        """The place of a property."""
        step = name.replace("~", "~0").replace("/", "~1")
        return Place(f"{self.path}/{step}", name, self.name, self.depth + 1)

    def item(self, index: int) -> "Place":
        """The place of an item of an array, which keeps the array's name."""
        return Place(f"{self.path}/{index}", self.name, self.parent, self.depth + 1)


class UnfilledError(Exception):
    """Something required is not in the text. `path` points at it."""

    def __init__(self, path: str) -> None:
        super().__init__(path)
        self.path = path


@dataclass(slots=True)
class Walk:
    """One walk over one schema and one text."""

    found: Found
    schemas: Schemas
    given: Mapping[str, JsonValue] = field(default_factory=dict[str, JsonValue])
    """Values by field name that other stages have found already."""
    decided: Mapping[str, Answer] = field(default_factory=dict[str, Answer])
    """Answers by JSON pointer that are already known (the label of a classification)."""
    left: int = _FIELDS_MAX

    def fill(self, schema: JsonValue, place: Place) -> Answer | None:
        """The answer for a schema, or None where there is none. Raises UnfilledError for a part that is required."""
        if place.path in self.decided:
            return self.decided[place.path]
        self.left -= 1
        if place.depth > _DEPTH_MAX or self.left < 0:
            return None
        shape = self.schemas.shape(schema)
        unfilled: UnfilledError | None = None
        for option in shape.options:
            try:
                answer = self._option(option, shape.description, place)
            except UnfilledError as error:
                unfilled = unfilled or error
                continue
            if answer is not None:
                return answer
        if unfilled is not None and not shape.nullable and len(shape.options) == 1:
            raise unfilled
        return None

    def _option(self, schema: JsonObject, description: str, place: Place) -> Answer | None:
        if "const" in schema:
            return Answer(schema["const"])
        match type_of(schema):
            case "object":
                return self._object(schema, place)
            case "array":
                return self._array(schema, description, place)
            case _:
                return self._leaf(schema, description, place)

    def _leaf(self, schema: JsonObject, description: str, place: Place) -> Answer | None:
        wanted = field_of(place.path, place.name, schema, description, place.parent if _lends(place) else "")
        wanted = replace(wanted, party=party_of(place.name) or party_of(place.parent))
        filled = leaf.fill(self.found, wanted)
        if filled is not None:
            return _answer(self.found, filled, place.path)
        upstream = self.given.get(place.name)
        if upstream is not None and not isinstance(upstream, dict | list) and allows(schema, upstream):
            return Answer(upstream, (), (0.5,))
        return None

    def _object(self, schema: JsonObject, place: Place) -> Answer | None:
        """The object, if any part of it is filled, or none had to be."""
        required = required_names(schema)
        answers: dict[str, Answer] = {}
        later: list[str] = []
        walk = self._of_one_amount(schema, place)
        for name, member in members(schema).items():
            if self._is(Kind.CONFIDENCE, name, member):
                later.append(name)
                continue
            answer = walk.member(member, place.member(name), required=name in required)
            if answer is not None:
                answers[name] = answer
        self._drop_repeats(schema, place, answers)
        parts = list(answers.values())
        value: JsonObject = {name: answer.value for name, answer in answers.items()}
        whole = _joined(value, parts)
        for name in later:
            inner = place.member(name)
            answer = self.decided.get(inner.path) or (
                Answer(whole.confidence) if whole.confidence is not None else None
            )
            if answer is None:
                answer = self.nothing(members(schema)[name], inner, required=name in required)
            if answer is not None:
                value[name] = answer.value
        if place.depth > 0 and not whole.confidences and members(schema):
            if any(part.value not in (None, [], {}) for part in parts):
                return whole
            return None
        return whole

    def _drop_repeats(self, schema: JsonObject, place: Place, answers: dict[str, Answer]) -> None:
        """Take a value away from the members whose label fits it less than that of another member."""
        identifiers = frozenset(name for name in answers if self._is(Kind.ID, name, members(schema)[name]))
        for name in _repeating(answers, identifiers):
            member, inner = members(schema)[name], place.member(name)
            is_required = name in required_names(schema)
            if inner.path in self.decided or (is_required and not self.schemas.shape(member).nullable):
                continue
            nothing = self.nothing(member, inner, required=is_required)
            if nothing is None:
                del answers[name]
            else:
                answers[name] = nothing

    def _of_one_amount(self, schema: JsonObject, place: Place) -> "Walk":
        """For an amount of money a walk in which its currency is the one that stands beside it."""
        if not (place.name and records.is_money(members(schema))):
            return self
        inner = place.member("amount")
        amount = self.decided.get(inner.path) or self.fill(members(schema)["amount"], inner)
        if amount is None or not amount.quotes:
            return self
        quote = amount.quotes[0]
        beside = Found(quote.text, quote.start or 0)
        decided = {**self.decided, inner.path: amount}
        return Walk(beside if beside.currency else self.found, self.schemas, self.given, decided, self.left)

    def _is(self, kind: Kind, name: str, schema: JsonValue) -> bool:
        options = self.schemas.shape(schema).options
        return any(field_of("", name, option, "").kind is kind for option in options)

    def member(self, schema: JsonValue, place: Place, *, required: bool) -> Answer | None:
        """The answer for a property, or what stands for it where there is none."""
        shape = self.schemas.shape(schema)
        if (shape.nullable or not required) and _is_reply(place.name):
            return self.nothing(schema, place, required=required)  # sentences of theirs are no answer of ours
        try:
            answer = self.fill(schema, place)
        except UnfilledError:
            if required:
                raise
            answer = None
        return answer if answer is not None else self.nothing(schema, place, required=required)

    def nothing(self, schema: JsonValue, place: Place, *, required: bool) -> Answer | None:
        """What stands for a field that was not found: null, an empty list, the author's default, or nothing at all."""
        shape = self.schemas.shape(schema)
        if shape.nullable:
            return Answer(None)
        if not required:
            return None
        for option in shape.options:
            if type_of(option) == "array" and not option.get("minItems"):
                return Answer([])
            if "default" in option:
                return Answer(option["default"])
            if type_of(option) == "object" and place.depth <= _DEPTH_MAX:
                return self._empty(option, place)
            for choice in text_choices(option):
                if is_catch_all(choice, ""):
                    return Answer(choice, (), (_CATCH_ALL,))
        raise UnfilledError(place.path)

    def _empty(self, schema: JsonObject, place: Place) -> Answer:
        """The object of which nothing was found. Raises UnfilledError where something must be in it."""
        value: JsonObject = {}
        for name in members(schema):
            if name in required_names(schema):
                answer = self.nothing(members(schema)[name], place.member(name), required=True)
                assert answer is not None
                value[name] = answer.value
        return Answer(value)

    def _array(self, schema: JsonObject, description: str, place: Place) -> Answer | None:
        items = schema.get("items", {})
        shape = self.schemas.shape(items)
        option = shape.options[0] if shape.options else {}
        if type_of(option) == "object":
            answers = self._records(option, place)
        else:
            wanted = field_of(place.path, place.name, option, description or shape.description)
            answers = [
                _answer(self.found, filled, place.item(index).path)
                for index, filled in enumerate(fill_all(self.found, wanted))
            ]
        most, least = schema.get("maxItems"), schema.get("minItems")
        answers = answers[: most if isinstance(most, int) else None]
        if not answers or (isinstance(least, int) and len(answers) < least):
            return None
        return _joined([answer.value for answer in answers], answers)

    def _records(self, schema: JsonObject, place: Place) -> list[Answer]:
        """The objects of an array; one that lacks what is required is left out."""
        answers: list[Answer] = []
        for part in records.find_records(self.found, place.name, schema, self.schemas):
            inner = place.item(len(answers))
            known = {
                inner.member(name).path: _answer(self.found, filled, inner.member(name).path)
                for name, filled in part.known.items()
            }
            walk = Walk(part.found, self.schemas, {}, known, self.left)
            try:
                answer = walk.fill(schema, inner)
            except UnfilledError:
                continue
            self.left = walk.left
            if answer is not None:
                answers.append(answer)
        return answers


def _lends(place: Place) -> bool:
    """Whether a field's own name says so little that its parent's must help."""
    return bool(place.parent) and place.name in {
        "amount", "value", "currency", "date", "number", "id", "name", "email", "phone", "code", "percent", "rate", "text", "address",
    }  # fmt: skip


def _repeating(answers: Mapping[str, Answer], identifiers: frozenset[str]) -> list[str]:
    """The members with the same words from the same place as another member that is clearly surer of them.

    What both are equally sure of may be meant twice (`date` and `issued_on`), but for an identifier without a label of
    its own: that is the first member's alone.
    """
    told: dict[tuple[int | None, str], list[tuple[str, float]]] = {}
    for name, answer in answers.items():
        if isinstance(answer.value, str) and len(answer.quotes) == len(answer.confidences) == 1:
            quote = answer.quotes[0]
            told.setdefault((quote.start, quote.text), []).append((name, answer.confidences[0]))
    weak: list[str] = []
    for same in told.values():
        first, best = max(same, key=lambda item: item[1])
        for name, sure in same:
            is_guess = name in identifiers and sure <= leaf.FALLBACK and name != first
            if best - sure > _CLEARLY or is_guess:
                weak.append(name)
    return weak


def _is_reply(name: str) -> bool:
    return named_kind(words(name)) is Kind.REPLY


def quotes_of(found: Found, spans: Iterable[Span], path: str) -> tuple[Quote, ...]:
    """The spans as quotes, which count from where the request's text begins."""
    return tuple(Quote(path, there.text, found.start + there.start) for there in spans)


def _answer(found: Found, filled: leaf.Filled, path: str) -> Answer:
    return Answer(filled.value, quotes_of(found, filled.spans, path), (filled.confidence,))


def _joined(value: JsonValue, parts: list[Answer]) -> Answer:
    return Answer(
        value,
        tuple(quote for part in parts for quote in part.quotes),
        tuple(confidence for part in parts for confidence in part.confidences),
    )


def fill_schema(
    found: Found,
    schema: JsonObject,
    *,
    given: Mapping[str, JsonValue] | None = None,
    decided: Mapping[str, Answer] | None = None,
) -> Answer:
    """The output for a schema. Raises ProviderError `bad_request`, naming the field, where one cannot be filled."""
    walk = Walk(found, Schemas(schema), given or {}, decided or {})
    try:
        answer = walk.fill(schema, Place())
        if answer is None:
            answer = walk.nothing(schema, Place(), required=True)
    except UnfilledError as error:
        name = error.path or "the output"
        raise ProviderError(
            f"the rules provider cannot fill the required field {name!r} from this text",
            code="bad_request",
            transient=False,
            hint="make the field nullable or optional, or use a language model",
        ) from None
    return answer or Answer(None)
