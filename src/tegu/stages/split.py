"""`split`: a text in chunks, each of which says where it stands. Asks no model.

With `each: split.chunks` another stage does its work on every chunk; evidence that it finds counts characters of the whole
text all the same.

inputs      the run's text (`source`, the default), or a stage that puts out a text, or `{text}`
options     by          paragraphs (default), characters, pages, messages, sections or separator
            separator   the text between two units, for `by: separator`
            size        most characters of a chunk: units are put together as they fit, longer ones are cut between words;
                        default 4,000 by paragraphs and characters, otherwise a unit is a chunk
            overlap     characters before a chunk that are in it too, and count; default 0
            chunks_max  more are refused; default 1,000
returns     {chunks: [{index, text, start, end, label}], count, text_chars}
            start, end: in characters of the whole text; label: a page's number, a message's sender, a section's heading
"""

from collections.abc import Iterable, Sequence
from typing import Annotated, Literal, Self

from pydantic import ConfigDict, Field, JsonValue, model_validator

from tegu.domain.content import TextPart
from tegu.domain.errors import StageError
from tegu.domain.json import JsonObject
from tegu.pipeline.output_schema import schema_of
from tegu.pipeline.outputs import Chunks
from tegu.stages.inputs import DataInput, StageInput, TextInput
from tegu.stages.kind import Options, StageOutput, StageWork, options_schema, read_options
from tegu.stages.stretches import Stretch, fitted, paragraphs, separated

SIZE_MAX = 1_000_000
SIZE = 4_000
CHUNKS_MAX = 100_000
_PARTS = {"pages": "page", "messages": "message", "sections": "section"}


class SplitOptions(Options):
    """See the module."""

    model_config = ConfigDict(
        json_schema_extra={
            "if": {"properties": {"by": {"const": "separator"}}, "required": ["by"]},
            "then": {"required": ["separator"]},
        }
    )

    by: Literal["paragraphs", "characters", "pages", "messages", "sections", "separator"] = "paragraphs"
    separator: Annotated[str, Field(min_length=1, max_length=200)] | None = None
    size: Annotated[int, Field(ge=20, le=SIZE_MAX)] | None = Field(
        None, description="Most characters of a chunk."
    )
    overlap: Annotated[int, Field(ge=0, le=SIZE_MAX // 2)] = Field(
        0, description="Characters before a chunk that are in it too; at most half of `size`."
    )
    chunks_max: Annotated[int, Field(ge=1, le=CHUNKS_MAX)] = 1_000

    @model_validator(mode="after")
    def _fits(self) -> Self:
        if (self.by == "separator") != (self.separator is not None):
            raise ValueError("`separator` goes with `by: separator`")
        size = self.fitting_size
        if self.overlap > (size if size is not None else SIZE_MAX) // 2:
            raise ValueError("`overlap` is at most half of `size`")
        return self

    @property
    def fitting_size(self) -> int | None:
        """The size that chunks are made to fit."""
        if self.size is None and self.by in {"paragraphs", "characters"}:
            return SIZE
        return self.size


class SplitKind:
    """Implements StageKind."""

    name = "split"
    version = 1

    def config_schema(self) -> JsonObject:
        """JSON Schema of its options."""
        return options_schema(SplitOptions)

    def output_schema(self, config: JsonObject) -> JsonObject:
        """The same for all."""
        del config
        return schema_of(Chunks)

    async def perform(self, work: StageWork) -> StageOutput:
        """The chunks, in order."""
        options = read_options(SplitOptions, work.config)
        text, base, parts = _text(work.inputs)
        chunks: list[JsonValue] = []
        for found in fitted(text, _units(text, parts, options), options.fitting_size, options.overlap):
            if len(chunks) >= options.chunks_max:
                raise StageError(
                    f"the text has more than {options.chunks_max} chunks",
                    code="too_many_items",
                    hint="raise `size`, or `chunks_max`",
                )
            chunk: JsonObject = {
                "index": len(chunks),
                "text": text[found.start : found.end],
                "start": found.start + base,
                "end": found.end + base,
                "label": found.label,
            }
            chunks.append(chunk)
        return StageOutput({"chunks": chunks, "count": len(chunks), "text_chars": len(text)})


def _text(inputs: Sequence[StageInput]) -> tuple[str, int, Sequence[TextPart]]:
    """The text to split, where it begins in the whole one, and the parts that it is known to have."""
    for found in inputs:
        match found:
            case TextInput():
                return found.text, found.start, found.value.parts
            case DataInput(value=str() as text):
                return text, 0, ()
            case DataInput(value={"text": str() as text, **rest}):
                start = rest.get("start")
                return text, start if isinstance(start, int) else 0, ()
            case _:
                continue
    raise StageError(
        "a split stage needs a text",
        code="wrong_input",
        hint="inputs: [source], or a stage that puts out a text or {text}",
    )


def _units(text: str, parts: Sequence[TextPart], options: SplitOptions) -> Iterable[Stretch]:
    match options.by:
        case "characters":
            return (Stretch(0, len(text)),)
        case "paragraphs":
            return paragraphs(text)
        case "separator":
            return separated(text, options.separator or "")
        case by:
            found = [Stretch(part.start, part.end, part.label) for part in parts if part.kind == _PARTS[by]]
            if found or not text.strip():
                return found
            raise StageError(
                f"the text has no {by}",
                code="no_parts",
                hint="split it by paragraphs or characters, which every text has",
            )
