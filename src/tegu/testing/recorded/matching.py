"""Which recorded exchange answers a request, and what differs when none does.

Called by `recorder`. Invariant: a request is answered only by one of the same method, path and body (JSON compared as
values), in the order in which they were recorded; the last one answers again.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from pydantic import JsonValue

from tegu.domain.json import canonical_json
from tegu.testing.recorded.exchange import RecordedExchange, RecordedRequest, RecordedResponse, json_value

_SHOWN_LENGTH_MAX = 60
_CONTEXT_LENGTH = 15
_DEPTH_MAX = 100
_NOTHING = "nothing"


@dataclass(slots=True)
class _Answers:
    """What was recorded for equal requests."""

    exchanges: list[RecordedExchange]
    used: int = 0


class Matcher:
    """The exchanges of one recording."""

    def __init__(self, exchanges: Iterable[RecordedExchange]) -> None:
        found: defaultdict[tuple[str, str, str], list[RecordedExchange]] = defaultdict(list)
        for exchange in exchanges:
            found[_key(exchange.request)].append(exchange)
        self._answers = {key: _Answers(listed) for key, listed in found.items()}

    def answer(self, request: RecordedRequest) -> RecordedResponse | None:
        """The next recorded response, or None where no such request was recorded."""
        found = self._answers.get(_key(request))
        if found is None:
            return None
        exchange = found.exchanges[min(found.used, len(found.exchanges) - 1)]
        found.used += 1
        return exchange.response

    def difference(self, request: RecordedRequest) -> str:
        """What is new about a request, compared with the recorded one that is most like it."""
        same = [
            answers.exchanges[0].request
            for (method, path, _), answers in self._answers.items()
            if (method, path) == (request.method, request.path)
        ]
        if not same:
            return f"nothing was recorded for {request.method} {request.path}"
        found = [_differences(json_value(each.body), json_value(request.body)) for each in same]
        place, recorded, asked = min(found, key=len)[0]
        return f"{place} was {recorded} and is now {asked}"


def _key(request: RecordedRequest) -> tuple[str, str, str]:
    value = json_value(request.body)
    text = request.body.decode("latin-1") if value is None else canonical_json(value)
    return request.method, request.path, text


def _differences(recorded: JsonValue, asked: JsonValue) -> list[tuple[str, str, str]]:
    return list(_walk(recorded, asked, "")) or [("the body", _NOTHING, _NOTHING)]


def _walk(recorded: JsonValue, asked: JsonValue, place: str) -> Iterator[tuple[str, str, str]]:
    if recorded == asked and type(recorded) is type(asked):
        return
    if isinstance(recorded, dict) and isinstance(asked, dict):
        for key in sorted(recorded.keys() | asked.keys()):
            if key not in recorded or key not in asked:
                was = _shown(recorded[key]) if key in recorded else _NOTHING
                now = _shown(asked[key]) if key in asked else _NOTHING
                yield f"{place}/{key}", was, now
            else:
                yield from _walk(recorded[key], asked[key], f"{place}/{key}")
    elif isinstance(recorded, list) and isinstance(asked, list) and len(recorded) == len(asked):
        for index, (was, now) in enumerate(zip(recorded, asked, strict=True)):
            yield from _walk(was, now, f"{place}/{index}")
    elif isinstance(recorded, str) and isinstance(asked, str):
        start = next((i for i, (a, b) in enumerate(zip(recorded, asked, strict=False)) if a != b), None)
        if start is None:
            start = min(len(recorded), len(asked))
        start = max(0, start - _CONTEXT_LENGTH)
        yield place or "the body", _excerpt(recorded, start), _excerpt(asked, start)
    else:
        yield place or "the body", _shown(recorded), _shown(asked)


def _excerpt(text: str, start: int) -> str:
    return ("…" if start else "") + _short(repr(text[start : start + _SHOWN_LENGTH_MAX]))


def _shown(value: JsonValue) -> str:
    return _short(canonical_json(value))


def _short(text: str) -> str:
    return text if len(text) <= _SHOWN_LENGTH_MAX else text[: _SHOWN_LENGTH_MAX - 1] + "…"
