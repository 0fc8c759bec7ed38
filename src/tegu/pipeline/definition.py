"""A pipeline as frozen data: its stages, how they are wired, and the hash that names the version.

Made by `document` and `builder`, walked by `plan`, stored by storage. Invariant: definitions that mean the same have
the same hash, whoever wrote them and in whatever order the stages stand; numbers that have a default are part of it,
so that a later change of a default does not change what an old version means.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Self

from tegu.domain.content import InputKind
from tegu.domain.errors import DefinitionError, Problem
from tegu.domain.json import JsonObject, json_hash
from tegu.pipeline.stage_definition import (
    MODEL_KINDS,
    PYTHON_KIND,
    RESERVED_NAMES,
    RETRIES,
    SOURCE,
    TIMEOUT_S,
    ResultSpec,
    StageDefinition,
    number_in,
    text_in,
)

__all__ = [
    "FORMAT_VERSION",
    "MODEL_KINDS",
    "PYTHON_KIND",
    "RESERVED_NAMES",
    "RETRIES",
    "SOURCE",
    "TIMEOUT_S",
    "PipelineDefinition",
    "ResultSpec",
    "StageDefinition",
]

FORMAT_VERSION = 1


@dataclass(frozen=True, slots=True)
class PipelineDefinition:
    """A pipeline version. `hash` is its name in the store.

    `deadline_s` is for a whole run; `priority` is a run's where it is not started with one; `output` names the stage
    whose output is that of the pipeline where another one nests it (None: an object of all outputs by stage).
    """

    name: str
    input: InputKind
    stages: tuple[StageDefinition, ...]
    model: str | None = None
    description: str | None = None
    deadline_s: float | None = None
    priority: int | None = None
    output: str | None = None
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

    def handled_by(self) -> dict[str, tuple[str, ...]]:
        """The stages whose failures a stage handles, by the handler."""
        found: dict[str, list[str]] = {}
        for stage in self.stages:
            if stage.handler is not None:
                found.setdefault(stage.handler, []).append(stage.name)
        return {name: tuple(handled) for name, handled in found.items()}

    def others_of(self, stage: StageDefinition) -> tuple[str, ...]:
        """The stages whose conditions must be false for an else-branch: those it names, and what these are the else of."""
        found = dict.fromkeys(stage.else_of)
        left = [*found]
        for name in left:  # which grows while it is walked
            further = self._by_name[name].else_of if name in self._by_name else ()
            left.extend(each for each in further if each not in found)
            found.update(dict.fromkeys(further))
        return tuple(found)

    def waits(self) -> dict[str, tuple[str, ...]]:
        """What each stage waits for: its upstream, what the stages wait for that it is the else of, and the stages
        whose failures it handles.
        """
        handled = self.handled_by()
        return {
            stage.name: tuple(
                dict.fromkeys(
                    (*stage.upstream, *self._upstream_of_others(stage), *handled.get(stage.name, ()))
                )
            )
            for stage in self.stages
        }

    def _upstream_of_others(self, stage: StageDefinition) -> tuple[str, ...]:
        others = (self._by_name[name] for name in self.others_of(stage) if name in self._by_name)
        return tuple(upstream for other in others for upstream in other.upstream)

    def roots(self) -> tuple[str, ...]:
        """The stages that wait for no other."""
        return tuple(name for name, waits in self.waits().items() if not waits)

    def after(self, stage_name: str) -> tuple[str, ...]:
        """The stages that wait for this one directly."""
        return tuple(name for name, waits in self.waits().items() if stage_name in waits)

    def order(self) -> tuple[str, ...]:
        """All stages, each after what it waits for, otherwise as written.

        Raises DefinitionError where one waits for itself or for a stage that does not exist.
        """
        upstreams = self.waits()
        waits = {name: len(upstream) for name, upstream in upstreams.items()}
        successors: dict[str, list[str]] = {stage.name: [] for stage in self.stages}
        for stage, upstream in upstreams.items():
            for name in upstream:
                successors.setdefault(name, []).append(stage)
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
        """The normalized document: what is stored and hashed. It is a valid document itself."""
        document: JsonObject = {"tegu": FORMAT_VERSION, "name": self.name}
        if self.description is not None:
            document["description"] = self.description
        document["input"] = self.input.value
        if self.model is not None:
            document["model"] = self.model
        if self.deadline_s is not None:
            document["deadline_s"] = float(self.deadline_s)
        if self.priority is not None:
            document["priority"] = self.priority
        if self.output is not None:
            document["output"] = self.output
        document["stages"] = {stage.name: stage.to_json() for stage in self.stages}
        return document

    @classmethod
    def from_json(cls, document: JsonObject) -> Self:
        """The inverse of `to_json`, for documents that were checked when they were stored."""
        stages, priority = document["stages"], document.get("priority")
        assert isinstance(stages, dict)
        return cls(
            name=str(document["name"]),
            input=InputKind(str(document["input"])),
            stages=tuple(
                StageDefinition.from_json(name, entry)
                for name, entry in stages.items()
                if isinstance(entry, dict)
            ),
            model=text_in(document.get("model")),
            description=text_in(document.get("description")),
            deadline_s=number_in(document.get("deadline_s")),
            priority=priority if isinstance(priority, int) else None,
            output=text_in(document.get("output")),
        )
