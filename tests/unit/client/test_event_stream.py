"""Server-sent events, however the bytes are cut."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tegu.client.event_stream import EventStream

WRITTEN = (
    b'retry: 2000\n\n: alive\n\nid: 7\nevent: run\ndata: {"a": "\xe2\x80\xa8"}\n\n'
    b"event: partial\r\ndata: one\r\ndata: two\r\n\r\ndata: plain\n\n"
)
EVENTS = [("run", b'{"a": "\xe2\x80\xa8"}'), ("partial", b"one\ntwo"), ("message", b"plain")]


@given(cuts=st.lists(st.integers(0, len(WRITTEN)), max_size=12))
def test_events_are_the_same_however_their_bytes_are_cut(cuts: list[int]) -> None:
    places = [0, *sorted(cuts), len(WRITTEN)]
    stream = EventStream()
    pieces = [WRITTEN[start:end] for start, end in pairwise(places)]
    assert [event for piece in pieces for event in stream.feed(piece)] == EVENTS


def test_an_event_without_end_is_refused() -> None:
    stream = EventStream()
    stream.feed(b"x" * 16 * 2**20)
    with pytest.raises(ValueError, match="more than"):
        stream.feed(b"x")
