"""One stage of a pipeline as frozen data: what it does, what it reads, when it starts and what its failure means.

Part of `definition`. Invariant: `from_json(to_json())` is the same stage, and what has no number by default is written only
where it was said, so that documents of before a word keep their hashes.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Self

from pydantic import JsonValue

from tegu.domain.json import JsonObject
from tegu.pipeline.flow import (
    ALL,
    CONTINUE,
    FAIL,
    ITEM,
    EachSpec,
    Join,
    retries_from_json,
    retries_to_json,
)

SOURCE = "source"
RESERVED_NAMES = frozenset({SOURCE, ITEM, "run", "content", "thread"})
NO_STAGES = frozenset({SOURCE, ITEM})
"""Inputs that come from no stage."""
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
    that may be absent: skipped, failed or cancelled. `result=None` hides the output.

    `join` says when it starts (see `plan`), `else_of` the stages whose conditions must be false, `on_failure` what its
    failure means (`fail`, `continue`, or the stage that handles it), `cancels` which stages end when it starts.
    `retries` counts attempts after the first, `retries_by_code` those after failures of one error code. `timeout_s` is
    for one attempt, `deadline_s` for all of them with their waits. With `each` it runs once per item of a list, which is
    among its inputs as `item`.
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
    join: Join = ALL
    else_of: tuple[str, ...] = ()
    on_failure: str = FAIL
    cancels: tuple[str, ...] = ()
    retries_by_code: Mapping[str, int] = field(default_factory=dict[str, int])
    deadline_s: float | None = None
    each: EachSpec | None = None

    @property
    def upstream(self) -> tuple[str, ...]:
        """The stages that this one waits for, each once, in the order written; last the one whose list it maps over."""
        names = dict.fromkeys((*self.inputs, *self.needs))
        names.pop(SOURCE, None)
        if self.each is not None:
            names.pop(ITEM, None)
            if self.each.root not in RESERVED_NAMES:
                names[self.each.root] = None
        return tuple(names)

    @property
    def handler(self) -> str | None:
        """The stage that handles its failure, if one does."""
        return None if self.on_failure in {FAIL, CONTINUE} else self.on_failure

    def retries_after(self, code: str) -> int:
        """How many further attempts a failure of this error code is given."""
        return self.retries_by_code.get(code, self.retries)

    def to_json(self) -> JsonObject:
        """The stage's entry in a document, normalized."""
        entry: JsonObject = {"uses": self.uses, "with": self.config, "inputs": self.references()}
        if self.needs:
            entry["needs"] = self._written(self.needs)
        if self.when is not None:
            entry["when"] = self.when
        entry["retries"] = retries_to_json(self.retries, self.retries_by_code)
        entry["timeout_s"] = float(self.timeout_s)
        entry.update(self._flow())
        if self.model is not None:
            entry["model"] = self.model
        if self.result is None:
            entry["result"] = False
        elif self.result != ResultSpec():
            spec = {"type": self.result.type, "each": self.result.each, "key": self.result.key}
            entry["result"] = {name: value for name, value in spec.items() if value is not None}
        return entry

    def _flow(self) -> JsonObject:
        """What takes part in the hash only where it was said."""
        said: JsonObject = {}
        if self.join != ALL:
            said["join"] = self.join
        if self.else_of:
            said["else_of"] = [*self.else_of]
        if self.on_failure != FAIL:
            said["on_failure"] = self.on_failure
        if self.cancels:
            said["cancels"] = [*self.cancels]
        if self.deadline_s is not None:
            said["deadline_s"] = float(self.deadline_s)
        if self.each is not None:
            said["each"] = self.each.to_json()
        return said

    @classmethod
    def from_json(cls, name: str, entry: JsonObject) -> Self:
        """The inverse of `to_json`, for entries that were checked when they were stored."""
        inputs = _strings(entry.get("inputs", [SOURCE]))
        needs = _strings(entry.get("needs", []))
        optional = frozenset(text[:-1] for text in (*inputs, *needs) if text.endswith("?"))
        config = entry.get("with")
        retries, retries_by_code = retries_from_json(entry.get("retries"), RETRIES)
        join = entry.get("join")
        return cls(
            name=name,
            uses=str(entry["uses"]),
            config=config if isinstance(config, dict) else {},
            inputs=tuple(text.removesuffix("?") for text in inputs),
            optional_inputs=optional,
            needs=tuple(text.removesuffix("?") for text in needs),
            when=text_in(entry.get("when")),
            retries=retries,
            timeout_s=number_in(entry.get("timeout_s")) or TIMEOUT_S,
            model=text_in(entry.get("model")),
            result=_result(entry.get("result")),
            join=join if isinstance(join, str | int) else ALL,
            else_of=tuple(_strings(entry.get("else_of"))),
            on_failure=text_in(entry.get("on_failure")) or FAIL,
            cancels=tuple(_strings(entry.get("cancels"))),
            retries_by_code=retries_by_code,
            deadline_s=number_in(entry.get("deadline_s")),
            each=EachSpec.from_json(entry.get("each")),
        )

    def references(self) -> list[JsonValue]:
        """`inputs` as documents write them."""
        return self._written(self.inputs)

    def _written(self, names: tuple[str, ...]) -> list[JsonValue]:
        return [f"{name}?" if name in self.optional_inputs else name for name in names]


def _strings(value: JsonValue) -> list[str]:
    return [str(item) for item in value] if isinstance(value, list) else []


def text_in(value: JsonValue) -> str | None:
    """The text of a stored document, if it is one."""
    return value if isinstance(value, str) else None


def number_in(value: JsonValue) -> float | None:
    """The number of a stored document, if it is one."""
    return float(value) if isinstance(value, int | float) else None


def _result(value: JsonValue) -> ResultSpec | None:
    if value is False:
        return None
    if not isinstance(value, dict):
        return ResultSpec()
    return ResultSpec(text_in(value.get("type")), text_in(value.get("each")), text_in(value.get("key")))
