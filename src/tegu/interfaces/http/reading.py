"""Reading requests within limits: how large, how deep and of which characters what is sent may be.

Called by `api` for every route. Invariant: what reaches an action can be stored: no NUL, no half of a surrogate pair, no number
that 64 bits cannot hold; and nothing that was sent is passed over in silence.
"""

import json
import re
from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Coroutine, Iterator
from typing import Any, NoReturn

from fastapi import Request
from fastapi.exceptions import RequestValidationError
from fastapi.routing import APIRoute
from pydantic import JsonValue
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect
from starlette.responses import Response
from starlette.types import Message, Receive

from tegu.actions.scope import Scope
from tegu.domain.errors import IntakeError, UsageError
from tegu.interfaces.http.problems import answer

JSON_BYTES_MAX = 16 * 2**20
"""Room for the largest inline content in base64."""
JSON_DEPTH_MAX = 64
_CONTAINERS_MAX = 20_000
_ITEMS_MAX = 200_000
_DROPPED_BYTES_MAX = 2**28
_INT_MAX = 2**63 - 1
_UNSTORABLE = re.compile("[\x00\ud800-\udfff]")
_SUSPICIOUS = re.compile(rb"\\u(?:0000|[dD][89a-fA-F])")
_HINT = "leave out NUL characters and halves of surrogate pairs: no database keeps them"

Handler = Callable[[Request], Coroutine[Any, Any, Response]]
ScopeOf = Callable[[Request], Awaitable[Scope]]
"""On whose behalf a request asks. Raises UnauthenticatedError."""


class CheckedRoute(APIRoute):
    """A route whose JSON is checked before it is validated, and whose errors are answered as problems."""

    def get_route_handler(self) -> Handler:
        """See FastAPI."""
        handle = super().get_route_handler()
        has_json = self.body_field is not None

        async def checked(request: Request) -> Response:
            try:
                await self.admit(request)
                check_texts(request.path_params.items(), "path")
                check_texts(request.query_params.multi_items(), "query")
                if has_json:
                    request = limited(request, JSON_BYTES_MAX)
                    await _check_json(request)
                return await handle(request)
            except (HTTPException, RequestValidationError):
                raise  # answered by the application
            except ClientDisconnect:
                return Response(status_code=400)  # nobody reads it
            except Exception as error:  # noqa: BLE001 (every error becomes an answer)
                answered = answer(error)
                if answered.status_code == 413 and not _ends_soon(request):
                    answered.headers["connection"] = "close"
                return answered

        return checked

    async def admit(self, request: Request) -> None:
        """Refuse whoever may not ask this, before anything of what they sent is read."""


def check_query(request: Request, known: Collection[str]) -> None:
    """Raises UsageError for a query parameter that means nothing here."""
    unknown = sorted(set(request.query_params) - set(known))
    if unknown:
        raise UsageError(
            f"there is no query parameter {unknown[0]!r} here",
            hint=f"there are {', '.join(sorted(known))}" if known else "this address takes none",
            code="invalid_input",
        )


def check_texts(named: Collection[tuple[str, Any]], place: str) -> None:
    """Raises UsageError for a text that no database holds."""
    for name, text in named:
        if _UNSTORABLE.search(f"{name}{text}"):
            _refuse(f"{place}.{name!r} holds a character that cannot be stored", _HINT)


def limited(request: Request, bytes_max: int) -> Request:
    """The same request, of which no more can be read. Raises IntakeError where its length is known to be too much."""
    if (_declared_bytes(request) or 0) > bytes_max:
        raise _too_large(bytes_max)
    return Request(request.scope, _counting(request.receive, bytes_max))


def checked_json(data: bytes, place: str = "body") -> JsonValue:
    """JSON as a value that can be stored. Raises UsageError."""
    # Counted before it is parsed, since parsing stops everybody: a megabyte of brackets takes seconds, one of text a moment.
    if data.count(b"[") + data.count(b"{") > _CONTAINERS_MAX or data.count(b",") > _ITEMS_MAX:
        _refuse(f"{place} has too many parts", "send large texts as files: docs/rest.md")
    try:
        value = json.loads(data, parse_int=_integer, parse_float=_float, parse_constant=_no_number)
    except RecursionError:
        _refuse(f"{place} is nested too deeply", f"at most {JSON_DEPTH_MAX} levels are read")
    except ValueError as error:
        _refuse(f"{place} is no JSON: {error}", "send one JSON value in UTF-8")
    for path, depth, text in _walk(value, is_text_wanted=_SUSPICIOUS.search(data) is not None):
        if depth > JSON_DEPTH_MAX:
            _refuse(f"{place}{path[:200]} is nested too deeply", f"at most {JSON_DEPTH_MAX} levels are read")
        if text is not None and _UNSTORABLE.search(text):
            _refuse(f"{place}{path[:200]!r} holds a character that cannot be stored", _HINT)
    return value


def is_json(content_type: str) -> bool:
    """Whether a Content-Type is that of JSON."""
    media_type = content_type.partition(";")[0].strip().lower()
    return media_type == "application/json" or (
        media_type.startswith("application/") and media_type.endswith("+json")
    )


async def _check_json(request: Request) -> None:
    body = await request.body()
    if not body:
        return
    if not is_json(request.headers.get("content-type", "")):
        raise IntakeError(
            f"{request.headers.get('content-type', 'a body without a type')[:100]!r} is not read here",
            hint="send JSON, as application/json",
            code="unknown_type",
        )
    # The parsed body is what Starlette keeps for whoever asks for it next: FastAPI, which need not parse it again.
    request._json = checked_json(body)  # noqa: SLF001 (there is no public place for it)


def _declared_bytes(request: Request) -> int | None:
    declared = request.headers.get("content-length", "")
    return int(declared) if declared.isascii() and declared.isdigit() and len(declared) < 19 else None


def _ends_soon(request: Request) -> bool:
    """Whether the rest of a refused body is better received and dropped: a client that still sends when its connection is
    closed may never read the answer.
    """
    return (_declared_bytes(request) or _DROPPED_BYTES_MAX) < _DROPPED_BYTES_MAX


def _counting(receive: Receive, bytes_max: int) -> Receive:
    total = 0

    async def counted() -> Message:
        nonlocal total
        message = await receive()
        total += len(message.get("body", b""))
        if total > bytes_max:
            raise _too_large(bytes_max)
        return message

    return counted


async def pieces_of(request: Request, size: int) -> AsyncIterator[bytes]:
    """The body in pieces of that size, the last one smaller. Where the client leaves, what came is given and then
    ClientDisconnect raised.
    """
    kept = bytearray()
    try:
        async for received in request.stream():
            kept += received
            while len(kept) >= size:
                yield bytes(kept[:size])
                del kept[:size]
    except ClientDisconnect:
        if kept:
            yield bytes(kept)
        raise
    if kept:
        yield bytes(kept)


def _walk(value: JsonValue, *, is_text_wanted: bool) -> Iterator[tuple[str, int, str | None]]:
    """Every container with its depth, and every text where those are wanted."""
    left: list[tuple[str, int, JsonValue]] = [("", 1, value)]
    while left:
        path, depth, found = left.pop()
        match found:
            case dict():
                yield path, depth, None
                for key, item in found.items():
                    if is_text_wanted:
                        yield path, depth, key
                    if is_text_wanted or isinstance(item, dict | list):
                        left.append((f"{path}.{key}" if depth < 9 else path, depth + 1, item))
            case list():
                yield path, depth, None
                left += [
                    (path, depth + 1, item)
                    for item in found
                    if is_text_wanted or isinstance(item, dict | list)
                ]
            case str():
                yield path, 0, found
            case _:
                pass


def _integer(text: str) -> int:
    if len(text) > 20 or abs(number := int(text)) > _INT_MAX:
        raise ValueError(f"{text[:30]} is beyond what 64 bits hold")
    return number


def _float(text: str) -> float:
    number = float(text)
    if number in {float("inf"), float("-inf")}:
        raise ValueError(f"{text[:30]} is beyond what 64 bits hold")
    return number


def _no_number(text: str) -> NoReturn:
    raise ValueError(f"{text} is no number of JSON")


def _too_large(bytes_max: int) -> IntakeError:
    return IntakeError(
        f"the body is larger than {bytes_max // 2**20} MiB", hint="send less at once", code="too_large"
    )


def _refuse(message: str, hint: str) -> NoReturn:
    raise UsageError(message, hint=hint, code="invalid_input")
