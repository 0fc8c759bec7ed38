"""A recorded stream, gathered into the reply that the same API gives without one.

Called by `replay` where a provider cannot be asked for a stream. Invariant: pure; a stream that cannot be gathered is a
RecordingError, and nothing is added that the stream did not say.
"""

import struct
from collections.abc import Iterator

from pydantic import JsonValue

from tegu.domain.errors import RecordingError
from tegu.domain.json import JsonObject, canonical_json
from tegu.testing.recorded.exchange import RecordedResponse, json_object, json_value
from tegu.testing.recorded.hosts import Api

EVENTS_MAX = 100_000
_INDEX_MAX = 1000
_EVENT_STREAM = "application/vnd.amazon.eventstream"
_PRELUDE = struct.Struct(">II")
_FRAME_BYTES_MIN = 16
_SAID_ALONGSIDE = ("id", "created", "model", "system_fingerprint", "provider", "usage")
_ENDINGS = ("finish_reason", "native_finish_reason")
_STRING = 7
"""The type of header values that are text; events have no others."""


def is_stream(response: RecordedResponse) -> bool:
    """Whether the response came in pieces that must be gathered."""
    if not 200 <= response.status < 300:  # an error is a plain reply, whatever was asked for
        return False
    return response.content_type in {"text/event-stream", _EVENT_STREAM} or response.body.lstrip().startswith(
        (b"data:", b"event:", b"[")  # a list of pieces is how Google streams where events are not asked for
    )


def gathered(api: Api, response: RecordedResponse) -> JsonObject:
    """The reply. Raises RecordingError for a stream that is broken, or of an API whose streams are not read."""
    match api:
        case Api.CHAT:
            return _chat(_events(response.body))
        case Api.RESPONSES:
            return _responses(_events(response.body))
        case Api.MESSAGES:
            return _messages(_events(response.body))
        case Api.GENERATE:
            return _generated(_events(response.body))
        case Api.CONVERSE:
            return _converse(_frames(response.body))
        case _:
            raise _unsupported(f"streams of {api.value} are not read")


def _unsupported(message: str) -> RecordingError:
    return RecordingError(message, code="unsupported_recording")


def _events(body: bytes) -> Iterator[JsonObject]:
    """The data of each event that is a JSON object; several lines of data are one text."""
    listed = json_value(body)
    if isinstance(listed, list):
        yield from _objects(listed)
        return
    text = body.decode("utf-8", "replace").replace("\r\n", "\n").replace("\r", "\n")
    for count, block in enumerate(text.split("\n\n")):
        if count >= EVENTS_MAX:
            raise _unsupported(f"the stream has more than {EVENTS_MAX} events")
        lines = [line[5:].removeprefix(" ") for line in block.split("\n") if line.startswith("data:")]
        data = json_object("\n".join(lines).encode("utf-8", "surrogatepass"))
        if data:
            yield data


def _chat(events: Iterator[JsonObject]) -> JsonObject:
    reply: JsonObject = {"object": "chat.completion"}
    choices: list[JsonObject] = []
    for event in events:
        if "error" in event:
            return event
        reply |= {key: event[key] for key in _SAID_ALONGSIDE if event.get(key) is not None}
        groq = event.get("x_groq")
        if isinstance(groq, dict) and isinstance(groq.get("usage"), dict):
            reply["usage"] = groq["usage"]
        for piece in _objects(event.get("choices")):
            choice = _at(choices, piece.get("index"), {"message": {"role": "assistant", "content": None}})
            message = choice["message"]
            assert isinstance(message, dict)
            _add(message, piece.get("delta"))
            choice |= {key: piece[key] for key in _ENDINGS if piece.get(key) is not None}
    if not choices:
        raise _unsupported("the stream has no choice")
    for index, choice in enumerate(choices):
        choice["index"] = index
        choice.setdefault("finish_reason", None)
    return {**reply, "choices": list[JsonValue](choices)}


def _add(message: JsonObject, delta: JsonValue) -> None:
    """Texts grow, calls of tools by their index, and what is said once stays."""
    if not isinstance(delta, dict):
        return
    for key, value in delta.items():
        known = message.get(key)
        if key == "tool_calls":
            calls = _objects(known)
            for piece in _objects(value):
                call = _at(calls, piece.get("index"), {"type": "function", "function": {}})
                if piece.get("id"):
                    call["id"] = piece["id"]
                function = call["function"]
                assert isinstance(function, dict)
                _add(function, piece.get("function"))
            message[key] = list[JsonValue](calls)
        elif isinstance(value, str) and isinstance(known, str) and key not in {"role", "name"}:
            message[key] = known + value
        elif isinstance(value, list) and isinstance(known, list):
            message[key] = [*known, *value]
        elif value is not None:
            message[key] = value


def _responses(events: Iterator[JsonObject]) -> JsonObject:
    items: list[JsonValue] = []
    for event in events:
        if event.get("type") == "response.output_item.done" and isinstance(event.get("item"), dict):
            items.append(event["item"])
        if event.get("type") == "error":
            return {"error": event.get("error", event)}
        response = event.get("response")
        ended = event.get("type") in {"response.completed", "response.incomplete", "response.failed"}
        if ended and isinstance(response, dict):
            return {**response, "output": response.get("output") or items}
    raise _unsupported("the stream ends before its response is complete")


def _messages(events: Iterator[JsonObject]) -> JsonObject:
    reply: JsonObject = {}
    blocks: list[JsonObject] = []
    inputs: dict[int, str] = {}
    for event in events:
        match event:
            case {"type": "error"}:
                return event
            case {"type": "message_start", "message": dict() as message}:
                reply = dict(message)
            case {"type": "content_block_start", "content_block": dict() as block}:
                blocks.append(dict(block))
            case {"type": "content_block_delta", "delta": dict() as delta} if blocks:
                _grow(blocks[-1], delta, inputs, len(blocks) - 1)
            case {"type": "message_delta"}:
                said, usage, known = event.get("delta"), event.get("usage"), reply.get("usage")
                reply |= said if isinstance(said, dict) else {}
                if isinstance(usage, dict):
                    changed: JsonObject = {k: v for k, v in usage.items() if v is not None}
                    reply["usage"] = {**(known if isinstance(known, dict) else {}), **changed}
            case _:
                pass
    if not reply:
        raise _unsupported("the stream has no message")
    for index, text in inputs.items():
        blocks[index]["input"] = json_object(text.encode("utf-8", "surrogatepass")) if text else {}
    return {**reply, "content": list[JsonValue](blocks)}


def _grow(block: JsonObject, delta: JsonObject, inputs: dict[int, str], index: int) -> None:
    for key in ("text", "thinking", "signature"):
        piece, known = delta.get(key), block.get(key)
        if isinstance(piece, str):
            block[key] = (known if isinstance(known, str) else "") + piece
    piece = delta.get("partial_json")
    if isinstance(piece, str):
        inputs[index] = inputs.get(index, "") + piece
    citation, known = delta.get("citation"), block.get("citations")
    if citation is not None:
        block["citations"] = [*(known if isinstance(known, list) else []), citation]


def _generated(events: Iterator[JsonObject]) -> JsonObject:
    reply: JsonObject = {}
    candidates: list[JsonObject] = []
    for event in events:
        if "error" in event:
            return event
        reply |= {key: value for key, value in event.items() if key != "candidates"}
        for piece in _objects(event.get("candidates")):
            candidate = _at(candidates, piece.get("index"), {"content": {"role": "model", "parts": []}})
            content, said = candidate["content"], piece.get("content")
            assert isinstance(content, dict)
            parts = _objects(content.get("parts"))
            for part in _objects(said.get("parts")) if isinstance(said, dict) else []:
                _join(parts, part)
            content["parts"] = list[JsonValue](parts)
            candidate |= {key: value for key, value in piece.items() if key != "content"}
    if not reply and not candidates:
        raise _unsupported("the stream has no candidate")
    return {**reply, "candidates": list[JsonValue](candidates)}


def _join(parts: list[JsonObject], part: JsonObject) -> None:
    """Pieces of one text become one part; a thought is no part of the answer."""
    last = parts[-1] if parts else {}
    text, known = part.get("text"), last.get("text")
    if isinstance(text, str) and isinstance(known, str) and part.get("thought") == last.get("thought"):
        parts[-1] = {**last, **part, "text": known + text}
    else:
        parts.append(part)


def _frames(body: bytes) -> Iterator[tuple[str, JsonObject]]:
    """The events of Amazon's binary streams: length, length of the headers, check sum, headers, payload, check sum."""
    place = 0
    while place + _FRAME_BYTES_MIN <= len(body):
        size, headers_size = _PRELUDE.unpack_from(body, place)
        if size < _FRAME_BYTES_MIN + headers_size or place + size > len(body):
            raise _unsupported("the stream of events is broken")
        headers = body[place + 12 : place + 12 + headers_size]
        payload = body[place + 12 + headers_size : place + size - 4]
        named = _frame_headers(headers)
        yield named.get(":event-type") or named.get(":exception-type", ""), json_object(payload)
        place += size


def _frame_headers(data: bytes) -> dict[str, str]:
    found: dict[str, str] = {}
    place = 0
    while place < len(data):
        try:
            length = data[place]
            name = data[place + 1 : place + 1 + length].decode("ascii", "replace")
            place += 1 + length
            if data[place] != _STRING:
                return found
            (size,) = struct.unpack_from(">H", data, place + 1)
        except (IndexError, struct.error) as error:
            raise _unsupported("the stream of events is broken") from error
        found[name] = data[place + 3 : place + 3 + size].decode("utf-8", "replace")
        place += 3 + size
    return found


def _converse(frames: Iterator[tuple[str, JsonObject]]) -> JsonObject:
    reply: JsonObject = {}
    blocks: dict[int, JsonObject] = {}
    role: JsonValue = "assistant"
    for kind, event in frames:
        if kind.endswith("Exception"):
            raise _unsupported(f"the stream breaks off with {kind}")
        index, start, delta = event.get("contentBlockIndex"), event.get("start"), event.get("delta")
        if kind == "messageStart":
            role = event.get("role", role)
        elif isinstance(start, dict) and isinstance(index, int):
            blocks[index] = dict(start)
        elif isinstance(delta, dict) and isinstance(index, int):
            _extend(blocks.setdefault(index, {}), delta)
        elif kind == "messageStop":
            reply["stopReason"] = event.get("stopReason")
        elif kind == "metadata":
            reply |= {key: event[key] for key in ("usage", "metrics") if key in event}
    if "stopReason" not in reply:
        raise _unsupported("the stream ends before its message is complete")
    content = [_whole(block) for _, block in sorted(blocks.items())]
    return {**reply, "output": {"message": {"role": role, "content": list[JsonValue](content)}}}


def _extend(block: JsonObject, delta: JsonObject) -> None:
    for key, piece in delta.items():
        known = block.get(key)
        if isinstance(piece, dict):
            inner = known if isinstance(known, dict) else {}
            _extend(inner, piece)
            block[key] = inner
        elif isinstance(piece, str) and isinstance(known, str):
            block[key] = known + piece
        else:
            block[key] = piece


def _whole(block: JsonObject) -> JsonObject:
    tool, thought = block.get("toolUse"), block.get("reasoningContent")
    if isinstance(tool, dict):
        text = tool.get("input")
        value = json_value(text.encode()) if isinstance(text, str) and text else {}
        return {"toolUse": {**tool, "input": value}}
    if isinstance(thought, dict) and "redactedContent" not in thought:
        said: JsonObject = {key: v for key, v in thought.items() if key in {"text", "signature"}}
        return {"reasoningContent": {"reasoningText": said}}
    return block


def _at(found: list[JsonObject], index: JsonValue, empty: JsonObject) -> JsonObject:
    """The item of that index, made where it is not there yet."""
    place = index if isinstance(index, int) and index >= 0 else 0
    if place > _INDEX_MAX:
        raise _unsupported(f"the stream has an item numbered {place}")
    while len(found) <= place:
        found.append(json_object(canonical_json(empty).encode()))
    return found[place]


def _objects(value: JsonValue) -> list[JsonObject]:
    return [each for each in value if isinstance(each, dict)] if isinstance(value, list) else []
