"""A pipeline as frozen data: its stages, how they are wired, and the hash that names the version.

Made by `document` and `builder`, walked by `plan`, stored by storage. Invariant: definitions that mean the same have
the same hash, whoever wrote them and in whatever order the stages stand; numbers that have a default are part of it,
so that a later change of a default does not change what an old version means.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Self

from pydantic import JsonValue

from tegu.domain.content import InputKind
from tegu.domain.errors import DefinitionError, Problem
from tegu.domain.json import JsonObject, json_hash

FORMAT_VERSION = 1
SOURCE = "source"
RESERVED_NAMES = frozenset({SOURCE, "run", "content", "thread"})
PYTHON_KIND = "python"
MODEL_KINDS = frozenset({"extract", "classify", "summarize", "prompt"})
"""Kinds that ask a model and run no code but ours."""
RETRIES = 2
TIMEOUT_S = 120.0


@dataclass(frozen=True, slots=True)
class ResultSpec:
    """How a stage's output becomes results: their type (the stage's name by default), the list in the output to
    split by (`each`), and the field of an item that tells it from the others (`key`).
    """

    type: str | None = None
    each: str | None = None
    key: str | None = None


@dataclass(frozen=True, slots=True)
class StageDefinition:
    """One stage. `inputs` are data and imply the edge, `needs` is order only; `optional_inputs` names those of both
    that may be skipped or failed. `retries` counts attempts after the first. `result=None` hides the output.
    """

    name: str
    uses: str
    config: JsonObject = field(default_factory=JsonObject)
    inputs: tuple[str, ...] = (SOURCE,)
    optional_inputs: frozenset[str] = frozenset()
    needs: tuple[str, ...] = ()
    when: str | None = None
    retries: int = RETRIES
    timeout_s: float = TIMEOUT_S
    model: str | None = None
    result: ResultSpec | None = field(default_factory=ResultSpec)

    @property
    def upstream(self) -> tuple[str, ...]:
        """The stages that this one waits for, each once, in the order written."""
        return tuple(dict.fromkeys(name for name in (*self.inputs, *self.needs) if name != SOURCE))

    def to_json(self) -> JsonObject:
        """The stage's entry in a document, normalised."""
        entry: JsonObject = {"uses": self.uses, "with": self.config, "inputs": self._references(self.inputs)}
        if self.needs:
            entry["needs"] = self._references(self.needs)
        if self.when is not None:
            entry["when"] = self.when
        entry["retries"] = self.retries
        entry["timeout_s"] = float(self.timeout_s)
        if self.model is not None:
            entry["model"] = self.model
        if self.result is None:
            entry["result"] = False
        elif self.result != ResultSpec():
            spec = {"type": self.result.type, "each": self.result.each, "key": self.result.key}
            entry["result"] = {name: value for name, value in spec.items() if value is not None}
        return entry

    @classmethod
    def from_json(cls, name: str, entry: JsonObject) -> Self:
        """The inverse of `to_json`, for entries that were checked when they were stored."""
        inputs = _strings(entry.get("inputs", [SOURCE]))
        needs = _strings(entry.get("needs", []))
        optional = frozenset(text[:-1] for text in (*inputs, *needs) if text.endswith("?"))
        config, retries, timeout_s = entry.get("with"), entry.get("retries"), entry.get("timeout_s")
        return cls(
            name=name,
            uses=str(entry["uses"]),
            config=config if isinstance(config, dict) else {},
            inputs=tuple(text.removesuffix("?") for text in inputs),
            optional_inputs=optional,
            needs=tuple(text.removesuffix("?") for text in needs),
            when=_text(entry.get("when")),
            retries=retries if isinstance(retries, int) else RETRIES,
            timeout_s=float(timeout_s) if isinstance(timeout_s, int | float) else TIMEOUT_S,
            model=_text(entry.get("model")),
            result=_result(entry.get("result")),
        )

    def _references(self, names: tuple[str, ...]) -> list[JsonValue]:
        return [f"{name}?" if name in self.optional_inputs else name for name in names]


@dataclass(frozen=True, slots=True)
class PipelineDefinition:
    """A pipeline version. `hash` is its name in the store."""

    name: str
    input: InputKind
    stages: tuple[StageDefinition, ...]
    model: str | None = None
    description: str | None = None
    hash: str = field(init=False, compare=False, repr=False)
    _by_name: Mapping[str, StageDefinition] = field(init=False, compare=False, repr=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_by_name", {stage.name: stage for stage in self.stages})
        object.__setattr__(self, "hash", json_hash(self.to_json()))

    def __hash__(self) -> int:
        return hash(self.hash)

    def stage(self, name: str) -> StageDefinition:
        """The stage of that name. Raises KeyError."""
        return self._by_name[name]

    def __contains__(self, name: object) -> bool:
        return name in self._by_name

    def roots(self) -> tuple[str, ...]:
        """The stages that wait for no other."""
        return tuple(stage.name for stage in self.stages if not stage.upstream)

    def after(self, stage_name: str) -> tuple[str, ...]:
        """The stages that wait for this one directly."""
        return tuple(stage.name for stage in self.stages if stage_name in stage.upstream)

    def order(self) -> tuple[str, ...]:
        """All stages, each after what it waits for, otherwise as written.

        Raises DefinitionError where one waits for itself or for a stage that does not exist.
        """
        waits = {stage.name: len(stage.upstream) for stage in self.stages}
        successors: dict[str, list[str]] = {stage.name: [] for stage in self.stages}
        for stage in self.stages:
            for name in stage.upstream:
                successors.setdefault(name, []).append(stage.name)
        ordered = [name for name, count in waits.items() if not count]
        for name in ordered:
            for successor in successors[name]:
                waits[successor] -= 1
                if not waits[successor]:
                    ordered.append(successor)
        stuck = [name for name, count in waits.items() if count]
        if stuck:
            place, message = f"stages.{stuck[0]}", "waits for itself or for a stage that does not exist"
            raise DefinitionError((Problem(place, message),), source=f"pipeline {self.name!r}")
        return tuple(ordered)

    def python_stages(self) -> frozenset[str]:
        """The Python functions that a worker must have in these versions: `refund_request@1`."""
        return frozenset(
            str(stage.config.get("function")) for stage in self.stages if stage.uses == PYTHON_KIND
        )

    def to_json(self) -> JsonObject:
        """The normalised document: what is stored and hashed. It is a valid document itself."""
        document: JsonObject = {"tegu": FORMAT_VERSION, "name": self.name}
        if self.description is not None:
            document["description"] = self.description
        document["input"] = self.input.value
        if self.model is not None:
            document["model"] = self.model
        document["stages"] = {stage.name: stage.to_json() for stage in self.stages}
        return document

    @classmethod
    def from_json(cls, document: JsonObject) -> Self:
        """The inverse of `to_json`, for documents that were checked when they were stored."""
        stages = document["stages"]
        assert isinstance(stages, dict)
        return cls(
            name=str(document["name"]),
            input=InputKind(str(document["input"])),
            stages=tuple(
                StageDefinition.from_json(name, entry)
                for name, entry in stages.items()
                if isinstance(entry, dict)
            ),
            model=_text(document.get("model")),
            description=_text(document.get("description")),
        )


def _strings(value: JsonValue) -> list[str]:
    return [str(item) for item in value] if isinstance(value, list) else []


def _text(value: JsonValue) -> str | None:
    return value if isinstance(value, str) else None


def _result(value: JsonValue) -> ResultSpec | None:
    if value is False:
        return None
    if not isinstance(value, dict):
        return ResultSpec()
    return ResultSpec(_text(value.get("type")), _text(value.get("each")), _text(value.get("key")))
