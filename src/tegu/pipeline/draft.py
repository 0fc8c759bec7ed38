"""A pipeline as it is being built: the document so far, and what is wrong with how it was written.

Base of the builder's methods. Invariant: nothing that an author passes is dropped or mended in silence. It goes into
the document, where the check finds it, or becomes a problem with its place; all come out at once, with `definition`.
"""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from pydantic import JsonValue

from tegu.domain.errors import Problem, UsageError
from tegu.domain.json import JsonObject
from tegu.pipeline.check_stage import STAGE_KEYS
from tegu.pipeline.definition import SOURCE
from tegu.pipeline.document import PipelineDocument, instructions_text
from tegu.pipeline.flow import ALL, EVERY_OTHER
from tegu.pipeline.node import Items, Node, Otherwise, SomeItems
from tegu.pipeline.output_schema import schema_of
from tegu.pipeline.report import type_word

Function = Callable[..., Any]
Inputs = Sequence[Node[Any]] | None

_IN_CONFIG = ("max_tokens", "temperature", "output_mode")
_OUTPUT_HINT = (
    "a pydantic model, dataclass, TypedDict, plain type or list[...] of these; or a mapping of shorthand"
)
_SHOWN_MAX = 60


class Draft:
    """What `Pipeline` keeps."""

    def __init__(self, head: JsonObject, source: str) -> None:
        self._head = head
        self._stages: JsonObject = {}
        self._functions: dict[str, Function] = {}
        self._problems: list[Problem] = []
        self._document = PipelineDocument(None, source)

    @property
    def name(self) -> str:
        """Its name."""
        return str(self._head.get("name") or "custom")

    def _as_document(self) -> PipelineDocument:
        head = {key: item for key, item in self._head.items() if item is not None}
        loaded = self._document
        problems = (*loaded.problems, *self._problems)
        return PipelineDocument({**head, "stages": self._stages}, loaded.source, problems, loaded.lines)

    def _add(
        self,
        name: str,
        uses: str,
        config: JsonObject,
        inputs: Sequence[Node[Any]] | None,
        options: Mapping[str, Any],
    ) -> Node[Any]:
        if name in self._stages:
            raise UsageError(f"pipeline {self.name!r} has two stages {name!r}", hint="stage names are unique")
        given = dict(options)
        settings = {key: given.pop(key) for key in _IN_CONFIG if key in given}
        extra = given.pop("config", {})
        if not isinstance(extra, Mapping):
            self._problem(
                name, "with", f"config must be a mapping, not {type_word(extra)}", "config={'pages': 3}"
            )
            extra = {}
        entry: JsonObject = {"uses": uses, "with": {**config, **settings, **extra}}
        # Where a stage does not wait for all, whatever it reads may be absent.
        is_optional = given.get("join", ALL) != ALL
        if inputs is not None:
            entry["inputs"] = self._references(name, "inputs", inputs, is_optional=is_optional)
        if "needs" in given:
            entry["needs"] = self._references(name, "needs", given.pop("needs"))
        if isinstance(condition := given.get("when"), Otherwise):
            given |= {"when": condition.when, "else_of": [*condition.stages]}
        if isinstance(each := given.get("each"), Items | SomeItems):
            given["each"] = each.to_json()
        if isinstance(handler := given.get("on_failure"), Node):
            given["on_failure"] = handler.name
        if given.get("cancels", EVERY_OTHER) != EVERY_OTHER:
            names = self._references(name, "cancels", given.pop("cancels"))
            entry["cancels"] = [str(each).removesuffix("?") for each in names]
        # Also those that no stage has: the check says so, and what was meant.
        entry.update(
            {key: self._plain(name, key, value) for key, value in given.items() if value is not None}
        )
        self._stages[name] = entry
        is_conditional = bool(given.get("when") is not None or given.get("else_of"))
        # A map that asks its items is a list of those that hold: it is there.
        return Node(name, is_optional=is_conditional and given.get("each") is None)

    def _references(
        self, name: str, key: str, nodes: Sequence[Any], *, is_optional: bool = False
    ) -> list[JsonValue]:
        found: list[JsonValue] = []
        if isinstance(nodes, Node | str):
            message = f"{key} must be a list of handles, not one" if isinstance(nodes, Node) else None
            self._problem(name, key, message or f"{nodes!r} is no list of handles", f"{key}=[...]")
            return found
        for i, node in enumerate(nodes):
            if isinstance(node, Node):
                found.append(
                    node.optional().reference if is_optional and node.name != SOURCE else node.reference
                )
            else:
                shown = f"{node!r:.{_SHOWN_MAX}}"
                hint = "pass what .extract(...), .stage(...) or .source gave"
                self._problem(name, f"{key}[{i}]", f"{shown} is no handle of a stage", hint)
        return found

    def _config(self, name: str, instructions: str | Path | None, output: object = None) -> JsonObject:
        """`with:` of a stage that asks a model."""
        config: JsonObject = {}
        if isinstance(instructions, Path):
            text = self._read(instructions)
            if isinstance(text, Problem):
                self._problem(name, "with.instructions", text.message, text.hint)
            config["instructions"] = "" if isinstance(text, Problem) else text
        elif instructions is not None:
            config["instructions"] = instructions
        if output is not None:
            config["schema"] = self._schema(name, output)
        return config

    def _read(self, path: Path) -> str | Problem:
        if not path.is_absolute():
            hint = f'Path(__file__).with_name("{path.name}"), which is found wherever the program is started'
            return Problem("", f"{str(path)!r} is not absolute", hint)
        return instructions_text(path, str(path))

    def _schema(self, name: str, output: object) -> JsonObject:
        if isinstance(output, Mapping):
            return {str(key): value for key, value in output.items()}  # pyright: ignore[reportUnknownVariableType, reportUnknownArgumentType] - the check reads it
        try:
            return schema_of(output)
        except UsageError as error:
            self._problem(name, "with.schema", error.message, _OUTPUT_HINT)
            return {"type": "object", "properties": {}}

    def _plain(self, name: str, key: str, value: Any) -> JsonValue:
        """A value of an option as the check reads it."""
        if isinstance(value, Mapping):
            return {str(key): item for key, item in value.items()}  # pyright: ignore[reportUnknownVariableType, reportUnknownArgumentType] - the check reads it
        if isinstance(value, str | int | float | list):
            return value  # pyright: ignore[reportUnknownVariableType] - the check reads it
        if key in STAGE_KEYS:
            shown = f"{value!r:.{_SHOWN_MAX}}"
            self._problem(
                name, key, f"{shown} cannot stand in a document", "pipelines are data: text and numbers"
            )
        return None

    def _problem(self, stage: str, key: str, message: str, hint: str | None) -> None:
        self._problems.append(Problem(f"stages.{stage}.{key}", message, hint))
