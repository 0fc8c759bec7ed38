"""The text of a content, as stages see it: read when it is first asked for, and remembered.

Called by the handle and by `declared.contents`. Invariant: bytes are only read in intake's sandbox, and once for each version
of the readers, whoever asks: a stage or a person.
"""

from dataclasses import dataclass
from uuid import UUID

from tegu.actions.contents import get_content
from tegu.actions.scope import Scope
from tegu.domain.content import Content, TextPart
from tegu.domain.errors import ErrorInfo, IntakeError, NotFoundError
from tegu.intake.documents import PARSER_VERSION
from tegu.intake.sandbox import Limits
from tegu.stages.reading import Reading, read_content, remembered
from tegu.stages.source import PASSING_CODES
from tegu.storage import texts as store

LENGTH_MAX = 1_000_000
LENGTH_DEFAULT = 100_000


@dataclass(frozen=True, slots=True)
class ContentText:
    """A stretch [start, end) of a content's text, which has `characters` in all. The offsets of `parts`, and those of
    evidence, count characters of the whole text.
    """

    content_id: UUID
    name: str | None
    media_type: str
    text: str
    start: int
    end: int
    characters: int
    parts: tuple[TextPart, ...]


async def text_of(
    scope: Scope, content_id: UUID, *, start: int = 0, length: int = LENGTH_DEFAULT
) -> ContentText:
    """A stretch of the text of a content. Raises NotFoundError, and IntakeError for what cannot be read."""
    content = await get_content(scope, content_id)
    document = (await reading_of(scope, content)).document
    end = min(len(document.text), start + length)
    return ContentText(
        content_id=content.id,
        name=content.name,
        media_type=content.media_type,
        text=document.text[start:end],
        start=start,
        end=max(start, end),
        characters=len(document.text),
        parts=tuple(part for part in document.parts if part.start < end and part.end > start),
    )


async def data_of(scope: Scope, content: Content) -> bytes:
    """The bytes of a content. Raises NotFoundError where they were deleted."""
    async with scope.transaction() as connection:
        data = await store.data_of(connection, scope.organization_id, content.sha256)
    if data is None:
        raise NotFoundError(
            f"the bytes of content {content.id} are not there", hint="it was deleted, perhaps"
        )
    return data


async def reading_of(scope: Scope, content: Content) -> Reading:
    """What reading a content gave, or gives now. Raises NotFoundError, and IntakeError for what cannot be read."""
    async with scope.transaction() as connection:
        stored = await store.text_of(connection, content, PARSER_VERSION)
        found = remembered(stored) if stored is not None else None
        if found is not None:
            return found
    data = await data_of(scope, content)
    try:
        reading = await read_content(data, content.media_type, Limits())
    except IntakeError as error:
        if error.code not in PASSING_CODES:
            async with scope.transaction() as connection:
                await store.store_text(connection, content, PARSER_VERSION, error=ErrorInfo.of(error))
        raise
    async with scope.transaction() as connection:
        await store.store_text(connection, content, PARSER_VERSION, document=reading.to_json())
    return reading
