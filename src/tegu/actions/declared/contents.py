"""Contents: store, list and read them, and their text."""

from pathlib import Path
from typing import Annotated
from uuid import UUID

from pydantic import Base64Bytes, Field, model_validator

from tegu.actions import contents
from tegu.actions.action import ActionInput, Effect, action
from tegu.actions.contents import Ingested
from tegu.actions.declared.inputs import SortedPageInput
from tegu.actions.scope import Scope
from tegu.actions.texts import LENGTH_DEFAULT, LENGTH_MAX, ContentText, text_of
from tegu.domain.actor import Permission
from tegu.domain.content import Content, SourceType
from tegu.domain.json import JsonObject
from tegu.domain.page import Page, id_of, page_of

INLINE_BYTES_MAX = 8 * 2**20


class ContentId(ActionInput):
    """Which content."""

    content_id: UUID


class ReadText(ContentId):
    """Which stretch of the text of a content."""

    start: Annotated[int, Field(ge=0, description="The first character, counted from 0.")] = 0
    length: Annotated[int, Field(ge=1, le=LENGTH_MAX, description="How many characters.")] = LENGTH_DEFAULT


class CreateContent(ActionInput):
    """A piece of input: text, or bytes in base64. Larger files are uploaded (HTTP: as the body of the request)."""

    text: Annotated[str | None, Field(max_length=INLINE_BYTES_MAX)] = None
    data: Annotated[Base64Bytes | None, Field(max_length=INLINE_BYTES_MAX)] = None
    name: Annotated[
        str | None, Field(max_length=500, description="`order.eml`; helps to know what it is.")
    ] = None
    source_type: SourceType | None = None
    metadata: JsonObject | None = None
    external_id: Annotated[str | None, Field(max_length=1000, description="Your own id for it.")] = None

    @model_validator(mode="after")
    def _one_of_two(self) -> "CreateContent":
        if (self.text is None) == (self.data is None):
            raise ValueError("give either `text` or `data`")
        return self


class FileContent(CreateContent):
    """The same as a file of ours that was uploaded. Never made from what somebody sends as such: it names a path."""

    path: Path

    @model_validator(mode="after")
    def _one_of_two(self) -> "FileContent":
        if self.text is not None or self.data is not None:
            raise ValueError("a file has neither `text` nor `data`")
        return self


class ListContents(SortedPageInput):
    """Which contents."""

    source_type: SourceType | None = None
    thread_id: UUID | None = None
    parent_id: UUID | None = None
    external_id: str | None = None


@action(
    "contents.create",
    effect=Effect.WRITE,
    permission=Permission.CONTENTS_WRITE,
    audited=("name", "external_id"),
    is_idempotent=True,
)
async def create_content(scope: Scope, asked: CreateContent) -> Ingested:
    """Store a file, an e-mail with its attachments, a mailbox with its messages, or text. What is there already is found
    instead: `is_new` says which.
    """
    is_file = isinstance(asked, FileContent)
    source = asked.path if is_file else asked.text or asked.data or ""
    return await contents.ingest(
        scope,
        source,
        source_type=asked.source_type,
        name=(asked.name or "") if is_file else asked.name,  # the path is ours, and no name
        metadata=asked.metadata,
        external_id=asked.external_id,
    )


@action("contents.list", effect=Effect.READ, permission=Permission.CONTENTS_READ)
async def list_contents(scope: Scope, asked: ListContents) -> Page[Content]:
    """List contents, the newest or oldest first."""
    found = await contents.list_contents(
        scope,
        source_type=asked.source_type,
        thread_id=asked.thread_id,
        parent_id=asked.parent_id,
        external_id=asked.external_id,
        after=id_of(asked.cursor),
        limit=asked.limit + 1,
        is_oldest_first=asked.is_oldest_first,
    )
    return page_of(found, asked.limit, lambda content: content.id)


@action("contents.get", effect=Effect.READ, permission=Permission.CONTENTS_READ, key="content_id")
async def get_content(scope: Scope, asked: ContentId) -> Content:
    """Read what is known of a content; its bytes are downloaded, its text is `contents.text`."""
    return await contents.get_content(scope, asked.content_id)


@action("contents.text", effect=Effect.READ, permission=Permission.CONTENTS_READ, key="content_id")
async def read_text(scope: Scope, asked: ReadText) -> ContentText:
    """Read the text of a content, which evidence points into: all of it, or a stretch of a long one."""
    return await text_of(scope, asked.content_id, start=asked.start, length=asked.length)
