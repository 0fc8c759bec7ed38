"""The embedded provider: answers requests by rules, with no key, no network and no weights.

Called by the structured loop as any other provider. Invariants: the same request has the same reply; every quote is a
literal stretch of one of the request's parts; it says of itself that it is no language model.
"""

import asyncio
import json
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal

from pydantic import JsonValue

from tegu.domain.call import Usage
from tegu.domain.errors import ProviderError
from tegu.domain.evidence import Quote
from tegu.domain.json import JsonObject, storable
from tegu.llm.protocol import Credential, DataPart, ModelReply, ModelRequest
from tegu.llm.providers.rules import labels, summary
from tegu.llm.providers.rules.fields import Answer, fill_schema, quotes_of
from tegu.llm.providers.rules.found import Found
from tegu.llm.providers.rules.schema import Schemas, members, text_choices
from tegu.llm.providers.rules.wanted import field_of

CHARS_MAX = 200_000
"""How much of a text is read; the reply's metadata says when there was more."""

_INLINE_CHARS_MAX = 8_000
_MODEL = "rules-1"
_LABEL_NAMES = frozenset(("category", "label", "class", "intent", "classification", "route", "type", "topic"))
_UPSTREAM_CHARS_MAX = 200_000
_SOURCE = "source"
_BETWEEN = "\n\n"


@dataclass(frozen=True, slots=True)
class _Input:
    """What a request is about: the text, and what other stages have said."""

    text: str
    given: Mapping[str, JsonValue]
    chars_total: int
    source: str
    """The text of the part that quotes have their place in, and where in `text` it begins."""
    source_start: int


class RulesProvider:
    """Rule-based extraction, classification and summaries. Not a language model."""

    async def request(self, request: ModelRequest, credential: Credential) -> ModelReply:
        """Answer one request. Raises ProviderError `bad_request` where a required field is not in the text."""
        del credential  # there is nobody to show it to
        if sum(len(part.text) for part in request.parts) <= _INLINE_CHARS_MAX:
            return _reply(request)
        # A long text takes up to seconds, in which the event loop must go on (leases are renewed on it).
        return await asyncio.to_thread(_reply, request)

    async def close(self) -> None:
        """Nothing is open."""


def _reply(request: ModelRequest) -> ModelReply:
    source = _input(request.parts)
    found = Found(source.text)
    ranking = _ranking(request, found)
    answer, confidence = _answer(request, found, source.given, ranking)
    text = answer.value if isinstance(answer.value, str) and request.output is None else _dump(answer.value)
    return ModelReply(
        text=text,
        finish_reason="stop",
        usage=Usage(input_tokens=0, cached_tokens=0, output_tokens=0, reasoning_tokens=0),
        cost_usd=Decimal(0),
        model=_MODEL,
        confidence=confidence,
        quotes=_placed(answer.quotes, source, request.parts),
        metadata={
            "kind": "rule_based",
            "llm": False,
            "chars_read": len(source.text),
            "chars_total": source.chars_total,
            "truncated": source.chars_total > len(source.text),
            "abstained": ranking is not None and ranking.abstained,
        },
    )


def _dump(value: JsonValue) -> str:
    return json.dumps(storable(value), ensure_ascii=False, allow_nan=False)


def _placed(quotes: tuple[Quote, ...], read: _Input, parts: tuple[DataPart, ...]) -> tuple[Quote, ...]:
    """The quotes that are in a part, which all should be, with their place where that part is the source."""
    placed: list[Quote] = []
    for quote in quotes:
        start = quote.start - read.source_start if quote.start is not None else -1
        if start >= 0 and read.source.startswith(quote.text, start):
            placed.append(Quote(quote.path, quote.text, start))
        elif any(quote.text in part.text for part in parts):
            placed.append(Quote(quote.path, quote.text))
    return tuple(placed)


def _input(parts: tuple[DataPart, ...]) -> _Input:
    """The parts that are text, joined, and the values that upstream outputs name."""
    texts: list[DataPart] = []
    given: dict[str, JsonValue] = {}
    for part in parts:
        upstream = None if part.name == _SOURCE else _upstream(part.text)
        if upstream is None:
            texts.append(part)
        else:
            given.update({name: value for name, value in upstream.items() if name not in given})
    if not texts:
        texts = list(parts)
    # An empty line ends every span, so that none reaches from one part into the next.
    text = _BETWEEN.join(part.text for part in texts)
    at = next((index for index, part in enumerate(texts) if part.name == _SOURCE), 0)
    source = texts[at].text if texts else ""
    source_start = sum(len(part.text) + len(_BETWEEN) for part in texts[:at])
    return _Input(text[:CHARS_MAX], given, len(text), source, source_start)


def _upstream(text: str) -> JsonObject | None:
    if text.lstrip()[:1] != "{" or len(text) > _UPSTREAM_CHARS_MAX:
        return None
    try:
        value: JsonValue = json.loads(text)
    except (ValueError, RecursionError):
        return None
    return value if isinstance(value, dict) else None


def _answer(
    request: ModelRequest, found: Found, given: Mapping[str, JsonValue], ranking: labels.Ranking | None
) -> tuple[Answer, float | None]:
    if request.output is None:
        answer = _plain(request, found, ranking)
        return answer, answer.confidence
    decided = _decided(found, request.output.schema, ranking) if ranking is not None else {}
    if request.hints.get("task") == "summarize":
        decided = {**decided, **_summaries(request, found)}
    answer = fill_schema(found, request.output.schema, given=given, decided=decided)
    return answer, ranking.confidence if ranking is not None else answer.confidence


def _ranking(request: ModelRequest, found: Found) -> labels.Ranking | None:
    if request.hints.get("task") != "classify":
        return None
    named = _labels(request.hints.get("labels"))
    if not named and request.output is not None:
        schemas = Schemas(request.output.schema)
        for member in members(schemas.resolve(request.output.schema)).values():
            for option in schemas.shape(member).options:
                named = named or dict.fromkeys(text_choices(option), "")
    ranking = labels.rank(found, named)
    if ranking is None:
        raise ProviderError(
            "a classification needs labels", code="bad_request", transient=False, hint="give `labels`"
        )
    return ranking


def _labels(hint: JsonValue) -> dict[str, str]:
    if isinstance(hint, dict):
        return {label: text if isinstance(text, str) else "" for label, text in hint.items()}
    return {label: "" for label in hint if isinstance(label, str)} if isinstance(hint, list) else {}


def _decided(found: Found, schema: JsonObject, ranking: labels.Ranking) -> dict[str, Answer]:
    """The label and the confidence at the places where a classification's schema wants them."""
    schemas = Schemas(schema)
    decided: dict[str, Answer] = {}
    for name, member in members(schemas.resolve(schema)).items():
        choices = [choice for option in schemas.shape(member).options for choice in text_choices(option)]
        path = "/" + name.replace("~", "~0").replace("/", "~1")
        if ranking.label in choices or (not choices and name in _LABEL_NAMES):
            decided[path] = Answer(ranking.label, _evidence(found, ranking, path), (ranking.confidence,))
        elif name in {"confidence", "score", "certainty", "probability"}:
            decided[path] = Answer(ranking.confidence)
    return decided


def _summaries(request: ModelRequest, found: Found) -> dict[str, Answer]:
    """The summary at the place where a summary's schema wants it, as long as the instructions ask for."""
    assert request.output is not None
    schemas = Schemas(request.output.schema)
    decided: dict[str, Answer] = {}
    for name, member in members(schemas.resolve(request.output.schema)).items():
        for option in schemas.shape(member).options:
            wanted = field_of("", name, option, "")
            longest = option.get("maxLength")
            if wanted.kind.value == "summary" and wanted.type == "string":
                spans = summary.summarize(
                    found,
                    summary.wanted_sentences(request.instructions),
                    longest if isinstance(longest, int) else None,
                )
                if spans:
                    path = f"/{name}"
                    decided[path] = Answer(summary.told(spans), quotes_of(found, spans, path), (0.5,))
    return decided


def _plain(request: ModelRequest, found: Found, ranking: labels.Ranking | None) -> Answer:
    """An answer in words: the label, or the best sentences."""
    if ranking is not None:
        return Answer(ranking.label, _evidence(found, ranking, ""), (ranking.confidence,))
    spans = summary.summarize(found, summary.wanted_sentences(request.instructions))
    if not spans:
        raise ProviderError(
            "the rules provider finds no sentence in this text",
            code="bad_request",
            transient=False,
            hint="give it text",
        )
    return Answer(summary.told(spans), quotes_of(found, spans, ""), (0.5,))


def _evidence(found: Found, ranking: labels.Ranking, path: str) -> tuple[Quote, ...]:
    return quotes_of(found, (ranking.evidence,) if ranking.evidence else (), path)
