"""What the built-in stage kinds put out, as types: what a `Node` of the builder carries and a Python stage takes.

Used by the builder, the stage kinds and users. Invariant: the stage kinds' default schemas are these models.
"""

from datetime import datetime
from typing import Any, Generic, Literal, TypeVar

from pydantic import BaseModel, ConfigDict, Field

ValueT_co = TypeVar("ValueT_co", covariant=True)


class Entity(BaseModel):
    """Someone or something that a text names."""

    type: str = Field(description="person, organization, product, place, date, amount, or another word")
    name: str


class Extraction(BaseModel):
    """What `extract` puts out when it is given no schema."""

    entities: list[Entity]
    category: str


class Classification(BaseModel):
    """What `classify` puts out. `category` is one of the labels."""

    category: str
    confidence: float = Field(ge=0, le=1)


class Summary(BaseModel):
    """What `summarize` puts out."""

    summary: str


class Text(BaseModel):
    """What `prompt` puts out when it is given no schema."""

    text: str


class Chunk(BaseModel):
    """A stretch [start, end) of a text, which `text` is exactly. `label`: a page's number, a message's sender."""

    index: int
    text: str
    start: int
    end: int
    label: str | None


class Chunks(BaseModel):
    """What `split` puts out."""

    chunks: list[Chunk]
    count: int
    text_chars: int


class Collected(BaseModel):
    """What `collect` puts out as a list. `dropped` counts what was null."""

    items: list[Any]
    count: int
    dropped: int


class Statement(BaseModel):
    """What one of the objects that were merged says of a field."""

    source: str
    value: Any


class Disagreement(BaseModel):
    """A field of which the objects that were merged say different things. `path` is a JSON pointer into the value."""

    path: str
    kept: str
    values: list[Statement]


class Merged(BaseModel):
    """What `merge` puts out. Of disagreements the first are listed, and all are counted."""

    value: dict[str, Any]
    conflicts: list[Disagreement]
    conflict_count: int


class Duplicate(BaseModel):
    """An item that was there several times: where it is in `items`, and where all of them were in the list."""

    item: int
    found_at: list[int]


class Deduped(BaseModel):
    """What `dedupe` puts out."""

    items: list[Any]
    count: int
    duplicates: list[Duplicate]


class Reviewed(BaseModel, Generic[ValueT_co]):
    """What `review` puts out. `value` is the corrected one if there is one; `decided_by` is null where nobody decided in time."""

    model_config = ConfigDict(frozen=True)

    decision: Literal["approved", "rejected", "corrected"]
    value: ValueT_co
    comment: str | None
    decided_by: str | None


class Waited(BaseModel):
    """What `wait` puts out when it is time."""

    waited_until: datetime


class ReceivedSignal(BaseModel):
    """What `wait` puts out when it was told to go on. `data` is what it was told; null where it did not come in time."""

    name: str
    data: Any
    is_timeout: bool


class HttpResponse(BaseModel):
    """What `http` puts out. `headers` are those that say something of the body."""

    status: int
    headers: dict[str, str]
    body: Any


class SentMessage(BaseModel):
    """What `webhook` puts out: to how many webhooks the message is owed."""

    event: str
    webhooks: int = Field(ge=1)


class Looped(BaseModel, Generic[ValueT_co]):
    """What `loop` puts out: what the last iteration came to, and whether the condition was met."""

    model_config = ConfigDict(frozen=True)

    output: ValueT_co
    iterations: int
    is_reached: bool
