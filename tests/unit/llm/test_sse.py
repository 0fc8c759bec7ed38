"""What is noted of a stream while it passes: lines whole, how it ended, what it cost."""

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import JsonValue

from tegu.llm.providers.sse import LINE_BYTES_MAX, LineTooLongError, SseWatch

ENDINGS: list[JsonValue] = [
    {"choices": [{"delta": {}, "finish_reason": "stop"}]},
    {"type": "message_delta", "delta": {"stop_reason": "end_turn"}},
    {"type": "response.completed", "response": {}},
    {"type": "response.incomplete", "response": {}},
    {"candidates": [{"finishReason": "STOP"}]},
    {"promptFeedback": {"blockReason": "SAFETY"}},
]


def line(event: object) -> bytes:
    return b"data: " + json.dumps(event).encode() + b"\n\n"


@settings(deadline=None)
@given(st.lists(st.binary(max_size=40), max_size=20))
def test_lines_are_handed_on_whole_and_nothing_is_lost(chunks: list[bytes]) -> None:
    watch = SseWatch()
    handed = [watch.feed(chunk) for chunk in chunks]
    assert all(each.endswith(b"\n") for each in handed if each)
    assert b"".join(handed) + watch.end() == b"".join(chunks)


@pytest.mark.parametrize("event", ENDINGS)
def test_a_provider_says_that_a_reply_is_over(event: object) -> None:
    watch = SseWatch()
    watch.feed(line({"choices": [{"delta": {"content": "x"}, "finish_reason": None}]}))
    assert not watch.is_ended
    watch.feed(line(event))
    assert watch.is_ended


def test_done_ends_a_stream_of_servers_that_give_no_reason() -> None:
    watch = SseWatch()
    watch.feed(b"data: [DONE]\n\n")
    assert watch.is_ended


def test_what_a_model_says_ends_nothing_and_costs_nothing() -> None:
    said = '"finish_reason": "stop" "type":"response.completed" "usage": {"input_tokens": 9} data: [DONE]'
    watch = SseWatch()
    watch.feed(line({"choices": [{"delta": {"content": said}, "finish_reason": None}]}))
    assert not watch.is_ended
    assert watch.usage() == {}


def test_later_counts_replace_earlier_ones() -> None:
    watch = SseWatch()
    watch.feed(
        line({"type": "message_start", "message": {"usage": {"input_tokens": 60, "output_tokens": 1}}})
    )
    watch.feed(line({"type": "message_delta", "usage": {"output_tokens": 20}}))
    assert watch.usage() == {"input_tokens": 60, "output_tokens": 20}


def test_a_line_without_end_is_refused() -> None:
    watch = SseWatch()
    with pytest.raises(LineTooLongError):
        watch.feed(b"x" * (LINE_BYTES_MAX + 1))
