"""What may be said about stages that wait, reach outside or nest, beside `stage_options`: their kinds' own settings.

Used through `builder`. Invariant: the words are those of documents; where they name an input, its handle is given.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any, Literal, Required, TypedDict

from tegu.pipeline.node import Field, Node
from tegu.pipeline.stage_options import FlowOptions

InputOrItem = Node[Any] | Literal["item"]


class ReviewSettings(TypedDict, total=False):
    """Who is asked, until when, and what their answer means: see `stages.review`."""

    instructions: str | Path
    assignee: str
    due_s: float
    on_timeout: Literal["fail", "approve", "reject"]
    on_reject: Literal["fail", "continue"]


class ReviewOptions(ReviewSettings, FlowOptions, total=False):
    """All that may be said about a review."""


class TimeSettings(TypedDict, total=False):
    """How long to wait, or until when: a time with its zone, or where one stands (`found.field(lambda output: output.due)`)."""

    seconds: float
    until: datetime | str | Field[datetime] | Field[str]


class TimeOptions(TimeSettings, FlowOptions, total=False):
    """All that may be said about a stage that waits for a time."""


class SignalSettings(TypedDict, total=False):
    """Which signal to wait for, and how long."""

    signal: Required[str]
    timeout_s: float
    on_timeout: Literal["fail", "continue"]


class SignalOptions(SignalSettings, FlowOptions, total=False):
    """All that may be said about a stage that waits for a signal."""


class HttpSettings(TypedDict, total=False):
    """The request, and what is expected of the answer: see `stages.http`. `credential` is the name of a stored secret."""

    method: Literal["GET", "POST", "PUT", "PATCH", "DELETE"]
    query_from: InputOrItem
    body_from: InputOrItem
    headers: Mapping[str, str]
    credential: str
    timeout_s: float
    response: Literal["json", "text"]
    bytes_max: int
    expect: Sequence[int]


class HttpOptions(HttpSettings, FlowOptions, total=False):
    """All that may be said about a request."""


class LoopSettings(TypedDict, total=False):
    """Until when, and how often at most: see `stages.loop`."""

    until: Required[str]
    times_max: Required[int]
    on_max: Literal["continue", "fail"]


class LoopOptions(LoopSettings, FlowOptions, total=False):
    """All that may be said about a loop."""


def apart(options: dict[str, Any], *settings: type[Any]) -> dict[str, Any]:
    """The settings of a kind, taken out of what was said of a stage: those that have these keys and are no None."""
    keys = [key for each in settings for key in each.__annotations__]
    taken = {key: options.pop(key) for key in keys if key in options}
    return {key: value for key, value in taken.items() if value is not None}
