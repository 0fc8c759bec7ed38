"""The words of ASGI, and how a middleware answers by itself.

Called by the middleware of this room, none of which needs a web framework.
"""

import json
from collections.abc import Awaitable, Callable, Iterable, MutableMapping
from typing import Any

from tegu.interfaces.http.problems import MEDIA_TYPE, problem

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
Application = Callable[[Message, Receive, Send], Awaitable[None]]
Headers = Iterable[tuple[bytes, bytes]]


def header_of(scope: Message, name: bytes) -> bytes | None:
    """The first header of that name, which is in lower case."""
    found: Headers = scope["headers"]
    return next((value for key, value in found if key == name), None)


def path_of(scope: Message) -> str:
    """Below where the application is mounted."""
    return str(scope["path"]).removeprefix(str(scope.get("root_path", "")))


async def respond(
    send: Send, scope: Message, status: int, body: bytes, media_type: bytes, headers: Headers = ()
) -> None:
    """A whole answer."""
    sent = [
        (b"content-type", media_type),
        (b"content-length", str(len(body)).encode()),
        *headers,
    ]
    await send({"type": "http.response.start", "status": status, "headers": sent})
    await send({"type": "http.response.body", "body": b"" if scope["method"] == "HEAD" else body})


async def respond_problem(
    send: Send,
    scope: Message,
    status: int,
    code: str,
    detail: str,
    *,
    hint: str | None = None,
    headers: Headers = (),
) -> None:
    """An answer that tells of a problem."""
    said = problem(status, code, detail, hint=hint)
    body = said.model_dump_json().encode()
    await respond(send, scope, status, body, MEDIA_TYPE.encode(), headers)


async def respond_json(send: Send, scope: Message, status: int, value: object) -> None:
    """An answer in JSON."""
    await respond(send, scope, status, json.dumps(value).encode(), b"application/json")
