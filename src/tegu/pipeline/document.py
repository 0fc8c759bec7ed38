"""Pipeline documents: files, texts and mappings in; YAML and JSON out.

Called by actions, the command line and the builder. Invariant: what comes out of `load` is in keyed form, with the
texts of `instructions_file` read into `instructions`; whether it is a good pipeline is for `check` to say. The only
files read are the document and those it names beside it.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from pydantic import JsonValue

from tegu.domain.errors import NotFoundError, Problem, UsageError
from tegu.domain.json import JsonObject
from tegu.pipeline.definition import (
    PYTHON_KIND,
    RETRIES,
    SOURCE,
    TIMEOUT_S,
    PipelineDefinition,
    StageDefinition,
)
from tegu.pipeline.edge_form import to_keyed_form
from tegu.pipeline.flow import ITEM, EachSpec
from tegu.pipeline.limits import INSTRUCTIONS_LENGTH_MAX
from tegu.pipeline.yaml_source import TEXT_LENGTH_MAX, parse_text, size_problems, write_yaml

FIRST_LINE = "# yaml-language-server: $schema=./tegu.schema.json\n"


@dataclass(frozen=True, slots=True)
class PipelineDocument:
    """A document as read. `data` is None where it cannot be read; `lines` maps places to lines of the text; `text` is how its author wrote
    it, None where it was given as data, or where a file beside it is a part of it.
    """

    data: JsonObject | None
    source: str = "pipeline"
    problems: tuple[Problem, ...] = ()
    lines: Mapping[str, int] = field(default_factory=dict[str, int])
    text: str | None = None


def load(source: Path | str | Mapping[str, JsonValue]) -> PipelineDocument:
    """Read a file (Path), the text of a document (str), or one that is data already.

    Raises NotFoundError where there is no such file and UsageError where it cannot be read; what is wrong with its
    content is in `problems`.
    """
    match source:
        case Path():
            return _load_file(source)
        case str():
            return _read_instructions(_parse(source, "document"), None)
        case _:
            if fatal := size_problems(dict(source)):
                return PipelineDocument(None, problems=fatal)
            keyed = to_keyed_form(dict(source), {})
            return _read_instructions(PipelineDocument(keyed.data, problems=keyed.problems), None)


def to_yaml(definition: PipelineDefinition) -> str:
    """The definition as a YAML document, without what is default anyway. `load` and `check` give the same hash."""
    return FIRST_LINE + write_yaml(to_document(definition))


def to_document(definition: PipelineDefinition) -> JsonObject:
    """The definition as people write it: `to_json` without defaults."""
    document = definition.to_json()
    document["stages"] = {stage.name: _entry(stage) for stage in definition.stages}
    return document


def _entry(stage: StageDefinition) -> JsonObject:
    entry = stage.to_json()
    if not stage.config:
        del entry["with"]
    if stage.each is not None and stage.inputs[-1] == ITEM:  # where it stands of itself
        entry["inputs"] = stage.references()[:-1]
    if stage.inputs in {(SOURCE,), (SOURCE, ITEM)} and not stage.optional_inputs:
        del entry["inputs"]
    # A Python stage's own limits are the default of its entry, so they are always written.
    if entry["retries"] == RETRIES and stage.uses != PYTHON_KIND:
        del entry["retries"]
    if stage.timeout_s == TIMEOUT_S and stage.uses != PYTHON_KIND:
        del entry["timeout_s"]
    elif float(stage.timeout_s).is_integer():
        entry["timeout_s"] = int(stage.timeout_s)
    if stage.deadline_s is not None and float(stage.deadline_s).is_integer():
        entry["deadline_s"] = int(stage.deadline_s)
    if stage.each is not None:
        entry["each"] = _each(stage.each)
    return entry


def _each(each: EachSpec) -> JsonValue:
    """The path alone where the rest is default."""
    usual = EachSpec(each.over).to_json()
    said = {key: value for key, value in each.to_json().items() if key == "over" or value != usual[key]}
    return each.over if len(said) == 1 else said


def _load_file(path: Path) -> PipelineDocument:
    try:
        with path.open("rb") as file:
            # One more than fits: a text that is too long is refused by its length.
            raw = file.read(4 * TEXT_LENGTH_MAX + 1)
    except FileNotFoundError:
        raise NotFoundError(f"there is no file {str(path)!r}", hint="check the path") from None
    except (OSError, ValueError) as error:  # ValueError: a name with NUL
        why = error.strerror if isinstance(error, OSError) else error
        raise UsageError(
            f"{str(path)!r} cannot be read: {why}", hint="name a file of YAML or JSON"
        ) from error
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        problem = Problem("document", f"is no UTF-8 text (byte {error.start})", "save it as UTF-8")
        return PipelineDocument(None, str(path), (problem,))
    return _read_instructions(_parse(text, str(path)), path.parent)


def _parse(text: str, source: str) -> PipelineDocument:
    parsed = parse_text(text)
    if not isinstance(parsed.data, dict):
        hint = "tegu: 1, name: ..., stages: {...}"
        problems = parsed.problems or (Problem("document", "is no mapping", hint, 1),)
        return PipelineDocument(None, source, problems, parsed.lines)
    keyed = to_keyed_form(parsed.data, parsed.lines)
    return PipelineDocument(keyed.data, source, (*parsed.problems, *keyed.problems), keyed.lines, text)


def _read_instructions(document: PipelineDocument, directory: Path | None) -> PipelineDocument:
    """The document with every `instructions_file` replaced by its text."""
    stages = document.data.get("stages") if document.data is not None else None
    if document.data is None or not isinstance(stages, dict):
        return document
    problems: list[Problem] = []
    read: JsonObject = {}
    for name, entry in stages.items():
        config = entry.get("with") if isinstance(entry, dict) else None
        if not isinstance(entry, dict) or not isinstance(config, dict) or "instructions_file" not in config:
            read[name] = entry
            continue
        text = _instructions(config, directory)
        rest: JsonObject = {key: item for key, item in config.items() if key != "instructions_file"}
        if isinstance(text, Problem):
            problems.append(replace(text, place=f"stages.{name}.with.instructions_file"))
            read[name] = {**entry, "with": {"instructions": "", **rest}}
        else:
            read[name] = {**entry, "with": {**rest, "instructions": text}}
    return replace(
        document,
        data={**document.data, "stages": read},
        problems=(*document.problems, *problems),
        text=document.text if read == stages else None,
    )


def _instructions(config: JsonObject, directory: Path | None) -> str | Problem:
    """The text of an instructions file, or what is wrong; the caller knows the place."""
    name = config["instructions_file"]
    if "instructions" in config:
        return Problem("", "'instructions' and 'instructions_file' say the same", "keep one of them")
    if not isinstance(name, str) or not name:
        return Problem("", "must be the name of a file", "instructions_file: classify.md")
    if directory is None:
        return Problem(
            "", "a document that is no file has no files beside it", "write the text as `instructions`"
        )
    try:
        path = (directory / name).resolve()
        is_outside = not path.is_relative_to(directory.resolve())
    except (OSError, ValueError, RuntimeError):
        return Problem("", f"{name!r:.80} is no name of a file", "instructions_file: classify.md")
    if is_outside:
        return Problem("", f"{name!r:.80} is outside the document's folder", "put it beside the document")
    return instructions_text(path, name)


def instructions_text(path: Path, shown: str) -> str | Problem:
    """The text of a file with instructions, which its message calls `shown`; or what is wrong with it."""
    try:
        if path.exists() and not path.is_file():  # a pipe or a device would never end
            return Problem("", f"{shown!r:.200} is no file", "name a file of plain text")
        with path.open("rb") as file:
            text = file.read(4 * INSTRUCTIONS_LENGTH_MAX + 1).decode("utf-8-sig").strip()
    except FileNotFoundError:
        return Problem(
            "", f"there is no file {shown!r:.200}", "the path is relative to the document's folder"
        )
    except (OSError, ValueError):
        return Problem(
            "", f"{shown!r:.200} cannot be read as UTF-8 text", "save it as UTF-8, readable for this user"
        )
    if not text:
        return Problem("", f"{shown!r:.200} is empty", "write what the model shall do")
    if len(text) > INSTRUCTIONS_LENGTH_MAX:
        long = f"{shown!r:.200} has more than {INSTRUCTIONS_LENGTH_MAX} characters"
        return Problem("", long, "what is so long is content, and belongs to the inputs")
    # Line ends must not make a new version of the same text.
    return text.replace("\r\n", "\n")
