"""What a stage's `inputs` name: the run's text, or the outputs of other stages.

Called by the performer. Invariant: a stage that has a parse stage before it reads the run's text as that parse stage
set it; an item that a split stage cut out of the text is that stretch of it; offsets (`start`) always count characters of the whole text, so evidence stays comparable across stages.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from pydantic import JsonValue

from tegu.domain.content import Content, Document, InputKind, MailThread, TextPart
from tegu.domain.json import JsonObject, json_hash
from tegu.llm.protocol import DataPart
from tegu.pipeline.definition import SOURCE
from tegu.pipeline.flow import ITEM
from tegu.pipeline.task import StageTask
from tegu.stages.parts import data_part, stable_json
from tegu.stages.source import Sources, SourceText

PARSE_KIND = "parse"


@dataclass(frozen=True, slots=True)
class TextInput:
    """The run's text, or the stretch of it that begins at `start`, as the parse stage with this `output` set it.

    `is_repeated`: the text is also under another name, so that models get the facts of the parse stage only.
    """

    name: str
    value: Document | MailThread
    text: str
    hash: str
    start: int = 0
    content: Content | None = None
    output: JsonValue = None
    is_repeated: bool = False

    def part(self) -> DataPart:
        """As models get it."""
        return data_part(self.name, facts_of(self.output) if self.is_repeated else self.text)


@dataclass(frozen=True, slots=True)
class DataInput:
    """The output of another stage; None where that was skipped or failed and the input is optional."""

    name: str
    value: JsonValue

    @property
    def hash(self) -> str:
        """Of the output as any worker will see it."""
        return json_hash(stable_json(self.value))

    def part(self) -> DataPart:
        """As models get it."""
        return data_part(self.name, self.value)


StageInput = TextInput | DataInput


def named_values(inputs: Sequence[StageInput]) -> JsonObject:
    """The inputs as data by their names, for whoever is told of them: a text as text."""
    return {item.name: item.text if isinstance(item, TextInput) else item.value for item in inputs}


def output_of(item: StageInput) -> JsonValue:
    """What the stage that it is of put out, or the item that it is; of the run's text nothing."""
    return item.output if isinstance(item, TextInput) else item.value


async def load_inputs(task: StageTask, sources: Sources) -> tuple[StageInput, ...]:
    """The inputs in the order written. Raises IntakeError, NotFoundError, StageError."""
    is_cut = _is_chunk(task.inputs.get(ITEM)) if ITEM in task.stage.inputs else False
    setting = next((name for name in task.stage.upstream if _is_parsed(task, name)), None)
    whole: SourceText | None = None
    found: list[StageInput] = []
    for name in task.stage.inputs:
        if name == ITEM and is_cut:
            whole = whole or await source_text(task, sources)
            found.append(_chunk(whole, task.inputs[ITEM]))
            continue
        if name == ITEM and task.is_about_item and SOURCE not in task.stage.inputs:
            # The item is a content: its text is what there is to read, and not the id that names it.
            whole = whole or await source_text(task, sources)
            found.append(_stretch(name, whole, None))
            continue
        if name != SOURCE and not _is_parsed(task, name):
            found.append(DataInput(name, task.inputs.get(name)))
            continue
        whole = whole or await source_text(task, sources)
        by = setting if name == SOURCE else name
        text = _stretch(name, whole, task.inputs.get(by) if by else None)
        found.append(replace(text, is_repeated=name != SOURCE and SOURCE in task.stage.inputs))
    return tuple(found)


async def source_text(task: StageTask, sources: Sources) -> SourceText:
    """The run's whole text, as the pipeline's `input` says; of a run that is about a value, its JSON (of a text, the text)."""
    if task.data is not None:
        return _data_text(task.data.value)
    if task.is_about_item:
        return await sources.document_text(task)
    if task.definition.input is InputKind.MAIL_THREAD:
        return await sources.thread_text(task)
    return await sources.document_text(task)


def _data_text(value: JsonValue) -> SourceText:
    text = value if isinstance(value, str) else stable_json(value)
    return SourceText(Document(text), text, json_hash(text))


def _is_parsed(task: StageTask, name: str) -> bool:
    return (
        name in task.definition
        and task.definition.stage(name).uses == PARSE_KIND
        and isinstance(task.inputs.get(name), dict)
    )


def facts_of(output: JsonValue) -> JsonValue:
    """A parse output without its text."""
    return (
        {key: item for key, item in output.items() if key != "text"} if isinstance(output, dict) else output
    )


def _stretch(name: str, whole: SourceText, parsed: JsonValue) -> TextInput:
    start, end = _bounds(parsed, len(whole.text))
    if (start, end) == (0, len(whole.text)):
        return TextInput(name, whole.value, whole.text, whole.hash, 0, whole.content, parsed)
    cut = cut_document(whole.value, whole.text, start, end)
    digest = json_hash([whole.hash, start, end])
    return TextInput(name, cut, cut.text, digest, start, whole.content, parsed)


def _is_chunk(item: JsonValue) -> bool:
    """Whether it may be what a split stage puts out."""
    match item:
        case {"text": str() as text, "start": int() as start, "end": int() as end}:
            return 0 <= start <= end == start + len(text)
        case _:
            return False


def _chunk(whole: SourceText, item: JsonValue) -> StageInput:
    """An item as the stretch of the run's text that it is, so that evidence points into the whole; data where it is none."""
    start, end = _bounds(item, len(whole.text))
    if not isinstance(item, dict) or whole.text[start:end] != item.get("text"):
        return DataInput(ITEM, item)
    return replace(_stretch(ITEM, whole, item), output=None)


def _bounds(parsed: JsonValue, length: int) -> tuple[int, int]:
    if not isinstance(parsed, dict):
        return 0, length
    start, end = parsed.get("start"), parsed.get("end")
    if not isinstance(start, int) or not isinstance(end, int) or not 0 <= start <= end <= length:
        return 0, length
    return start, end


def cut_document(value: Document | MailThread, text: str, start: int, end: int) -> Document:
    """The stretch [start, end) as a document of its own."""
    cut = text[start:end]
    parts = tuple(
        TextPart(part.kind, max(part.start, start) - start, min(part.end, end) - start, part.label)
        for part in value.parts
        if part.start < end and part.end > start
    )
    if isinstance(value, MailThread):
        return Document(cut, parts=parts, metadata=_thread_metadata(value))
    return replace(value, text=cut, parts=parts)


def _thread_metadata(thread: MailThread) -> JsonObject:
    return {"subject": thread.subject, "messages": len(thread.messages)}
