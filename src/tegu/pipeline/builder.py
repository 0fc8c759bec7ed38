"""Pipelines in Python: stages are added by methods, wires are typed handles.

Used by users. Invariants: a `Node[T]` is the promise that the stage puts out a T, so that the type checker sees a wrong
wire; and everything goes through the same document and check as a file, so that both have one hash.

    email = Pipeline("email_analysis", input=MailThread)
    entities = email.extract("extract", Entities, instructions="People and amounts.")
    route = email.classify("classify", labels={"support": "asks for help", "sales": "wants to buy"})
    email.prompt("summarize", Summary, instructions="Two sentences.", inputs=[email.source, entities, route])
    email.stage("refund", refund_request, email.source, route, when="classify.category == 'support'")
"""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Generic, TypeVar, Unpack, overload

from pydantic import JsonValue

from tegu.domain.content import Content, Document, InputKind, MailThread
from tegu.domain.errors import DefinitionError, UsageError
from tegu.domain.json import JsonObject
from tegu.pipeline.catalog import FunctionContract, KindCatalog
from tegu.pipeline.check import check, checked
from tegu.pipeline.definition import FORMAT_VERSION, PYTHON_KIND, PipelineDefinition
from tegu.pipeline.document import PipelineDocument, load, to_yaml
from tegu.pipeline.function import stage_metadata
from tegu.pipeline.node import Node, StageOptions
from tegu.pipeline.output_schema import schema_of
from tegu.pipeline.outputs import Classification, Extraction, Summary

OutputT = TypeVar("OutputT")
SourceT = TypeVar("SourceT", MailThread, Document, Content)
ContextT = TypeVar("ContextT")
A = TypeVar("A")
B = TypeVar("B")
C = TypeVar("C")
D = TypeVar("D")

Output = type[OutputT] | Mapping[str, JsonValue]
Function = Callable[..., Any]


class Pipeline(Generic[SourceT]):
    """A pipeline under construction. `definition` makes the immutable version of what is there."""

    def __init__(
        self,
        name: str,
        input: type[SourceT],  # noqa: A002 - the word that documents use
        *,
        model: str | None = None,
        description: str | None = None,
    ) -> None:
        kind = InputKind.MAIL_THREAD if input is MailThread else InputKind.CONTENT
        head: JsonObject = {"tegu": FORMAT_VERSION, "name": name, "description": description}
        self._head: JsonObject = {**head, "input": kind.value, "model": model}
        self._stages: JsonObject = {}
        self._functions: dict[str, Function] = {}
        self._document = PipelineDocument(None, f"pipeline {name!r}")

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
    def name(self) -> str:
        """Its name."""
        return str(self._head.get("name") or "custom")

    @property
    def source(self) -> Node[SourceT]:
        """The mail thread or content that a run is applied to."""
        return Node("source")

    @property
    def functions(self) -> Mapping[str, Function]:
        """The Python stages in it, by `name@version`: a worker that runs it needs them."""
        return dict(self._functions)

    @overload
    def extract(
        self,
        name: str,
        output: type[OutputT],
        *,
        instructions: str | None = None,
        inputs: Sequence[Node[Any]] | None = None,
        **options: Unpack[StageOptions],
    ) -> Node[OutputT]: ...
    @overload
    def extract(
        self,
        name: str,
        output: Mapping[str, JsonValue],
        *,
        instructions: str | None = None,
        inputs: Sequence[Node[Any]] | None = None,
        **options: Unpack[StageOptions],
    ) -> Node[JsonObject]: ...
    @overload
    def extract(
        self,
        name: str,
        *,
        instructions: str | None = None,
        inputs: Sequence[Node[Any]] | None = None,
        **options: Unpack[StageOptions],
    ) -> Node[Extraction]: ...
    def extract(
        self,
        name: str,
        output: Output[Any] | None = None,
        *,
        instructions: str | None = None,
        inputs: Sequence[Node[Any]] | None = None,
        **options: Unpack[StageOptions],
    ) -> Node[Any]:
        """Fill a schema from the inputs, with evidence. Without `output` the entities and a category."""
        return self._add(name, "extract", _config(instructions, output), inputs, options)

    def classify(
        self,
        name: str,
        *,
        labels: Mapping[str, str],
        instructions: str | None = None,
        inputs: Sequence[Node[Any]] | None = None,
        **options: Unpack[StageOptions],
    ) -> Node[Classification]:
        """Choose one of the labels; `labels` maps each to what it means."""
        config = _config(instructions, None)
        config["labels"] = {**labels}
        return self._add(name, "classify", config, inputs, options)

    def summarize(
        self,
        name: str,
        *,
        instructions: str | None = None,
        inputs: Sequence[Node[Any]] | None = None,
        **options: Unpack[StageOptions],
    ) -> Node[Summary]:
        """Sum the inputs up."""
        return self._add(name, "summarize", _config(instructions, None), inputs, options)

    @overload
    def prompt(
        self,
        name: str,
        output: type[OutputT],
        *,
        instructions: str,
        inputs: Sequence[Node[Any]] | None = None,
        **options: Unpack[StageOptions],
    ) -> Node[OutputT]: ...
    @overload
    def prompt(
        self,
        name: str,
        output: Mapping[str, JsonValue],
        *,
        instructions: str,
        inputs: Sequence[Node[Any]] | None = None,
        **options: Unpack[StageOptions],
    ) -> Node[JsonObject]: ...
    def prompt(
        self,
        name: str,
        output: Output[Any],
        *,
        instructions: str,
        inputs: Sequence[Node[Any]] | None = None,
        **options: Unpack[StageOptions],
    ) -> Node[Any]:
        """Ask a model with instructions of your own."""
        return self._add(name, "prompt", _config(instructions, output), inputs, options)

    def parse(self, name: str = "parse", **options: Unpack[StageOptions]) -> Node[Document]:
        """The text of the content, with settings of its own. Every pipeline gets the text without it too."""
        return self._add(name, "parse", {}, None, options)

    def add(
        self,
        name: str,
        uses: str,
        *,
        inputs: Sequence[Node[Any]] | None = None,
        **options: Unpack[StageOptions],
    ) -> Node[JsonObject]:
        """A stage of any kind; its settings are `config`."""
        return self._add(name, uses, {}, inputs, options)

    @overload
    def stage(
        self,
        name: str,
        function: Callable[[A, ContextT], Awaitable[OutputT]],
        a: Node[A],
        /,
        **options: Unpack[StageOptions],
    ) -> Node[OutputT]: ...
    @overload
    def stage(
        self,
        name: str,
        function: Callable[[A, B, ContextT], Awaitable[OutputT]],
        a: Node[A],
        b: Node[B],
        /,
        **options: Unpack[StageOptions],
    ) -> Node[OutputT]: ...
    @overload
    def stage(
        self,
        name: str,
        function: Callable[[A, B, C, ContextT], Awaitable[OutputT]],
        a: Node[A],
        b: Node[B],
        c: Node[C],
        /,
        **options: Unpack[StageOptions],
    ) -> Node[OutputT]: ...
    @overload
    def stage(
        self,
        name: str,
        function: Callable[[A, B, C, D, ContextT], Awaitable[OutputT]],
        a: Node[A],
        b: Node[B],
        c: Node[C],
        d: Node[D],
        /,
        **options: Unpack[StageOptions],
    ) -> Node[OutputT]: ...
    def stage(
        self, name: str, function: Function, /, *inputs: Node[Any], **options: Unpack[StageOptions]
    ) -> Node[Any]:
        """A Python function made with `@stage`, and the wires to its parameters in order.

        Its retries and timeout are the function's unless said otherwise here.
        """
        metadata = stage_metadata(function)
        limits: StageOptions = {"retries": metadata.retries, "timeout_s": metadata.timeout_s}
        config: JsonObject = {"function": metadata.key}
        node = self._add(name, PYTHON_KIND, config, inputs, {**limits, **options})
        if self._functions.setdefault(metadata.key, function) is not function:
            hint = "raise the version of one of them, or give it another name"
            raise UsageError(f"there are two functions {metadata.key!r}", hint=hint)
        return node

    def definition(self, catalog: KindCatalog | None = None) -> PipelineDefinition:
        """The immutable version. Raises DefinitionError with every problem; without a catalog nothing is said about
        the settings of stage kinds.
        """
        known = None if catalog is None else _WithFunctions(catalog, self._functions)
        return checked(self._as_document(), known)

    def to_yaml(self) -> str:
        """The pipeline as a YAML document."""
        return to_yaml(self.definition())

    def to_json(self) -> JsonObject:
        """The normalised document: what is stored and hashed."""
        return self.definition().to_json()

    def roots(self) -> tuple[str, ...]:
        """The stages that wait for no other."""
        return self.definition().roots()

    def after(self, stage: str | Node[Any]) -> tuple[str, ...]:
        """The stages that wait for this one directly."""
        return self.definition().after(stage.name if isinstance(stage, Node) else stage)

    def _as_document(self) -> PipelineDocument:
        head = {key: item for key, item in self._head.items() if item is not None}
        loaded = self._document
        return PipelineDocument(
            {**head, "stages": self._stages}, loaded.source, loaded.problems, loaded.lines
        )

    def _add(
        self,
        name: str,
        uses: str,
        config: JsonObject,
        inputs: Sequence[Node[Any]] | None,
        options: StageOptions,
    ) -> Node[Any]:
        if name in self._stages:
            raise UsageError(f"pipeline {self.name!r} has two stages {name!r}", hint="stage names are unique")
        entry: JsonObject = {"uses": uses, "with": {**config, **options.get("config", {})}}
        if inputs is not None:
            entry["inputs"] = [node.reference for node in inputs]
        if "needs" in options:
            entry["needs"] = [node.reference for node in options["needs"]]
        if "when" in options:
            entry["when"] = options["when"]
        if "retries" in options:
            entry["retries"] = options["retries"]
        if "timeout_s" in options:
            entry["timeout_s"] = options["timeout_s"]
        if "model" in options:
            entry["model"] = options["model"]
        result = options.get("result")
        if result is not None:
            entry["result"] = False if result is False else {key: str(item) for key, item in result.items()}
        self._stages[name] = entry
        return Node(name)


class _WithFunctions:
    """A catalog, and the functions of one pipeline that it may not know yet."""

    def __init__(self, catalog: KindCatalog, functions: Mapping[str, Function]) -> None:
        self._functions = {key: stage_metadata(function).contract() for key, function in functions.items()}
        self._catalog = catalog
        self.kinds = catalog.kinds
        self.config_schema = catalog.config_schema
        self.output_schema = catalog.output_schema
        self.check_model = catalog.check_model

    def functions(self) -> Mapping[str, FunctionContract]:
        return {**self._catalog.functions(), **self._functions}


def _config(instructions: str | None, output: Output[Any] | None) -> JsonObject:
    config: JsonObject = {} if instructions is None else {"instructions": instructions}
    if output is not None:
        config["schema"] = dict(output) if isinstance(output, Mapping) else schema_of(output)
    return config
