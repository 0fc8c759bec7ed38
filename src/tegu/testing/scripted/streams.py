"""A reply as server-sent events, in each wire format that is streamed.

Called by the server when a request asks for a stream. Invariant: the events of an answer, put together, say what
`Wire.write` says in one body: text, tool call, finish reason, usage, ids.
"""

from collections.abc import Callable, Iterator, Mapping
from types import MappingProxyType

from pydantic import JsonValue

from tegu.domain.json import JsonObject
from tegu.testing.scripted.script import WireFormat
from tegu.testing.scripted.wire import Answer, dump, object_at, objects_at

Event = tuple[str | None, JsonValue]
"""The event's name, where the provider names them, and its data. Data that is text is sent as it stands."""
StreamWriter = Callable[[JsonObject, Answer, int], Iterator[Event]]
"""From the whole body, and the answer that it was made of, to events whose texts have so many characters."""


def events_of(wire: WireFormat, body: JsonObject, answer: Answer, *, characters: int) -> list[bytes] | None:
    """The server-sent events of a reply; None for a wire format that is not streamed here."""
    writer = _WRITERS.get(wire)
    return None if writer is None else [event_bytes(event) for event in writer(body, answer, characters)]


def failure_event(wire: WireFormat, body: JsonObject) -> bytes:
    """An error in the middle of a stream, whose status was 200 already."""
    match wire:
        case WireFormat.ANTHROPIC:
            return event_bytes(("error", body))
        case WireFormat.OPENAI_RESPONSES:
            error = object_at(body, "error") or {}
            return event_bytes(("error", {"type": "error", "sequence_number": 0, **error, "error": error}))
        case _:
            return event_bytes((None, body))


def padding_event(wire: WireFormat) -> bytes:
    """One more piece of a stream that never ends."""
    text = "x" * 200
    match wire:
        case WireFormat.ANTHROPIC:
            delta: JsonObject = {"type": "text_delta", "text": text}
            return event_bytes(_anthropic("content_block_delta", index=0, delta=delta))
        case WireFormat.OPENAI_RESPONSES:
            place: JsonObject = {
                "item_id": "msg_endless",
                "output_index": 0,
                "content_index": 0,
                "logprobs": [],
            }
            return event_bytes(_responses("response.output_text.delta", 1, delta=text, **place))
        case WireFormat.GOOGLE:
            content: JsonObject = {"role": "model", "parts": [{"text": text}]}
            return event_bytes((None, {"candidates": [{"index": 0, "content": content}]}))
        case _:
            choice: JsonObject = {"index": 0, "delta": {"content": text}, "finish_reason": None}
            head: JsonObject = {"id": "chatcmpl-endless", "object": "chat.completion.chunk", "created": 1}
            return event_bytes((None, {**head, "model": "endless", "choices": [choice]}))


def event_bytes(event: Event) -> bytes:
    """One event, as it goes over the wire."""
    name, data = event
    head = f"event: {name}\n".encode() if name else b""
    return head + b"data: " + (data.encode() if isinstance(data, str) else dump(data)) + b"\n\n"


def _pieces(text: str, characters: int) -> Iterator[str]:
    for start in range(0, len(text), characters):
        yield text[start : start + characters]


def _openai_chat(body: JsonObject, answer: Answer, characters: int) -> Iterator[Event]:
    head: JsonObject = {name: body[name] for name in ("id", "created", "model", "service_tier")}
    head["object"] = "chat.completion.chunk"

    def chunk(delta: JsonObject, finish_reason: JsonValue = None) -> Event:
        choice: JsonObject = {"index": 0, "delta": delta, "logprobs": None, "finish_reason": finish_reason}
        return None, {**head, "choices": [choice], "usage": None}

    choice = objects_at(body, "choices")[0]
    message = object_at(choice, "message") or {}
    yield chunk({"role": "assistant", "content": "", "refusal": None})
    for call in objects_at(message, "tool_calls"):
        function = object_at(call, "function") or {}
        named: JsonObject = {**call, "index": 0, "function": {"name": function.get("name"), "arguments": ""}}
        yield chunk({"tool_calls": [named]})
        for piece in _pieces(str(function.get("arguments") or ""), characters):
            yield chunk({"tool_calls": [{"index": 0, "function": {"arguments": piece}}]})
    field = "refusal" if message.get("refusal") is not None else "content"
    for piece in _pieces(answer.text, characters):
        yield chunk({field: piece})
    yield chunk({}, choice.get("finish_reason"))
    yield None, {**head, "choices": [], "usage": body["usage"]}
    yield None, "[DONE]"


def _openai_responses(body: JsonObject, answer: Answer, characters: int) -> Iterator[Event]:
    begun = {**body, "status": "in_progress", "output": [], "usage": None, "incomplete_details": None}
    number = 0

    def event(kind: str, **fields: JsonValue) -> Event:
        nonlocal number
        number += 1
        return _responses(kind, number - 1, **fields)

    yield event("response.created", response=begun)
    yield event("response.in_progress", response=begun)
    item = objects_at(body, "output")[0]
    place: JsonObject = {"item_id": item["id"], "output_index": 0}
    if answer.call is not None:
        empty = {**item, "status": "in_progress", "arguments": ""}
        yield event("response.output_item.added", output_index=0, item=empty)
        for piece in _pieces(answer.call.arguments_json, characters):
            yield event("response.function_call_arguments.delta", **place, delta=piece)
        arguments = answer.call.arguments_json
        yield event(
            "response.function_call_arguments.done", **place, arguments=arguments, name=answer.call.tool
        )
    else:
        yield event(
            "response.output_item.added",
            output_index=0,
            item={**item, "status": "in_progress", "content": []},
        )
        part = objects_at(item, "content")[0]
        kind = "refusal" if part["type"] == "refusal" else "output_text"
        field = "refusal" if kind == "refusal" else "text"
        place["content_index"] = 0
        more: JsonObject = {} if kind == "refusal" else {"logprobs": []}
        yield event("response.content_part.added", **place, part={**part, field: ""})
        for piece in _pieces(answer.text, characters):
            yield event(f"response.{kind}.delta", **place, **more, delta=piece)
        yield event(f"response.{kind}.done", **place, **more, **{field: answer.text})
        yield event("response.content_part.done", **place, part=part)
    yield event("response.output_item.done", output_index=0, item=item)
    ended = "completed" if body["status"] == "completed" else "incomplete"
    yield event(f"response.{ended}", response=body)


def _responses(kind: str, number: int, **fields: JsonValue) -> Event:
    return kind, {"type": kind, "sequence_number": number, **fields}


def _anthropic_messages(body: JsonObject, answer: Answer, characters: int) -> Iterator[Event]:
    usage = object_at(body, "usage") or {}
    begun: JsonObject = {**body, "content": [], "stop_reason": None, "stop_details": None}
    yield _anthropic("message_start", message={**begun, "usage": {**usage, "output_tokens": 1}})
    yield _anthropic("ping")
    for index, block in enumerate(objects_at(body, "content")):
        is_call = answer.call is not None
        empty: JsonObject = {**block, "input": {}} if is_call else {**block, "text": ""}
        yield _anthropic("content_block_start", index=index, content_block=empty)
        said = answer.call.arguments_json if answer.call is not None else answer.text
        for piece in _pieces(said, characters):
            delta: JsonObject = (
                {"type": "input_json_delta", "partial_json": piece}
                if is_call
                else {"type": "text_delta", "text": piece}
            )
            yield _anthropic("content_block_delta", index=index, delta=delta)
        yield _anthropic("content_block_stop", index=index)
    ended: JsonObject = {name: body[name] for name in ("stop_reason", "stop_sequence", "stop_details")}
    counts = {name: count for name, count in usage.items() if name.endswith(("tokens", "tokens_details"))}
    yield _anthropic("message_delta", delta=ended, usage=counts)
    yield _anthropic("message_stop")


def _anthropic(kind: str, **fields: JsonValue) -> Event:
    return kind, {"type": kind, **fields}


def _google(body: JsonObject, answer: Answer, characters: int) -> Iterator[Event]:
    head: JsonObject = {name: body[name] for name in ("modelVersion", "createTime", "responseId")}
    candidates = objects_at(body, "candidates")
    is_text = bool(candidates) and answer.call is None and "content" in candidates[0]
    if not is_text:
        yield None, body
        return
    usage = object_at(body, "usageMetadata") or {}
    asked: JsonObject = {name: usage[name] for name in ("promptTokenCount",)}
    for piece in _pieces(answer.text, characters):
        content: JsonObject = {"role": "model", "parts": [{"text": piece}]}
        yield None, {**head, "candidates": [{"index": 0, "content": content}], "usageMetadata": asked}
    last: JsonObject = {**candidates[0], "content": {"role": "model", "parts": [{"text": ""}]}}
    yield None, {**body, "candidates": [last]}


_WRITERS: Mapping[WireFormat, StreamWriter] = MappingProxyType(
    {
        WireFormat.OPENAI_CHAT: _openai_chat,
        WireFormat.OPENAI_RESPONSES: _openai_responses,
        WireFormat.ANTHROPIC: _anthropic_messages,
        WireFormat.GOOGLE: _google,
    }
)
