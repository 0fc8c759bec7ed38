"""What people name on the command line: pipelines and inputs.

Called by `run`, `start`, `ingest` and `pipelines show`. Invariant: a file that cannot be read stops nothing but itself
until all were looked at, so that people see every bad one at once.
"""

import sys
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Protocol

from tegu.actions.contents import Ingested, Source
from tegu.client.service import Service
from tegu.domain.content import SourceType
from tegu.domain.errors import DefinitionError, IntakeError, UsageError
from tegu.domain.json import JsonObject
from tegu.intake.sniff import SIZE_LIMIT_BYTES
from tegu.interfaces.cli.local_service import LocalService
from tegu.pipeline.builder import Pipeline
from tegu.pipeline.document import PipelineDocument, load
from tegu.storage.pipelines import PipelineVersion

STDIN = "-"
_SUFFIXES = {".yaml", ".yml", ".json"}


@dataclass(frozen=True, slots=True)
class Unread:
    """An input that could not be read, and why."""

    name: str
    error: IntakeError


def pipeline_source(text: str) -> str | Path:
    """A file where it looks like one or is one, a name otherwise."""
    path = Path(text)
    is_file = path.suffix.lower() in _SUFFIXES or "/" in text or "\\" in text or path.is_file()
    return path if is_file else text


def document_data(path: Path) -> JsonObject:
    """The data of a document's file, for the service to check. Raises DefinitionError where it cannot be read, UsageError for
    what is no document at all: an input that stands where the pipeline belongs.
    """
    document = _loaded(path)
    if document.data is None or document.problems:
        raise DefinitionError(document.problems, source=document.source)
    return document.data


def _loaded(path: Path) -> PipelineDocument:
    document = load(path)
    if document.data is None and path.suffix.lower() not in _SUFFIXES:
        hint = "the pipeline comes first, then its inputs; a document's file ends in .yaml, .yml or .json"
        raise UsageError(f"{str(path)!r} is no pipeline", hint=hint)
    return document


class Ingests(Protocol):
    """A Tegu, or the service."""

    async def ingest(
        self, source: Source, *, name: str | None = None, source_type: SourceType | None = None
    ) -> Ingested:
        """Store a file, bytes or text."""
        ...


async def version_of(service: Service, source: str | Path | Pipeline[Any]) -> PipelineVersion:
    """The version that is meant: by its name, or by a document or a builder, which is published. Raises DefinitionError with
    every problem, NotFoundError, and UsageError for an input in its place.
    """
    if isinstance(source, Path):
        _loaded(source)
    if isinstance(service, LocalService):
        return await service.tegu.pipeline(source)
    if isinstance(source, str):
        return await service.pipelines.get(source)
    return await published(service, _document(source))


def _document(source: Path | Pipeline[Any]) -> PipelineDocument:
    return load(source.to_json() if isinstance(source, Pipeline) else source)


async def published(service: Service, document: PipelineDocument) -> PipelineVersion:
    """The version that a document becomes; what the service finds wrong has its line again. Raises DefinitionError."""
    if document.data is None or document.problems:
        raise DefinitionError(document.problems, source=document.source)
    try:
        if document.text is not None:  # with its comments, and in its author's own way of writing
            return await service.pipelines.create(text=document.text)
        return await service.pipelines.create(document=document.data)
    except DefinitionError as error:
        problems = tuple(replace(each, line=document.lines.get(each.place)) for each in error.problems)
        raise DefinitionError(problems, source=document.source) from error


async def ingest_each(tegu: Ingests, inputs: Sequence[str]) -> tuple[list[Ingested], list[Unread]]:
    """Store every input that can be read; each is stored whole or not at all."""
    stored: list[Ingested] = []
    unread: list[Unread] = []
    for text in inputs:
        try:
            stored.append(await _ingest(tegu, text))
        except IntakeError as error:
            unread.append(Unread("stdin" if text == STDIN else text, error))
    return stored, unread


async def _ingest(tegu: Ingests, text: str) -> Ingested:
    if text != STDIN:
        return await tegu.ingest(Path(text))
    # One byte more than allowed, for ingest to refuse.
    data = sys.stdin.buffer.read(SIZE_LIMIT_BYTES + 1)
    return await tegu.ingest(data, name="stdin", source_type=SourceType.MANUAL)
