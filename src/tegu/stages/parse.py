"""`parse`: the text of the run's content, as the stages after it shall read it. Asks no model.

Every stage gets the text by itself; a parse stage says how much of it: stages that name this one in `inputs` or
`needs` read the stretch [start, end) of the text in place of the whole.

options     pages           "2-5", "3" or 3: only these pages, of a content that has pages; default all
            characters_max  at most so many characters from there; default no limit
            excerpt_max     how many characters of the stretch are copied into the output; default 20,000
returns     {name, media_type, metadata, text_chars, pages, start, end, text, is_truncated}
            pages: how many there are, null where there are none; start, end: the stretch, in characters of the whole
            text; text: its beginning; is_truncated: whether `text` is less than the stretch
"""

import re
from collections.abc import Sequence
from typing import Annotated

from pydantic import Field, JsonValue

from tegu.domain.content import Document, MailThread, TextPart
from tegu.domain.errors import StageError
from tegu.domain.json import JsonObject
from tegu.stages.inputs import TextInput
from tegu.stages.kind import Options, StageOutput, StageWork, options_schema, read_options

EXCERPT_CHARACTERS_MAX = 200_000
_PAGES = re.compile(r"\s*(\d{1,6})\s*(?:-\s*(\d{1,6})\s*)?")
_NULLABLE_TEXT: JsonObject = {"type": ["string", "null"]}
_COUNT: JsonObject = {"type": "integer", "minimum": 0}


class ParseOptions(Options):
    """See the module."""

    pages: Annotated[int, Field(ge=1)] | Annotated[str, Field(pattern=r"^\s*\d+\s*(-\s*\d+\s*)?$")] | None = (
        Field(None, description='Which pages: "2-5", or one number.')
    )
    characters_max: Annotated[int, Field(ge=1)] | None = None
    excerpt_max: Annotated[int, Field(ge=0, le=EXCERPT_CHARACTERS_MAX)] = 20_000


class ParseKind:
    """Implements StageKind."""

    name = "parse"
    version = 1

    def config_schema(self) -> JsonObject:
        """JSON Schema of its options."""
        return options_schema(ParseOptions)

    def output_schema(self, config: JsonObject) -> JsonObject:
        """The same for all."""
        del config
        properties: JsonObject = {
            "name": _NULLABLE_TEXT,
            "media_type": {"type": "string"},
            "metadata": {"type": "object"},
            "text_chars": _COUNT,
            "pages": {"type": ["integer", "null"]},
            "start": _COUNT,
            "end": _COUNT,
            "text": {"type": "string"},
            "is_truncated": {"type": "boolean"},
        }
        return {"type": "object", "properties": properties, "required": [*properties]}

    async def perform(self, work: StageWork) -> StageOutput:
        """The facts, and the beginning of the text."""
        options = read_options(ParseOptions, work.config)
        source = next((item for item in work.inputs if isinstance(item, TextInput)), None)
        if source is None:
            raise StageError(
                "a parse stage reads the run's text",
                code="bad_config",
                hint="inputs: [source], which is the default",
            )
        pages = _pages(source.value)
        start, end = _range(options.pages, pages, source)
        if options.characters_max is not None:
            end = min(end, start + options.characters_max)
        excerpt = source.text[start : min(end, start + options.excerpt_max)]
        value: JsonObject = {
            **_identity(source.value),
            "text_chars": len(source.text),
            "pages": len(pages) or None,
            "start": start + source.start,
            "end": end + source.start,
            "text": excerpt,
            "is_truncated": len(excerpt) < end - start,
        }
        return StageOutput(value)


def _identity(value: Document | MailThread) -> JsonObject:
    if isinstance(value, MailThread):
        facts: JsonObject = {"subject": value.subject, "messages": len(value.messages)}
        return {"name": value.subject or None, "media_type": "message/rfc822", "metadata": facts}
    return {"name": value.name, "media_type": value.media_type, "metadata": value.metadata}


def _pages(value: Document | MailThread) -> Sequence[TextPart]:
    return [part for part in value.parts if part.kind == "page"] if isinstance(value, Document) else []


def _range(wanted: JsonValue, pages: Sequence[TextPart], source: TextInput) -> tuple[int, int]:
    if wanted is None:
        return 0, len(source.text)
    if not pages:
        raise StageError(
            "the content has no pages to choose from",
            code="no_pages",
            hint="leave out `pages`, or say characters_max",
        )
    match = _PAGES.fullmatch(str(wanted))
    assert match is not None  # the options' pattern
    first = int(match[1])
    last = int(match[2]) if match[2] else first
    if not 1 <= first <= last or first > len(pages):
        raise StageError(f"there are no pages {wanted!r}: the content has {len(pages)}", code="no_pages")
    return pages[first - 1].start, pages[min(last, len(pages)) - 1].end
