"""What a stage run is going to depend on, known before it is performed.

Called by the performer for every attempt. Invariants: everything that can change the output is a component, and nothing
else is: not the worker, the time, the attempt, or the order in which keys were written; the model is the one that will be
asked, what an alias stands for now, and never the one that happened to answer.

    kind           name and code version of the kind
    function       name@version of a Python stage
    configuration  `with:` without what has a component of its own
    instructions   what the author tells the model
    settings       max_tokens, temperature, output_mode
    schema         the shape of the output
    model          the models that are asked in turn; the embedded rules with the version of what they know
    prompt         the version of the code that builds requests
    result         how the output becomes results
    input:NAME     one for each input: the text, or the output of another stage
"""

from collections.abc import Mapping

from pydantic import JsonValue

from tegu.domain.call import RULES, RULES_VERSION
from tegu.domain.errors import ConfigurationError
from tegu.domain.fingerprint import INPUT, digest, fingerprint_text
from tegu.llm.protocol import ModelRef
from tegu.pipeline.definition import MODEL_KINDS, PYTHON_KIND, StageDefinition
from tegu.pipeline.slices import split_name
from tegu.pipeline.task import StageTask
from tegu.stages.context import StageLlm
from tegu.stages.inputs import StageInput, TextInput, facts_of
from tegu.stages.kind import StageKind
from tegu.stages.parts import PROMPT_VERSION, stable_json

ASKING_KINDS = MODEL_KINDS | {PYTHON_KIND}
"""Kinds whose output depends on the model that is configured. A Python stage may ask one; nobody can see that it will not."""
ACTING_KINDS = frozenset({"review", "wait", "http", "webhook", "pipeline", "loop"})
"""Kinds whose output is what the world, a person or another run said at the time: equal inputs promise no equal output, so it
is never taken from an earlier run. The runs below `pipeline` and `loop` use theirs again, stage by stage.
"""
_SETTINGS = ("max_tokens", "temperature", "output_mode")
_REMEMBERED_MAX = 2000


class Fingerprints:
    """Makes fingerprints, and remembers of each stage of a version what does not depend on a run."""

    def __init__(self) -> None:
        self._fixed: dict[tuple[str, str], Mapping[str, str]] = {}

    async def of(
        self, kind: StageKind, task: StageTask, llm: StageLlm, inputs: tuple[StageInput, ...]
    ) -> str:
        """The fingerprint of a stage run."""
        components = dict(self._fixed_of(kind, task))
        if kind.name in ASKING_KINDS:
            components["model"] = await _model(llm)
        for item in inputs:
            components[f"{INPUT}{item.name}"] = _input(item, kind)
        return fingerprint_text(components)

    def _fixed_of(self, kind: StageKind, task: StageTask) -> Mapping[str, str]:
        key = (task.definition.hash, split_name(task.stage.name)[0])
        found = self._fixed.get(key)
        if found is None:
            while len(self._fixed) >= _REMEMBERED_MAX:
                del self._fixed[next(iter(self._fixed))]
            found = self._fixed[key] = fixed_components(kind, task.stage)
        return found


def is_reusable(stage: StageDefinition) -> bool:
    """Whether an earlier output may stand for what the stage would come to. Of a mapped stage its items are, one by one."""
    return stage.uses not in ACTING_KINDS and (stage.each is None or bool(split_name(stage.name)[1]))


def fixed_components(kind: StageKind, stage: StageDefinition) -> Mapping[str, str]:
    """Those that do not depend on a run."""
    rest = dict(stage.config)
    components = {"kind": f"{kind.name}@{kind.version}", "schema": _digest(kind.output_schema(stage.config))}
    if kind.name == PYTHON_KIND:
        components["function"] = str(rest.pop("function", ""))
    if kind.name in MODEL_KINDS:
        components["instructions"] = _digest(rest.pop("instructions", ""))
        components["settings"] = _digest({name: rest.pop(name) for name in _SETTINGS if name in rest})
        rest.pop("schema", None)
    if kind.name in ASKING_KINDS:
        components["prompt"] = str(PROMPT_VERSION)
    components["configuration"] = _digest(rest)
    components["result"] = _result(stage)
    return components


def _result(stage: StageDefinition) -> str:
    if stage.result is None:
        return _digest(False)
    return _digest([stage.result.type or split_name(stage.name)[0], stage.result.each, stage.result.key])


async def _model(llm: StageLlm) -> str:
    """The models in the order in which they are asked; nothing where none can be, which the stage then says itself."""
    try:
        chain = await llm.chain()
    except ConfigurationError:
        return ""
    return ", ".join(_named(ref) for ref in chain)


def _named(ref: ModelRef) -> str:
    return f"{ref}@{RULES_VERSION}" if ref.provider == RULES else str(ref)


def _input(item: StageInput, kind: StageKind) -> str:
    if not isinstance(item, TextInput):
        return _digest(item.value)
    if kind.name == PYTHON_KIND and item.output is not None:
        return _digest([item.hash, item.output])
    return _digest([item.hash, facts_of(item.output)] if item.is_repeated else item.hash)


def _digest(value: JsonValue) -> str:
    return digest(stable_json(value))
