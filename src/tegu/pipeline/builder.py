"""Pipelines in Python: stages are added by methods, wires are typed handles.

Used by users; the methods that add stages are in `kind_stages`, `data_stages` and `function_stages`. Invariants: a `Node[T]` is the promise that the stage puts out a T, so that the type checker sees a wrong
wire; and everything goes through the same document and check as a file, so that both have one hash.

    email = Pipeline("email_analysis", input=MailThread)
    entities = email.extract("extract", Entities, instructions="People and amounts.")
    route = email.classify("classify", labels={"support": "asks for help", "sales": "wants to buy"})
    email.prompt("summarize", Summary, instructions="Two sentences.", inputs=[email.source, entities, route])
    email.stage("refund", refund_request, email.source, route, when="classify.category == 'support'")
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Generic, TypeVar

from pydantic import JsonValue

from tegu.domain.content import Content, Document, InputKind, MailThread
from tegu.domain.errors import DefinitionError, Problem
from tegu.domain.json import JsonObject
from tegu.pipeline.catalog import FunctionContract, KindCatalog
from tegu.pipeline.check import Examined, check, checked, examine
from tegu.pipeline.data_stages import DataStages
from tegu.pipeline.definition import FORMAT_VERSION, SOURCE, PipelineDefinition
from tegu.pipeline.document import PipelineDocument, load, to_yaml
from tegu.pipeline.draft import Function
from tegu.pipeline.function import stage_metadata
from tegu.pipeline.function_stages import FunctionStages
from tegu.pipeline.kind_stages import KindStages
from tegu.pipeline.nesting_stages import NestingStages
from tegu.pipeline.node import Node
from tegu.pipeline.outside_stages import OutsideStages
from tegu.pipeline.review_stages import ReviewStages

SourceT = TypeVar("SourceT", MailThread, Document, Content)
_INPUTS = {MailThread: InputKind.MAIL_THREAD, Document: InputKind.CONTENT, Content: InputKind.CONTENT}


class Pipeline(
    KindStages, DataStages, FunctionStages, ReviewStages, OutsideStages, NestingStages, Generic[SourceT]
):
    """A pipeline under construction. `definition` makes the immutable version of what is there."""

    def __init__(
        self,
        name: str,
        input: type[SourceT],  # noqa: A002 - the word that documents use
        *,
        model: str | None = None,
        description: str | None = None,
        deadline_s: float | None = None,
        priority: int | str | None = None,
        output: str | None = None,
    ) -> None:
        """`input` is what the pipeline is applied to, and what `source` hands to stages. See `PipelineDefinition`."""
        kind = _INPUTS.get(input)
        head: JsonObject = {"tegu": FORMAT_VERSION, "name": name, "description": description}
        head |= {"input": kind.value if kind else None, "model": model}
        head |= {"deadline_s": deadline_s, "priority": priority, "output": output}
        super().__init__(head, f"pipeline {name!r}")
        if kind is None:
            message = f"{getattr(input, '__name__', input)!r:.60} is no input"
            self._problems.append(Problem("input", message, "one of: MailThread, Document, Content"))

    @staticmethod
    def load(source: Path | str | Mapping[str, JsonValue]) -> "Pipeline[Any]":
        """Read a document: a file (Path), the text of one (str) or its data. Raises DefinitionError where it cannot be
        read; `definition` says whether it is a good pipeline.
        """
        document = load(source)
        stages = document.data.get("stages") if document.data is not None else None
        if document.data is None or not isinstance(stages, dict):
            raise DefinitionError(check(document)[1], source=document.source)
        loaded: Pipeline[Any] = Pipeline("", Document)
        loaded._adopt(document, document.data, stages)
        return loaded

    def _adopt(self, document: PipelineDocument, data: JsonObject, stages: JsonObject) -> None:
        self._document = document
        self._head = {key: item for key, item in data.items() if key != "stages"}
        self._stages = dict(stages)

    @property
    def source(self) -> Node[SourceT]:
        """The mail thread or content that a run is applied to."""
        return Node(SOURCE)

    @property
    def text(self) -> Node[str]:
        """The same as plain text, for a Python stage that takes `str`."""
        return Node(SOURCE)

    @property
    def functions(self) -> Mapping[str, Function]:
        """The Python stages in it, by `name@version`: a worker that runs it needs them."""
        return dict(self._functions)

    def definition(self, catalog: KindCatalog | None = None) -> PipelineDefinition:
        """The immutable version. Raises DefinitionError with every problem; without a catalog nothing is said about
        the settings of stage kinds.
        """
        return checked(self._as_document(), self._known(catalog))

    def examine(self, catalog: KindCatalog | None = None) -> Examined:
        """Everything that there is to say of it, warnings too."""
        return examine(self._as_document(), self._known(catalog))

    def _known(self, catalog: KindCatalog | None) -> KindCatalog | None:
        return None if catalog is None else _WithFunctions(catalog, self._functions)

    def to_yaml(self) -> str:
        """The pipeline as a YAML document."""
        return to_yaml(self.definition())

    def to_json(self) -> JsonObject:
        """The normalized document: what is stored and hashed."""
        return self.definition().to_json()

    def roots(self) -> tuple[str, ...]:
        """The stages that wait for no other."""
        return self.definition().roots()

    def after(self, stage: str | Node[Any]) -> tuple[str, ...]:
        """The stages that wait for this one directly."""
        return self.definition().after(stage.name if isinstance(stage, Node) else stage)


class _WithFunctions:
    """A catalog, and the functions of one pipeline that it may not know yet."""

    def __init__(self, catalog: KindCatalog, functions: Mapping[str, Function]) -> None:
        self._functions = {key: stage_metadata(function).contract() for key, function in functions.items()}
        self._catalog = catalog
        self.kinds = catalog.kinds
        self.describe = catalog.describe
        self.config_schema = catalog.config_schema
        self.output_schema = catalog.output_schema
        self.config_problems = catalog.config_problems
        self.check_model = catalog.check_model

    def functions(self) -> Mapping[str, FunctionContract]:
        return {**self._catalog.functions(), **self._functions}
